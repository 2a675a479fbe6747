//! What of a master's messages nobody has got yet: for subscription groups, and of the broker's own kinds.
//!
//! Sources: `ConsumerOffsetManager`, `ScheduleMessageService`, `TimerMetrics`, `TransactionalMessageServiceImpl` and
//! `PopReviveService` of the product, 4.5.0 to 5.5.0.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use midships_client_rocketmq::{ProductVersion, Request, TopicConfiguration};
use midships_engine::step::{Problem, Unanswered};

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
pub(crate) const REVIVED: (&str, &str) = ("rmq_sys_REVIVE_LOG_", "CID_RMQ_SYS_REVIVE_GROUP");

/// The entry of a broker's runtime information that says how many messages with a time it has not looked at yet.
const UNTIMED: &str = "timerOffsetBehind";

/// Where messages with a time wait until a broker looks at them.
pub(crate) const WHEEL: &str = "rmq_sys_wheel_timer";

/// The broker's setting without which what was handed out by POP never becomes due.
const TIMER_SETTING: &str = "timerWheelEnable";

/// The broker's setting by which it keeps what was handed out by POP where no request tells it.
const HIDDEN_POP_SETTING: &str = "popConsumerKVServiceEnable";

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
    /// How many.
    pub count: i64,
}

impl fmt::Display for Remainder {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            pod,
            who,
            topic,
            count,
            ..
        } = self;
        write!(formatter, "{count} messages for {who} in topic {topic}")?;
        if let Some(queue) = self.queue {
            write!(formatter, " queue {queue}")?;
        }
        write!(formatter, " at {pod}")
    }
}

/// What is left at a master.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lag {
    /// What somebody has not got yet.
    pub(crate) remainders: Vec<Remainder>,
    /// The groups each member of which gets all messages: they are not waited for.
    pub(crate) broadcast: BTreeSet<String>,
    /// What the broker has noted of messages that were handed out by POP and has not gone by. The last notes may be
    /// confirmations, by which it never goes: while no message waits for its time, they are nothing once they stand still.
    pub(crate) handed_out: Vec<Remainder>,
    /// Where these notes end and how far the broker is, added up: it stands still only if all of them do.
    pub(crate) places: i64,
    /// Whether the broker goes by these notes at all.
    pub(crate) goes_by: bool,
}

/// Why nobody can tell what is left at a master, if so.
pub(crate) fn untold(master: &Broker, view: View<'_>) -> Result<Option<Problem>, Unanswered> {
    let settings = view.settings(&master.address)?;
    let is_hidden = settings
        .properties
        .get(HIDDEN_POP_SETTING)
        .is_some_and(|value| value == "true");
    Ok(is_hidden.then(|| Problem {
        object: format!("broker {}", master.pod),
        why: format!(
            "`{HIDDEN_POP_SETTING}` is true, so that no request tells which messages were handed out by POP and not \
             confirmed"
        ),
        remedy: format!(
            "set `{HIDDEN_POP_SETTING}: false` in `brokers.configuration`, and remove groups with another upgrade"
        ),
    }))
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
        .is_ok_and(|settings| settings.version >= ProductVersion::FIRST_OF_FIVE)
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
    for topic in half_told(master, view).unwrap_or_default() {
        let groups = waiting(master, topic, &BTreeSet::new(), view).unwrap_or_default();
        wanted.extend(groups.into_iter().map(|group| ask(progress(group, topic))));
    }
    wanted
}

/// The topics with queues that are only read, at brokers of 4.x: these do not tell where such queues end unless they are
/// asked for a group.
fn half_told<'a>(
    master: &Broker,
    view: View<'a>,
) -> Result<Vec<&'a TopicConfiguration>, Unanswered> {
    if view.settings(&master.address)?.version >= ProductVersion::FIRST_OF_FIVE {
        return Ok(Vec::new());
    }
    let mut topics = user_topics(master, view)?;
    topics.retain(|topic| topic.read_queues > topic.write_queues && !is_dead_letters(&topic.name));
    Ok(topics)
}

fn progress(group: &str, topic: &TopicConfiguration) -> Request {
    Request::ConsumeStatistics {
        group: group.to_owned(),
        topic: Some(topic.name.clone()),
    }
}

/// The groups that get the messages of a topic.
fn waiting<'a>(
    master: &Broker,
    topic: &TopicConfiguration,
    broadcast: &BTreeSet<String>,
    view: View<'a>,
) -> Result<BTreeSet<&'a str>, Unanswered> {
    let groups = view.subscription_groups(&master.address)?;
    let offsets = view.consumer_offsets(&master.address)?;
    let recorded = offsets
        .groups
        .iter()
        .filter(|(group, topics)| topics.contains_key(&topic.name) && groups.contains_key(*group))
        .map(|(group, _)| group.as_str());
    let unrecorded = unrecorded(master, view)?
        .into_iter()
        .filter(|(_, topics)| topics.contains(topic.name.as_str()))
        .map(|(group, _)| group);
    Ok(recorded
        .chain(unrecorded)
        .filter(|group| !broadcast.contains(*group) && !is_system_group(group))
        .collect())
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
    let settings = view.settings(&master.address)?;
    let mut lag = Lag {
        goes_by: settings
            .properties
            .get(TIMER_SETTING)
            .is_none_or(|value| value != "false"),
        ..Lag::default()
    };
    for group in unrecorded(master, view)?.into_keys() {
        let connections = view.consumer_connections(&master.address, group)?;
        let model = connections.and_then(|found| found.message_model.as_deref());
        if model == Some(BROADCASTING) {
            lag.broadcast.insert(group.to_owned());
        }
    }
    for topic in user_topics(master, view)? {
        if is_dead_letters(&topic.name) {
            continue;
        }
        for group in waiting(master, topic, &lag.broadcast, view)? {
            let who = format!("group {group}");
            let behind = behind(master, topic, group, settings.version, view)?;
            lag.remainders.extend(
                behind
                    .into_iter()
                    .map(|(queue, count)| remainder(master, &who, &topic.name, Some(queue), count)),
            );
        }
    }
    let delayed = delayed(master, view)?.into_iter();
    lag.remainders.extend(delayed.map(|(_, _, left)| left));
    if settings.version >= ProductVersion::FIRST_OF_FIVE {
        lag.remainders.extend(timed(master, view)?);
    }
    internal(master, view, &mut lag)?;
    Ok(lag)
}

/// The queues of a topic in which a group is not at the end, with the number of messages.
pub(crate) fn behind(
    master: &Broker,
    topic: &TopicConfiguration,
    group: &str,
    version: ProductVersion,
    view: View<'_>,
) -> Result<Vec<(u32, i64)>, Unanswered> {
    let offsets = view.consumer_offsets(&master.address)?;
    let places = view.topic_statistics(&master.address, &topic.name)?;
    let mut found = Vec::new();
    for place in &places.queues {
        let from = offsets.offset(group, &topic.name, place.queue);
        // What is not there any more nobody can get.
        let from = from.unwrap_or_default().max(place.minimum_offset);
        if place.maximum_offset > from {
            found.push((place.queue, place.maximum_offset - from));
        }
    }
    if version < ProductVersion::FIRST_OF_FIVE && topic.read_queues > topic.write_queues {
        let told = view.consume_statistics(&master.address, progress(group, topic))?;
        for place in &told.queues {
            let count = place.broker_offset - place.consumer_offset.max(0);
            if place.queue >= topic.write_queues && count > 0 {
                found.push((place.queue, count));
            }
        }
    }
    Ok(found)
}

fn remainder(master: &Broker, who: &str, topic: &str, queue: Option<u32>, count: i64) -> Remainder {
    Remainder {
        pod: master.pod.clone(),
        who: who.to_owned(),
        topic: topic.to_owned(),
        queue,
        count,
    }
}

/// Messages with a level of delay that are not delivered yet: the level, how many of it are, and what is left.
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
            let topic = "SCHEDULE_TOPIC_XXXX";
            let left = remainder(master, &who, topic, None, end - done);
            found.push((level, done, left));
        }
    }
    Ok(found)
}

/// Messages with a time that are not delivered yet. Notes of what was handed out by POP have a time, too.
pub(crate) fn timed(master: &Broker, view: View<'_>) -> Result<Vec<Remainder>, Unanswered> {
    let who = "the time that they were given";
    let topics = view.timer_metrics(&master.address)?.topics.iter();
    let mut found: Vec<Remainder> = topics
        .filter(|(_, timed)| timed.count > 0)
        .map(|(topic, timed)| remainder(master, who, topic, None, timed.count))
        .collect();
    let runtime = view.runtime(&master.address)?;
    let unread = runtime
        .get(UNTIMED)
        .and_then(|text| text.parse::<i64>().ok());
    if let Some(count) = unread.filter(|count| *count > 0) {
        found.push(remainder(master, who, WHEEL, None, count));
    }
    Ok(found)
}

/// Halves of transactions and notes of what was handed out by POP that the broker has not gone by.
pub(crate) fn internal(master: &Broker, view: View<'_>, lag: &mut Lag) -> Result<(), Unanswered> {
    let topics = view.topic_configurations(&master.address)?;
    let offsets = view.consumer_offsets(&master.address)?;
    for (topic, group) in internal_groups(master) {
        if !topics.contains_key(&topic) {
            continue;
        }
        let is_half = group == HALF.1;
        for place in &view.topic_statistics(&master.address, &topic)?.queues {
            let offset = offsets.offset(group, &topic, place.queue);
            // Of halves the broker says which one is next, of the notes which one was the last.
            let from = match offset {
                None => 0,
                Some(next) if is_half => next,
                Some(last) => last + 1,
            };
            let count = place.maximum_offset - from.max(place.minimum_offset);
            if !is_half {
                lag.places += place.maximum_offset + from;
            }
            if count <= 0 {
                continue;
            }
            let (left, who) = if is_half {
                (&mut lag.remainders, "the end of their transactions")
            } else {
                (&mut lag.handed_out, "consumers by POP")
            };
            left.push(remainder(master, who, &topic, Some(place.queue), count));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use midships_client_rocketmq::TopicConfiguration;
    use midships_engine::simulation::Simulation;
    use midships_engine::step::{Memory, Seen};

    use super::*;
    use crate::desired::Desired;
    use crate::simulation::Cluster;
    use crate::simulation::scenario::{desired, version};

    const POD: &str = "shop-rocketmq-broker-0-master-0";

    /// What is left at the only master, with all that is asked for it.
    fn told(mut cluster: Cluster) -> Lag {
        let Desired { brokers, .. } = desired(1, 1, 0, true);
        let now = cluster.now();
        let mut seen = Seen::new(now, Memory::new());
        loop {
            let view = View::new(&seen);
            let queries = view.unasked(queries(&brokers[0], view));
            if queries.is_empty() {
                return lag(&brokers[0], View::new(&seen)).unwrap();
            }
            for query in queries {
                let answer = cluster.ask(now, &query);
                seen.answers.insert(query, answer);
            }
        }
    }

    fn standing(release: &str) -> Cluster {
        Cluster::standing(&desired(1, 1, 0, true), version(release)).with_closed(POD)
    }

    fn words(lag: &Lag) -> Vec<String> {
        lag.remainders.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_group_that_is_behind_is_named_with_topic_queue_and_number() {
        let cluster = standing("5.4.0")
            .with_consumer(POD, "billing", "orders", 4)
            .with_stopped("billing")
            .with_messages(POD, "orders", 9);
        let words = words(&told(cluster));
        let expected = format!("5 messages for group billing in topic orders queue 0 at {POD}");
        assert_eq!(words, [expected]);
    }

    #[test]
    fn retried_and_delayed_messages_are_left_and_dead_letters_are_not() {
        let cluster = standing("4.9.7")
            .with_topic(POD, TopicConfiguration::plain("%RETRY%billing", 1))
            .with_topic(POD, TopicConfiguration::plain("%DLQ%billing", 1))
            .with_consumer(POD, "billing", "%RETRY%billing", 0)
            .with_stopped("billing")
            .with_messages(POD, "%RETRY%billing", 2)
            .with_messages(POD, "%DLQ%billing", 7)
            .with_delayed(POD, 40);
        let words = words(&told(cluster)).join("; ");
        assert!(
            words.contains("2 messages for group billing in topic %RETRY%billing"),
            "{words}"
        );
        assert!(words.contains("the delay level 3"), "{words}");
        assert!(!words.contains("DLQ"), "{words}");
    }

    #[test]
    fn queues_that_are_only_read_are_told_by_every_version() {
        for release in ["4.9.7", "5.4.0"] {
            let narrowed = TopicConfiguration {
                write_queues: 4,
                ..TopicConfiguration::plain("orders", 8)
            };
            let cluster = standing(release)
                .with_consumer(POD, "billing", "orders", 0)
                .with_stopped("billing")
                .with_queue(POD, "orders", 6, 3)
                .with_topic(POD, narrowed);
            let words = words(&told(cluster));
            let expected = format!("3 messages for group billing in topic orders queue 6 at {POD}");
            // Others are of messages that were sent before the master was closed.
            assert!(words.contains(&expected), "{release}: {words:?}");
        }
    }

    #[test]
    fn those_who_each_get_all_are_named_and_not_waited_for() {
        let cluster = standing("5.4.0")
            .with_broadcast(POD, "prices", "orders")
            .with_messages(POD, "orders", 9);
        let lag = told(cluster);
        assert_eq!(lag.broadcast, ["prices".to_owned()].into());
        assert_eq!(words(&lag), [""; 0]);
    }

    #[test]
    fn of_notes_about_pop_the_last_one_counts_that_was_gone_by() {
        let lag = told(standing("5.4.0").with_handed_out(POD, 5, 2));
        let counts: Vec<i64> = lag.handed_out.iter().map(|noted| noted.count).collect();
        // The broker has gone by the first one.
        assert_eq!(counts, [6]);
        assert!(lag.goes_by);
        let off = standing("5.4.0").with_setting(POD, "timerWheelEnable", "false");
        assert!(!told(off).goes_by);
    }
}
