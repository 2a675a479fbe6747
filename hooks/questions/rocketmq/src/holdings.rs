//! What the brokers that are asked for topics, groups and offsets hold.

use std::collections::BTreeMap;

use midships_answers::Problem;
use midships_client_rocketmq::{
    ConsumerOffsets, Reply, Request, SubscriptionGroup, TopicConfiguration,
};

use crate::ask::{Asking, Question, Servers, another_kind};
use crate::landscape::{Broker, Landscape};

/// What one broker holds.
#[derive(Debug)]
pub(crate) struct Holding {
    pub(crate) broker: Broker,
    /// Its topics by name.
    pub(crate) topics: BTreeMap<String, TopicConfiguration>,
    /// Its subscription groups by name.
    pub(crate) groups: BTreeMap<String, SubscriptionGroup>,
    /// The offsets of all groups.
    pub(crate) offsets: ConsumerOffsets,
}

/// Asks the source of each group of brokers. Those that did not answer all are left out, and are told as problems.
pub(crate) async fn holdings<S: Servers, const N: usize>(
    asking: &Asking<'_, S>,
    landscape: &mut Landscape,
    requests: [Request; N],
) -> Vec<Holding> {
    let sources = landscape.sources();
    let questions: Vec<Question> = sources
        .iter()
        .flat_map(|broker| {
            requests
                .clone()
                .map(|request| Question::new(&broker.address, request))
        })
        .collect();
    let mut answers = asking.all(&questions).await.into_iter();
    let mut holdings = Vec::new();
    for broker in sources {
        let mut holding = Holding {
            broker,
            topics: BTreeMap::new(),
            groups: BTreeMap::new(),
            offsets: ConsumerOffsets::default(),
        };
        let mut whole = true;
        for answer in answers.by_ref().take(N) {
            if let Err(problem) = answer.and_then(|answer| holding.hear(answer.reply)) {
                landscape.problems.insert(problem);
                whole = false;
            }
        }
        if whole {
            holdings.push(holding);
        }
    }
    holdings
}

impl Holding {
    fn hear(&mut self, reply: Reply) -> Result<(), Problem> {
        match reply {
            Reply::TopicConfigurations(table) => self.topics = table.topics,
            Reply::SubscriptionGroups(table) => self.groups = table.groups,
            Reply::ConsumerOffsets(offsets) => self.offsets = offsets,
            _ => return Err(another_kind(&self.broker.address)),
        }
        Ok(())
    }
}
