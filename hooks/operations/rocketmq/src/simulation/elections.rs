//! Elections of the simulated cluster: who is the master of a group, and what is lost by it.

use std::collections::BTreeSet;

use midships_client_rocketmq::{ElectedBroker, Election, Elections, Reply, Request};

use super::{Cluster, FETCHED, SECOND, SimulatedBroker, State};
use crate::desired::Broker;
use crate::view::READ_ONLY;

impl SimulatedBroker {
    /// The id that controllers grant it: its number in its group, from 1.
    pub(super) fn granted(&self) -> i64 {
        let set = self.identity.stateful_set();
        let number = set
            .rsplit('-')
            .next()
            .and_then(|number| number.parse().ok());
        number.map_or(-1, |number: i64| number + 1)
    }

    fn is_up_in(&self, group: &str) -> bool {
        self.identity.name == group && self.state == State::Up
    }
}

impl Cluster {
    /// Has every group elect whose master is away, if masters are elected.
    pub(super) fn elect_missing(&mut self) {
        if !self.desired.is_elected() {
            return;
        }
        let names = self
            .brokers
            .iter()
            .map(|broker| broker.identity.name.clone());
        for group in names.collect::<BTreeSet<_>>() {
            let has_master = self
                .brokers
                .iter()
                .any(|broker| broker.is_up_in(&group) && broker.identity.is_master());
            if has_master {
                continue;
            }
            let of_group = self.brokers.iter().filter(|broker| broker.is_up_in(&group));
            // Of those that have as much, the one with the lowest id.
            let best = of_group.max_by_key(|broker| (broker.stored, -broker.granted()));
            if let Some(pod) = best.map(|broker| broker.identity.pod.clone()) {
                self.elect(&group, &pod);
            }
        }
    }

    /// Has a broker be the master of its group.
    #[must_use]
    pub fn with_elected(mut self, pod: &str) -> Self {
        let end = self.brokers.iter().map(|broker| broker.stored).max();
        let group = self.at(pod).map(|broker| {
            broker.stored = end.unwrap_or_default();
            broker.identity.name.clone()
        });
        self.elect(&group.unwrap_or_default(), pod);
        self
    }

    /// Has controllers remember a broker that is gone.
    #[must_use]
    pub fn with_remembered(mut self, broker: &Broker, id: i64) -> Self {
        let gone = ElectedBroker {
            id,
            address: broker.address.clone(),
            ..ElectedBroker::default()
        };
        let of_group = self.remembered.entry(broker.name.clone()).or_default();
        of_group.push(gone);
        self
    }

    /// Makes a broker the master of its group.
    fn elect(&mut self, group: &str, pod: &str) {
        let now = self.now;
        let old = self
            .brokers
            .iter_mut()
            .find(|broker| broker.identity.name == group && broker.identity.is_master());
        let inherited = old.map(|old| {
            old.identity.id = Some(old.granted());
            (
                old.metadata.clone(),
                old.queues.clone(),
                old.stored,
                old.waits_for_all,
            )
        });
        for server in self.name_servers.values_mut() {
            server.live.retain(|(name, _), _| name != group);
        }
        let mut lost = None;
        if let Some(new) = self.at(pod) {
            new.identity.id = Some(0);
            if let Some((metadata, queues, stored, waits_for_all)) = inherited {
                (new.metadata, new.queues) = (metadata, queues);
                if !waits_for_all && new.stored < stored {
                    lost = Some(format!("{pod} was elected and lacks what was acknowledged"));
                }
                new.stored = new.stored.max(stored);
            }
        }
        self.breach = self.breach.take().or(lost);
        for broker in &self.brokers {
            if broker.is_up_in(group) {
                broker.report(now, &mut self.name_servers);
            }
        }
    }

    /// What a controller answers.
    pub(super) fn serve_elections(&mut self, address: &str, request: &Request) -> Option<Reply> {
        let leads = self
            .desired
            .controllers
            .first()
            .is_some_and(|first| first == address);
        match request {
            Request::Elections { .. } if !leads => Some(Reply::Elections(None)),
            Request::Elections { groups } => Some(Reply::Elections(Some(self.elections(groups)))),
            Request::ElectMaster { group, id, .. } if leads => {
                let elections = self.elections(&BTreeSet::from([group.clone()]));
                if elections.get(group)?.master == Some(*id) {
                    // Who is the master stays it, and nobody is told of an election.
                    return None;
                }
                self.breach = self.breach.take().or(self.haste(group));
                let in_sync = elections.get(group)?.in_sync.iter();
                let address = in_sync
                    .filter(|elected| elected.id == *id)
                    .map(|elected| &elected.address)
                    .next()?;
                let mut brokers = self.brokers.iter();
                let pod = brokers.find(|broker| broker.identity.address == *address)?;
                let pod = pod.identity.pod.clone();
                self.elect(group, &pod);
                Some(Reply::Accepted)
            }
            Request::ForgetBrokers { group, ids, .. } if leads => {
                let of_group = self.remembered.get_mut(group)?;
                of_group.retain(|gone| !ids.contains(&gone.id));
                if of_group.is_empty() {
                    self.remembered.remove(group);
                }
                Some(Reply::Accepted)
            }
            _ => None,
        }
    }

    /// What is wrong with a change of a group's master now, if anything.
    fn haste(&self, group: &str) -> Option<String> {
        let refresh = self.desired.route_refresh_seconds * SECOND;
        let master = self
            .brokers
            .iter()
            .find(|broker| broker.identity.name == group && broker.identity.is_master())?;
        let drained =
            master.permission == READ_ONLY && self.now >= master.permission_since + refresh;
        let drainable = self.brokers.iter().any(|other| {
            other.identity.is_master()
                && other.identity.name != group
                && master.metadata.is_within(&master.identity, &other.metadata)
        });
        (drainable && !drained).then(|| {
            format!(
                "master {} handed its group over while clients wrote to it",
                master.identity.pod
            )
        })
    }

    fn elections(&self, groups: &BTreeSet<String>) -> Elections {
        let of_group = |group: &String| {
            let members = || {
                self.brokers
                    .iter()
                    .filter(|broker| broker.identity.name == *group)
            };
            let master = members().find(|broker| broker.identity.is_master());
            let end = master.map_or(0, |master| master.stored);
            let mut election = Election {
                master: master.map(SimulatedBroker::granted),
                ..Election::default()
            };
            for member in members() {
                let elected = ElectedBroker {
                    id: member.granted(),
                    address: member.identity.address.clone(),
                    alive: member.state == State::Up,
                    ..ElectedBroker::default()
                };
                if member.state == State::Up && member.stored + FETCHED >= end {
                    election.in_sync.push(elected);
                } else {
                    election.not_in_sync.push(elected);
                }
            }
            let gone = self.remembered.get(group);
            election
                .not_in_sync
                .extend(gone.cloned().unwrap_or_default());
            let is_known = members().next().is_some() || gone.is_some();
            is_known.then(|| (group.clone(), election))
        };
        groups.iter().filter_map(of_group).collect()
    }
}
