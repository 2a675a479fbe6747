//! The question where one group is in each queue, and when it was there.

use std::collections::BTreeMap;

use midships_answers::{Column, Problem, moment, or_nothing, table, with_problems};
use midships_client_rocketmq::{QueueProgress, Reply, Request};
use serde::Serialize;

use crate::ask::{Asking, Servers};
use crate::progress::{Known, QueueLag};
use crate::{Scope, Told};

/// Where groups are.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Offsets {
    /// The queues by group, topic, broker and number.
    pub queues: Vec<QueueOffset>,
    /// What was not answered or is not as it should be.
    pub problems: Vec<Problem>,
}

/// Where a group is in a queue.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueOffset {
    /// The group's name.
    pub group: String,
    /// The topic's name.
    pub topic: String,
    /// The queue, its places and how many messages wait in it.
    #[serde(flatten)]
    pub queue: QueueLag,
    /// The place up to which messages have been handed out; none before 5.0.0.
    pub pull_offset: Option<i64>,
    /// When the message that was consumed last had been stored, in UTC; none when it is not there any more, when nothing was
    /// consumed, or when the broker does not tell.
    pub consumed: Option<String>,
}

impl Offsets {
    /// Asks for the progress of the group in scope, or of all groups, and when they consumed.
    pub async fn ask<S: Servers>(servers: &S, scope: &Scope) -> Self {
        let asking = Asking::new(servers);
        let mut known = Known::ask(&asking, scope).await;
        // Without a topic a broker tells of all of which it has an offset of the group.
        let request = |group: &str| Request::ConsumeStatistics {
            group: group.to_owned(),
            topic: scope.topic.clone(),
        };
        let take = |reply| match reply {
            Reply::ConsumeStatistics(statistics) => Some(statistics),
            _ => None,
        };
        let mut told = BTreeMap::new();
        for (group, statistics) in known.of_each_group(&asking, request, take).await {
            for queue in statistics.queues {
                let [topic, broker] = [&queue.topic, &queue.broker].map(String::clone);
                told.insert((group.clone(), topic, broker, queue.queue), queue);
            }
        }
        Self::tabulate(known, &told)
    }

    fn tabulate(
        known: Known,
        told: &BTreeMap<(String, String, String, u32), QueueProgress>,
    ) -> Self {
        let mut queues = Vec::new();
        for group in known.groups {
            for topic in group.topics {
                for queue in topic.queues {
                    let [name, of] = [&group.group, &topic.topic].map(String::clone);
                    let key = (name, of, queue.broker.clone(), queue.queue);
                    let told = told.get(&key);
                    let (group, topic, ..) = key;
                    queues.push(QueueOffset {
                        group,
                        topic,
                        queue,
                        pull_offset: told.and_then(|told| told.pull_offset),
                        consumed: told.and_then(|told| moment(told.consumed)),
                    });
                }
            }
        }
        Self {
            queues,
            problems: known.landscape.problems.into_iter().collect(),
        }
    }
}

impl Told for Offsets {
    fn text(&self) -> String {
        let columns = [
            Column::Text("GROUP"),
            Column::Text("TOPIC"),
            Column::Text("BROKER"),
            Column::Number("QUEUE"),
            Column::Number("MINIMUM"),
            Column::Number("BROKER OFFSET"),
            Column::Number("CONSUMER OFFSET"),
            Column::Number("PULL OFFSET"),
            Column::Number("LAG"),
            Column::Text("CONSUMED"),
        ];
        let row = |row: &QueueOffset| {
            [
                row.group.clone(),
                row.topic.clone(),
                row.queue.broker.clone(),
                row.queue.queue.to_string(),
                or_nothing(row.queue.minimum_offset),
                row.queue.broker_offset.to_string(),
                or_nothing(row.queue.consumer_offset),
                or_nothing(row.pull_offset),
                row.queue.lag.to_string(),
                or_nothing(row.consumed.as_ref()),
            ]
        };
        let rows: Vec<_> = self.queues.iter().map(row).collect();
        with_problems(table(columns, &rows), &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
