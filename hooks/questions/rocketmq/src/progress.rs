//! The question how far groups lag behind.

use std::collections::{BTreeMap, BTreeSet};

use midships_answers::{Column, Problem, or_nothing, table, with_problems};
use midships_client_rocketmq::system::{RETRY_PREFIX, is_system_group};
use midships_client_rocketmq::{Reply, Request};
use serde::Serialize;

use crate::ask::{Asking, Question, Servers, another_kind};
use crate::holdings::{Holding, holdings};
use crate::landscape::Landscape;
use crate::places::{Place, Places, places, queues};
use crate::{Scope, Told};

/// How far groups lag behind.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// How many messages wait for any of the groups.
    pub lag: i64,
    /// The groups by name.
    pub groups: Vec<GroupProgress>,
    /// Whether one group or one topic was asked for, so that people are shown each queue.
    #[serde(skip)]
    each_queue: bool,
    /// What was not answered or is not as it should be.
    pub problems: Vec<Problem>,
}

/// How far a group lags behind.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupProgress {
    /// The group's name.
    pub group: String,
    /// How many messages wait for it.
    pub lag: i64,
    /// Its topics by name: those of which some broker has an offset of it, and the topic of messages to be tried again.
    pub topics: Vec<TopicProgress>,
}

/// How far a group lags behind in a topic.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicProgress {
    /// The topic's name.
    pub topic: String,
    /// How many messages wait.
    pub lag: i64,
    /// The queues by broker and number: as many as are read or written, whatever is more.
    pub queues: Vec<QueueLag>,
}

/// How far a group lags behind in a queue.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct QueueLag {
    /// The cluster's name.
    pub cluster: String,
    /// The broker's name.
    pub broker: String,
    /// The queue's number, from 0.
    pub queue: u32,
    /// The place of the first message that is there; none when the broker does not tell.
    pub minimum_offset: Option<i64>,
    /// The place that the next message gets.
    pub broker_offset: i64,
    /// The place of the message that is consumed next; none when the group has no offset in the queue.
    pub consumer_offset: Option<i64>,
    /// How many messages wait: from the consumer's place to the broker's or, without one, all that are there.
    pub lag: i64,
}

/// What is known of groups before it is made into an answer.
pub(crate) struct Known {
    pub(crate) landscape: Landscape,
    pub(crate) holdings: Vec<Holding>,
    pub(crate) groups: Vec<GroupProgress>,
}

impl Progress {
    /// Asks one broker of each group for topics, groups and offsets, and for the places of the queues that groups consume.
    pub async fn ask<S: Servers>(servers: &S, scope: &Scope) -> Self {
        let asking = Asking::new(servers);
        let known = Known::ask(&asking, scope).await;
        Self {
            lag: known.groups.iter().map(|group| group.lag).sum(),
            groups: known.groups,
            each_queue: scope.group.is_some() || scope.topic.is_some(),
            problems: known.landscape.problems.into_iter().collect(),
        }
    }
}

impl Known {
    pub(crate) async fn ask<S: Servers>(asking: &Asking<'_, S>, scope: &Scope) -> Self {
        let mut landscape = Landscape::ask(asking, scope).await;
        let requests = [
            Request::TopicConfigurations,
            Request::SubscriptionGroups,
            Request::ConsumerOffsets,
        ];
        let holdings = holdings(asking, &mut landscape, requests).await;
        let consumed = consumed(&holdings, scope);
        if let Some(group) = &scope.group
            && consumed.is_empty()
        {
            let problem = Problem::new(group, "is a group of none of the brokers that answered");
            landscape.problems.insert(problem);
        }
        let wanted: BTreeSet<(usize, String)> = consumed
            .values()
            .flatten()
            .flat_map(|(topic, clusters)| {
                having(&holdings, topic, clusters).map(|index| (index, topic.clone()))
            })
            .collect();
        let wanted: Vec<(usize, String)> = wanted.into_iter().collect();
        let places = places(asking, &mut landscape, &holdings, &wanted).await;
        let groups = tabulate(&holdings, &consumed, &places);
        Self {
            landscape,
            holdings,
            groups,
        }
    }
}

impl Known {
    /// Asks every holding one thing about each group, and takes the answers with the group that they are about.
    pub(crate) async fn of_each_group<S: Servers, T>(
        &mut self,
        asking: &Asking<'_, S>,
        request: impl Fn(&str) -> Request,
        take: impl Fn(Reply) -> Option<T>,
    ) -> Vec<(String, T)> {
        let mut groups = Vec::new();
        let mut questions = Vec::new();
        for GroupProgress { group, .. } in &self.groups {
            for holding in &self.holdings {
                groups.push(group.clone());
                questions.push(Question::new(&holding.broker.address, request(group)));
            }
        }
        let answers = asking.all(&questions).await;
        let mut taken = Vec::new();
        for ((group, question), answer) in groups.into_iter().zip(&questions).zip(answers) {
            let answer = answer.and_then(|answer| {
                take(answer.reply).ok_or_else(|| another_kind(&question.address))
            });
            match answer {
                Ok(answer) => taken.push((group, answer)),
                Err(problem) => {
                    self.landscape.problems.insert(problem);
                }
            }
        }
        taken
    }
}

/// The topics that a group consumes, each with the clusters in which it does: others may have topics of the same name.
type Consumed = BTreeMap<String, BTreeSet<String>>;

/// The indices of the holdings that have a topic in some clusters.
fn having<'a>(
    holdings: &'a [Holding],
    topic: &'a str,
    clusters: &'a BTreeSet<String>,
) -> impl Iterator<Item = usize> + 'a {
    let with = holdings.iter().enumerate();
    with.filter(move |(_, holding)| {
        clusters.contains(&holding.broker.cluster) && holding.topics.contains_key(topic)
    })
    .map(|(index, _)| index)
}

/// The groups in scope with the topics of which they have offsets, and the one for messages to be tried again.
fn consumed(holdings: &[Holding], scope: &Scope) -> BTreeMap<String, Consumed> {
    let mut consumed: BTreeMap<String, Consumed> = BTreeMap::new();
    for holding in holdings {
        let cluster = &holding.broker.cluster;
        let configured = holding.groups.keys().map(|group| (group, None));
        let offsets = &holding.offsets.groups;
        let with_offsets = offsets.iter().map(|(group, topics)| (group, Some(topics)));
        for (group, topics) in configured.chain(with_offsets) {
            let known = consumed.entry(group.clone()).or_default();
            let retry = format!("{RETRY_PREFIX}{group}");
            for topic in topics.into_iter().flat_map(BTreeMap::keys).chain([&retry]) {
                let clusters = known.entry(topic.clone()).or_default();
                clusters.insert(cluster.clone());
            }
        }
    }
    consumed.retain(|group, _| match &scope.group {
        // Whoever names a group wants to see it.
        Some(wanted) => wanted == group,
        None => scope.system || !is_system_group(group),
    });
    for topics in consumed.values_mut() {
        topics.retain(|topic, clusters| {
            let wanted = scope.topic.as_ref().is_none_or(|wanted| wanted == topic);
            wanted && having(holdings, topic, clusters).next().is_some()
        });
    }
    // With one topic, only its groups are of interest.
    consumed.retain(|_, topics| scope.topic.is_none() || !topics.is_empty());
    consumed
}

fn tabulate(
    holdings: &[Holding],
    consumed: &BTreeMap<String, Consumed>,
    places: &Places,
) -> Vec<GroupProgress> {
    let of_topic = |group: &str, topic: &String, clusters: &BTreeSet<String>| {
        let mut rows = Vec::new();
        for index in having(holdings, topic, clusters) {
            if let Some(places) = places.get(&(index, topic.clone())) {
                rows.extend(lags(&holdings[index], group, topic, places));
            }
        }
        TopicProgress {
            topic: topic.clone(),
            lag: rows.iter().map(|row| row.lag).sum(),
            queues: rows,
        }
    };
    consumed
        .iter()
        .map(|(group, topics)| {
            let topics: Vec<TopicProgress> = topics
                .iter()
                .map(|(topic, clusters)| of_topic(group, topic, clusters))
                .collect();
            GroupProgress {
                group: group.clone(),
                lag: topics.iter().map(|topic| topic.lag).sum(),
                topics,
            }
        })
        .collect()
}

/// The queues of a topic at one broker: those that may hold messages.
fn lags<'a>(
    holding: &'a Holding,
    group: &'a str,
    topic: &'a str,
    places: &'a BTreeMap<u32, Place>,
) -> impl Iterator<Item = QueueLag> + 'a {
    let there = holding.topics.get(topic).map_or(0, queues);
    places.range(..there).map(move |(queue, place)| {
        let consumer_offset = holding.offsets.offset(group, topic, *queue);
        let from = consumer_offset.or(place.minimum).unwrap_or(0);
        QueueLag {
            cluster: holding.broker.cluster.clone(),
            broker: holding.broker.name.clone(),
            queue: *queue,
            minimum_offset: place.minimum,
            broker_offset: place.maximum,
            consumer_offset,
            // A group can be ahead of a broker that has lost messages; nothing waits for it then.
            lag: (place.maximum - from).max(0),
        }
    })
}

impl Told for Progress {
    fn text(&self) -> String {
        let mut of_topics = Vec::new();
        let mut of_queues = Vec::new();
        for group in &self.groups {
            for topic in &group.topics {
                let names = [group.group.clone(), topic.topic.clone()];
                let [name, of] = names.clone();
                of_topics.push([
                    name,
                    of,
                    topic.queues.len().to_string(),
                    topic.lag.to_string(),
                ]);
                for queue in &topic.queues {
                    let [name, of] = names.clone();
                    of_queues.push([
                        name,
                        of,
                        queue.broker.clone(),
                        queue.queue.to_string(),
                        queue.broker_offset.to_string(),
                        or_nothing(queue.consumer_offset),
                        queue.lag.to_string(),
                    ]);
                }
            }
            if group.topics.is_empty() && !self.each_queue {
                let none = or_nothing::<String>(None);
                of_topics.push([group.group.clone(), none, "0".to_owned(), "0".to_owned()]);
            }
        }
        let [group, topic, lag] = [
            Column::Text("GROUP"),
            Column::Text("TOPIC"),
            Column::Number("LAG"),
        ];
        let rows = if self.each_queue {
            let broker = Column::Text("BROKER");
            let numbers = ["QUEUE", "BROKER OFFSET", "CONSUMER OFFSET"].map(Column::Number);
            let [queue, offset, consumer] = numbers;
            table(
                [group, topic, broker, queue, offset, consumer, lag],
                &of_queues,
            )
        } else {
            table([group, topic, Column::Number("QUEUES"), lag], &of_topics)
        };
        let text = format!("{rows}\nlag in total: {}\n", self.lag);
        with_problems(text, &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
