//! Records exchanges with live servers of one version as files: `record DIRECTORY VERSION before|after`.
//!
//! Started by the script `recordings/record`, which starts the servers. `before` is the time when the name server runs
//! alone; for `after` it waits until a master and its replica are registered, and gives them topics and a group.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use midships_client_rocketmq::recording::{self, Wire};
use midships_client_rocketmq::{
    Answer, CallError, Client, ClusterInfo, Frame, FrameError, ProductVersion, Recording, Reply,
    Request, SubscriptionGroup, Timeouts, TopicConfiguration, encode,
};
use snafu::{ResultExt, Snafu, ensure};

const NAME_SERVER: &str = "127.0.0.1:9876";
/// A second name server, which was told to write binary headers.
const BINARY_NAME_SERVER: &str = "127.0.0.1:9877";
const MASTER: &str = "127.0.0.1:10911";
const REPLICA: &str = "127.0.0.1:11911";
const ORDERED_TOPICS: &str = "ORDER_TOPIC_CONFIG";
/// The product's request code of a heartbeat, with which clients join their groups.
const HEARTBEAT: i32 = 34;
/// The first release whose brokers have a list of protected properties in every build used here: 5.3.0.
const PROTECTS_PROPERTIES: i32 = 473;

#[derive(Debug, Snafu)]
enum Error {
    #[snafu(display("three arguments are needed: DIRECTORY VERSION before|after"))]
    Usage,
    #[snafu(display("{source}"))]
    Call { source: CallError },
    #[snafu(display("the server refused to set up {what}: code {code}, {remark}"))]
    Refused {
        what: String,
        code: i32,
        remark: String,
    },
    #[snafu(display("the master and its replica were not registered within {seconds} seconds"))]
    NotRegistered { seconds: u64 },
    #[snafu(display("the master did not deliver within a minute ({request})"))]
    NotDelivered { request: Request },
    #[snafu(display("the master was not told of a client: {source}"))]
    Heartbeat { source: std::io::Error },
    #[snafu(display("{name}: {source}"))]
    Recording {
        name: String,
        source: recording::Error,
    },
    #[snafu(display("{name}: {source}"))]
    Frame { name: String, source: FrameError },
    #[snafu(display("failed to write {}: {source}", path.display()))]
    Write {
        path: PathBuf,
        source: std::io::Error,
    },
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
    let [directory, version, stage] = arguments.as_slice() else {
        return UsageSnafu.fail();
    };
    let timeouts = Timeouts {
        connect: Duration::from_secs(10),
        call: Duration::from_secs(20),
    };
    let recorder = Recorder {
        client: Client::new(timeouts),
        directory: Path::new(directory).join(version),
        version: version.clone(),
    };
    match stage.as_str() {
        "before" => recorder.before().await,
        "after" => recorder.after().await,
        _ => UsageSnafu.fail(),
    }
}

struct Recorder {
    client: Client,
    directory: PathBuf,
    version: String,
}

impl Recorder {
    async fn before(&self) -> Result<(), Error> {
        self.wait(NAME_SERVER, |_| true).await?;
        self.record("cluster-info-empty", NAME_SERVER, Request::ClusterInfo)
            .await?;
        self.record("topic-list-empty", NAME_SERVER, Request::TopicList)
            .await
    }

    async fn after(&self) -> Result<(), Error> {
        let complete = |info: &ClusterInfo| {
            info.brokers
                .values()
                .any(|group| group.addresses.len() == 2)
        };
        let broker = self.wait(NAME_SERVER, complete).await?;
        self.wait(BINARY_NAME_SERVER, complete).await?;
        self.wait_for_runtime_information(MASTER, "runtime-information-early")
            .await?;
        self.wait_for_runtime_information(REPLICA, "runtime-information-replica-early")
            .await?;
        self.set_up().await?;
        let topic = "orders".to_owned();
        let namespace = ORDERED_TOPICS.to_owned();

        let server = NAME_SERVER;
        let nothing = "nothing".to_owned();
        self.record(
            "key-values-none",
            server,
            Request::KeyValues {
                namespace: nothing.clone(),
            },
        )
        .await?;
        let put = Request::PutKeyValue {
            namespace: namespace.clone(),
            key: topic.clone(),
            value: format!("{broker}:4"),
        };
        self.record("put-key-value", server, put).await?;
        self.record(
            "key-values",
            server,
            Request::KeyValues {
                namespace: namespace.clone(),
            },
        )
        .await?;
        self.record("cluster-info", server, Request::ClusterInfo)
            .await?;
        self.record_binary(
            "cluster-info-binary",
            BINARY_NAME_SERVER,
            Request::ClusterInfo,
        )
        .await?;
        let none = Request::KeyValues {
            namespace: nothing.clone(),
        };
        self.record_binary("key-values-none-binary", BINARY_NAME_SERVER, none)
            .await?;
        self.record("topic-list", server, Request::TopicList)
            .await?;
        self.record(
            "topic-route",
            server,
            Request::TopicRoute {
                topic: topic.clone(),
            },
        )
        .await?;
        self.record(
            "topic-route-none",
            server,
            Request::TopicRoute { topic: nothing },
        )
        .await?;
        let delete = Request::DeleteKeyValue {
            namespace,
            key: topic,
        };
        self.record("delete-key-value", server, delete).await?;
        self.of_brokers().await
    }

    async fn of_brokers(&self) -> Result<(), Error> {
        self.record("topic-configurations", MASTER, Request::TopicConfigurations)
            .await?;
        self.record("subscription-groups", MASTER, Request::SubscriptionGroups)
            .await?;
        self.record("runtime-information", MASTER, Request::RuntimeInformation)
            .await?;
        self.record(
            "runtime-information-replica",
            REPLICA,
            Request::RuntimeInformation,
        )
        .await?;
        self.round_trip().await?;
        self.of_groups().await?;
        self.of_members().await?;
        self.of_deliveries().await?;
        // The second value has all that the form of properties must escape.
        let values = [
            ("namesrvAddr", "127.0.0.1:9876;127.0.0.2:9876"),
            ("regionId", "  a=b:c#d!\\e \u{e9}\u{4e2d}"),
        ];
        let properties = values
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let both = Request::UpdateBrokerConfiguration { properties };
        self.record("update-broker-configuration", MASTER, both)
            .await?;
        self.record("broker-configuration", MASTER, Request::BrokerConfiguration)
            .await?;
        if self.ordinal().await? >= PROTECTS_PROPERTIES {
            let properties = [("rocketmqHome".to_owned(), "/tmp".to_owned())].into();
            let protected = Request::UpdateBrokerConfiguration { properties };
            self.record("update-broker-configuration-declined", MASTER, protected)
                .await?;
        }
        Ok(())
    }

    /// Makes a topic, sends a message to it, reads it back, and removes it again.
    async fn round_trip(&self) -> Result<(), Error> {
        let topic = "tried".to_owned();
        let put = Request::PutTopic {
            configuration: TopicConfiguration::plain(&topic, 1),
            without_attributes: BTreeSet::new(),
        };
        self.record("put-topic", MASTER, put).await?;
        let pull = |offset| Request::PullMessage {
            topic: topic.clone(),
            offset,
            wait: 2_000,
        };
        self.record("pull-message-none", MASTER, pull(0)).await?;
        let send = Request::SendMessage {
            topic: topic.clone(),
            body: "tried".to_owned(),
            born: 1_700_000_000_000,
        };
        self.record("send-message", MASTER, send.clone()).await?;
        self.record("pull-message", MASTER, pull(0)).await?;
        let delete = Request::DeleteTopic {
            topic: topic.clone(),
        };
        self.record("delete-topic", MASTER, delete.clone()).await?;
        let forget = Request::ForgetTopic {
            topic,
            cluster: "recorded".to_owned(),
        };
        self.record("forget-topic", NAME_SERVER, forget).await?;
        self.record("delete-topic-none", MASTER, delete).await?;
        self.record("send-message-declined", MASTER, send).await
    }

    /// Three messages of a topic, of which a group has consumed two: places, offsets and progress; and a group that comes
    /// and goes.
    async fn of_groups(&self) -> Result<(), Error> {
        let [topic, group] = ["orders", "billing"].map(str::to_owned);
        for number in 1..=3 {
            let send = Request::SendMessage {
                topic: topic.clone(),
                body: format!("order {number}"),
                born: 1_700_000_000_000,
            };
            self.client.call(MASTER, &send).await.context(CallSnafu)?;
        }
        let put = Request::PutConsumerOffset {
            group: group.clone(),
            topic: topic.clone(),
            queue: 0,
            offset: 2,
        };
        self.record("put-consumer-offset", MASTER, put).await?;
        for (name, queue) in [("consumer-offset", 0), ("consumer-offset-none", 1)] {
            let ask = Request::ConsumerOffset {
                group: group.clone(),
                topic: topic.clone(),
                queue,
            };
            self.record(name, MASTER, ask).await?;
        }
        // More queues are read than written here.
        let configuration = TopicConfiguration {
            write_queues: 2,
            ..TopicConfiguration::plain("shrunk", 4)
        };
        let shrunk = Request::PutTopic {
            configuration,
            without_attributes: BTreeSet::new(),
        };
        self.client.call(MASTER, &shrunk).await.context(CallSnafu)?;
        for (name, topic) in [
            ("topic-statistics", "orders"),
            ("topic-statistics-shrunk", "shrunk"),
            ("topic-statistics-declined", "nothing"),
        ] {
            let topic = topic.to_owned();
            self.record(name, MASTER, Request::TopicStatistics { topic })
                .await?;
        }
        for (name, topic) in [
            ("consume-statistics", None),
            ("consume-statistics-shrunk", Some("shrunk".to_owned())),
        ] {
            let group = group.clone();
            self.record(name, MASTER, Request::ConsumeStatistics { group, topic })
                .await?;
        }
        self.record("consumer-offsets", MASTER, Request::ConsumerOffsets)
            .await?;
        for (name, topic) in [
            ("topic-groups", topic),
            ("topic-groups-none", "archive".to_owned()),
        ] {
            self.record(name, MASTER, Request::TopicGroups { topic })
                .await?;
        }
        let other = serde_json::json!({"retryQueueNums": 2, "retryMaxTimes": 5, "consumeBroadcastEnable": true});
        let shipping = SubscriptionGroup {
            name: "shipping".to_owned(),
            consume_enabled: false,
            other: other.as_object().cloned().unwrap_or_default(),
        };
        let put = Request::PutSubscriptionGroup { group: shipping };
        self.record("put-subscription-group", MASTER, put).await?;
        let groups = Request::SubscriptionGroups;
        self.record("subscription-groups-more", MASTER, groups)
            .await?;
        let delete = Request::DeleteSubscriptionGroup {
            group: "shipping".to_owned(),
            with_offsets: true,
        };
        self.record("delete-subscription-group", MASTER, delete)
            .await
    }

    /// A client that consumes as a member of a group and produces as one of another.
    async fn of_members(&self) -> Result<(), Error> {
        let heartbeat = serde_json::json!({
            "clientID": "127.0.0.1@recorded",
            "consumerDataSet": [{
                "groupName": "billing",
                "consumeType": "CONSUME_PASSIVELY",
                "messageModel": "CLUSTERING",
                "consumeFromWhere": "CONSUME_FROM_LAST_OFFSET",
                "subscriptionDataSet": [{
                    "topic": "orders", "subString": "*", "expressionType": "TAG", "subVersion": 1_700_000_000_000_i64,
                }],
                "unitMode": false,
            }],
            "producerDataSet": [{"groupName": "shop"}],
        });
        let mut frame = Frame::request(HEARTBEAT, 1);
        frame.body = heartbeat.to_string().into_bytes();
        let bytes = frame.to_bytes().context(FrameSnafu { name: "heartbeat" })?;
        // Brokers count a client in as long as it is connected.
        let mut stream = std::net::TcpStream::connect(MASTER).context(HeartbeatSnafu)?;
        stream.write_all(&bytes).context(HeartbeatSnafu)?;
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .context(HeartbeatSnafu)?;
        stream.read_exact(&mut [0; 8]).context(HeartbeatSnafu)?;
        for (name, group) in [
            ("consumer-connections", "billing"),
            ("consumer-connections-none", "nobody"),
        ] {
            let group = group.to_owned();
            self.record(name, MASTER, Request::ConsumerConnections { group })
                .await?;
        }
        for (name, group) in [
            ("producer-connections", "shop"),
            ("producer-connections-none", "nobody"),
        ] {
            let [group, topic] = [group, "orders"].map(str::to_owned);
            self.record(name, MASTER, Request::ProducerConnections { group, topic })
                .await?;
        }
        Ok(())
    }

    /// What the master delivers later and to its replica.
    async fn of_deliveries(&self) -> Result<(), Error> {
        let version = ProductVersion(self.ordinal().await?);
        let delayed = |reply: &Reply| matches!(reply, Reply::DelayOffsets(offsets) if !offsets.levels.is_empty());
        self.send_with("DELAY\u{1}1\u{2}").await?;
        self.wait_for_delivery(&Request::DelayOffsets, delayed)
            .await?;
        self.record("delay-offsets", MASTER, Request::DelayOffsets)
            .await?;
        if Request::TimerMetrics.is_known_by(version) {
            let timed = |reply: &Reply| matches!(reply, Reply::TimerMetrics(metrics) if !metrics.topics.is_empty());
            self.send_with("TIMER_DELAY_SEC\u{1}600\u{2}").await?;
            self.wait_for_delivery(&Request::TimerMetrics, timed)
                .await?;
        }
        for (name, address, request) in [
            ("timer-metrics", MASTER, Request::TimerMetrics),
            ("replication-status", MASTER, Request::ReplicationStatus),
            (
                "replication-status-replica",
                REPLICA,
                Request::ReplicationStatus,
            ),
        ] {
            if request.is_known_by(version) {
                self.record(name, address, request).await?;
            }
        }
        Ok(())
    }

    /// Sends a message with properties, as the product writes them.
    async fn send_with(&self, properties: &str) -> Result<(), Error> {
        let send = Request::SendMessage {
            topic: "orders".to_owned(),
            body: "later".to_owned(),
            born: 1_700_000_000_000,
        };
        let mut frame = encode(&send, 1);
        frame.fields.insert("i".to_owned(), properties.to_owned());
        self.tell(&frame, "a later message").await
    }

    /// Waits until the master says of its deliveries what is wanted.
    async fn wait_for_delivery(
        &self,
        request: &Request,
        wanted: impl Fn(&Reply) -> bool,
    ) -> Result<(), Error> {
        let end = Instant::now() + Duration::from_mins(1);
        while !wanted(
            &self
                .client
                .call(MASTER, request)
                .await
                .context(CallSnafu)?
                .reply,
        ) {
            ensure!(
                Instant::now() < end,
                NotDeliveredSnafu {
                    request: request.clone()
                }
            );
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        Ok(())
    }

    /// The version of the master.
    async fn ordinal(&self) -> Result<i32, Error> {
        let answer = self.client.call(MASTER, &Request::RuntimeInformation);
        Ok(answer.await.context(CallSnafu)?.version.0)
    }

    /// Waits until a name server's list of brokers is as wanted, and returns a broker name of it.
    async fn wait(
        &self,
        address: &str,
        wanted: impl Fn(&ClusterInfo) -> bool,
    ) -> Result<String, Error> {
        let seconds = 180;
        let end = Instant::now() + Duration::from_secs(seconds);
        while Instant::now() < end {
            if let Ok(Answer {
                reply: Reply::ClusterInfo(info),
                ..
            }) = self.client.call(address, &Request::ClusterInfo).await
                && wanted(&info)
            {
                return Ok(info.brokers.into_keys().next().unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
        NotRegisteredSnafu { seconds }.fail()
    }

    /// Waits until a broker gives its runtime information. Old ones fail at that in their first second, for want of a
    /// sample of their counters; that answer is recorded where it was met.
    async fn wait_for_runtime_information(&self, address: &str, early: &str) -> Result<(), Error> {
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            match self
                .client
                .call(address, &Request::RuntimeInformation)
                .await
            {
                Ok(_) => return Ok(()),
                Err(CallError::Declined { .. }) if Instant::now() < end => {
                    self.record(early, address, Request::RuntimeInformation)
                        .await?;
                    tokio::time::sleep(Duration::from_millis(300)).await;
                }
                Err(source) => return Err(Error::Call { source }),
            }
        }
    }

    /// Gives the master an ordered topic with an attribute, one that is only read, and a subscription group.
    async fn set_up(&self) -> Result<(), Error> {
        let topics = [
            ("orders", "4", "6", "true", "+message.type=FIFO"),
            ("archive", "8", "4", "false", ""),
        ];
        for (topic, queues, permission, order, attributes) in topics {
            let mut frame = Frame::request(17, 0);
            for (name, value) in [
                ("topic", topic),
                ("defaultTopic", "TBW102"),
                ("readQueueNums", queues),
                ("writeQueueNums", queues),
                ("perm", permission),
                ("topicFilterType", "SINGLE_TAG"),
                ("topicSysFlag", "0"),
                ("order", order),
                ("attributes", attributes),
            ] {
                frame.fields.insert(name.to_owned(), value.to_owned());
            }
            self.tell(&frame, topic).await?;
        }
        let mut frame = Frame::request(200, 0);
        frame.body = br#"{"groupName":"billing","consumeEnable":true,"consumeFromMinEnable":true,"consumeBroadcastEnable":false,"retryQueueNums":2,"retryMaxTimes":5,"brokerId":0,"whichBrokerWhenConsumeSlowly":1,"notifyConsumerIdsChangedEnable":true}"#.to_vec();
        self.tell(&frame, "billing").await?;
        let request = Request::TopicRoute {
            topic: "archive".to_owned(),
        };
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let answer = self
                .client
                .call(NAME_SERVER, &request)
                .await
                .context(CallSnafu)?;
            if matches!(answer.reply, Reply::Route(Some(_))) {
                return Ok(());
            }
            ensure!(Instant::now() < end, NotRegisteredSnafu { seconds: 60_u64 });
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn tell(&self, frame: &Frame, what: &str) -> Result<(), Error> {
        let answer = self
            .client
            .exchange(MASTER, frame, what)
            .await
            .context(CallSnafu)?;
        let remark = answer.remark.unwrap_or_default();
        ensure!(
            answer.code == 0,
            RefusedSnafu {
                what,
                code: answer.code,
                remark
            }
        );
        Ok(())
    }

    async fn record(&self, name: &str, address: &str, request: Request) -> Result<(), Error> {
        let bytes = encode(&request, 1)
            .to_bytes()
            .context(FrameSnafu { name })?;
        self.write(name, address, request, bytes).await
    }

    async fn record_binary(
        &self,
        name: &str,
        address: &str,
        request: Request,
    ) -> Result<(), Error> {
        let bytes = encode(&request, 1)
            .to_bytes_binary()
            .context(FrameSnafu { name })?;
        self.write(name, address, request, bytes).await
    }

    async fn write(
        &self,
        name: &str,
        address: &str,
        request: Request,
        sent: Vec<u8>,
    ) -> Result<(), Error> {
        let received = self
            .client
            .exchange_bytes(address, &sent, 1, name)
            .await
            .context(CallSnafu)?;
        let recording = Recording {
            server: self.version.clone(),
            command: format!("recordings/record JARS {}", self.version),
            request,
            sent: Wire::of(&sent).context(RecordingSnafu { name })?,
            received: Wire::of(&received).context(RecordingSnafu { name })?,
        };
        let path = self.directory.join(name).with_extension("json");
        let written = std::fs::create_dir_all(&self.directory).and_then(|()| {
            let mut text = serde_json::to_vec_pretty(&recording)?;
            text.push(b'\n');
            std::fs::write(&path, text)
        });
        written.context(WriteSnafu { path })
    }
}
