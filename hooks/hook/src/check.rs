//! `check`: whether a release does what it is for. Every name server lists every broker, and every master takes a message
//! on a topic of its own and gives it back; where masters are elected, every broker is in sync with its own. `helm test` runs this; it asks the product alone and never Kubernetes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use midships_client_rocketmq::{
    Answer, CallError, Client, Message, Reply, Request, Timeouts, TopicConfiguration, TopicRoute,
};
use midships_operations_rocketmq::view::ID_SETTING;
use midships_operations_rocketmq::{Broker, Desired};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;

use crate::arguments;
use crate::certificates::{self, Presented};
use crate::clock::Clock;
use crate::desired;
use crate::exit::Exit;
use crate::log;
use crate::operate::{identity, runtime, told};
use crate::signing;

/// What the name of every topic of a check begins with.
const TOPIC: &str = "midships-check-";

/// The longest name of a topic that brokers of every version take.
const LONGEST_TOPIC: usize = 127;

/// How long name servers may take to learn of a topic, or to forget it.
const ROUTE_LIMIT: Duration = Duration::from_secs(20);

/// How long a broker that has just come may take to count as in sync: its master looks every 5 s.
const SYNC_LIMIT: Duration = Duration::from_mins(1);

/// How long to pause between two looks at a route, or at who is in sync.
const LOOK: Duration = Duration::from_millis(250);

/// How long a broker waits for a message before it says that there is none, in milliseconds: less than a call may take.
const PULL_MILLISECONDS: u64 = 2_000;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// How long a certificate shall last still.
const SOON: Duration = Duration::from_secs(7 * DAY);

/// What is wrong with a server that has not taken a new certificate, or got another one.
const ANOTHER_CERTIFICATE: &str = "it presents another certificate than that of the Secret in tls.secretName; name servers and brokers \
     take a new one within two minutes, controllers when they are restarted";

/// Of a queue's permission: it may be written.
const WRITABLE: u32 = 2;

/// Checks a release and says what is not as it should be.
pub fn check(arguments: &arguments::Check) -> Exit {
    let (desired, is_required) = match desired::read(&arguments.desired) {
        Ok(desired) => (Desired::of(&desired, None), desired.values.tls.enforced),
        Err(error) => {
            log::complain(&error.to_string());
            return Exit::Usage;
        }
    };
    let access = &arguments.access;
    let read = signing::read(access.credentials.as_deref()).and_then(|credentials| {
        let tls = access.tls.as_deref();
        let encryption = certificates::encryption(tls, is_required)?;
        Ok((
            credentials,
            encryption,
            tls.map(Presented::read).transpose()?,
        ))
    });
    let (credentials, encryption, presented) = match read {
        Ok(read) => read,
        Err(problem) => {
            log::complain(&told(&problem));
            return Exit::Failed;
        }
    };
    let clock = Clock::start();
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(why) => {
            log::complain(&why);
            return Exit::Crash;
        }
    };
    let mut check = Check {
        topic: topic(&identity(clock)),
        client: Client::new(Timeouts::default())
            .signing_with(credentials)
            .encrypting_with(encryption),
        presented,
        clock,
        desired,
        given: Vec::new(),
        faults: Vec::new(),
    };
    runtime.block_on(check.run());
    if check.faults.is_empty() {
        log::line(clock.now(), "passed");
        return Exit::Done;
    }
    log::line(clock.now(), &format!("{} faults", check.faults.len()));
    Exit::Failed
}

/// A topic's name that no other check has: made from what no other process has, of letters that topics may have.
fn topic(identity: &str) -> String {
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || letter == '-' || letter == '_';
    let name: Vec<char> = identity
        .chars()
        .map(|letter| if allowed(letter) { letter } else { '-' })
        .collect();
    // The end tells processes apart, the start only hosts.
    let room = LONGEST_TOPIC - TOPIC.len();
    let tail: String = name[name.len().saturating_sub(room)..].iter().collect();
    format!("{TOPIC}{tail}")
}

/// One check of a release.
struct Check {
    topic: String,
    client: Client,
    /// What servers shall present, where they speak TLS.
    presented: Option<Presented>,
    clock: Clock,
    desired: Desired,
    /// The masters that may have the topic.
    given: Vec<Broker>,
    faults: Vec<String>,
}

impl Check {
    /// Looks at everything, and takes the topic back whatever came of it, also when it is told to stop.
    async fn run(&mut self) {
        let stopped = async {
            // Without notice of signals the check runs as it would, and is only not cut short in order.
            match (
                signal(SignalKind::terminate()),
                signal(SignalKind::interrupt()),
            ) {
                (Ok(mut terminate), Ok(mut interrupt)) => {
                    tokio::select! { _ = terminate.recv() => (), _ = interrupt.recv() => () }
                }
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.look() => (),
            () = stopped => self.fault("the check", "it was told to stop before it had ended"),
        }
        self.clean_up().await;
    }

    async fn look(&mut self) {
        self.see_certificates().await;
        for server in self.desired.name_servers.clone() {
            self.ask_name_server(&server).await;
        }
        if self.desired.is_elected() {
            self.see_masters().await;
            self.ask_controllers().await;
        }
        let masters: Vec<Broker> = self
            .desired
            .brokers
            .iter()
            .filter(|broker| broker.is_master())
            .cloned()
            .collect();
        for master in masters {
            match self.round_trip(&master).await {
                Ok(()) => self.told(&format!(
                    "master {}: took a message and gave it back",
                    master.address
                )),
                Err(why) => self.fault(&format!("master {}", master.address), why),
            }
        }
    }

    /// Whether every server presents the certificate of the Secret, and whether that lasts.
    async fn see_certificates(&mut self) {
        let Some(presented) = self.presented.take() else {
            return;
        };
        if !presented.lasts(SOON) {
            let days = SOON.as_secs() / DAY;
            self.fault(
                "tls.secretName",
                format!(
                    "the certificate of its Secret, or one above it, ends within {days} days; replace it there"
                ),
            );
        }
        // Name servers of others have certificates of their own.
        let brokers = self.desired.brokers.iter().map(|broker| &broker.address);
        let own = |server: &&String| {
            let mut pods = self.desired.own_name_servers.iter();
            pods.any(|pod| server.split('.').next() == Some(pod))
        };
        let servers = self.desired.name_servers.iter().filter(own);
        let servers = servers.chain(&self.desired.controllers).chain(brokers);
        let mut count = 0;
        let mut faults = Vec::new();
        for server in servers {
            count += 1;
            match self.client.certificate(server).await {
                Ok(certificate) if presented.is(&certificate) => {}
                Ok(_) => faults.push((server.clone(), ANOTHER_CERTIFICATE.to_owned())),
                Err(error) => faults.push((server.clone(), error.to_string())),
            }
        }
        if faults.is_empty() {
            self.told(&format!(
                "TLS: {count} servers present the certificate of the Secret"
            ));
        }
        for (server, why) in faults {
            self.fault(&format!("server {server}"), why);
        }
    }

    /// Learns who is elected from the brokers themselves.
    async fn see_masters(&mut self) {
        let mut ids = BTreeMap::new();
        for broker in self.desired.brokers.clone() {
            let object = format!("broker {}", broker.address);
            let settings = match self
                .call(&broker.address, &Request::BrokerConfiguration)
                .await
            {
                Ok(Reply::Configuration(settings)) => settings,
                Ok(other) => {
                    self.fault(&object, unexpected(&other));
                    continue;
                }
                Err(error) => {
                    self.fault(&object, error);
                    continue;
                }
            };
            match settings
                .get(ID_SETTING)
                .and_then(|id| id.parse::<i64>().ok())
            {
                Some(id) if id >= 0 => {
                    ids.insert(broker.address, id);
                }
                _ => self.fault(&object, "no controller has granted it an id"),
            }
        }
        self.desired = self.desired.with_ids(ids);
        for group in self.groups() {
            let of_group = self.desired.masters().filter(|master| master.name == group);
            let count = of_group.count();
            if count != 1 {
                self.fault(&format!("group {group}"), format!("it has {count} masters"));
            }
        }
    }

    /// Whether every controller answers, one leads, and every broker counts as in sync with its master. One that has just come
    /// does after some seconds.
    async fn ask_controllers(&mut self) {
        let end = Instant::now() + SYNC_LIMIT;
        let faults = loop {
            let faults = self.faults_of_controllers().await;
            if faults.is_empty() || Instant::now() >= end {
                break faults;
            }
            tokio::time::sleep(LOOK).await;
        };
        if faults.is_empty() {
            self.told(&format!(
                "controllers: {} serve, and all brokers are in sync with their masters",
                self.desired.controllers.len()
            ));
        }
        for (object, why) in faults {
            self.fault(&object, why);
        }
    }

    async fn faults_of_controllers(&self) -> Vec<(String, String)> {
        let request = Request::Elections {
            groups: self.groups(),
        };
        let mut faults = Vec::new();
        let mut leading = None;
        for controller in &self.desired.controllers {
            let why = match self.call(controller, &request).await {
                Ok(Reply::Elections(found)) => {
                    leading = found.or(leading);
                    continue;
                }
                Ok(other) => unexpected(&other),
                Err(error) => error,
            };
            faults.push((format!("controller {controller}"), why));
        }
        let Some(elections) = leading else {
            faults.push(("controllers".to_owned(), "none of them leads".to_owned()));
            return faults;
        };
        for broker in &self.desired.brokers {
            let election = elections.get(&broker.name);
            if !election.is_some_and(|election| election.is_in_sync(&broker.address)) {
                let why = "not in sync with its master".to_owned();
                faults.push((format!("broker {}", broker.address), why));
            }
        }
        faults
    }

    fn groups(&self) -> BTreeSet<String> {
        let brokers = self.desired.brokers.iter();
        brokers.map(|broker| broker.name.clone()).collect()
    }

    async fn ask_name_server(&mut self, server: &str) {
        let object = format!("name server {server}");
        let info = match self.call(server, &Request::ClusterInfo).await {
            Ok(Reply::ClusterInfo(info)) => info,
            Ok(other) => return self.fault(&object, unexpected(&other)),
            Err(error) => return self.fault(&object, error),
        };
        let brokers = &self.desired.brokers;
        let lacking: Vec<&str> = brokers
            .iter()
            .filter(|broker| !broker.is_registered(&info))
            .map(|broker| broker.address.as_str())
            .collect();
        if lacking.is_empty() {
            let count = brokers.len();
            self.told(&format!(
                "{object}: lists all brokers of the release, {count}"
            ));
        } else {
            let lacking = lacking.join(", ");
            self.fault(&object, format!("it does not list the broker {lacking}"));
        }
    }

    /// Gives a master the topic, sees every name server route to it, sends a message and reads it back.
    async fn round_trip(&mut self, master: &Broker) -> Result<(), String> {
        let topic = self.topic.clone();
        let put = Request::PutTopic {
            configuration: TopicConfiguration::plain(&topic, 1),
            without_attributes: BTreeSet::new(),
        };
        match self.client.call(&master.address, &put).await {
            Ok(_) => self.given.push(master.clone()),
            Err(error) => {
                if error.may_have_taken_effect() {
                    self.given.push(master.clone());
                }
                return Err(error.to_string());
            }
        }
        self.await_route(master).await?;
        let text = format!("{topic} at {}", master.name);
        let send = Request::SendMessage {
            topic: topic.clone(),
            body: text.clone(),
            born: self.clock.now(),
        };
        let offset = match self.call(&master.address, &send).await? {
            Reply::Stored { offset } => offset,
            other => return Err(unexpected(&other)),
        };
        let pull = Request::PullMessage {
            topic,
            offset,
            wait: PULL_MILLISECONDS,
        };
        match self.call(&master.address, &pull).await? {
            Reply::Messages(messages) => same(&messages, offset, &text),
            other => Err(unexpected(&other)),
        }
    }

    /// Waits until every name server routes sends of the topic to a master.
    async fn await_route(&self, master: &Broker) -> Result<(), String> {
        for server in &self.desired.name_servers {
            let end = Instant::now() + ROUTE_LIMIT;
            loop {
                let route = self.route(server).await?;
                match route.as_ref().map(|route| writable(route, &master.name)) {
                    Some(Some(true)) => break,
                    Some(Some(false)) => {
                        return Err(format!(
                            "it is closed for writing: name server {server} routes no sends to it"
                        ));
                    }
                    _ if Instant::now() < end => tokio::time::sleep(LOOK).await,
                    _ => {
                        return Err(format!(
                            "name server {server} did not learn of a new topic of it within {} s",
                            ROUTE_LIMIT.as_secs()
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    async fn route(&self, server: &str) -> Result<Option<TopicRoute>, String> {
        let request = Request::TopicRoute {
            topic: self.topic.clone(),
        };
        match self.call(server, &request).await? {
            Reply::Route(route) => Ok(route),
            other => Err(unexpected(&other)),
        }
    }

    /// Removes the topic from every master that may have it, and then has every name server forget it.
    async fn clean_up(&mut self) {
        let given = std::mem::take(&mut self.given);
        let delete = Request::DeleteTopic {
            topic: self.topic.clone(),
        };
        for master in &given {
            if let Err(error) = self.call(&master.address, &delete).await {
                let object = format!("topic {}", self.topic);
                self.fault(&object, format!("not removed: {error}"));
            }
        }
        if let Some(master) = given.first() {
            for server in self.desired.name_servers.clone() {
                if let Err(error) = self.forget(&server, &master.cluster).await {
                    let object = format!("topic {}", self.topic);
                    self.fault(&object, format!("not forgotten by {server}: {error}"));
                }
            }
        }
    }

    /// Has a name server forget the topic; a report that a broker had under way may bring it back once.
    async fn forget(&self, server: &str, cluster: &str) -> Result<(), String> {
        let forget = Request::ForgetTopic {
            topic: self.topic.clone(),
            cluster: cluster.to_owned(),
        };
        let end = Instant::now() + ROUTE_LIMIT;
        loop {
            self.call(server, &forget).await?;
            if self.route(server).await?.is_none() {
                return Ok(());
            }
            if Instant::now() >= end {
                return Err(format!(
                    "it lists it after {} s still",
                    ROUTE_LIMIT.as_secs()
                ));
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn call(&self, address: &str, request: &Request) -> Result<Reply, String> {
        let answered: Result<Answer, CallError> = self.client.call(address, request).await;
        answered
            .map(|answer| answer.reply)
            .map_err(|error| error.to_string())
    }

    fn told(&self, text: &str) {
        log::line(self.clock.now(), text);
    }

    fn fault(&mut self, object: &str, why: impl fmt::Display) {
        let text = format!("FAILED: {object}: {why}");
        self.told(&text);
        self.faults.push(text);
    }
}

/// Whether a route sends to a group; nothing when the route does not have the group.
fn writable(route: &TopicRoute, group: &str) -> Option<bool> {
    let range = route.queues.get(group)?;
    Some(range.permission & WRITABLE != 0 && range.write_queues > 0)
}

/// Whether what was read is the one message that was sent.
fn same(messages: &[Message], offset: u64, sent: &str) -> Result<(), String> {
    match messages {
        [message] if message.offset == offset && message.body == sent.as_bytes() => Ok(()),
        [] => Err(format!(
            "it stored a message at {offset} and gave none back within {PULL_MILLISECONDS} ms"
        )),
        others => Err(format!(
            "it stored a message at {offset} and gave back other ones: {}",
            others.len()
        )),
    }
}

fn unexpected(reply: &Reply) -> String {
    format!("an answer to something else: {reply:?}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use midships_client_rocketmq::QueueRange;

    use super::*;

    #[test]
    fn a_topics_name_has_only_letters_that_all_versions_take() {
        assert_eq!(
            topic("trial-check/1-18f"),
            "midships-check-trial-check-1-18f"
        );
        let long = topic(&format!("{}.x/7-ab", "h".repeat(200)));
        assert_eq!(long.len(), LONGEST_TOPIC);
        assert!(long.starts_with("midships-check-h"), "{long}");
        assert!(long.ends_with("h-x-7-ab"), "{long}");
    }

    #[test]
    fn a_closed_master_is_told_from_one_that_is_not_listed_yet() {
        let range = |permission, write_queues| QueueRange {
            read_queues: 1,
            write_queues,
            permission,
            system_flag: 0,
        };
        let route = TopicRoute {
            queues: BTreeMap::from([
                ("open".to_owned(), range(6, 1)),
                ("closed".to_owned(), range(4, 1)),
                ("empty".to_owned(), range(6, 0)),
            ]),
            ..TopicRoute::default()
        };
        assert_eq!(writable(&route, "open"), Some(true));
        assert_eq!(writable(&route, "closed"), Some(false));
        assert_eq!(writable(&route, "empty"), Some(false));
        assert_eq!(writable(&route, "another"), None);
    }

    #[test]
    fn only_the_message_that_was_sent_will_do() {
        let message = |offset, body: &str| Message {
            offset,
            body: body.as_bytes().to_vec(),
        };
        assert_eq!(same(&[message(3, "a")], 3, "a"), Ok(()));
        for wrong in [
            vec![],
            vec![message(3, "b")],
            vec![message(4, "a")],
            vec![message(3, "a"), message(4, "a")],
        ] {
            assert!(same(&wrong, 3, "a").is_err(), "{wrong:?}");
        }
    }
}
