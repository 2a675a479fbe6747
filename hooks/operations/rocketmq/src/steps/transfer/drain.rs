//! What of a topic nobody has got yet at masters that it leaves, and when that is nothing.
//!
//! Brokers do not tell of which topic the messages are that they deliver later, or have handed out by POP. So as soon as all else
//! is consumed it is noted how many of them there are, and these are waited for. Each that belongs to the topic arrives in
//! one of its queues, or in one of messages that are tried again; then all of it begins anew. What was handed out by POP is
//! looked at only where a group of the topic may consume in that way; the last notes of it may be confirmations, by which a
//! broker never goes, so that they are nothing once they stand still.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::{ConsumerConnections, Request};
use midships_engine::step::{Memory, Moment, Progress, Unanswered, Verdict};
use midships_model::rocketmq_topic_transfer::{Pending, Retried};

use super::departure::is_used_elsewhere;
use super::{Judged, Observation, Transfer, ask_each, retried_by_pop};
use crate::desired::Broker;
use crate::lag::{self, BROADCASTING, Lag, Remainder};
use crate::metadata::{is_system_group, retry_topic};
use crate::steps::since;
use crate::view::View;
use crate::vocabulary::{Command, Query};

/// How many of those who wait for messages are named.
const NAMED: usize = 8;

/// How long notes of what was handed out by POP must stand still to be nothing but confirmations. A broker goes by the others
/// within 30 s of their time (`PopReviveService` of the product, 5.0.0 to 5.5.0).
const REVIVE_STILL_SECONDS: u64 = 60;

/// How members of a group get messages that they take themselves and confirm one by one.
pub(crate) const POP: &str = "CONSUME_POP";

/// What the keys begin with under which is remembered up to where a broker has to come with messages that it delivers later.
const AWAITED: &str = "awaited/";

/// What is left.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// What somebody has not got yet.
    pub(super) remainders: Vec<Remainder>,
    /// Where brokers are with messages of unknown topics.
    stages: Vec<Stage>,
    /// What brokers have noted of messages that were handed out by POP, and have not gone by.
    handed_out: Vec<Remainder>,
    /// Where these notes end and how far brokers are, added up: it stands still only if all of them do.
    places: i64,
    /// How many messages were ever stored in the queues that were looked at.
    written: i64,
}

/// Where a broker is with messages of unknown topics.
#[derive(Debug)]
struct Stage {
    key: String,
    done: i64,
    end: i64,
    remainder: Remainder,
}

/// What has to be known, as far as that is known from what was answered.
pub(super) fn queries(transfer: &Transfer, masters: &[&Broker], view: View<'_>) -> Vec<Query> {
    let mut wanted = Vec::new();
    for request in [
        Request::BrokerConfiguration,
        Request::TopicConfigurations,
        Request::SubscriptionGroups,
        Request::ConsumerOffsets,
        Request::RuntimeInformation,
    ] {
        wanted.extend(ask_each(masters.iter().copied(), &request));
    }
    for master in masters {
        let ask = |request: Request| Query::rocketmq(&master.address, request);
        let Ok(topics) = view.topic_configurations(&master.address) else {
            continue;
        };
        if !topics.contains_key(&transfer.topic) {
            continue;
        }
        let topic = transfer.topic.clone();
        wanted.push(ask(Request::TopicGroups { topic }));
        let mut counted = vec![transfer.topic.clone()];
        for group in groups(transfer, master, view).unwrap_or_default() {
            counted.extend(retried(transfer, group));
            wanted.push(ask(Request::ConsumerConnections {
                group: group.to_owned(),
            }));
        }
        counted.extend(lag::internal_groups(master).map(|(topic, _)| topic));
        let there = counted
            .into_iter()
            .filter(|topic| topics.contains_key(topic));
        wanted.extend(there.map(|topic| ask(Request::TopicStatistics { topic })));
        if view
            .settings(&master.address)
            .is_ok_and(|settings| Request::TimerMetrics.is_known_by(settings.version))
        {
            wanted.push(ask(Request::TimerMetrics));
        }
    }
    wanted
}

/// The groups that consume the topic at a master.
fn groups<'a>(
    transfer: &Transfer,
    master: &Broker,
    view: View<'a>,
) -> Result<BTreeSet<&'a str>, Unanswered> {
    consuming(&transfer.topic, master, view)
}

/// The groups that have an offset of a topic at a master or have subscribed to it, and are there.
pub(crate) fn consuming<'a>(
    topic: &str,
    master: &Broker,
    view: View<'a>,
) -> Result<BTreeSet<&'a str>, Unanswered> {
    let known = view.subscription_groups(&master.address)?;
    let offsets = view.consumer_offsets(&master.address)?;
    let recorded = offsets
        .groups
        .iter()
        .filter(|(_, topics)| topics.contains_key(topic));
    let named = view.topic_groups(&master.address, topic)?.iter();
    Ok(named
        .chain(recorded.map(|(group, _)| group))
        .map(String::as_str)
        .filter(|group| known.contains_key(*group) && !is_system_group(group))
        .collect())
}

/// The topics in which a group may find messages of the topic again.
fn retried(transfer: &Transfer, group: &str) -> impl Iterator<Item = String> {
    [retry_topic(group)]
        .into_iter()
        .chain(retried_by_pop(group, &transfer.topic))
}

fn is_broadcasting(connections: Option<&ConsumerConnections>) -> bool {
    connections.is_some_and(|found| found.message_model.as_deref() == Some(BROADCASTING))
}

/// What is left at masters of which those are looked at that have the topic.
pub(super) fn left(
    transfer: &Transfer,
    masters: &[&Broker],
    view: View<'_>,
) -> Result<Left, Unanswered> {
    let mut left = Left::default();
    for master in masters {
        let topics = view.topic_configurations(&master.address)?;
        let Some(topic) = topics.get(&transfer.topic) else {
            continue;
        };
        let version = view.settings(&master.address)?.version;
        left.written += written(master, &topic.name, view)?;
        let mut pops_any = false;
        for group in groups(transfer, master, view)? {
            let connections = view.consumer_connections(&master.address, group)?;
            if is_broadcasting(connections) {
                continue;
            }
            let mut consumed = vec![topic];
            let pops = retried_by_pop(group, &transfer.topic);
            // Nobody can tell of a group without members how it consumes.
            pops_any |= connections.is_none_or(|found| found.consume_type.as_deref() == Some(POP))
                || pops.iter().any(|name| topics.contains_key(name));
            consumed.extend(pops.iter().filter_map(|name| topics.get(name)));
            // Elsewhere used, a group stays and gets them; others of its topics may never come to an end.
            if transfer.messages.retry == Retried::Wait
                && !is_used_elsewhere(transfer, group, master, view)?
            {
                consumed.extend(topics.get(&retry_topic(group)));
            }
            for of in consumed {
                if of.name != topic.name {
                    left.written += written(master, &of.name, view)?;
                }
                let behind = lag::behind(master, of, group, version, view)?;
                left.remainders
                    .extend(behind.into_iter().map(|(queue, count)| Remainder {
                        pod: master.pod.clone(),
                        who: format!("group {group}"),
                        topic: of.name.clone(),
                        queue: Some(queue),
                        count,
                    }));
            }
        }
        kept_by_the_broker(transfer, master, pops_any, view, &mut left)?;
    }
    Ok(left)
}

/// Messages with a time at a broker, of which only those from 5.0.0 on know any.
pub(crate) fn timed(master: &Broker, view: View<'_>) -> Result<Vec<Remainder>, Unanswered> {
    let version = view.settings(&master.address)?.version;
    if Request::TimerMetrics.is_known_by(version) {
        lag::timed(master, view)
    } else {
        Ok(Vec::new())
    }
}

/// How many messages were ever stored in the queues of a topic.
fn written(master: &Broker, topic: &str, view: View<'_>) -> Result<i64, Unanswered> {
    let places = &view.topic_statistics(&master.address, topic)?.queues;
    Ok(places.iter().map(|place| place.maximum_offset).sum())
}

fn kept_by_the_broker(
    transfer: &Transfer,
    master: &Broker,
    pops_any: bool,
    view: View<'_>,
    left: &mut Left,
) -> Result<(), Unanswered> {
    let [_, revived] = lag::internal_groups(master);
    let mut own = Lag::default();
    lag::internal(master, view, &mut own)?;
    if transfer.messages.half != Pending::Discard {
        left.remainders.extend(own.remainders);
    }
    let timed = timed(master, view)?;
    if pops_any {
        // The notes wait for their time first.
        let waiting = timed.iter().filter(|timed| timed.topic == revived.0);
        left.remainders.extend(waiting.cloned());
        left.handed_out.extend(own.handed_out);
        left.places += own.places;
    }
    if transfer.messages.delayed == Pending::Discard {
        return Ok(());
    }
    for (level, done, remainder) in lag::delayed(master, view)? {
        left.stages.push(Stage {
            key: format!("{AWAITED}{}/{level}", master.name),
            done,
            end: done + remainder.count,
            remainder,
        });
    }
    let retried: BTreeSet<String> = groups(transfer, master, view)?
        .into_iter()
        .flat_map(|group| retried(transfer, group))
        .collect();
    left.remainders
        .extend(timed.into_iter().filter(|remainder| {
            let topic = &remainder.topic;
            // Of those that the broker has not looked at nobody can tell the topic.
            *topic == transfer.topic || retried.contains(topic) || topic == lag::WHEEL
        }));
    Ok(())
}

impl Left {
    /// How many messages are left.
    fn count(&self) -> i64 {
        self.remainders
            .iter()
            .map(|remainder| remainder.count)
            .sum()
    }

    /// What is left, for people: how many messages for whom, the most first.
    pub(super) fn told(&self) -> String {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for remainder in &self.remainders {
            *counts.entry(&remainder.who).or_default() += remainder.count;
        }
        let mut counts: Vec<(&str, i64)> = counts.into_iter().collect();
        counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let named: Vec<String> = counts
            .iter()
            .take(NAMED)
            .map(|(who, count)| format!("{count} messages for {who}"))
            .collect();
        let more = counts.len().saturating_sub(NAMED);
        let more = if more > 0 {
            format!(", and some for {more} others")
        } else {
            String::new()
        };
        format!("{}{more}", named.join(", "))
    }
}

/// Whether nothing is left at masters; a wait that tells how many messages are, how fast they go, and how long that will take.
pub(super) fn drained(transfer: &Transfer, masters: &[&Broker], seen: &Observation) -> Judged {
    let left = left(transfer, masters, View::new(seen))?;
    if !left.remainders.is_empty() {
        return Ok(consuming_goes_on(&left, &seen.memory, seen.now));
    }
    let remembered: Memory = seen
        .memory
        .iter()
        .filter(|(key, _)| key.starts_with(AWAITED))
        .map(|(key, end)| (key.clone(), *end))
        .collect();
    let unchanged = seen.memory.get("written") == Some(&left.written);
    let mut memory = if unchanged {
        remembered
    } else {
        let stages = left.stages.iter();
        stages.map(|stage| (stage.key.clone(), stage.end)).collect()
    };
    memory.insert("written".to_owned(), left.written);
    let unmoved = seen.memory.get("places") == Some(&left.places);
    let (rest, begun) = since(
        &seen.memory,
        if unmoved { "rest" } else { "moved" },
        seen.now,
    );
    memory.extend([
        ("places".to_owned(), left.places),
        ("rest".to_owned(), begun),
    ]);
    let noted = left
        .handed_out
        .iter()
        .filter(|_| rest < REVIVE_STILL_SECONDS);
    let waiting: Vec<String> = left
        .stages
        .iter()
        .filter(|stage| memory.get(&stage.key).is_some_and(|end| stage.done < *end))
        .map(|stage| &stage.remainder)
        .chain(noted)
        .map(ToString::to_string)
        .collect();
    if waiting.is_empty() {
        return Ok(Verdict::Done);
    }
    let named: Vec<&str> = waiting.iter().take(NAMED).map(String::as_str).collect();
    Ok(Verdict::Wait {
        why: format!(
            "all groups are at the end; of the topic may still be: {}",
            named.join("; ")
        ),
        progress: None,
        memory,
    })
}

fn consuming_goes_on(left: &Left, memory: &Memory, now: Moment) -> Verdict<Command> {
    let count = left.count();
    let first = memory.get("first").copied().unwrap_or(count).max(count);
    let (seconds, begun) = since(memory, "begun", now);
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    let gone = number(first - count);
    let pace = match (gone.checked_div(seconds), gone) {
        (None, _) | (_, 0) => String::new(),
        (Some(rate), _) => {
            let time = (number(count) * seconds).div_ceil(gone);
            format!("; {rate} a second, {time} s more at this rate")
        }
    };
    Verdict::Wait {
        why: format!("nobody has got {}{pace}", left.told()),
        progress: Some(Progress {
            done: gone,
            total: number(first),
            unit: "messages".to_owned(),
        }),
        memory: Memory::from([("first".to_owned(), first), ("begun".to_owned(), begun)]),
    }
}
