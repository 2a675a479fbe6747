//! What of a master's messages nobody has got yet: for subscription groups, and of the broker's own kinds.
//!
//! Sources: `ConsumerOffsetManager`, `ScheduleMessageService`, `TimerMetrics`, `TransactionalMessageServiceImpl` and
//! `PopAckConstants` of the product, 4.5.0 to 5.5.0.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use midships_client_rocketmq::{ProductVersion, Request, TopicConfiguration};
use midships_engine::step::Unanswered;

use crate::desired::Broker;
use crate::metadata::{is_dead_letters, is_system_group};
use crate::steps::addition::user_topics;
use crate::view::View;
use crate::vocabulary::Query;

/// What the entries of a broker's runtime information begin with that say, for each level of delay, up to which place
/// messages are delivered and how many there are, as `7,9`.
const DELAYED: &str = "scheduleMessageOffset_";

/// Where messages wait for the end of their transaction, and the group by which the broker goes through them.
const HALF: (&str, &str) = ("RMQ_SYS_TRANS_HALF_TOPIC", "CID_RMQ_SYS_TRANS");

/// Where a broker of 5.x keeps which messages it has handed out by POP, followed by the cluster's name, and its group.
const REVIVED: (&str, &str) = ("rmq_sys_REVIVE_LOG_", "CID_RMQ_SYS_REVIVE_GROUP");

/// The first release of 5.x.
const FIRST_OF_FIVE: ProductVersion = ProductVersion(413);

/// How members of a group get messages when each gets all; where they are is on their own disks.
pub(crate) const BROADCASTING: &str = "BROADCASTING";

/// Messages that somebody has not got yet.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub struct Remainder {
    /// The master's pod.
    pub pod: String,
    /// Who has not got them, such as `group billing`.
    pub who: String,
    /// The topic.
    pub topic: String,
    /// The number of the queue, from 0, where it is one.
    pub queue: Option<u32>,
    /// How many; none where that cannot be told.
    pub count: Option<i64>,
}

impl fmt::Display for Remainder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            Some(count) => write!(formatter, "{count} messages")?,
            None => formatter.write_str("an unknown number of messages")?,
        }
        write!(formatter, " for {} in topic {}", self.who, self.topic)?;
        if let Some(queue) = self.queue {
            write!(formatter, " queue {queue}")?;
        }
        write!(formatter, " at {}", self.pod)
    }
}

/// What is left at a master.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lag {
    /// What somebody has not got yet.
    pub(crate) remainders: Vec<Remainder>,
    /// The groups each member of which gets all messages: they are not waited for.
    pub(crate) broadcast: BTreeSet<String>,
}

/// The questions that tell what is left at a master, as far as they are known from what was answered.
pub(crate) fn queries(master: &Broker, view: View<'_>) -> Vec<Query> {
    let ask = |request: Request| Query::rocketmq(&master.address, request);
    let mut wanted = vec![
        ask(Request::BrokerConfiguration),
        ask(Request::TopicConfigurations),
        ask(Request::SubscriptionGroups),
        ask(Request::ConsumerOffsets),
        ask(Request::RuntimeInformation),
    ];
    if view
        .settings(&master.address)
        .is_ok_and(|settings| settings.version >= FIRST_OF_FIVE)
    {
        wanted.push(ask(Request::TimerMetrics));
    }
    let Ok(topics) = view.topic_configurations(&master.address) else {
        return wanted;
    };
    let own = internal_groups(master).into_iter();
    let there = own.filter(|(topic, _)| topics.contains_key(topic));
    wanted.extend(there.map(|(topic, _)| ask(Request::TopicStatistics { topic })));
    for topic in user_topics(master, view).unwrap_or_default() {
        let topic = topic.name.clone();
        if !is_dead_letters(&topic) {
            wanted.push(ask(Request::TopicGroups {
                topic: topic.clone(),
            }));
        }
        wanted.push(ask(Request::TopicStatistics { topic }));
    }
    for group in unrecorded(master, view).unwrap_or_default().into_keys() {
        wanted.push(ask(Request::ConsumerConnections {
            group: group.to_owned(),
        }));
    }
    wanted
}

/// The topics that the broker itself consumes, each with the group by which it does so.
pub(crate) fn internal_groups(master: &Broker) -> [(String, &'static str); 2] {
    [
        (HALF.0.to_owned(), HALF.1),
        (format!("{}{}", REVIVED.0, master.cluster), REVIVED.1),
    ]
}

/// The groups that consume a topic of which the broker has no offset of theirs, with these topics.
fn unrecorded<'a>(
    master: &Broker,
    view: View<'a>,
) -> Result<BTreeMap<&'a str, BTreeSet<&'a str>>, Unanswered> {
    let offsets = view.consumer_offsets(&master.address)?;
    let mut found: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for topic in user_topics(master, view)? {
        if is_dead_letters(&topic.name) {
            continue;
        }
        for group in view.topic_groups(&master.address, &topic.name)? {
            let recorded = offsets
                .groups
                .get(group)
                .is_some_and(|topics| topics.contains_key(&topic.name));
            if !recorded && !is_system_group(group) {
                found.entry(group).or_default().insert(&topic.name);
            }
        }
    }
    Ok(found)
}

/// What is left at a master.
pub(crate) fn lag(master: &Broker, view: View<'_>) -> Result<Lag, Unanswered> {
    let mut lag = Lag::default();
    let version = view.settings(&master.address)?.version;
    let groups = view.subscription_groups(&master.address)?;
    let offsets = view.consumer_offsets(&master.address)?;
    let unrecorded = unrecorded(master, view)?;
    for group in unrecorded.keys() {
        let connections = view.consumer_connections(&master.address, group)?;
        let model = connections.and_then(|found| found.message_model.as_deref());
        if model == Some(BROADCASTING) {
            lag.broadcast.insert((*group).to_owned());
        }
    }
    for topic in user_topics(master, view)? {
        if is_dead_letters(&topic.name) {
            continue;
        }
        let recorded = offsets.groups.iter().filter(|(group, topics)| {
            topics.contains_key(&topic.name) && groups.contains_key(*group)
        });
        let waiting: BTreeSet<&str> = recorded
            .map(|(group, _)| group.as_str())
            .chain(
                unrecorded
                    .iter()
                    .filter(|(_, topics)| topics.contains(topic.name.as_str()))
                    .map(|(group, _)| *group),
            )
            .filter(|group| !lag.broadcast.contains(*group))
            .collect();
        for group in waiting {
            let who = format!("group {group}");
            let behind = behind(master, topic, group, version, view)?;
            lag.remainders
                .extend(behind.into_iter().map(|(queue, count)| Remainder {
                    pod: master.pod.clone(),
                    who: who.clone(),
                    topic: topic.name.clone(),
                    queue: Some(queue),
                    count,
                }));
        }
    }
    lag.remainders.extend(internal(master, version, view)?);
    Ok(lag)
}

/// The queues of a topic in which a group is not at the end, with the number of messages.
pub(crate) fn behind(
    master: &Broker,
    topic: &TopicConfiguration,
    group: &str,
    version: ProductVersion,
    view: View<'_>,
) -> Result<Vec<(u32, Option<i64>)>, Unanswered> {
    let offsets = view.consumer_offsets(&master.address)?;
    let places = view.topic_statistics(&master.address, &topic.name)?;
    let mut found = Vec::new();
    for place in &places.queues {
        let from = offsets.offset(group, &topic.name, place.queue);
        // What is not there any more nobody can get.
        let from = from.unwrap_or_default().max(place.minimum_offset);
        if place.maximum_offset > from {
            found.push((place.queue, Some(place.maximum_offset - from)));
        }
    }
    // Brokers of 4.x do not tell where the queues end that are only read.
    if version < FIRST_OF_FIVE {
        found.extend((topic.write_queues..topic.read_queues).map(|queue| (queue, None)));
    }
    Ok(found)
}

/// Messages that the broker itself has not delivered yet: delayed, timed, halves of transactions, handed out by POP.
fn internal(
    master: &Broker,
    version: ProductVersion,
    view: View<'_>,
) -> Result<Vec<Remainder>, Unanswered> {
    let delayed = delayed(master, view)?.into_iter();
    let mut found: Vec<Remainder> = delayed.map(|(_, _, remainder)| remainder).collect();
    if version >= FIRST_OF_FIVE {
        found.extend(timed(master, view)?);
    }
    let topics = view.topic_configurations(&master.address)?;
    for internal in internal_groups(master) {
        if topics.contains_key(&internal.0) {
            found.extend(undelivered(master, &internal, view)?);
        }
    }
    Ok(found)
}

/// Messages that are left in a queue of a kind that the broker itself consumes.
fn kept(master: &Broker, who: &str, topic: &str, queue: Option<u32>, count: i64) -> Remainder {
    Remainder {
        pod: master.pod.clone(),
        who: who.to_owned(),
        topic: topic.to_owned(),
        queue,
        count: Some(count),
    }
}

/// The levels of delay with messages that are not delivered yet: the level, and how many are.
pub(crate) fn delayed<'a>(
    master: &Broker,
    view: View<'a>,
) -> Result<Vec<(&'a str, i64, Remainder)>, Unanswered> {
    let mut found = Vec::new();
    for (key, value) in view.runtime(&master.address)? {
        let Some(level) = key.strip_prefix(DELAYED) else {
            continue;
        };
        let places = value
            .split_once(',')
            .and_then(|(done, end)| Some((done.parse::<i64>().ok()?, end.parse::<i64>().ok()?)));
        let (done, end) = places.ok_or_else(|| Unanswered {
            object: master.address.clone(),
            why: format!(
                "its runtime information says `{value}` as `{key}`; expected two whole numbers"
            ),
        })?;
        if end > done {
            let who = format!("the delay level {level}");
            let remainder = kept(master, &who, "SCHEDULE_TOPIC_XXXX", None, end - done);
            found.push((level, done, remainder));
        }
    }
    Ok(found)
}

/// Timed messages that are not delivered yet, by their topics. Only brokers from 5.0.0 on know any.
pub(crate) fn timed(master: &Broker, view: View<'_>) -> Result<Vec<Remainder>, Unanswered> {
    if view.settings(&master.address)?.version < FIRST_OF_FIVE {
        return Ok(Vec::new());
    }
    let topics = view.timer_metrics(&master.address)?.topics.iter();
    let waiting = topics.filter(|(_, timed)| timed.count > 0);
    let who = "the time that they were given";
    Ok(waiting
        .map(|(topic, timed)| kept(master, who, topic, None, timed.count))
        .collect())
}

/// What the broker has not got yet of a topic that it consumes itself.
pub(crate) fn undelivered(
    master: &Broker,
    (topic, group): &(String, &str),
    view: View<'_>,
) -> Result<Vec<Remainder>, Unanswered> {
    let offsets = view.consumer_offsets(&master.address)?;
    let mut found = Vec::new();
    for place in &view.topic_statistics(&master.address, topic)?.queues {
        let from = offsets
            .offset(group, topic, place.queue)
            .unwrap_or_default();
        let from = from.max(place.minimum_offset);
        if place.maximum_offset > from {
            let count = place.maximum_offset - from;
            found.push(kept(
                master,
                "the broker itself",
                topic,
                Some(place.queue),
                count,
            ));
        }
    }
    Ok(found)
}
