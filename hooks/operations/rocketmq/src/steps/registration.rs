//! Every name server lists every broker and every topic.

use std::collections::BTreeSet;

use midships_client_rocketmq::Request;
use midships_engine::step::{Memory, Verdict};

use super::{Observation, Scene, count};
use crate::view::{View, ask_name_server};
use crate::vocabulary::{Command, Query};

/// Everything that has to be asked to know whether every name server lists every broker and topic.
#[must_use]
pub fn queries(scene: &Scene) -> Vec<Query> {
    let servers = scene
        .name_servers
        .iter()
        .flat_map(|server| ask_name_server(server));
    let masters = scene.brokers.iter().filter(|broker| broker.is_master());
    servers
        .chain(masters.map(|broker| Query::rocketmq(&broker.address, Request::TopicConfigurations)))
        .collect()
}

/// What is missing at the name servers, in words, and how many registrations there are and should be.
pub(crate) fn missing(scene: &Scene, view: View<'_>) -> (Vec<String>, usize, usize) {
    let mut missing = Vec::new();
    let mut done = 0;
    let mut topics = BTreeSet::new();
    for master in scene.brokers.iter().filter(|broker| broker.is_master()) {
        match view.topic_configurations(&master.address) {
            Ok(table) => topics.extend(table.keys()),
            Err(unanswered) => missing.push(format!("broker {}: {}", master.pod, unanswered.why)),
        }
    }
    for server in &scene.name_servers {
        match (view.cluster_info(server), view.topics(server)) {
            (Ok(info), Ok(known)) => {
                for broker in &scene.brokers {
                    if broker.is_registered(info) {
                        done += 1;
                    } else {
                        missing.push(format!("{server} lacks broker {}", broker.pod));
                    }
                }
                let lacking = topics
                    .iter()
                    .filter(|topic| !known.contains(**topic))
                    .count();
                if lacking > 0 {
                    missing.push(format!(
                        "{server} lacks {lacking} of {} topics",
                        topics.len()
                    ));
                }
            }
            (Err(unanswered), _) | (_, Err(unanswered)) => {
                missing.push(format!("name server {server}: {}", unanswered.why));
            }
        }
    }
    (
        missing,
        done,
        scene.name_servers.len() * scene.brokers.len(),
    )
}

pub(super) fn assess_registered(scene: &Scene, seen: &Observation) -> Verdict<Command> {
    let (missing, done, total) = missing(scene, View::new(seen));
    if missing.is_empty() {
        Verdict::Done
    } else {
        Verdict::Wait {
            why: missing.join("; "),
            progress: Some(count(done, total, "registrations")),
            memory: Memory::new(),
        }
    }
}
