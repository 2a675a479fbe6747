//! `restart_name_servers`: name servers take a new image, new resources or other settings, one at a time.
//!
//! The invariant that it keeps: while one is away, every other one lists every broker that it listed.

use midships_client_kubernetes::{self as kubernetes, DataVolume};
use midships_engine::step::{Limits, Operation, Planning, Problem, Seen, Unanswered};

use crate::desired::{Desired, Phase};
use crate::fixed::is_encryption_changing;
use crate::steps::{NameServerRenewal, RocketmqStep, key_values, set_is_newer};
use crate::survey::{self, unanswering};
use crate::version;
use crate::view::{View, ask_name_server, ask_pods, ask_stateful_sets};
use crate::vocabulary::{Answer, Query};

/// The operation, for one release and one phase.
#[derive(Clone, Debug)]
pub struct RestartNameServers {
    desired: Desired,
    phase: Phase,
}

impl RestartNameServers {
    /// Brings the name servers of a release to the template that it has.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    fn set<'a>(&self, sets: &'a [kubernetes::StatefulSet]) -> Option<&'a kubernetes::StatefulSet> {
        let name = self.desired.name_server_set();
        sets.iter().find(|set| set.name == name)
    }

    /// Refuses what must not be, before Helm has changed anything.
    fn plan_before(&self, view: View<'_>) -> Planning<RocketmqStep> {
        let sets = match view.stateful_sets(&self.desired.full_name) {
            Ok(sets) => sets,
            Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
        };
        if sets.is_empty() {
            return survey::nothing_stands();
        }
        let Some(set) = self.set(sets).filter(|set| self.changes(set)) else {
            return Planning::Nothing {
                why: "the pods of name servers stay as they are".to_owned(),
            };
        };
        let tag = &self.desired.name_server_tag;
        for pod in &self.desired.own_name_servers {
            let address = self.desired.own_address(pod);
            if !version::is_tagged(&set.image, tag)
                && let Ok(running) = view.name_server_version(&address)
                && let Err(problem) = version::check(
                    &format!("name server {pod}"),
                    "nameServers.image.tag",
                    running,
                    tag,
                )
            {
                return Planning::Refused(problem);
            }
        }
        if let Some(planning) = self.check_only_copy(view, set) {
            return planning;
        }
        Planning::Nothing {
            why: format!(
                "{} name servers can be restarted one at a time after the upgrade",
                self.desired.own_name_servers.len()
            ),
        }
    }

    /// Whether Helm's next step changes the pods of a StatefulSet.
    fn changes(&self, set: &kubernetes::StatefulSet) -> bool {
        set.template != self.desired.name_server_template
    }

    /// Refuses to lose what only one name server holds.
    fn check_only_copy(
        &self,
        view: View<'_>,
        set: &kubernetes::StatefulSet,
    ) -> Option<Planning<RocketmqStep>> {
        let [pod] = self.desired.own_name_servers.as_slice() else {
            return None;
        };
        if set.data != DataVolume::EmptyDir {
            return None;
        }
        let address = self.desired.own_address(pod);
        for namespace in &self.desired.key_value_namespaces {
            match view.key_values(&address, namespace) {
                Ok(held) if held.is_empty() => {}
                Ok(held) => {
                    return Some(Planning::Refused(Problem {
                        object: format!("name server {pod}"),
                        why: format!(
                            "it has to be restarted, nobody else holds its {} keys of the key-value configuration \
                             {namespace}, and with `nameServers.storage.mode: EmptyDir` they would go with its pod",
                            held.len()
                        ),
                        remedy: "set `nameServers.count: 2` in an upgrade of its own first"
                            .to_owned(),
                    }));
                }
                Err(unanswered) => return Some(unanswering(&unanswered.object, &unanswered.why)),
            }
        }
        None
    }

    fn plan_after(&self, view: View<'_>) -> Planning<RocketmqStep> {
        let cluster = &self.desired.full_name;
        let (sets, pods) = match view.sets_and_pods(cluster) {
            Ok(found) => found,
            Err(unanswered) => return unanswering(&unanswered.object, &unanswered.why),
        };
        let nothing = |why: &str| Planning::Nothing {
            why: why.to_owned(),
        };
        if self.desired.own_name_servers.is_empty() {
            return nothing("this release has no name servers of its own");
        }
        if self.follows_brokers(pods) {
            return nothing("brokers speak TLS to name servers: they are restarted before");
        }
        match self.steps(sets, pods) {
            Ok(steps) if steps.is_empty() => nothing("every name server is of the newest template"),
            Ok(steps) => Planning::Steps(steps),
            Err(unanswered) => unanswering(&unanswered.object, &unanswered.why),
        }
    }

    /// Whether brokers have to be restarted first: those that speak TLS do not reach a name server without a certificate,
    /// and name servers that still have one take what is not encrypted.
    pub(crate) fn follows_brokers(&self, pods: &[kubernetes::Pod]) -> bool {
        !self.desired.encrypted && is_encryption_changing(&self.desired, pods)
    }

    /// A step for each name server whose pod is of an older template.
    pub(crate) fn steps(
        &self,
        sets: &[kubernetes::StatefulSet],
        pods: &[kubernetes::Pod],
    ) -> Result<Vec<RocketmqStep>, Unanswered> {
        let mut steps = Vec::new();
        if self.desired.own_name_servers.is_empty() {
            return Ok(steps);
        }
        let set = self.set(sets).ok_or_else(|| Unanswered {
            object: self.desired.name_server_set(),
            why: "does not exist yet".to_owned(),
        })?;
        for name in &self.desired.own_name_servers {
            // One that is being made is made of the newest template.
            let Some(pod) = pods.iter().find(|pod| pod.name == *name) else {
                continue;
            };
            if set_is_newer(pod, &set.name, sets)? {
                steps.push(RocketmqStep::NameServerRestarted {
                    renewal: self.renewal(name, set),
                });
            }
        }
        Ok(steps)
    }

    fn renewal(&self, pod: &str, set: &kubernetes::StatefulSet) -> NameServerRenewal {
        let address = self.desired.own_address(pod);
        let others = self.desired.name_servers.iter();
        NameServerRenewal {
            cluster: self.desired.full_name.clone(),
            pod: pod.to_owned(),
            stateful_set: set.name.clone(),
            others: others.filter(|other| **other != address).cloned().collect(),
            address,
            brokers: self.desired.lasting_brokers(),
            key_value_namespaces: self.desired.key_value_namespaces.clone(),
            ephemeral: set.data == DataVolume::EmptyDir,
        }
    }
}

impl Operation for RestartNameServers {
    type Step = RocketmqStep;

    fn name(&self) -> &'static str {
        "restart_name_servers"
    }

    fn phase(&self) -> &'static str {
        self.phase.as_str()
    }

    fn fingerprint(&self) -> String {
        self.desired.digest.clone()
    }

    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn observe(&self, seen: &Seen<Query, Answer>) -> Vec<Query> {
        let view = View::new(seen);
        let cluster = &self.desired.full_name;
        let mut wanted = vec![ask_stateful_sets(cluster), ask_pods(cluster)];
        let changes = view
            .stateful_sets(cluster)
            .is_ok_and(|sets| self.set(sets).is_some_and(|set| self.changes(set)));
        if self.phase == Phase::Before && changes {
            for pod in &self.desired.own_name_servers {
                let address = self.desired.own_address(pod);
                wanted.extend(ask_name_server(&address));
                let held = key_values::queries(&address, &self.desired.key_value_namespaces);
                wanted.extend(held);
            }
        }
        view.unasked(wanted)
    }

    fn plan(&self, seen: &Seen<Query, Answer>) -> Planning<RocketmqStep> {
        let view = View::new(seen);
        match self.phase {
            Phase::Before => self.plan_before(view),
            Phase::After => self.plan_after(view),
        }
    }
}
