//! A topic that goes from some groups of brokers to others.
//!
//! The invariants that it keeps: at every moment some group is open for the topic; a topic takes messages only where each
//! group that consumes it has an offset of each queue; a topic is removed only where nothing of it is left to get.
//!
//! What the plan found is frozen in it, and, for a journal that is emptied, in the claim that the name servers keep.

mod claim;
mod departure;
mod drain;
mod routes;

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::{ProductVersion, Request, SubscriptionGroup, TopicConfiguration};
use midships_engine::step::{Limits, Memory, Progress, Unanswered, Verdict};
use midships_model::rocketmq::ORDER_CONFIGURATION;
use midships_model::rocketmq_topic_transfer::{DeadLetters, Messages};
use serde::{Deserialize, Serialize};

pub use claim::{CLAIMS, Claim};
pub(crate) use claim::{held as held_claim, query as claim_query};
pub(crate) use drain::{POP, consuming, timed};

use self::departure::Departure;
pub(crate) use self::departure::{MAKES_GROUPS_SETTING, makes_groups};
use super::addition::order_queries;
use super::key_values::putting;
use super::{BATCH, Observation, SETTLE_SECONDS, acting, since, tell, wait};
use crate::desired::Broker;
use crate::metadata::{self, retry_topic};
use crate::view::{View, settings_query};
use crate::vocabulary::{Command, Query};

/// How many attempts a step has beside those that its batches of commands need.
const ATTEMPTS: usize = 20;

/// How long a step may take that waits for nobody but servers, in seconds.
const PROMPT_SECONDS: u64 = 300;

/// How often clients say that they live, in seconds (`heartbeatBrokerInterval` of the product's clients).
const HEARTBEAT_SECONDS: u64 = 30;

/// How long a step pauses between two looks while consumers are at work, in milliseconds.
const SLOW_POLL: u64 = 5_000;

/// A topic that goes from some groups of brokers to others, as it was found.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// The topic.
    pub topic: String,
    /// Who moves it: namespace and full name of a release.
    pub owner: String,
    /// The masters that have it.
    pub source: Vec<Broker>,
    /// The masters that get it.
    pub target: Vec<Broker>,
    /// All other masters that the name servers list.
    pub others: Vec<Broker>,
    /// All name servers that any of these brokers uses.
    pub name_servers: Vec<String>,
    /// What the topic is like at the source.
    pub configuration: TopicConfiguration,
    /// The lowest version of the source's masters.
    pub version: ProductVersion,
    /// The target's masters that did not have it, by the names of their groups.
    pub new_at: BTreeSet<String>,
    /// The masters of both sides that make a group when a consumer comes with one that they do not know, by the names of
    /// their groups.
    pub makes_groups: BTreeSet<String>,
    /// Who consumes it.
    pub groups: Vec<MovedGroup>,
    /// Its entry in the order configuration, where it has one.
    pub entry: Option<MovedEntry>,
    /// What is done about messages of special kinds.
    pub messages: Messages,
    /// How often clients look at the routes, in seconds.
    pub route_refresh_seconds: u64,
    /// How long consumers may take, in seconds.
    pub drain_seconds: u64,
}

/// A subscription group that consumes the topic, as it was found at the source.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct MovedGroup {
    /// What it is like.
    pub configuration: SubscriptionGroup,
    /// The target's masters that did not have it.
    pub new_at: BTreeSet<String>,
    /// Its topic of messages that are tried again, where it has one.
    pub retry: Option<TopicConfiguration>,
    /// The target's masters that did not have that topic.
    pub retry_new_at: BTreeSet<String>,
}

impl MovedGroup {
    fn name(&self) -> &str {
        &self.configuration.name
    }
}

/// An entry of the order configuration on its way.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct MovedEntry {
    /// What it was.
    pub previous: String,
    /// The same with the target.
    pub both: String,
    /// The same with the target and without the source.
    pub wanted: String,
}

/// A part of a transfer: a condition that one step establishes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferPart {
    /// Every name server has the claim.
    TopicClaimed,
    /// The target has the groups.
    GroupsInTarget,
    /// The target has the topic and takes messages of it.
    TopicInTarget,
    /// The source is closed for the topic, and nothing arrives there any more.
    SourceClosed,
    /// Nothing is left at the source.
    SourceDrained,
    /// The source does not have the topic.
    TopicDeleted,
    /// The source does not have the groups that nothing else uses there.
    GroupsDeleted,
    /// The target has the topics of messages that are tried again.
    RetryTopicsInTarget,
    /// No name server has the claim.
    ClaimReleased,
}

impl TransferPart {
    /// All parts of a transfer, in their order; without those that remove the topic where the source keeps it.
    pub fn all(keeps_source: bool) -> impl Iterator<Item = Self> {
        let all = [
            Self::TopicClaimed,
            Self::GroupsInTarget,
            Self::TopicInTarget,
            Self::SourceClosed,
            Self::SourceDrained,
            Self::TopicDeleted,
            Self::GroupsDeleted,
            Self::RetryTopicsInTarget,
            Self::ClaimReleased,
        ];
        let removes = |part: &Self| matches!(part, Self::TopicDeleted | Self::GroupsDeleted);
        all.into_iter()
            .filter(move |part| !(keeps_source && removes(part)))
    }

    /// The name of the condition.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::TopicClaimed => "topic_claimed",
            Self::GroupsInTarget => "groups_in_target",
            Self::TopicInTarget => "topic_in_target",
            Self::SourceClosed => "source_closed",
            Self::SourceDrained => "source_drained",
            Self::TopicDeleted => "topic_deleted",
            Self::GroupsDeleted => "groups_deleted",
            Self::RetryTopicsInTarget => "retry_topics_in_target",
            Self::ClaimReleased => "claim_released",
        }
    }

    /// Whether a transfer can still be taken back once this has begun.
    #[must_use]
    pub fn undoable(self) -> bool {
        !matches!(
            self,
            Self::TopicDeleted | Self::GroupsDeleted | Self::ClaimReleased
        )
    }

    pub(super) fn limits(self, transfer: &Transfer) -> Limits {
        let turning = 3 * transfer.turn_seconds();
        let seconds = match self {
            Self::TopicClaimed | Self::RetryTopicsInTarget | Self::ClaimReleased => PROMPT_SECONDS,
            Self::GroupsInTarget | Self::GroupsDeleted => {
                PROMPT_SECONDS + 3 * transfer.leave_seconds()
            }
            // Consumers have to get what lies at one side, doing or undoing.
            Self::TopicInTarget | Self::SourceClosed | Self::TopicDeleted => {
                PROMPT_SECONDS + turning + transfer.drain_seconds
            }
            Self::SourceDrained => transfer.drain_seconds,
        };
        let waits = matches!(
            self,
            Self::GroupsInTarget
                | Self::TopicInTarget
                | Self::SourceClosed
                | Self::SourceDrained
                | Self::GroupsDeleted
        );
        let usual = Limits::default();
        Limits {
            seconds,
            attempts: transfer.attempts(self.undoable()),
            rounds: 6,
            poll_milliseconds: if waits {
                SLOW_POLL
            } else {
                usual.poll_milliseconds
            },
            ..usual
        }
    }
}

impl Transfer {
    /// How long it takes until every client has looked at the routes and ended what it was in the middle of.
    fn turn_seconds(&self) -> u64 {
        self.route_refresh_seconds + SETTLE_SECONDS
    }

    /// How long it takes until no consumer says any more that it lives to a broker that no route names: it looks at the
    /// routes, and drops the broker when it says so next.
    fn leave_seconds(&self) -> u64 {
        2 * self.route_refresh_seconds + HEARTBEAT_SECONDS + SETTLE_SECONDS
    }

    /// For how long a closed queue must not have grown: two looks of clients at the routes, and no less than one with its end.
    fn still_seconds(&self) -> u64 {
        (2 * self.route_refresh_seconds).max(self.turn_seconds())
    }

    /// How many attempts a step has. Past the point of no return it is tried until its time is over.
    fn attempts(&self, undoable: bool) -> u32 {
        let queues = self
            .configuration
            .read_queues
            .max(self.configuration.write_queues);
        let queues = usize::try_from(queues).unwrap_or_default();
        let offsets = queues * self.groups.len() * self.target.len();
        let attempts = if undoable { ATTEMPTS } else { 600 };
        u32::try_from(attempts + offsets / BATCH).unwrap_or(u32::MAX)
    }

    fn new_masters(&self) -> Vec<&Broker> {
        let target = self.target.iter();
        target
            .filter(|master| self.new_at.contains(&master.name))
            .collect()
    }

    fn all_masters(&self) -> impl Iterator<Item = &Broker> {
        self.source.iter().chain(&self.target).chain(&self.others)
    }

    fn closed_permission(&self) -> u32 {
        self.configuration.permission & !TopicConfiguration::WRITE
    }

    /// The same with other budgets, which a plan takes from whoever makes it.
    #[must_use]
    pub fn with_budgets(mut self, route_refresh_seconds: u64, drain_seconds: u64) -> Self {
        self.route_refresh_seconds = route_refresh_seconds;
        self.drain_seconds = drain_seconds;
        self
    }
}

/// The masters that have a topic, with what it is like there.
fn having<'a, 'b>(
    topic: &str,
    masters: impl IntoIterator<Item = &'b Broker>,
    view: View<'a>,
) -> Result<Vec<(&'b Broker, &'a TopicConfiguration)>, Unanswered> {
    let mut found = Vec::new();
    for master in masters {
        if let Some(topic) = view.topic_configurations(&master.address)?.get(topic) {
            found.push((master, topic));
        }
    }
    Ok(found)
}

fn ask_each<'a>(
    masters: impl IntoIterator<Item = &'a Broker>,
    request: &Request,
) -> impl Iterator<Item = Query> {
    masters
        .into_iter()
        .map(|master| Query::rocketmq(&master.address, request.clone()))
}

/// What has to be known for a part.
pub(super) fn queries(
    transfer: &Transfer,
    part: TransferPart,
    undoing: bool,
    view: View<'_>,
) -> Vec<Query> {
    let topics = Request::TopicConfigurations;
    let statistics = Request::TopicStatistics {
        topic: transfer.topic.clone(),
    };
    let (source, target) = (&transfer.source, &transfer.target);
    let mut wanted: Vec<Query> = transfer.all_masters().map(settings_query).collect();
    // From the removal on nobody else can have claimed it.
    let claimed = !undoing && part.undoable();
    if claimed
        || matches!(
            part,
            TransferPart::TopicClaimed | TransferPart::ClaimReleased
        )
    {
        wanted.extend(claim::queries(transfer));
    }
    match (part, undoing) {
        (TransferPart::GroupsInTarget, false) => {
            wanted.extend(ask_each(target, &Request::SubscriptionGroups));
        }
        (TransferPart::GroupsInTarget, true) => {
            let departures = departures_from_target(transfer);
            wanted.extend(departure::queries(transfer, &departures, view));
        }
        (TransferPart::TopicInTarget, false) => {
            wanted.extend(ask_each(target, &topics));
            wanted.extend(ask_each(target, &Request::ConsumerOffsets));
            wanted.extend(routes::route_queries(transfer, &transfer.topic));
            wanted.extend(entry_queries(transfer));
        }
        (TransferPart::TopicInTarget, true) => {
            let masters = transfer.new_masters();
            wanted.extend(drain::queries(transfer, &masters, view));
            wanted.extend(routes::queries(transfer, &transfer.topic));
            wanted.extend(entry_queries(transfer));
        }
        (TransferPart::SourceClosed, false) => {
            wanted.extend(ask_each(source.iter().chain(target), &topics));
            let there = having(&transfer.topic, source, view).unwrap_or_default();
            let there = there.into_iter().map(|(master, _)| master);
            wanted.extend(ask_each(there, &statistics));
            wanted.extend(routes::route_queries(transfer, &transfer.topic));
            wanted.extend(entry_queries(transfer));
        }
        (TransferPart::SourceClosed, true) => {
            wanted.extend(ask_each(source, &topics));
            wanted.extend(routes::route_queries(transfer, &transfer.topic));
            wanted.extend(entry_queries(transfer));
        }
        (TransferPart::SourceDrained, false) => {
            wanted.extend(drain::queries(
                transfer,
                &source.iter().collect::<Vec<_>>(),
                view,
            ));
        }
        (TransferPart::TopicDeleted, false) => {
            wanted.extend(drain::queries(
                transfer,
                &source.iter().collect::<Vec<_>>(),
                view,
            ));
            wanted.extend(routes::queries(transfer, &transfer.topic));
        }
        (TransferPart::GroupsDeleted, false) => {
            let departures = departures_from_source(transfer);
            wanted.extend(departure::queries(transfer, &departures, view));
        }
        (TransferPart::RetryTopicsInTarget, false) => wanted.extend(ask_each(target, &topics)),
        // The claim alone; what only waited, and what is past the point of no return. Topics of messages that are tried
        // again leave with their groups.
        (TransferPart::TopicClaimed | TransferPart::ClaimReleased, _)
        | (
            TransferPart::SourceDrained
            | TransferPart::TopicDeleted
            | TransferPart::GroupsDeleted
            | TransferPart::RetryTopicsInTarget,
            true,
        ) => {}
    }
    wanted
}

/// Judges a part.
pub(super) fn assess(
    transfer: &Transfer,
    part: TransferPart,
    undoing: bool,
    seen: &Observation,
) -> Verdict<Command> {
    let judged = masters_stay(transfer, View::new(seen)).and_then(|()| {
        if undoing {
            undone(transfer, part, seen)
        } else {
            done(transfer, part, seen)
        }
    });
    judged.unwrap_or_else(|unanswered| wait(format!("{}: {}", unanswered.object, unanswered.why)))
}

type Judged = Result<Verdict<Command>, Unanswered>;

/// What an elected master had said is not what the next one has: the plan waits for it, or for the next look at all of it.
fn masters_stay(transfer: &Transfer, view: View<'_>) -> Result<(), Unanswered> {
    transfer
        .all_masters()
        .try_for_each(|master| match view.settings(&master.address) {
            Ok(settings) => settings.check_master(master),
            Err(_) => Ok(()),
        })
}

fn done(transfer: &Transfer, part: TransferPart, seen: &Observation) -> Judged {
    let view = View::new(seen);
    if part.undoable()
        && let Some(problem) = claim::foreign(transfer, view)?
    {
        return Ok(Verdict::Fail(problem));
    }
    match part {
        TransferPart::TopicClaimed => claim::made(transfer, view),
        TransferPart::GroupsInTarget => groups_in_target(transfer, view),
        TransferPart::TopicInTarget => topic_in_target(transfer, view),
        TransferPart::SourceClosed => source_closed(transfer, seen),
        TransferPart::SourceDrained => {
            drain::drained(transfer, &transfer.source.iter().collect::<Vec<_>>(), seen)
        }
        TransferPart::TopicDeleted => topic_deleted(transfer, seen),
        TransferPart::GroupsDeleted => {
            departure::departed(transfer, &departures_from_source(transfer), seen)
        }
        TransferPart::RetryTopicsInTarget => retry_topics_in_target(transfer, view),
        TransferPart::ClaimReleased => claim::released(transfer, view),
    }
}

fn undone(transfer: &Transfer, part: TransferPart, seen: &Observation) -> Judged {
    let view = View::new(seen);
    match part {
        TransferPart::TopicClaimed => claim::released(transfer, view),
        TransferPart::GroupsInTarget => {
            departure::departed(transfer, &departures_from_target(transfer), seen)
        }
        TransferPart::TopicInTarget => topic_out_of_target(transfer, seen),
        TransferPart::SourceClosed => source_opened(transfer, view),
        TransferPart::SourceDrained
        | TransferPart::TopicDeleted
        | TransferPart::GroupsDeleted
        | TransferPart::RetryTopicsInTarget
        | TransferPart::ClaimReleased => Ok(Verdict::Done),
    }
}

fn groups_in_target(transfer: &Transfer, view: View<'_>) -> Judged {
    let mut commands = Vec::new();
    for master in &transfer.target {
        let found = view.subscription_groups(&master.address)?;
        let older = view.settings(&master.address)?.version < transfer.version;
        let requests = transfer.groups.iter().filter_map(|group| {
            metadata::group_like(&group.configuration, found.get(group.name()), older)
        });
        commands.extend(requests.map(|request| tell(master, request)));
    }
    Ok(acting(
        commands,
        "subscription groups of the target differ from what they shall be",
    ))
}

fn topic_in_target(transfer: &Transfer, view: View<'_>) -> Judged {
    let mut commands = Vec::new();
    for master in transfer.new_masters() {
        let found = view
            .topic_configurations(&master.address)?
            .get(&transfer.topic);
        let version = view.settings(&master.address)?.version;
        let wanted = &transfer.configuration;
        // It is opened when all else is as it shall be.
        let first = match found {
            Some(found) if found.permission == wanted.permission => wanted.permission,
            _ => transfer.closed_permission(),
        };
        let made = metadata::topic_like(wanted, first, found, version);
        let offsets = if first == wanted.permission {
            Vec::new()
        } else {
            offsets_to_begin(transfer, master, view)?
        };
        let opened = metadata::topic_like(wanted, wanted.permission, found, version);
        let requests = match made {
            Some(made) => vec![made],
            None if offsets.is_empty() => opened.into_iter().collect(),
            None => offsets,
        };
        commands.extend(requests.into_iter().map(|request| tell(master, request)));
    }
    if commands.is_empty() {
        commands = entry_commands(transfer, |entry| &entry.both, view)?;
    }
    if !commands.is_empty() {
        return Ok(acting(
            commands,
            "topics, offsets and entries of the target differ from what they shall be",
        ));
    }
    Ok(routes::awaited(transfer, &transfer.target, true, view)?.unwrap_or(Verdict::Done))
}

/// The queues of a new topic begin with their first message for everyone who consumes the topic, whatever an earlier topic
/// of the same name has left.
fn offsets_to_begin(
    transfer: &Transfer,
    master: &Broker,
    view: View<'_>,
) -> Result<Vec<Request>, Unanswered> {
    let found = view.consumer_offsets(&master.address)?;
    let configuration = &transfer.configuration;
    let queues = configuration.read_queues.max(configuration.write_queues);
    let mut requests = Vec::new();
    for group in &transfer.groups {
        let elsewhere =
            |queue: &u32| found.offset(group.name(), &transfer.topic, *queue) != Some(0);
        requests.extend(
            (0..queues)
                .filter(elsewhere)
                .map(|queue| Request::PutConsumerOffset {
                    group: group.name().to_owned(),
                    topic: transfer.topic.clone(),
                    queue,
                    offset: 0,
                }),
        );
    }
    Ok(requests)
}

fn source_closed(transfer: &Transfer, seen: &Observation) -> Judged {
    let view = View::new(seen);
    let there = having(&transfer.topic, &transfer.source, view)?;
    let mut commands = entry_commands(transfer, |entry| &entry.wanted, view)?;
    let open = there.iter().filter(|(_, topic)| topic.is_written());
    commands.extend(open.map(|(master, topic)| {
        let permission = topic.permission & !TopicConfiguration::WRITE;
        tell(master, routes::announcement(topic, permission))
    }));
    if !commands.is_empty() {
        // Nobody may be left without a place to send to.
        if let Some(why) = deaf_target(transfer, view)? {
            return Ok(wait(why));
        }
        return Ok(acting(commands, "places are still open for the topic"));
    }
    if let Some(waiting) = routes::awaited(transfer, &transfer.source, false, view)? {
        return Ok(waiting);
    }
    let masters: Vec<&Broker> = there.into_iter().map(|(master, _)| master).collect();
    Ok(still(transfer, &masters, seen)?.unwrap_or(Verdict::Done))
}

/// Why the target does not take messages of the topic, if so.
fn deaf_target(transfer: &Transfer, view: View<'_>) -> Result<Option<String>, Unanswered> {
    for master in &transfer.target {
        let topic = view
            .topic_configurations(&master.address)?
            .get(&transfer.topic);
        let is_open = topic.is_some_and(TopicConfiguration::is_written);
        if !is_open || !view.settings(&master.address)?.is_open() {
            let pod = &master.pod;
            return Ok(Some(format!(
                "broker {pod} of the target does not take messages of the topic"
            )));
        }
    }
    Ok(None)
}

/// Waits until the topic's queues have not grown for so long that no client can be left that sends there.
fn still(
    transfer: &Transfer,
    masters: &[&Broker],
    seen: &Observation,
) -> Result<Option<Verdict<Command>>, Unanswered> {
    let view = View::new(seen);
    let mut stored = 0;
    for master in masters {
        let places = &view
            .topic_statistics(&master.address, &transfer.topic)?
            .queues;
        stored += places.iter().map(|place| place.maximum_offset).sum::<i64>();
    }
    let (memory, now) = (&seen.memory, seen.now);
    let unchanged = memory.get("stored") == Some(&stored);
    let (passed, since_still) = since(memory, if unchanged { "still" } else { "changed" }, now);
    let needed = transfer.still_seconds();
    if masters.is_empty() || unchanged && passed >= needed {
        return Ok(None);
    }
    Ok(Some(Verdict::Wait {
        why: format!(
            "no message of the topic may arrive at {} for {needed} s, in which every client looks at the routes twice",
            names(masters)
        ),
        progress: Some(Progress {
            done: passed.min(needed),
            total: needed,
            unit: "seconds".to_owned(),
        }),
        memory: Memory::from([
            ("still".to_owned(), since_still),
            ("stored".to_owned(), stored),
        ]),
    }))
}

/// What was remembered of how long queues have not grown.
fn known_stillness(memory: &Memory) -> impl Iterator<Item = (String, i64)> {
    ["still", "stored"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), *memory.get(key)?)))
}

fn names(masters: &[&Broker]) -> String {
    let names: Vec<&str> = masters.iter().map(|master| master.name.as_str()).collect();
    names.join(", ")
}

fn source_opened(transfer: &Transfer, view: View<'_>) -> Judged {
    let wanted = &transfer.configuration;
    let mut commands = Vec::new();
    for master in &transfer.source {
        let found = view
            .topic_configurations(&master.address)?
            .get(&transfer.topic);
        let version = view.settings(&master.address)?.version;
        let request = metadata::topic_like(wanted, wanted.permission, found, version);
        commands.extend(request.map(|request| tell(master, request)));
    }
    commands.extend(entry_commands(transfer, |entry| &entry.both, view)?);
    if !commands.is_empty() {
        return Ok(acting(commands, "places are still closed for the topic"));
    }
    Ok(routes::awaited(transfer, &transfer.source, true, view)?.unwrap_or(Verdict::Done))
}

fn topic_out_of_target(transfer: &Transfer, seen: &Observation) -> Judged {
    let view = View::new(seen);
    let masters = transfer.new_masters();
    let there = having(&transfer.topic, masters.iter().copied(), view)?;
    let mut commands = entry_commands(transfer, |entry| &entry.previous, view)?;
    let open = there.iter().filter(|(_, topic)| topic.is_written());
    commands.extend(open.map(|(master, topic)| {
        let permission = topic.permission & !TopicConfiguration::WRITE;
        tell(master, routes::announcement(topic, permission))
    }));
    if !commands.is_empty() {
        return Ok(acting(commands, "places are still open for the topic"));
    }
    if there.is_empty() {
        let commands = routes::unlisted(transfer, &transfer.topic, &masters, view)?;
        return Ok(acting(
            commands,
            "commands have the name servers forget the topic at the target",
        ));
    }
    let there: Vec<&Broker> = there.into_iter().map(|(master, _)| master).collect();
    if let Some(waiting) = still(transfer, &there, seen)? {
        return Ok(waiting);
    }
    match drain::drained(transfer, &there, seen)? {
        Verdict::Done => {}
        // What is known of the stillness is kept beside what is known of the drain.
        Verdict::Wait {
            why,
            progress,
            memory,
        } => {
            return Ok(Verdict::Wait {
                why,
                progress,
                memory: known_stillness(&seen.memory).chain(memory).collect(),
            });
        }
        other => return Ok(other),
    }
    let commands = there
        .into_iter()
        .map(|master| deletion(master, &transfer.topic));
    Ok(confirmed(
        commands.collect(),
        "brokers of the target still have the topic",
        seen,
    ))
}

/// Commands that nothing brings back: one look may be older than the last change, so that two have to say the same.
fn confirmed(commands: Vec<Command>, what: &str, seen: &Observation) -> Verdict<Command> {
    const EMPTY: &str = "empty";
    if seen.memory.contains_key(EMPTY) {
        return acting(commands, what);
    }
    let mut memory = seen.memory.clone();
    memory.insert(EMPTY.to_owned(), 1);
    Verdict::Wait {
        why: format!("{what}, and nothing is left there; a second look follows"),
        progress: None,
        memory,
    }
}

fn deletion(master: &Broker, topic: &str) -> Command {
    tell(
        master,
        Request::DeleteTopic {
            topic: topic.to_owned(),
        },
    )
}

fn topic_deleted(transfer: &Transfer, seen: &Observation) -> Judged {
    let view = View::new(seen);
    let there = having(&transfer.topic, &transfer.source, view)?;
    let there: Vec<&Broker> = there.into_iter().map(|(master, _)| master).collect();
    if there.is_empty() {
        let source: Vec<&Broker> = transfer.source.iter().collect();
        let commands = routes::unlisted(transfer, &transfer.topic, &source, view)?;
        return Ok(acting(
            commands,
            "commands have the name servers forget the topic at the source",
        ));
    }
    // A client that has not looked at the routes may have sent since the last step.
    let left = drain::left(transfer, &there, view)?;
    if !left.remainders.is_empty() {
        return Ok(wait(format!(
            "messages have come since the source was drained: {}",
            left.told()
        )));
    }
    let commands = there
        .into_iter()
        .map(|master| deletion(master, &transfer.topic));
    Ok(confirmed(
        commands.collect(),
        "brokers of the source still have the topic",
        seen,
    ))
}

fn retry_topics_in_target(transfer: &Transfer, view: View<'_>) -> Judged {
    let mut commands = Vec::new();
    for master in &transfer.target {
        let found = view.topic_configurations(&master.address)?;
        let retried = transfer
            .groups
            .iter()
            .filter_map(|group| group.retry.as_ref());
        // Those that are there have been made by consumers.
        let lacking = retried.filter(|topic| !found.contains_key(&topic.name));
        commands.extend(lacking.map(|topic| {
            let request = Request::PutTopic {
                configuration: topic.clone().with_attributes(BTreeMap::new()),
                without_attributes: BTreeSet::new(),
            };
            tell(master, request)
        }));
    }
    Ok(acting(
        commands,
        "topics of messages that are tried again are missing in the target",
    ))
}

fn departures_from_source(transfer: &Transfer) -> Vec<Departure<'_>> {
    let groups = transfer.groups.iter();
    groups
        .map(|group| Departure {
            group: group.name(),
            masters: transfer.source.iter().collect(),
            group_leaves: transfer
                .source
                .iter()
                .map(|master| master.name.as_str())
                .collect(),
            retry_leaves: transfer
                .source
                .iter()
                .map(|master| master.name.as_str())
                .collect(),
            dead_letters_leave: transfer.messages.dead_letters == DeadLetters::Discard,
        })
        .collect()
}

fn departures_from_target(transfer: &Transfer) -> Vec<Departure<'_>> {
    let groups = transfer.groups.iter();
    groups
        .map(|group| Departure {
            group: group.name(),
            masters: transfer
                .target
                .iter()
                .filter(|master| {
                    group.new_at.contains(&master.name) || group.retry_new_at.contains(&master.name)
                })
                .collect(),
            group_leaves: group.new_at.iter().map(String::as_str).collect(),
            retry_leaves: group.retry_new_at.iter().map(String::as_str).collect(),
            dead_letters_leave: false,
        })
        .collect()
}

fn entry_queries(transfer: &Transfer) -> Vec<Query> {
    match &transfer.entry {
        Some(_) => order_queries(&transfer.name_servers),
        None => Vec::new(),
    }
}

/// The commands that set the topic's entry of the order configuration on every name server.
fn entry_commands(
    transfer: &Transfer,
    wanted: impl Fn(&MovedEntry) -> &String,
    view: View<'_>,
) -> Result<Vec<Command>, Unanswered> {
    let mut commands = Vec::new();
    let Some(entry) = &transfer.entry else {
        return Ok(commands);
    };
    let wanted = wanted(entry);
    for server in &transfer.name_servers {
        let held = view.key_values(server, ORDER_CONFIGURATION)?;
        if held.get(&transfer.topic) != Some(wanted) {
            commands.push(putting(
                server,
                ORDER_CONFIGURATION,
                &transfer.topic,
                wanted,
            ));
        }
    }
    Ok(commands)
}

/// The names of the topics in which a group finds messages of a topic that are tried again: those of POP belong to the topic.
fn retried_by_pop(group: &str, topic: &str) -> [String; 2] {
    let own = retry_topic(group);
    [format!("{own}_{topic}"), format!("{own}+{topic}")]
}
