//! The operation chart `rocketmq-topic-transfer`: a Job that moves a topic, and one that takes that back.

use midships_model::model::Model;
use midships_model::rocketmq_topic_transfer::{self as transfer, Values};
use serde_json::{Value, json};

use super::{Entry, Facts, administrator, reference, requested, secret_of_tls, sources, version};

/// The chart in the registry.
pub(super) const ENTRY: Entry = Entry {
    model: Model::of::<Values>(),
    title: "RocketMQ topic transfer",
    about: "Moves a topic of RocketMQ to other brokers while producers and consumers go on.",
    keywords: &[
        "rocketmq",
        "topic",
        "migration",
        "message queue",
        "operation",
    ],
    icon: include_str!("../templates/rocketmq-topic-transfer/icon.svg"),
    sources: sources!(
        "rocketmq-topic-transfer":
        "about.md",
        "Chart.yaml",
        "templates/NOTES.txt",
        "templates/_names.tpl",
        "templates/_rules.tpl",
        "templates/network-policy.yaml",
        "templates/operations.yaml",
        "templates/transfer.yaml",
    ),
    read_by_the_hook: &[
        "afterwards",
        "clusterDomain",
        "consumers.broadcasting",
        "consumers.pop",
        "messages.deadLetters",
        "messages.delayed",
        "messages.half",
        "messages.retry",
        "nameServers.addresses",
        "orderedTopics",
        "source.cluster",
        "source.groups",
        "source.namespace",
        "source.release",
        "target.cluster",
        "target.groups",
        "target.namespace",
        "target.release",
    ],
    facts,
};

/// What values amount to, and the constants of the model.
fn facts(values: &Value) -> Result<Facts, serde_json::Error> {
    let values: Values = serde_json::from_value(values.clone())?;
    let hook = &values.hook;
    let (requested_cpu, requested_memory) = requested(&[(1, &hook.resources)]);
    Ok(Facts {
        product: "RocketMQ",
        app_version: version(&hook.image).to_owned(),
        what_notes_say: "what was done, and how to take it back",
        what_test_does: None,
        who_asks: "What the Job asks for",
        requested_cpu,
        requested_memory,
        credentials: administrator(),
        own: json!({
            "tls": secret_of_tls(),
            "hookImage": reference(&values.image_registry, &hook.image),
            "transferSeconds": transfer::TRANSFER_SECONDS,
            "looksAtRoutes": transfer::LOOKS_AT_ROUTES,
            "deadlineMargin": transfer::DEADLINE_MARGIN_SECONDS,
        }),
    })
}
