//! Messages in the queues of a simulated broker, and the groups that get them.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::{
    ConsumeStatistics, ConsumerConnections, ProductVersion, QueueExtent, QueueProgress, Reply,
    Request, TimerMetrics, TopicStatistics,
};
use serde_json::Map;

use super::metadata::Metadata;
use crate::desired::Broker;
use crate::lag::REVIVED;

/// How many messages of a queue a group gets in a tick.
const CONSUMED: i64 = 3;

/// The messages of one broker.
#[derive(Clone, Debug, Default)]
pub(super) struct Queues {
    /// The place that the next message gets, by topic and queue.
    ends: BTreeMap<String, BTreeMap<u32, i64>>,
    /// Delayed messages: how many are delivered and how many there are.
    pub(super) delayed: (i64, i64),
    /// Notes of what was handed out by POP: of messages, and of confirmations after them, by which the broker never goes.
    pub(super) handed_out: (i64, i64),
    /// The groups whose members are away.
    pub(super) stopped: BTreeSet<String>,
    /// The groups each member of which gets all messages, with a topic.
    pub(super) broadcast: BTreeMap<String, String>,
}

impl Queues {
    /// Makes a queue at least that long.
    pub(super) fn fill(&mut self, topic: &str, queue: u32, end: i64) {
        let queues = self.ends.entry(topic.to_owned()).or_default();
        let found = queues.entry(queue).or_default();
        *found = (*found).max(end);
    }

    /// Stores one more message, in the topics that are written by turns; whether there is one.
    pub(super) fn store(&mut self, broker: &Broker, metadata: &Metadata, number: i64) -> bool {
        let topics: Vec<_> = metadata
            .user_topics(broker)
            .filter(|topic| topic.is_written())
            .collect();
        let number = usize::try_from(number).unwrap_or_default();
        let topic = number
            .checked_rem(topics.len())
            .and_then(|at| topics.get(at));
        if let Some(topic) = topic {
            let queues = usize::try_from(topic.write_queues).unwrap_or(1).max(1);
            let queue = u32::try_from(number % queues).unwrap_or_default();
            match self.ends.get_mut(&topic.name) {
                Some(queues) => *queues.entry(queue).or_default() += 1,
                None => self.fill(&topic.name, queue, 1),
            }
        }
        topic.is_some()
    }

    /// Every group that is there gets some messages, and so does whoever waits for delayed ones.
    pub(super) fn consume(&mut self, metadata: &mut Metadata) {
        for (group, topics) in &mut metadata.offsets {
            if self.stopped.contains(group) {
                continue;
            }
            let by_itself = group == REVIVED.1;
            for (topic, offsets) in topics {
                for (queue, offset) in offsets {
                    let end = if by_itself {
                        self.handed_out.0 - 1
                    } else {
                        self.end(topic, *queue)
                    };
                    *offset = (*offset + CONSUMED).min(end).max(*offset);
                }
            }
        }
        self.delayed.0 = (self.delayed.0 + 1).min(self.delayed.1);
    }

    fn end(&self, topic: &str, queue: u32) -> i64 {
        let queues = self.ends.get(topic);
        queues
            .and_then(|queues| queues.get(&queue))
            .copied()
            .unwrap_or_default()
    }

    /// Whether a group has something left to get.
    pub(super) fn is_left(&self, metadata: &Metadata) -> bool {
        let is_behind = |group: &str, topic: &str, queue: u32, offset: i64| {
            if group == REVIVED.1 {
                offset + 1 < self.handed_out.0
            } else {
                self.end(topic, queue) > offset
            }
        };
        metadata.offsets.iter().any(|(group, topics)| {
            topics.iter().any(|(topic, offsets)| {
                let mut offsets = offsets.iter();
                offsets.any(|(queue, offset)| is_behind(group, topic, *queue, *offset))
            })
        }) || self.delayed.0 < self.delayed.1
    }

    /// A broker's runtime information, with how far delayed messages are.
    pub(super) fn runtime<const N: usize>(
        &self,
        others: [(String, String); N],
    ) -> BTreeMap<String, String> {
        let (done, end) = self.delayed;
        let delayed = (end > 0).then(|| {
            (
                "scheduleMessageOffset_3".to_owned(),
                format!("{done},{end}"),
            )
        });
        others.into_iter().chain(delayed).collect()
    }

    /// Answers what is asked of queues and of members of groups; nothing where it is about something else.
    pub(super) fn serve(
        &self,
        request: &Request,
        broker: &Broker,
        metadata: &Metadata,
        version: ProductVersion,
    ) -> Option<Reply> {
        match request {
            Request::TopicStatistics { topic } => {
                let found = metadata.topics.get(topic)?;
                let is_told = |queue: &u32| {
                    version >= ProductVersion::FIRST_OF_FIVE || *queue < found.write_queues
                };
                let queues = (0..found.read_queues.max(found.write_queues))
                    .filter(is_told)
                    .map(|queue| QueueExtent {
                        broker: broker.name.clone(),
                        topic: topic.clone(),
                        queue,
                        minimum_offset: 0,
                        maximum_offset: self.end(topic, queue),
                        updated: 0,
                    });
                Some(Reply::TopicStatistics(TopicStatistics {
                    queues: queues.collect(),
                    other: Map::new(),
                }))
            }
            Request::ConsumeStatistics { group, topic } => {
                let topic = topic.as_ref()?;
                let found = metadata.topics.get(topic)?;
                let consumed = metadata
                    .offsets
                    .get(group)
                    .and_then(|topics| topics.get(topic));
                let queues = (0..found.read_queues).map(|queue| QueueProgress {
                    broker: broker.name.clone(),
                    topic: topic.clone(),
                    queue,
                    broker_offset: self.end(topic, queue),
                    consumer_offset: consumed
                        .and_then(|queues| queues.get(&queue))
                        .copied()
                        .unwrap_or_default(),
                    consumed: 0,
                    pull_offset: None,
                });
                Some(Reply::ConsumeStatistics(ConsumeStatistics {
                    queues: queues.collect(),
                    other: Map::new(),
                }))
            }
            Request::TopicGroups { topic } => {
                let offsets = metadata.offsets.iter();
                let recorded = offsets.filter(|(_, topics)| topics.contains_key(topic));
                let online = self.broadcast.iter().filter(|(_, of)| *of == topic);
                let names = recorded.map(|(group, _)| group.clone());
                Some(Reply::Groups(
                    names
                        .chain(online.map(|(group, _)| group.clone()))
                        .collect(),
                ))
            }
            Request::ConsumerConnections { group } => {
                let model = self
                    .broadcast
                    .contains_key(group)
                    .then(|| "BROADCASTING".to_owned());
                Some(Reply::ConsumerConnections(model.map(|model| {
                    ConsumerConnections {
                        message_model: Some(model),
                        ..ConsumerConnections::default()
                    }
                })))
            }
            Request::TimerMetrics => Some(Reply::TimerMetrics(TimerMetrics::default())),
            _ => None,
        }
    }
}
