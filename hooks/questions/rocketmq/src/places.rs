//! Where the queues of topics begin and end, asked of many topics of many brokers.

use std::collections::BTreeMap;

use midships_client_rocketmq::request::TOOLS_GROUP;
use midships_client_rocketmq::{Reply, Request, TopicConfiguration};

use crate::ask::{Asking, Question, Servers, another_kind};
use crate::holdings::Holding;
use crate::landscape::Landscape;

/// Where a queue begins and ends.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Place {
    /// The place of the first message that is there; none where the broker does not tell.
    pub(crate) minimum: Option<i64>,
    /// The place that the next message gets.
    pub(crate) maximum: i64,
    /// When the last message was stored, in milliseconds since 1970; 0 when there is none or the broker does not tell.
    pub(crate) updated: i64,
}

/// The queues of topics: by the index of the holding and the topic, then by number.
pub(crate) type Places = BTreeMap<(usize, String), BTreeMap<u32, Place>>;

/// How many queues of a topic may hold messages. Fewer may be read or written than the other, and both stay.
pub(crate) fn queues(topic: &TopicConfiguration) -> u32 {
    topic.read_queues.max(topic.write_queues)
}

/// Asks for the queues of topics, each at a holding. A topic that could not be asked for is left out, and told as a problem.
pub(crate) async fn places<S: Servers>(
    asking: &Asking<'_, S>,
    landscape: &mut Landscape,
    holdings: &[Holding],
    wanted: &[(usize, String)],
) -> Places {
    let mut places = Places::new();
    let statistics = |topic: &String| Request::TopicStatistics {
        topic: topic.clone(),
    };
    add(asking, landscape, holdings, wanted, statistics, &mut places).await;
    // Before 5.0.0 brokers tell only of queues that are written. Where more are read, the progress of a group tells their
    // ends.
    let short: Vec<(usize, String)> = wanted
        .iter()
        .filter(|(index, topic)| {
            let holding = &holdings[*index];
            let known = places.get(&(*index, topic.clone()));
            let known = known.map(|queues| u32::try_from(queues.len()).unwrap_or(u32::MAX));
            let there = holding.topics.get(topic).map(queues);
            // A topic without any known queue may be gone, and then this is answered with nothing.
            known.zip(there).is_some_and(|(known, there)| known < there)
        })
        .cloned()
        .collect();
    // Brokers before 5.0.0 leave queues out of the progress of a group whose members have not subscribed to the topic; this one
    // has no members.
    let progress = |topic: &String| Request::ConsumeStatistics {
        group: TOOLS_GROUP.to_owned(),
        topic: Some(topic.clone()),
    };
    add(asking, landscape, holdings, &short, progress, &mut places).await;
    places
}

/// Adds what is answered about topics, without taking back what is known of a queue.
async fn add<S: Servers>(
    asking: &Asking<'_, S>,
    landscape: &mut Landscape,
    holdings: &[Holding],
    wanted: &[(usize, String)],
    request: impl Fn(&String) -> Request,
    places: &mut Places,
) {
    let questions: Vec<Question> = wanted
        .iter()
        .map(|(index, topic)| Question::new(&holdings[*index].broker.address, request(topic)))
        .collect();
    let answers = asking.all(&questions).await;
    for ((wanted, question), answer) in wanted.iter().zip(&questions).zip(answers) {
        let told = match answer.map(|answer| answer.reply) {
            Ok(Reply::TopicStatistics(statistics)) => statistics
                .queues
                .into_iter()
                .map(|queue| {
                    let place = Place {
                        minimum: Some(queue.minimum_offset),
                        maximum: queue.maximum_offset,
                        updated: queue.updated,
                    };
                    (queue.queue, place)
                })
                .collect(),
            Ok(Reply::ConsumeStatistics(statistics)) => statistics
                .queues
                .into_iter()
                .map(|queue| {
                    let place = Place {
                        // A queue that never had a message begins where it ends.
                        minimum: (queue.broker_offset == 0).then_some(0),
                        maximum: queue.broker_offset,
                        updated: 0,
                    };
                    (queue.queue, place)
                })
                .collect(),
            Ok(_) => {
                landscape.problems.insert(another_kind(&question.address));
                continue;
            }
            Err(problem) => {
                landscape.problems.insert(problem);
                continue;
            }
        };
        let told: Vec<(u32, Place)> = told;
        let queues = places.entry(wanted.clone()).or_default();
        for (queue, place) in told {
            queues.entry(queue).or_insert(place);
        }
    }
}
