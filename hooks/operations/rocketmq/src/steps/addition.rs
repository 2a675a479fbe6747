//! Groups that are new get what a group that stands knows: subscription groups, topics, offsets and the order of topics.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::{
    ConsumerOffsets, ProductVersion, Request, SubscriptionGroup, TopicConfiguration,
};
use midships_engine::step::{Problem, Unanswered, Verdict};
use midships_model::rocketmq::ORDER_CONFIGURATION;
use serde::{Deserialize, Serialize};

use super::{BATCH, Observation, key_values, tell, wait};
use crate::desired::Broker;
use crate::metadata::{self, MARK};
use crate::view::{View, settings_query};
use crate::vocabulary::{Command, Query};

/// Groups that are new, and the one from which they get what it knows.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Addition {
    /// The master from which is copied.
    pub source: Broker,
    /// The masters of the new groups.
    pub targets: Vec<Broker>,
    /// The name servers that keep the order configuration.
    pub name_servers: Vec<String>,
    /// Whether ordered topics are copied as well.
    pub spread: bool,
}

/// A part of an addition: a condition that one step establishes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdditionPart {
    /// The new masters of these names, which had nothing, have the mark, by which the rest is known to be unfinished.
    GroupsMarked(Vec<String>),
    /// The new master of this name has the subscription groups.
    SubscriptionGroupsCopied(String),
    /// The new master of this name has the topics; those that it did not have are closed for writing.
    TopicsCopied(String),
    /// At the new master of this name each group begins with the first message of each queue of the topics that it consumes.
    OffsetsBegun(String),
    /// Every new master has all of it, with what was made meanwhile, and its topics are written like those of the source.
    TopicsEqual,
    /// The order configuration of every name server names the new groups wherever it names the source.
    OrderConfigurationExtended,
    /// No new master has the mark.
    MarksRemoved,
}

impl AdditionPart {
    /// The name of the condition.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::GroupsMarked(_) => "groups_marked".to_owned(),
            Self::SubscriptionGroupsCopied(group) => format!("subscription_groups_copied/{group}"),
            Self::TopicsCopied(group) => format!("topics_copied/{group}"),
            Self::OffsetsBegun(group) => format!("offsets_begun/{group}"),
            Self::TopicsEqual => "topics_equal".to_owned(),
            Self::OrderConfigurationExtended => "order_configuration_extended".to_owned(),
            Self::MarksRemoved => "marks_removed".to_owned(),
        }
    }

    /// The stages of the copy that it looks at.
    fn stages(&self) -> &'static [Stage] {
        match self {
            Self::SubscriptionGroupsCopied(_) => &[Stage::Groups],
            Self::TopicsCopied(_) => &[Stage::Topics],
            Self::OffsetsBegun(_) => &[Stage::Offsets],
            Self::TopicsEqual => &[Stage::Groups, Stage::Topics, Stage::Offsets, Stage::Opening],
            Self::GroupsMarked(_) | Self::OrderConfigurationExtended | Self::MarksRemoved => &[],
        }
    }

    /// The new masters that it looks at.
    fn targets<'a>(&self, addition: &'a Addition) -> Vec<&'a Broker> {
        let only = match self {
            Self::SubscriptionGroupsCopied(group)
            | Self::TopicsCopied(group)
            | Self::OffsetsBegun(group) => Some(std::slice::from_ref(group)),
            Self::GroupsMarked(groups) => Some(groups.as_slice()),
            _ => None,
        };
        let targets = addition.targets.iter();
        targets
            .filter(|target| only.is_none_or(|groups| groups.contains(&target.name)))
            .collect()
    }
}

/// What is copied after what: a topic is written only when whoever consumes it has an offset there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    Groups,
    Topics,
    Offsets,
    Opening,
}

impl Stage {
    fn unit(self) -> &'static str {
        match self {
            Self::Groups => "subscription groups",
            Self::Topics => "topics",
            Self::Offsets => "offsets",
            Self::Opening => "topics to open",
        }
    }
}

/// What has to be known for a part.
pub(super) fn queries(addition: &Addition, part: &AdditionPart) -> Vec<Query> {
    let targets = part.targets(addition);
    let ask = |broker: &Broker, request: Request| Query::rocketmq(&broker.address, request);
    if matches!(
        part,
        AdditionPart::GroupsMarked(_) | AdditionPart::MarksRemoved
    ) {
        let masters = targets.into_iter();
        return masters
            .map(|target| ask(target, Request::SubscriptionGroups))
            .collect();
    }
    let stages = part.stages();
    // The order configuration alone is about the topics of the source.
    let targets = if stages.is_empty() {
        Vec::new()
    } else {
        targets
    };
    let mut wanted = Vec::new();
    for broker in targets.into_iter().chain([&addition.source]) {
        wanted.push(settings_query(broker));
        if stages != [Stage::Groups] {
            wanted.push(ask(broker, Request::TopicConfigurations));
        }
        if stages.contains(&Stage::Groups) || stages.contains(&Stage::Offsets) {
            wanted.push(ask(broker, Request::SubscriptionGroups));
        }
        if stages.contains(&Stage::Offsets) {
            wanted.push(ask(broker, Request::ConsumerOffsets));
        }
    }
    if stages != [Stage::Groups] {
        wanted.extend(order_queries(&addition.name_servers));
    }
    wanted
}

/// The questions for the order configuration.
pub(crate) fn order_queries(name_servers: &[String]) -> Vec<Query> {
    let namespaces = [ORDER_CONFIGURATION.to_owned()];
    name_servers
        .iter()
        .flat_map(|server| key_values::queries(server, &namespaces).collect::<Vec<_>>())
        .collect()
}

/// Judges a part.
pub(super) fn assess(
    addition: &Addition,
    part: &AdditionPart,
    undoing: bool,
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    let judged = match part {
        AdditionPart::GroupsMarked(_) => marks(addition, part, !undoing, view),
        // What is copied stays: the plan cannot be taken back any more.
        _ if undoing => return Verdict::Done,
        AdditionPart::MarksRemoved => marks(addition, part, false, view),
        AdditionPart::OrderConfigurationExtended => match extended_order(addition, view) {
            Ok(Err(problem)) => return Verdict::Fail(problem),
            Ok(Ok(commands)) => Ok((commands, "entries of the order configuration")),
            Err(unanswered) => Err(unanswered),
        },
        _ => copied(addition, part, view),
    };
    match judged {
        Err(unanswered) => wait(format!("{}: {}", unanswered.object, unanswered.why)),
        Ok((commands, _)) if commands.is_empty() => Verdict::Done,
        Ok((mut commands, unit)) => {
            let why = format!("{} {unit} differ from what they shall be", commands.len());
            commands.truncate(BATCH);
            Verdict::Act { commands, why }
        }
    }
}

type Judged = Result<(Vec<Command>, &'static str), Unanswered>;

fn marks(addition: &Addition, part: &AdditionPart, wanted: bool, view: View<'_>) -> Judged {
    let mut commands = Vec::new();
    for target in part.targets(addition) {
        let groups = view.subscription_groups(&target.address)?;
        let request = match (wanted, groups.contains_key(MARK)) {
            (true, false) => metadata::marking(MARK),
            (false, true) => metadata::unmarking(MARK),
            _ => continue,
        };
        commands.push(tell(target, request));
    }
    Ok((commands, "marks"))
}

/// The commands of the first stage that is not done at each of the new masters.
fn copied(addition: &Addition, part: &AdditionPart, view: View<'_>) -> Judged {
    let mut commands = Vec::new();
    let mut unit = "";
    for target in part.targets(addition) {
        for stage in part.stages() {
            let missing = missing(addition, target, *stage, view)?;
            if !missing.is_empty() {
                unit = stage.unit();
                commands.extend(missing);
                break;
            }
        }
    }
    Ok((commands, unit))
}

fn missing(
    addition: &Addition,
    target: &Broker,
    stage: Stage,
    view: View<'_>,
) -> Result<Vec<Command>, Unanswered> {
    let source = &addition.source;
    let (from, to) = (version(source, view)?, version(target, view)?);
    let requests: Vec<Request> = match stage {
        Stage::Groups => {
            let found = view.subscription_groups(&target.address)?;
            user_groups(source, view)?
                .values()
                .filter_map(|group| metadata::group_like(group, found.get(&group.name), to < from))
                .collect()
        }
        Stage::Topics | Stage::Opening => {
            let found = view.topic_configurations(&target.address)?;
            let topics = copied_topics(addition, view)?;
            let likened = topics.into_iter().filter_map(|topic| {
                let there = found.get(&topic.name);
                let permission = match stage {
                    Stage::Topics
                        if there.is_none_or(|there| there.permission != topic.permission) =>
                    {
                        topic.permission & !TopicConfiguration::WRITE
                    }
                    _ => topic.permission,
                };
                metadata::topic_like(topic, permission, there, to)
            });
            likened.collect()
        }
        Stage::Offsets => offsets_to_begin(addition, target, view)?,
    };
    Ok(requests
        .into_iter()
        .map(|request| tell(target, request))
        .collect())
}

/// The version that a broker runs.
pub(crate) fn version(broker: &Broker, view: View<'_>) -> Result<ProductVersion, Unanswered> {
    let settings = view.settings(&broker.address)?;
    settings.check_master(broker)?;
    Ok(settings.version)
}

/// A group that is away while a queue begins would be told to begin with its last message, and never see those before it.
/// So each group that has an offset of a topic at the source has one of each of its queues at the target, the first.
fn offsets_to_begin(
    addition: &Addition,
    target: &Broker,
    view: View<'_>,
) -> Result<Vec<Request>, Unanswered> {
    let offsets: &ConsumerOffsets = view.consumer_offsets(&addition.source.address)?;
    let found = view.consumer_offsets(&target.address)?;
    let groups = view.subscription_groups(&target.address)?;
    let topics: BTreeMap<&str, u32> = copied_topics(addition, view)?
        .into_iter()
        .map(|topic| {
            (
                topic.name.as_str(),
                topic.read_queues.max(topic.write_queues),
            )
        })
        .collect();
    let mut requests = Vec::new();
    for (group, consumed) in &offsets.groups {
        if !groups.contains_key(group) || metadata::is_system_group(group) {
            continue;
        }
        for topic in consumed.keys() {
            let Some(queues) = topics.get(topic.as_str()) else {
                continue;
            };
            let lacking = (0..*queues).filter(|queue| found.offset(group, topic, *queue).is_none());
            requests.extend(lacking.map(|queue| Request::PutConsumerOffset {
                group: group.clone(),
                topic: topic.clone(),
                queue,
                offset: 0,
            }));
        }
    }
    Ok(requests)
}

/// The subscription groups of a master that somebody has made.
pub(crate) fn user_groups<'a>(
    master: &Broker,
    view: View<'a>,
) -> Result<BTreeMap<&'a str, &'a SubscriptionGroup>, Unanswered> {
    let groups = view.subscription_groups(&master.address)?.iter();
    Ok(groups
        .filter(|(name, _)| !metadata::is_system_group(name))
        .map(|(name, group)| (name.as_str(), group))
        .collect())
}

/// The topics of a master that somebody has made, also those that consumers make by coming.
pub(crate) fn user_topics<'a>(
    master: &Broker,
    view: View<'a>,
) -> Result<Vec<&'a TopicConfiguration>, Unanswered> {
    let settings = view.settings(&master.address)?;
    let topics = view.topic_configurations(&master.address)?;
    Ok(topics
        .values()
        .filter(|topic| !metadata::is_system_topic(&topic.name, master, &settings))
        .collect())
}

/// The topics that are copied: not those of dead letters, which come with the first one, nor static ones, whose queues have
/// their places, and ordered ones only when they are spread.
pub(crate) fn copied_topics<'a>(
    addition: &Addition,
    view: View<'a>,
) -> Result<Vec<&'a TopicConfiguration>, Unanswered> {
    let ordered = names_in_order(addition, view)?;
    let fixed = metadata::static_topics(view.topic_table(&addition.source.address)?);
    let mut topics = user_topics(&addition.source, view)?;
    topics.retain(|topic| {
        let name = topic.name.as_str();
        let is_ordered = metadata::is_ordered(topic) || ordered.contains(name);
        !metadata::is_dead_letters(name)
            && !fixed.contains(name)
            && (addition.spread || !is_ordered)
    });
    Ok(topics)
}

/// The topics that the order configuration of any name server names.
fn names_in_order<'a>(
    addition: &Addition,
    view: View<'a>,
) -> Result<BTreeSet<&'a str>, Unanswered> {
    let mut names = BTreeSet::new();
    for server in &addition.name_servers {
        let entries = view.key_values(server, ORDER_CONFIGURATION)?;
        names.extend(entries.keys().map(String::as_str));
    }
    Ok(names)
}

/// The commands that name the new groups in every entry that names the source, or why the entries cannot be told.
fn extended_order(
    addition: &Addition,
    view: View<'_>,
) -> Result<Result<Vec<Command>, Problem>, Unanswered> {
    let agreed = match agreed_order(addition, view)? {
        Ok(agreed) => agreed,
        Err(problem) => return Ok(Err(problem)),
    };
    let topics: BTreeMap<&str, u32> = copied_topics(addition, view)?
        .into_iter()
        .map(|topic| (topic.name.as_str(), topic.write_queues))
        .collect();
    let mut commands = Vec::new();
    for (topic, entry) in &agreed {
        let Some(queues) = topics.get(topic.as_str()) else {
            continue;
        };
        let Some(wanted) = with_groups(entry, *queues, addition) else {
            continue;
        };
        for server in &addition.name_servers {
            let held = view.key_values(server, ORDER_CONFIGURATION)?;
            if held.get(topic) != Some(&wanted) {
                commands.push(key_values::putting(
                    server,
                    ORDER_CONFIGURATION,
                    topic,
                    &wanted,
                ));
            }
        }
    }
    Ok(Ok(commands))
}

/// The order configuration on which the name servers agree. While it is being extended, some of them name the new groups
/// already: an entry counts without them.
pub(crate) fn agreed_order(
    addition: &Addition,
    view: View<'_>,
) -> Result<Result<BTreeMap<String, String>, Problem>, Unanswered> {
    let mut agreed: BTreeMap<String, (String, &String)> = BTreeMap::new();
    for server in &addition.name_servers {
        for (topic, entry) in view.key_values(server, ORDER_CONFIGURATION)? {
            let entry = without_groups(entry, addition);
            match agreed.get(topic) {
                Some((known, first)) if *known != entry => {
                    return Ok(Err(key_values::disagreement(
                        ORDER_CONFIGURATION,
                        topic,
                        (first, known.as_str()),
                        (server.as_str(), entry.as_str()),
                    )));
                }
                Some(_) => {}
                None => {
                    agreed.insert(topic.clone(), (entry, server));
                }
            }
        }
    }
    let entries = agreed.into_iter();
    Ok(Ok(entries
        .map(|(topic, (entry, _))| (topic, entry))
        .collect()))
}

/// The name of the group in a place of an entry such as `broker-0:8`.
fn group_of(place: &str) -> &str {
    place.split(':').next().unwrap_or(place)
}

fn without_groups(entry: &str, addition: &Addition) -> String {
    let places = entry.split(';').filter(|place| {
        let is_new = |target: &Broker| target.name == group_of(place);
        !place.is_empty() && !addition.targets.iter().any(is_new)
    });
    places.collect::<Vec<_>>().join(";")
}

/// An entry with the new groups at its end; none if it does not name the source.
fn with_groups(entry: &str, queues: u32, addition: &Addition) -> Option<String> {
    let mut places = entry.split(';');
    places
        .any(|place| group_of(place) == addition.source.name)
        .then(|| {
            let targets = addition.targets.iter();
            let places = targets.map(|target| format!("{}:{queues}", target.name));
            let places: Vec<String> = [entry.to_owned()].into_iter().chain(places).collect();
            places.join(";")
        })
}
