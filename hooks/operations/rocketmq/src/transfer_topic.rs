//! `transfer_topic`: a topic goes from some groups of brokers to others while producers and consumers go on.
//!
//! The survey finds the masters of both sides by the name servers, and all name servers by the masters. It looks at the topic,
//! at who consumes it and at what nobody has got yet, and refuses what would end badly before anything is changed.
//! What it finds is frozen in the plan; the steps say in which order it is carried out and why.

#[cfg(test)]
mod tests;
pub mod wish;

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::{
    ClusterInfo, ConsumerConnections, ProductVersion, Request, SubscriptionGroup,
    TopicConfiguration,
};
use midships_engine::step::{Limits, Operation, Planning, Problem, Seen, Unanswered};
use midships_model::rocketmq::ORDER_CONFIGURATION;
use midships_model::rocketmq_topic_transfer::{
    Action, Broadcasting, DeadLetters, Ordered, Pending, Popping,
};

use self::wish::{Wish, masters};
use crate::desired::{Broker, Phase};
use crate::lag::{self, BROADCASTING, Lag};
use crate::metadata::{self, dead_letter_topic, retry_topic};
use crate::steps::addition::order_queries;
use crate::steps::transfer::{
    Claim, MovedEntry, MovedGroup, POP, claim_query, consuming, held_claim, makes_groups, timed,
};
use crate::steps::{RocketmqStep, Transfer, TransferPart, key_values};
use crate::survey::unanswering;
use crate::view::{View, list_of};
use crate::vocabulary::{Answer, Query};

/// How many things a refusal names.
const NAMED: usize = 8;

/// The operation, for one release.
#[derive(Clone, Debug)]
pub struct TransferTopic {
    wish: Wish,
}

/// What is found at one look.
struct Found<'a> {
    source: Vec<Broker>,
    target: Vec<Broker>,
    name_servers: Vec<String>,
    view: View<'a>,
}

/// Why there is no transfer: a refusal, a wait, or nothing to do.
struct NoTransfer(Box<Planning<RocketmqStep>>);

type Verdict<T> = Result<T, NoTransfer>;

impl From<Unanswered> for NoTransfer {
    fn from(unanswered: Unanswered) -> Self {
        Self(Box::new(unanswering(&unanswered.object, &unanswered.why)))
    }
}

impl From<Planning<RocketmqStep>> for NoTransfer {
    fn from(planning: Planning<RocketmqStep>) -> Self {
        Self(Box::new(planning))
    }
}

impl TransferTopic {
    /// Carries out what somebody asks for.
    #[must_use]
    pub fn new(wish: Wish) -> Self {
        Self { wish }
    }

    /// The lists of the name servers that are asked first, as far as they answer.
    fn lists<'a>(&self, view: View<'a>) -> Vec<&'a ClusterInfo> {
        let servers = self.wish.name_servers.iter();
        servers
            .filter_map(|server| view.cluster_info(server).ok())
            .collect()
    }

    /// The masters of both sides that have a place in the survey.
    fn sides(&self, view: View<'_>) -> (Vec<Broker>, Vec<Broker>) {
        let lists = self.lists(view);
        (
            self.wish.source.masters(&lists),
            self.wish.target.masters(&lists),
        )
    }

    /// All name servers that are given or that a broker of either side uses.
    fn name_servers(&self, masters: &[Broker], view: View<'_>) -> Vec<String> {
        let mut found: BTreeSet<String> = self.wish.name_servers.iter().cloned().collect();
        for master in masters {
            if let Ok(settings) = view.settings(&master.address) {
                found.extend(
                    list_of(settings.name_servers())
                        .into_iter()
                        .map(str::to_owned),
                );
            }
        }
        found.into_iter().collect()
    }

    /// The masters of the source that have the topic.
    fn having<'b>(&self, masters: &'b [Broker], view: View<'_>) -> Vec<&'b Broker> {
        let has = |master: &&Broker| {
            view.topic_configurations(&master.address)
                .is_ok_and(|topics| topics.contains_key(&self.wish.topic))
        };
        masters.iter().filter(has).collect()
    }

    fn refused(&self, why: String, remedy: &str) -> NoTransfer {
        refused(format!("topic {}", self.wish.topic), why, remedy)
    }

    fn survey(&self, view: View<'_>) -> Verdict<Vec<RocketmqStep>> {
        let found = self.found(view)?;
        if let Some(transfer) = self.claimed(&found)? {
            return Ok(self.steps(&transfer));
        }
        Self::check_servers(&found)?;
        let source = self.check_source(&found)?;
        let new_at = self.check_target(&found, source.configuration)?;
        let groups = self.groups(&found, &source)?;
        self.check_consumers(&source, view)?;
        self.check_messages(&source, &groups, view)?;
        let entry = self.entry(&found, source.configuration)?;
        let Source {
            masters: having,
            configuration,
            version,
        } = source;
        let source: Vec<Broker> = having.into_iter().cloned().collect();
        let is_of_side = |master: &Broker| source.contains(master) || found.target.contains(master);
        let mut making = BTreeSet::new();
        for master in source.iter().chain(&found.target) {
            if makes_groups(&view.settings(&master.address)?) {
                making.insert(master.name.clone());
            }
        }
        let transfer = Transfer {
            topic: self.wish.topic.clone(),
            owner: self.wish.owner.clone(),
            others: masters(&self.lists(view))
                .into_iter()
                .filter(|master| !is_of_side(master))
                .collect(),
            source: source.clone(),
            target: found.target.clone(),
            name_servers: found.name_servers.clone(),
            configuration: configuration.clone(),
            version,
            new_at,
            makes_groups: making,
            groups,
            entry,
            messages: self.wish.messages,
            route_refresh_seconds: self.wish.route_refresh_seconds,
            drain_seconds: self.wish.drain_seconds,
        };
        Ok(self.steps(&transfer))
    }

    fn steps(&self, transfer: &Transfer) -> Vec<RocketmqStep> {
        TransferPart::all(self.wish.keeps_source)
            .map(|part| RocketmqStep::TopicTransferred {
                transfer: Box::new(transfer.clone()),
                part,
            })
            .collect()
    }

    /// Both sides and all name servers.
    fn found<'a>(&self, view: View<'a>) -> Verdict<Found<'a>> {
        for server in &self.wish.name_servers {
            view.cluster_info(server)?;
        }
        let (source, target) = self.sides(view);
        for (side, masters) in [(&self.wish.source, &source), (&self.wish.target, &target)] {
            let lacking = side
                .groups
                .iter()
                .find(|group| !masters.iter().any(|master| master.name == **group));
            if masters.is_empty() || lacking.is_some() {
                let what =
                    lacking.map_or_else(|| side.described(), |group| format!("group {group}"));
                let all = crate::transfer_topic::masters(&self.lists(view));
                let all: Vec<String> = all
                    .iter()
                    .map(|master| format!("{} of cluster {}", master.name, master.cluster))
                    .collect();
                return Err(NoTransfer::from(Planning::Wait {
                    why: format!("no name server lists a master: {what}"),
                    otherwise: Problem {
                        object: side.field.to_owned(),
                        why: format!(
                            "the name servers {} list no master of what it means ({what}); they list {}",
                            self.wish.name_servers.join(", "),
                            some_of(&all)
                        ),
                        remedy: format!(
                            "name a release, a cluster or groups that stand there. Both sides must share their name servers: \
                             clients have one list of name servers and would not find the topic elsewhere. See also \
                             `nameServers.addresses` ({})",
                            side.field
                        ),
                    },
                }));
            }
        }
        let shared: Vec<&str> = source
            .iter()
            .filter(|master| target.contains(master))
            .map(|master| master.name.as_str())
            .collect();
        if !shared.is_empty() {
            return Err(refused(
                "target".to_owned(),
                format!(
                    "it has groups that the source has too: {}",
                    shared.join(", ")
                ),
                "name a target that shares no group with the source",
            ));
        }
        let both: Vec<Broker> = source.iter().chain(&target).cloned().collect();
        for master in &both {
            let settings = view.settings(&master.address)?;
            if !settings.is_open() {
                let why = format!(
                    "broker {} is closed for writing (`brokerPermission` is {})",
                    master.name,
                    settings.permission()
                );
                return Err(NoTransfer::from(Planning::Wait {
                    why: why.clone(),
                    otherwise: Problem {
                        object: format!("broker {}", master.name),
                        why,
                        remedy: "wait until its restart or removal is over, or open it (mqadmin updateBrokerConfig -k \
                                 brokerPermission -v 6), then run the transfer again"
                            .to_owned(),
                    },
                }));
            }
        }
        Ok(Found {
            name_servers: self.name_servers(&both, view),
            source,
            target,
            view,
        })
    }

    /// What a claim of this release says of a transfer whose journal was lost. Somebody else's is refused.
    fn claimed(&self, found: &Found<'_>) -> Verdict<Option<Transfer>> {
        let mut own = None;
        for server in &found.name_servers {
            let claim = held_claim(server, &self.wish.topic, found.view)?;
            match claim {
                Some(claim) if claim.owner() != self.wish.owner => {
                    return Err(NoTransfer::from(Planning::Refused(
                        claim.problem(&self.wish.topic, server),
                    )));
                }
                Some(Claim::Known(transfer)) => own = Some(*transfer),
                Some(Claim::Owned { .. }) => {
                    return Err(self.refused(
                        format!("name server {server} has a claim of this release that this version cannot read"),
                        "run the version of the chart that made it",
                    ));
                }
                None => {}
            }
        }
        let (refresh, drain) = (self.wish.route_refresh_seconds, self.wish.drain_seconds);
        Ok(own.map(|transfer| transfer.with_budgets(refresh, drain)))
    }

    /// Clients have one list of name servers: each of these must know both sides.
    fn check_servers(found: &Found<'_>) -> Verdict<()> {
        for server in &found.name_servers {
            let info = found.view.cluster_info(server)?;
            let both = found.source.iter().chain(&found.target);
            let missing: Vec<String> = both
                .filter(|master| !master.is_registered(info))
                .map(|master| master.name.clone())
                .collect();
            if !missing.is_empty() {
                return Err(refused(
                    "target".to_owned(),
                    format!(
                        "source and target have different name servers: {server} does not list {}, and clients that use it \
                         could not follow the topic",
                        some_of(&missing)
                    ),
                    "transfer between clusters whose brokers all use the same name servers; in the chart rocketmq, \
                     `nameServers.source: Release` has a release use those of another",
                ));
            }
        }
        Ok(())
    }

    fn check_source<'a, 'b>(&self, found: &'b Found<'a>) -> Verdict<Source<'a, 'b>> {
        let view = found.view;
        let name = self.wish.topic.as_str();
        for master in found.source.iter().chain(&found.target) {
            let settings = view.settings(&master.address)?;
            if metadata::is_system_topic(name, master, &settings) || name.starts_with('%') {
                return Err(self.refused(
                    "it is the product's own, or a group's".to_owned(),
                    "name a topic that somebody has made",
                ));
            }
            view.topic_configurations(&master.address)?;
        }
        let there = self.having(&found.source, view);
        let Some(configuration) = there
            .first()
            .and_then(|master| view.topic_configurations(&master.address).ok()?.get(name))
        else {
            return Err(self.nowhere(found));
        };
        let mut version = ProductVersion(i32::MAX);
        for master in &there {
            let table = view.topic_table(&master.address)?;
            if metadata::static_topics(table).contains(name) {
                return Err(self.refused(
                    "it is a static topic: its queues have their places".to_owned(),
                    "move it with the product's own tools (mqadmin remappingStaticTopic)",
                ));
            }
            version = version.min(view.settings(&master.address)?.version);
            let here = table.topics.get(name);
            if here.is_some_and(|here| !is_alike(here, configuration)) {
                return Err(self.refused(
                    format!(
                        "its settings at {} differ from those at {}",
                        master.name, there[0].name
                    ),
                    "give it the same settings at all groups of the source (mqadmin updateTopic)",
                ));
            }
        }
        if configuration.permission & TopicConfiguration::WRITE == 0 {
            return Err(self.closed(found, configuration));
        }
        if metadata::is_compacted(configuration) && !self.wish.keeps_source {
            return Err(self.refused(
                "it keeps the last message of each key for those who come later, and messages are not moved".to_owned(),
                "set `afterwards: KeepReadOnly`, or send what it keeps to another topic",
            ));
        }
        if configuration.read_queues > configuration.write_queues
            && version < ProductVersion::FIRST_OF_FIVE
        {
            return Err(self.refused(
                format!(
                    "of its {} queues that are read {} are written, and brokers of {version} do not tell where the others end",
                    configuration.read_queues, configuration.write_queues
                ),
                "wait until the others are consumed, then set as many queues to be read as to be written (mqadmin updateTopic)",
            ));
        }
        Ok(Source {
            masters: there,
            configuration,
            version,
        })
    }

    /// What follows from a topic that the source does not have.
    fn nowhere(&self, found: &Found<'_>) -> NoTransfer {
        let there = self.having(&found.target, found.view);
        if there.len() == found.target.len() {
            return NoTransfer::from(Planning::Nothing {
                why: format!(
                    "the target has topic {}, and the source does not",
                    self.wish.topic
                ),
            });
        }
        self.refused(
            format!(
                "no master of the source ({}) has it",
                self.wish.source.described()
            ),
            "name a topic and a source that has it (midships-hook rocketmq topics lists them)",
        )
    }

    /// What follows from a topic that the source has closed for writing.
    fn closed(&self, found: &Found<'_>, configuration: &TopicConfiguration) -> NoTransfer {
        let is_moved = |master: &Broker| {
            let topics = found.view.topic_configurations(&master.address);
            let there = topics.ok().and_then(|topics| topics.get(&self.wish.topic));
            there.is_some_and(|there| {
                there.is_written()
                    && there.read_queues == configuration.read_queues
                    && there.write_queues == configuration.write_queues
            })
        };
        if self.wish.keeps_source && found.target.iter().all(is_moved) {
            return NoTransfer::from(Planning::Nothing {
                why: format!(
                    "the target has topic {}, and the source keeps it closed for writing",
                    self.wish.topic
                ),
            });
        }
        self.refused(
            format!(
                "its permission is {} at the source: it is closed for writing",
                configuration.permission
            ),
            "open it (mqadmin updateTopicPerm -p 6), then run the transfer again",
        )
    }

    /// The masters of the target that do not have the topic, by name.
    fn check_target(
        &self,
        found: &Found<'_>,
        configuration: &TopicConfiguration,
    ) -> Verdict<BTreeSet<String>> {
        let mut new_at = BTreeSet::new();
        for master in &found.target {
            let version = found.view.settings(&master.address)?.version;
            let topics = found.view.topic_configurations(&master.address)?;
            match topics.get(&self.wish.topic) {
                Some(there) if !is_alike(there, configuration) => {
                    return Err(self.refused(
                        format!(
                            "broker {} of the target has it with other settings: {}; at the source: {}",
                            master.name,
                            told(there),
                            told(configuration)
                        ),
                        "remove it there, or give it the settings of the source (mqadmin updateTopic)",
                    ));
                }
                Some(_) => {}
                None => {
                    new_at.insert(master.name.clone());
                }
            }
            let newest = ProductVersion(i32::MAX);
            if let Some(attribute) = metadata::unknown_attribute(configuration, newest, version) {
                return Err(self.refused(
                    format!(
                        "it has the attribute `{attribute}`; broker {} of the target runs RocketMQ {version} and does not know it",
                        master.name
                    ),
                    "bring the target to the version of the source, or take the attribute from the topic (mqadmin updateTopic -a)",
                ));
            }
        }
        Ok(new_at)
    }

    /// Who consumes the topic.
    fn groups(&self, found: &Found<'_>, source: &Source<'_, '_>) -> Verdict<Vec<MovedGroup>> {
        let view = found.view;
        let mut known: BTreeMap<&str, (&SubscriptionGroup, Option<&TopicConfiguration>)> =
            BTreeMap::new();
        for master in &source.masters {
            let groups = view.subscription_groups(&master.address)?;
            let topics = view.topic_configurations(&master.address)?;
            for name in consuming(&self.wish.topic, master, view)? {
                let Some(group) = groups.get(name) else {
                    continue;
                };
                let entry = known.entry(name).or_insert((group, None));
                entry.1 = entry.1.or(topics.get(&retry_topic(name)));
                if metadata::group_like(entry.0, Some(group), false).is_some() {
                    return Err(refused(
                        format!("subscription group {name}"),
                        format!(
                            "its settings at {} differ from those at another group of the source",
                            master.name
                        ),
                        "give it the same settings at all groups of the source (mqadmin updateSubGroup)",
                    ));
                }
            }
        }
        let mut moved = Vec::new();
        for (name, (group, retry)) in known {
            let mut new_at = BTreeSet::new();
            let mut retry_new_at = BTreeSet::new();
            for master in &found.target {
                let groups = view.subscription_groups(&master.address)?;
                let topics = view.topic_configurations(&master.address)?;
                let older = view.settings(&master.address)?.version < source.version;
                match groups.get(name) {
                    None => {
                        new_at.insert(master.name.clone());
                    }
                    there if metadata::group_like(group, there, older).is_some() => {
                        return Err(refused(
                            format!("subscription group {name}"),
                            format!(
                                "broker {} of the target has it with other settings than the source",
                                master.name
                            ),
                            "give it the settings of the source there, or those of the target at the source (mqadmin updateSubGroup)",
                        ));
                    }
                    Some(_) => {}
                }
                if !topics.contains_key(&retry_topic(name)) {
                    retry_new_at.insert(master.name.clone());
                }
            }
            moved.push(MovedGroup {
                configuration: group.clone(),
                new_at,
                retry: retry.cloned(),
                retry_new_at,
            });
        }
        Ok(moved)
    }

    /// Refuses groups that consume in ways that the policies refuse.
    fn check_consumers(&self, source: &Source<'_, '_>, view: View<'_>) -> Verdict<()> {
        for master in &source.masters {
            for group in consuming(&self.wish.topic, master, view)? {
                let members = view.consumer_connections(&master.address, group)?;
                match members {
                    Some(members) => self.check_members(group, members)?,
                    None => self.check_absent(group, master, view)?,
                }
            }
        }
        Ok(())
    }

    /// Waits for members of a group that has not got all messages: without them the topic would never be free to leave, and
    /// what is sent to the target meanwhile could not be taken back either.
    fn check_absent(&self, group: &str, master: &Broker, view: View<'_>) -> Verdict<()> {
        let topics = view.topic_configurations(&master.address)?;
        let Some(topic) = topics.get(&self.wish.topic) else {
            return Ok(());
        };
        let version = view.settings(&master.address)?.version;
        let behind = lag::behind(master, topic, group, version, view)?;
        let count: i64 = behind.iter().map(|(_, count)| count).sum();
        if count == 0 {
            return Ok(());
        }
        let why = format!(
            "it has not got {count} messages of the topic that lie at {}, and no member of it is connected",
            master.name
        );
        Err(NoTransfer::from(Planning::Wait {
            why: format!("subscription group {group}: {why}"),
            otherwise: Problem {
                object: format!("subscription group {group}"),
                why,
                remedy: "start its consumers and run the transfer again; a group that nobody needs any more has to be removed \
                         with its offsets (mqadmin deleteSubGroup)"
                    .to_owned(),
            },
        }))
    }

    fn check_members(&self, group: &str, members: &ConsumerConnections) -> Verdict<()> {
        let policy = &self.wish.consumers;
        let broadcasting = members.message_model.as_deref() == Some(BROADCASTING);
        let (why, remedy) = if broadcasting && policy.broadcasting == Broadcasting::Refuse {
            (
                "each of its members gets all messages (broadcasting), and nobody but they know how far they are",
                "stop its members when they have got all messages, or set `consumers.broadcasting: Ignore` to move the topic \
                 without waiting for them",
            )
        } else if members.consume_type.as_deref() == Some(POP) && policy.pop == Popping::Refuse {
            (
                "it consumes by POP",
                "set `consumers.pop: Wait` to wait for what was handed out",
            )
        } else {
            return Ok(());
        };
        let count = members.clients.len();
        Err(refused(
            format!("subscription group {group}"),
            format!("{why}; {count} members are connected"),
            remedy,
        ))
    }

    /// Refuses messages that the policies refuse.
    fn check_messages(
        &self,
        source: &Source<'_, '_>,
        groups: &[MovedGroup],
        view: View<'_>,
    ) -> Verdict<()> {
        let policy = &self.wish.messages;
        for master in &source.masters {
            let topics = view.topic_configurations(&master.address)?;
            let mut found = Vec::new();
            if policy.delayed == Pending::Refuse {
                let delayed = lag::delayed(master, view)?;
                found.extend(
                    delayed
                        .into_iter()
                        .map(|(_, _, remainder)| ("messages.delayed", remainder)),
                );
                let timed = timed(master, view)?;
                let own = timed
                    .into_iter()
                    .filter(|timed| timed.topic == self.wish.topic);
                found.extend(own.map(|remainder| ("messages.delayed", remainder)));
            }
            if policy.half == Pending::Refuse {
                let mut own = Lag::default();
                lag::internal(master, view, &mut own)?;
                let open = own.remainders.into_iter();
                found.extend(open.map(|remainder| ("messages.half", remainder)));
            }
            if let Some((field, remainder)) = found.first() {
                return Err(self.refused(
                    format!("{remainder} may belong to it"),
                    &format!("wait until they are delivered, or set `{field}: Wait`"),
                ));
            }
            if policy.dead_letters != DeadLetters::Refuse {
                continue;
            }
            for group in groups {
                let topic = dead_letter_topic(&group.configuration.name);
                if !topics.contains_key(&topic) {
                    continue;
                }
                let places = view.topic_statistics(&master.address, &topic)?;
                let count: i64 = places
                    .queues
                    .iter()
                    .map(|place| place.maximum_offset - place.minimum_offset)
                    .sum();
                if count > 0 {
                    return Err(refused(
                        format!("topic {topic}"),
                        format!(
                            "{count} messages that the group has given up lie at {}",
                            master.name
                        ),
                        "take them out, or set `messages.deadLetters: Keep` to leave them there",
                    ));
                }
            }
        }
        Ok(())
    }

    /// The topic's entry of the order configuration on its way, or why an ordered topic is not moved.
    fn entry(
        &self,
        found: &Found<'_>,
        configuration: &TopicConfiguration,
    ) -> Verdict<Option<MovedEntry>> {
        let agreed = key_values::agreed(&found.name_servers, ORDER_CONFIGURATION, found.view)?;
        let agreed = agreed.map_err(|problem| NoTransfer::from(Planning::Refused(problem)))?;
        let entry = agreed.get(&self.wish.topic);
        if self.wish.ordered == Ordered::Refuse
            && (entry.is_some() || metadata::is_ordered(configuration))
        {
            return Err(self.refused(
                "it is an ordered topic: messages of one key that are sent before and after lie in two places for a while"
                    .to_owned(),
                "stop its producers until everything is consumed, or accept that, and set `orderedTopics: Move`",
            ));
        }
        Ok(entry.map(|previous| Self::moved(previous, found, configuration)))
    }

    fn moved(previous: &str, found: &Found<'_>, configuration: &TopicConfiguration) -> MovedEntry {
        let places: Vec<String> = previous.split(';').map(str::to_owned).collect();
        let group_of = |place: &str| place.split(':').next().unwrap_or(place).to_owned();
        let named: BTreeSet<String> = places.iter().map(|place| group_of(place)).collect();
        let added: Vec<String> = found
            .target
            .iter()
            .filter(|master| !named.contains(&master.name))
            .map(|master| format!("{}:{}", master.name, configuration.write_queues))
            .collect();
        let leaves = |place: &String| {
            found
                .source
                .iter()
                .any(|master| master.name == group_of(place))
        };
        let stay: Vec<String> = places
            .iter()
            .filter(|place| !leaves(place))
            .cloned()
            .collect();
        MovedEntry {
            previous: previous.to_owned(),
            both: [places, added.clone()].concat().join(";"),
            wanted: [stay, added].concat().join(";"),
        }
    }

    /// What follows from the wish to take a transfer back, when no plan is open.
    fn taken_back(&self, view: View<'_>) -> Planning<RocketmqStep> {
        for server in &self.wish.name_servers {
            // Name servers that are gone have nothing that could be taken back.
            let Ok(Some(claim)) = held_claim(server, &self.wish.topic, view) else {
                continue;
            };
            if claim.owner() == self.wish.owner {
                return Planning::Refused(Problem {
                    object: format!("topic {}", self.wish.topic),
                    why: format!(
                        "the journal knows of no transfer, but name server {server} has a claim of this release"
                    ),
                    remedy: "run `helm upgrade` with `action: Transfer`, which goes on by the claim, and then with `TakeBack`"
                        .to_owned(),
                });
            }
        }
        // Also where journal and lease are gone: a release may always be deleted then.
        Planning::Absent {
            why: "no transfer of this release is under way".to_owned(),
        }
    }

    fn queries(&self, view: View<'_>) -> Vec<Query> {
        let servers = &self.wish.name_servers;
        let mut wanted: Vec<Query> = servers.iter().map(|server| claim_query(server)).collect();
        if self.wish.action == Action::TakeBack {
            return wanted;
        }
        let lists = |servers: &[String]| -> Vec<Query> {
            let servers = servers.iter();
            servers
                .map(|server| Query::rocketmq(server, Request::ClusterInfo))
                .collect()
        };
        wanted.extend(lists(servers));
        let (source, target) = self.sides(view);
        let both: Vec<Broker> = source.iter().chain(&target).cloned().collect();
        for master in &both {
            wanted.extend(
                [
                    Request::BrokerConfiguration,
                    Request::TopicConfigurations,
                    Request::SubscriptionGroups,
                ]
                .map(|request| Query::rocketmq(&master.address, request)),
            );
        }
        let servers = self.name_servers(&both, view);
        wanted.extend(lists(&servers));
        wanted.extend(servers.iter().map(|server| claim_query(server)));
        wanted.extend(order_queries(&servers));
        for master in self.having(&source, view) {
            wanted.extend(self.source_queries(master, view));
        }
        wanted
    }

    fn source_queries(&self, master: &Broker, view: View<'_>) -> Vec<Query> {
        let ask = |request| Query::rocketmq(&master.address, request);
        let policy = &self.wish.messages;
        let topic = self.wish.topic.clone();
        let mut wanted = vec![
            ask(Request::ConsumerOffsets),
            ask(Request::TopicGroups {
                topic: topic.clone(),
            }),
            ask(Request::TopicStatistics { topic }),
        ];
        if policy.delayed == Pending::Refuse {
            wanted.push(ask(Request::RuntimeInformation));
            if view
                .settings(&master.address)
                .is_ok_and(|settings| Request::TimerMetrics.is_known_by(settings.version))
            {
                wanted.push(ask(Request::TimerMetrics));
            }
        }
        let mut counted = Vec::new();
        if policy.half == Pending::Refuse {
            let own = lag::internal_groups(master).into_iter();
            counted.extend(own.map(|(topic, _)| topic));
        }
        for group in consuming(&self.wish.topic, master, view).unwrap_or_default() {
            wanted.push(ask(Request::ConsumerConnections {
                group: group.to_owned(),
            }));
            if policy.dead_letters == DeadLetters::Refuse {
                counted.push(dead_letter_topic(group));
            }
        }
        let there = counted.into_iter().filter(|topic| {
            view.topic_configurations(&master.address)
                .is_ok_and(|topics| topics.contains_key(topic))
        });
        wanted.extend(there.map(|topic| ask(Request::TopicStatistics { topic })));
        wanted
    }
}

/// The topic at the source.
struct Source<'a, 'b> {
    masters: Vec<&'b Broker>,
    configuration: &'a TopicConfiguration,
    version: ProductVersion,
}

/// Whether two brokers have a topic alike: all but attributes that one of them is too old to tell.
fn is_alike(one: &TopicConfiguration, other: &TopicConfiguration) -> bool {
    let attributes = |topic: &TopicConfiguration| topic.attributes().unwrap_or_default();
    one.read_queues == other.read_queues
        && one.write_queues == other.write_queues
        && one.permission == other.permission
        && one.order == other.order
        && one.filter_type() == other.filter_type()
        && one.system_flag() == other.system_flag()
        && attributes(one) == attributes(other)
}

fn told(topic: &TopicConfiguration) -> String {
    let attributes: Vec<String> = topic
        .attributes()
        .unwrap_or_default()
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    format!(
        "{} queues to read, {} to write, permission {}, order {}, flag {}, attributes {}",
        topic.read_queues,
        topic.write_queues,
        topic.permission,
        topic.order,
        topic.system_flag(),
        if attributes.is_empty() {
            "none".to_owned()
        } else {
            attributes.join(", ")
        }
    )
}

fn some_of(names: &[String]) -> String {
    let first: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
    match names.len().saturating_sub(NAMED) {
        0 if first.is_empty() => "none".to_owned(),
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}

fn refused(object: String, why: String, remedy: &str) -> NoTransfer {
    NoTransfer::from(Planning::Refused(Problem {
        object,
        why,
        remedy: remedy.to_owned(),
    }))
}

impl Operation for TransferTopic {
    type Step = RocketmqStep;

    fn name(&self) -> &'static str {
        "transfer_topic"
    }

    fn phase(&self) -> &'static str {
        Phase::After.as_str()
    }

    fn fingerprint(&self) -> String {
        self.wish.digest.clone()
    }

    fn limits(&self) -> Limits {
        Limits {
            rounds: 8,
            ..Limits::default()
        }
    }

    fn observe(&self, seen: &Seen<Query, Answer>) -> Vec<Query> {
        let view = View::new(seen);
        view.unasked(self.queries(view))
    }

    fn plan(&self, seen: &Seen<Query, Answer>) -> Planning<RocketmqStep> {
        let view = View::new(seen);
        if self.wish.action == Action::TakeBack {
            return self.taken_back(view);
        }
        match self.survey(view) {
            Ok(steps) => Planning::Steps(steps),
            Err(NoTransfer(planning)) => *planning,
        }
    }
}
