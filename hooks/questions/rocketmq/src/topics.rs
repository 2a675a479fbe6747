//! The question which topics there are, where their queues are and what is in them.

use std::collections::{BTreeMap, BTreeSet};

use midships_answers::{Column, Problem, moment, or_nothing, table, with_problems};
use midships_client_rocketmq::system::is_system_topic;
use midships_client_rocketmq::{Reply, Request, TopicConfiguration};
use serde::Serialize;

use crate::ask::{Asking, Question, Servers, another_kind};
use crate::clusters::permission_text;
use crate::holdings::{Holding, holdings};
use crate::landscape::Landscape;
use crate::places::{Place, places};
use crate::{Scope, Told};

/// The namespace of the name servers that lists ordered topics; 4.x knows them from nowhere else.
const ORDERED_TOPICS: &str = "ORDER_TOPIC_CONFIG";

/// Topics.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Topics {
    /// The topics by name.
    pub topics: Vec<Topic>,
    /// What was not answered or is not as it should be.
    pub problems: Vec<Problem>,
}

/// A topic.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Topic {
    /// Its name.
    pub topic: String,
    /// How many messages all brokers together have of it.
    pub messages: i64,
    /// Each broker that has it.
    pub brokers: Vec<TopicAtBroker>,
}

/// A topic at a broker.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicAtBroker {
    /// The cluster's name.
    pub cluster: String,
    /// The broker's name.
    pub broker: String,
    /// How many queues are read.
    pub read_queues: u32,
    /// How many queues are written.
    pub write_queues: u32,
    /// What clients may do: `r` read, `w` write.
    pub permission: String,
    /// Whether it is an ordered topic, at this broker or in the list of a name server.
    pub order: bool,
    /// Its attributes, such as `message.type`; before 5.0.0 there are none.
    pub attributes: BTreeMap<String, String>,
    /// How many messages are there; none when the broker did not tell.
    pub messages: Option<i64>,
    /// When the last message was stored, in UTC.
    pub updated: Option<String>,
    /// Its queues, where one topic was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queues: Option<Vec<Queue>>,
}

/// A queue.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Queue {
    /// Its number, from 0.
    pub queue: u32,
    /// The place of the first message that is there; none when the broker does not tell, which is so before 5.0.0 of queues
    /// that are read and not written.
    pub minimum_offset: Option<i64>,
    /// The place that the next message gets.
    pub maximum_offset: i64,
    /// How many messages are there; none without the first place.
    pub messages: Option<i64>,
    /// When the last message was stored, in UTC.
    pub updated: Option<String>,
}

impl Topics {
    /// Asks one broker of each group for its topics, and for the places of their queues.
    pub async fn ask<S: Servers>(servers: &S, scope: &Scope) -> Self {
        let asking = Asking::new(servers);
        let mut landscape = Landscape::ask(&asking, scope).await;
        let ordered = ordered(&asking, &mut landscape, scope).await;
        let holdings = holdings(&asking, &mut landscape, [Request::TopicConfigurations]).await;
        let selected = selected(&landscape, &holdings, scope);
        let wanted: Vec<(usize, String)> = selected
            .iter()
            .flat_map(|(topic, indices)| indices.iter().map(|index| (*index, topic.clone())))
            .collect();
        let places = places(&asking, &mut landscape, &holdings, &wanted).await;
        if let Some(topic) = &scope.topic
            && selected.is_empty()
        {
            let problem = Problem::new(topic, "is a topic of none of the brokers that answered");
            landscape.problems.insert(problem);
        }
        let topics = selected
            .into_iter()
            .map(|(topic, indices)| {
                let brokers: Vec<TopicAtBroker> = indices
                    .into_iter()
                    .map(|index| {
                        at_broker(
                            &holdings[index],
                            &topic,
                            places.get(&(index, topic.clone())),
                            scope,
                        )
                    })
                    .map(|at| TopicAtBroker {
                        order: at.order || ordered.contains(&topic),
                        ..at
                    })
                    .collect();
                Topic {
                    messages: brokers.iter().filter_map(|at| at.messages).sum(),
                    topic,
                    brokers,
                }
            })
            .collect();
        Self {
            topics,
            problems: landscape.problems.into_iter().collect(),
        }
    }
}

/// The ordered topics that the name servers list, each of which has a list of its own.
async fn ordered<S: Servers>(
    asking: &Asking<'_, S>,
    landscape: &mut Landscape,
    scope: &Scope,
) -> BTreeSet<String> {
    let questions: Vec<Question> = scope
        .name_servers
        .iter()
        .map(|address| {
            let namespace = ORDERED_TOPICS.to_owned();
            Question::new(address, Request::KeyValues { namespace })
        })
        .collect();
    let mut ordered = BTreeSet::new();
    for (question, answer) in questions.iter().zip(asking.all(&questions).await) {
        match answer.map(|answer| answer.reply) {
            Ok(Reply::KeyValues(keys)) => ordered.extend(keys.into_keys()),
            Ok(_) => {
                landscape.problems.insert(another_kind(&question.address));
            }
            Err(problem) => {
                landscape.problems.insert(problem);
            }
        }
    }
    ordered
}

/// The topics in scope, each with the indices of the holdings that have it.
fn selected(
    landscape: &Landscape,
    holdings: &[Holding],
    scope: &Scope,
) -> BTreeMap<String, Vec<usize>> {
    let mut selected: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, holding) in holdings.iter().enumerate() {
        for topic in holding.topics.keys() {
            // Whoever names a topic wants to see it.
            let wanted = match &scope.topic {
                Some(wanted) => wanted == topic,
                None => {
                    scope.system || !is_system_topic(topic, |name| landscape.names.contains(name))
                }
            };
            if wanted {
                selected.entry(topic.clone()).or_default().push(index);
            }
        }
    }
    selected
}

fn at_broker(
    holding: &Holding,
    topic: &str,
    places: Option<&BTreeMap<u32, Place>>,
    scope: &Scope,
) -> TopicAtBroker {
    let configuration = holding.topics.get(topic).cloned().unwrap_or_default();
    let TopicConfiguration {
        read_queues,
        write_queues,
        permission,
        order,
        ..
    } = configuration;
    let updated = places.and_then(|places| places.values().map(|place| place.updated).max());
    TopicAtBroker {
        cluster: holding.broker.cluster.clone(),
        broker: holding.broker.name.clone(),
        read_queues,
        write_queues,
        permission: permission_text(permission),
        order,
        attributes: configuration.attributes().unwrap_or_default(),
        messages: places.map(|places| places.values().filter_map(messages).sum()),
        updated: updated.and_then(moment),
        queues: scope.topic.as_ref().and(places).map(|places| {
            places
                .iter()
                .map(|(queue, place)| Queue {
                    queue: *queue,
                    minimum_offset: place.minimum,
                    maximum_offset: place.maximum,
                    messages: messages(place),
                    updated: moment(place.updated),
                })
                .collect()
        }),
    }
}

/// How many messages are in a queue.
fn messages(place: &Place) -> Option<i64> {
    place
        .minimum
        .map(|minimum| (place.maximum - minimum).max(0))
}

impl Told for Topics {
    fn text(&self) -> String {
        let columns = [
            Column::Text("TOPIC"),
            Column::Text("BROKER"),
            Column::Number("READ"),
            Column::Number("WRITE"),
            Column::Text("PERM"),
            Column::Text("ORDER"),
            Column::Number("MESSAGES"),
            Column::Text("UPDATED"),
            Column::Text("ATTRIBUTES"),
        ];
        let mut rows = Vec::new();
        let mut of_queues = Vec::new();
        for topic in &self.topics {
            for at in &topic.brokers {
                let attributes: Vec<String> = at
                    .attributes
                    .iter()
                    .map(|(name, value)| format!("{name}={value}"))
                    .collect();
                rows.push([
                    topic.topic.clone(),
                    at.broker.clone(),
                    at.read_queues.to_string(),
                    at.write_queues.to_string(),
                    at.permission.clone(),
                    if at.order { "yes" } else { "no" }.to_owned(),
                    or_nothing(at.messages),
                    or_nothing(at.updated.as_ref()),
                    attributes.join(","),
                ]);
                for queue in at.queues.iter().flatten() {
                    of_queues.push([
                        at.broker.clone(),
                        queue.queue.to_string(),
                        or_nothing(queue.minimum_offset),
                        queue.maximum_offset.to_string(),
                        or_nothing(queue.messages),
                        or_nothing(queue.updated.as_ref()),
                    ]);
                }
            }
        }
        let mut text = table(columns, &rows);
        if !of_queues.is_empty() {
            let columns = [
                Column::Text("BROKER"),
                Column::Number("QUEUE"),
                Column::Number("MINIMUM"),
                Column::Number("MAXIMUM"),
                Column::Number("MESSAGES"),
                Column::Text("UPDATED"),
            ];
            text.push('\n');
            text.push_str(&table(columns, &of_queues));
        }
        with_problems(text, &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
