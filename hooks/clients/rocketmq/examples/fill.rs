//! Fills a broker, for measurements: `fill ADDRESS create|remove PREFIX COUNT` or `fill ADDRESS groups COUNT`.
//!
//! `create` makes topics of eight queues and compares each with what the broker then has. `groups` makes groups that have
//! consumed one of three messages in each of ten topics.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use midships_client_rocketmq::{
    CallError, Client, Reply, Request, SubscriptionGroup, Timeouts, TopicConfiguration,
};
use snafu::{OptionExt, ResultExt, Snafu, ensure};
use tokio::task::JoinSet;

/// How many requests are under way at the same time.
const AT_ONCE: u32 = 16;
const QUEUES: u32 = 8;
/// How many topics the groups consume, and how many messages each has.
const CONSUMED: u32 = 10;
const MESSAGES: u32 = 3;

#[derive(Debug, Snafu)]
enum Error {
    #[snafu(display(
        "the arguments must be ADDRESS create|remove PREFIX COUNT, or ADDRESS groups COUNT"
    ))]
    Usage,
    #[snafu(display("{source}"))]
    Call { source: CallError },
    #[snafu(display("topic `{topic}` is not as it was made"))]
    Differs { topic: String },
    #[snafu(display("the broker answered another question"))]
    Another,
    #[snafu(display("a request was not sent: {source}"))]
    Task { source: tokio::task::JoinError },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where even that cannot be written, the exit code says it.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let timeouts = Timeouts {
        connect: Duration::from_secs(5),
        call: Duration::from_secs(30),
    };
    let client = Arc::new(Client::reusing_connections(timeouts));
    let number = |text: &str| text.parse::<u32>().ok();
    match words.as_slice() {
        [address, "create", prefix, count] => {
            create(&client, address, prefix, number(count).context(UsageSnafu)?).await
        }
        [address, "remove", prefix, count] => {
            let remove = |number| Request::DeleteTopic {
                topic: name(prefix, number),
            };
            all(
                &client,
                address,
                (0..number(count).context(UsageSnafu)?)
                    .map(remove)
                    .collect(),
            )
            .await
        }
        [address, "groups", count] => {
            groups(&client, address, number(count).context(UsageSnafu)?).await
        }
        _ => UsageSnafu.fail(),
    }
}

fn name(prefix: &str, number: u32) -> String {
    format!("{prefix}-{number}")
}

/// Sends all requests, some at the same time.
async fn all(client: &Arc<Client>, address: &str, requests: Vec<Request>) -> Result<(), Error> {
    let requests = Arc::new(requests);
    let next = Arc::new(AtomicU32::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (client, requests, next) = (client.clone(), requests.clone(), next.clone());
        let address = address.to_owned();
        tasks.spawn(async move {
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed) as usize) {
                client.call(&address, request).await.context(CallSnafu)?;
            }
            Ok::<_, Error>(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.context(TaskSnafu)??;
    }
    Ok(())
}

fn put(topic: &str, queues: u32) -> Request {
    Request::PutTopic {
        configuration: TopicConfiguration::plain(topic, queues),
        without_attributes: BTreeSet::new(),
    }
}

async fn create(
    client: &Arc<Client>,
    address: &str,
    prefix: &str,
    count: u32,
) -> Result<(), Error> {
    let requests = (0..count).map(|number| put(&name(prefix, number), QUEUES));
    all(client, address, requests.collect()).await?;
    let answer = client.call(address, &Request::TopicConfigurations).await;
    let Reply::TopicConfigurations(table) = answer.context(CallSnafu)?.reply else {
        return AnotherSnafu.fail();
    };
    for number in 0..count {
        let topic = name(prefix, number);
        let made = TopicConfiguration::plain(&topic, QUEUES);
        let there = table.topics.get(&topic).cloned().map(|mut there| {
            // Brokers of 5.x add that there are none.
            there
                .other
                .retain(|_, value| *value != serde_json::json!({}));
            there
        });
        ensure!(there == Some(made), DiffersSnafu { topic });
    }
    Ok(())
}

async fn groups(client: &Arc<Client>, address: &str, count: u32) -> Result<(), Error> {
    let topics = (0..CONSUMED).map(|number| name("consumed", number));
    let topics: Vec<String> = topics.collect();
    let mut requests: Vec<Request> = topics.iter().map(|topic| put(topic, QUEUES)).collect();
    for number in 0..count {
        let group = SubscriptionGroup {
            name: name("group", number),
            consume_enabled: true,
            ..SubscriptionGroup::default()
        };
        requests.push(put(&format!("%RETRY%{}", group.name), 1));
        requests.push(Request::PutSubscriptionGroup { group });
    }
    all(client, address, requests).await?;
    let send = |topic: &String| Request::SendMessage {
        topic: topic.clone(),
        body: "message".to_owned(),
        born: 1_700_000_000_000,
    };
    let messages = topics
        .iter()
        .flat_map(|topic| (0..MESSAGES).map(move |_| send(topic)));
    all(client, address, messages.collect()).await?;
    let mut offsets = Vec::new();
    for number in 0..count {
        for topic in &topics {
            for queue in 0..QUEUES {
                offsets.push(Request::PutConsumerOffset {
                    group: name("group", number),
                    topic: topic.clone(),
                    queue,
                    offset: u64::from(queue == 0),
                });
            }
        }
    }
    all(client, address, offsets).await
}
