//! Operations on groups whose masters are elected: who is one is seen first, and then all goes as where names tell it.

use std::collections::BTreeMap;

use midships_engine::step::{Limits, Operation, Planning, Problem, Seen};

use crate::desired::{Broker, Desired, Phase, without_one_master};
use crate::steps::RocketmqStep;
use crate::view::{View, ask_pods, ask_stateful_sets, settings_query};
use crate::vocabulary::{Answer, Query};

/// An operation on a release whose masters are elected.
pub struct Elected<O> {
    desired: Desired,
    make: fn(Desired, Phase) -> O,
    phase: Phase,
    /// The operation as long as nobody has looked.
    unseen: O,
}

impl<O: Operation<Step = RocketmqStep>> Elected<O> {
    /// The operation of a phase that is made of what is desired, once ids are in that.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase, make: fn(Desired, Phase) -> O) -> Self {
        let unseen = make(desired.clone(), phase);
        Self {
            desired,
            make,
            phase,
            unseen,
        }
    }

    /// The brokers that stand, also those that the desired release has no longer.
    fn standing(&self, view: View<'_>) -> Vec<Broker> {
        let cluster = &self.desired.full_name;
        let Ok((sets, pods)) = view.sets_and_pods(cluster) else {
            return Vec::new();
        };
        let of_sets = sets
            .iter()
            .filter_map(|set| self.desired.standing_broker(set));
        let of_pods = self.desired.brokers.iter().cloned();
        let found: BTreeMap<String, Broker> = of_sets
            .chain(of_pods)
            .filter(|broker| pods.iter().any(|pod| pod.name == broker.pod))
            .map(|broker| (broker.pod.clone(), broker))
            .collect();
        found.into_values().collect()
    }

    /// What is desired, with who is a master as it is seen now.
    fn desired(&self, view: View<'_>) -> Desired {
        self.desired.with_ids(view.ids(self.standing(view).iter()))
    }

    fn seen(&self, view: View<'_>) -> O {
        (self.make)(self.desired(view), self.phase)
    }
}

impl<O: Operation<Step = RocketmqStep>> Operation for Elected<O> {
    type Step = RocketmqStep;

    fn name(&self) -> &'static str {
        self.unseen.name()
    }

    fn phase(&self) -> &'static str {
        self.unseen.phase()
    }

    fn fingerprint(&self) -> String {
        self.unseen.fingerprint()
    }

    fn limits(&self) -> Limits {
        let usual = self.unseen.limits();
        Limits {
            // Who stands, and who of them is a master.
            rounds: usual.rounds + 2,
            ..usual
        }
    }

    fn observe(&self, seen: &Seen<Query, Answer>) -> Vec<Query> {
        let view = View::new(seen);
        let cluster = &self.desired.full_name;
        let mut wanted = vec![ask_stateful_sets(cluster), ask_pods(cluster)];
        wanted.extend(self.standing(view).iter().map(settings_query));
        let unasked = view.unasked(wanted);
        if unasked.is_empty() {
            self.seen(view).observe(seen)
        } else {
            unasked
        }
    }

    fn plan(&self, seen: &Seen<Query, Answer>) -> Planning<RocketmqStep> {
        let view = View::new(seen);
        // Before Helm has changed anything, what is not whole may be what the new values mend.
        if self.phase == Phase::After
            && let Some(group) = without_one_master(&self.desired(view).brokers.iter())
        {
            let why = "none of its brokers is the master, or more than one says so";
            return Planning::Wait {
                why: format!("group {group}: {why}"),
                otherwise: Problem {
                    object: format!("group {group}"),
                    why: why.to_owned(),
                    remedy: "look at its brokers and at the controllers: those that were in sync must come back, and more \
                             than half of the controllers must serve; then run the upgrade again"
                        .to_owned(),
                },
            };
        }
        self.seen(view).plan(seen)
    }
}
