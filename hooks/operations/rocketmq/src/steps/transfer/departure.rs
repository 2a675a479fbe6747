//! Subscription groups that leave masters with a topic, and with them their topics of messages that are tried again.
//!
//! A consumer is connected to every broker that a name server lists for its topic of messages that are tried again, and as
//! long as it is, the broker makes group and topic anew whenever the consumer says that it lives; and a broker that has a
//! topic tells the name servers of it every few seconds, whatever they forget. So such a broker is told to make no groups by
//! itself; then it loses both, and the name servers forget the topic; when every consumer has looked at the routes and has
//! turned away, the broker may make groups again. Meanwhile a group that is new there has to wait, for about a minute.

use std::collections::BTreeSet;

use midships_client_rocketmq::Request;
use midships_engine::step::{Memory, Progress, Unanswered, Verdict};
use midships_model::rocketmq_topic_transfer::Retried;

use super::{Judged, Observation, Transfer, ask_each, confirmed, deletion, retried_by_pop, routes};
use crate::desired::Broker;
use crate::lag;
use crate::metadata::{dead_letter_topic, retry_topic};
use crate::steps::{acting, set, since, tell, wait};
use crate::view::{BrokerSettings, View};
use crate::vocabulary::Query;

/// The broker's setting by which it makes a group when a consumer comes with one that it does not know. It can be set while it
/// runs.
pub(crate) const MAKES_GROUPS_SETTING: &str = "autoCreateSubscriptionGroup";

/// A group that leaves masters.
#[derive(Debug)]
pub(super) struct Departure<'a> {
    /// The group.
    pub(super) group: &'a str,
    /// The masters, all of one side.
    pub(super) masters: Vec<&'a Broker>,
    /// Those of them that lose the group, by their names.
    pub(super) group_leaves: BTreeSet<&'a str>,
    /// Those of them that lose its topics of messages that are tried again.
    pub(super) retry_leaves: BTreeSet<&'a str>,
    /// Whether they lose its messages that were given up.
    pub(super) dead_letters_leave: bool,
}

impl Departure<'_> {
    /// The topics that masters lose.
    fn topics(&self, transfer: &Transfer) -> Vec<String> {
        let [old, new] = retried_by_pop(self.group, &transfer.topic);
        let mut topics = vec![retry_topic(self.group), old, new];
        if self.dead_letters_leave {
            topics.push(dead_letter_topic(self.group));
        }
        topics
    }
}

/// What has to be known.
pub(super) fn queries(
    transfer: &Transfer,
    departures: &[Departure<'_>],
    view: View<'_>,
) -> Vec<Query> {
    let mut wanted = Vec::new();
    for departure in departures {
        let masters = || departure.masters.iter().copied();
        for request in [
            Request::BrokerConfiguration,
            Request::SubscriptionGroups,
            Request::TopicConfigurations,
            Request::ConsumerOffsets,
        ] {
            wanted.extend(ask_each(masters(), &request));
        }
        wanted.extend(ask_each(
            masters(),
            &Request::ConsumerConnections {
                group: departure.group.to_owned(),
            },
        ));
        for topic in departure.topics(transfer) {
            wanted.extend(routes::queries(transfer, &topic));
            let there = masters().filter(|master| {
                view.topic_configurations(&master.address)
                    .is_ok_and(|topics| topics.contains_key(&topic))
            });
            wanted.extend(ask_each(
                there,
                &Request::TopicStatistics {
                    topic: topic.clone(),
                },
            ));
        }
    }
    wanted
}

/// Whether a master has another topic that a group consumes.
pub(super) fn is_used_elsewhere(
    transfer: &Transfer,
    group: &str,
    master: &Broker,
    view: View<'_>,
) -> Result<bool, Unanswered> {
    let topics = view.topic_configurations(&master.address)?;
    let mut own = vec![
        transfer.topic.clone(),
        retry_topic(group),
        dead_letter_topic(group),
    ];
    own.extend(retried_by_pop(group, &transfer.topic));
    let is_other = |topic: &String| !own.contains(topic) && topics.contains_key(topic);
    let offsets = view.consumer_offsets(&master.address)?;
    if let Some(consumed) = offsets.groups.get(group)
        && consumed.keys().any(is_other)
    {
        return Ok(true);
    }
    let connections = view.consumer_connections(&master.address, group)?;
    Ok(connections.is_some_and(|found| found.subscriptions.keys().any(is_other)))
}

/// Whether the groups have left.
pub(super) fn departed(
    transfer: &Transfer,
    departures: &[Departure<'_>],
    seen: &Observation,
) -> Judged {
    let view = View::new(seen);
    let mut removed = Vec::new();
    let mut listed = Vec::new();
    let mut left: Vec<&Broker> = Vec::new();
    for departure in departures {
        let mut used = false;
        for master in &departure.masters {
            used |= is_used_elsewhere(transfer, departure.group, master, view)?;
        }
        if used {
            continue;
        }
        left.extend(&departure.masters);
        for topic in departure.topics(transfer) {
            let leaves = |master: &&&Broker| departure.retry_leaves.contains(&*master.name);
            let masters: Vec<&Broker> = departure.masters.iter().filter(leaves).copied().collect();
            if let Some(why) = undelivered(transfer, departure, &topic, &masters, view)? {
                return Ok(wait(why));
            }
            for master in &masters {
                let topics = view.topic_configurations(&master.address)?;
                if topics.contains_key(&topic) {
                    removed.push(deletion(master, &topic));
                }
            }
            listed.extend(routes::unlisted(transfer, &topic, &masters, view)?);
        }
        for master in &departure.masters {
            let groups = view.subscription_groups(&master.address)?;
            if departure.group_leaves.contains(&*master.name)
                && groups.contains_key(departure.group)
            {
                let request = Request::DeleteSubscriptionGroup {
                    group: departure.group.to_owned(),
                    with_offsets: true,
                };
                removed.push(tell(master, request));
            }
        }
    }
    let mut making = Vec::new();
    let mut held = Vec::new();
    left.sort_by(|one, other| one.name.cmp(&other.name));
    left.dedup();
    for master in left {
        if transfer.makes_groups.contains(&master.name) {
            let makes = makes_groups(&view.settings(&master.address)?);
            let (brokers, value) = if makes {
                (&mut making, "false")
            } else {
                (&mut held, "true")
            };
            brokers.push(set(&master.address, MAKES_GROUPS_SETTING, value));
        }
    }
    if !removed.is_empty() {
        if !making.is_empty() {
            return Ok(acting(
                making,
                "brokers make groups by themselves, and would make again those that leave",
            ));
        }
        return Ok(confirmed(
            removed,
            "subscription groups and topics of theirs have to leave",
            seen,
        ));
    }
    if !listed.is_empty() {
        return Ok(acting(
            listed,
            "commands have the name servers forget topics of groups that leave",
        ));
    }
    if held.is_empty() {
        return Ok(Verdict::Done);
    }
    let (passed, begun) = since(&seen.memory, "gone", seen.now);
    let needed = transfer.leave_seconds();
    if passed >= needed {
        return Ok(acting(held, "brokers may make groups by themselves again"));
    }
    Ok(Verdict::Wait {
        why: "consumers turn away from brokers that do not have the topic any more".to_owned(),
        progress: Some(Progress {
            done: passed,
            total: needed,
            unit: "seconds".to_owned(),
        }),
        memory: Memory::from([("gone".to_owned(), begun)]),
    })
}

/// Whether a broker makes a group when a consumer comes with one that it does not know.
pub(crate) fn makes_groups(settings: &BrokerSettings<'_>) -> bool {
    let found = settings.properties.get(MAKES_GROUPS_SETTING);
    found.is_some_and(|value| value == "true")
}

/// What keeps a topic of messages that are tried again: somebody has not got all of them.
fn undelivered(
    transfer: &Transfer,
    departure: &Departure<'_>,
    topic: &str,
    masters: &[&Broker],
    view: View<'_>,
) -> Result<Option<String>, Unanswered> {
    if transfer.messages.retry == Retried::Discard || topic == dead_letter_topic(departure.group) {
        return Ok(None);
    }
    for master in masters {
        let Some(found) = view.topic_configurations(&master.address)?.get(topic) else {
            continue;
        };
        let version = view.settings(&master.address)?.version;
        let behind = lag::behind(master, found, departure.group, version, view)?;
        let count: i64 = behind.iter().map(|(_, count)| count).sum();
        if count > 0 {
            return Ok(Some(format!(
                "{count} messages that group {} tries again lie at {}",
                departure.group, master.name
            )));
        }
    }
    Ok(None)
}
