//! Groups that leave: nobody writes there any more, and everybody has what was written there.

use std::collections::BTreeMap;

use midships_client_rocketmq::Request;
use midships_engine::step::{Memory, Problem, Progress, Unanswered, Verdict};
use midships_model::rocketmq::ORDER_CONFIGURATION;
use serde::{Deserialize, Serialize};

use super::addition::order_queries;
use super::{
    Observation, SETTLE_SECONDS, STILL_PATIENCE_SECONDS, acting, key_values::putting, set, since,
    tell, turning::turning, wait,
};
use crate::desired::Broker;
use crate::lag::{self, Lag, Remainder};
use crate::metadata::{self, DRAINED_MARK, LEAVING_MARK};
use crate::view::{OPEN, PERMISSION_SETTING, READ_ONLY, View, settings_query};
use crate::vocabulary::{Command, Query};

/// How many remainders a wait names.
const NAMED: usize = 5;

/// How long nothing must be left before that is believed.
const EMPTY_SECONDS: u64 = 5;

/// How long notes of what was handed out by POP must stand still to be nothing but confirmations. A broker goes by the others
/// within 30 s of their time (`PopReviveService` of the product, 5.0.0 to 5.5.0).
const REVIVE_STILL_SECONDS: u64 = 60;

/// How often the drain looks, in milliseconds: it asks for every topic.
pub(super) const DRAIN_POLL_MILLISECONDS: u64 = 5_000;

/// An entry of the order configuration as it was and as it shall be.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct ShortenedEntry {
    /// What it was when the plan was made.
    pub previous: String,
    /// The same without the groups that leave.
    pub wanted: String,
}

/// Groups that leave.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// Their masters.
    pub masters: Vec<Broker>,
    /// Who could be elected in their place, where masters are elected: they must not take messages either.
    #[serde(default)]
    pub heirs: Vec<Broker>,
    /// The name servers that keep the order configuration.
    pub name_servers: Vec<String>,
    /// The entries of the order configuration that name these groups, by topic.
    pub entries: BTreeMap<String, ShortenedEntry>,
    /// How often clients look at the routes, in seconds.
    pub route_refresh_seconds: u64,
    /// How long consumers may take for what is left, in seconds.
    pub drain_seconds: u64,
}

/// A part of a removal: a condition that one step establishes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalPart {
    /// No name server's order configuration names the groups.
    OrderConfigurationShortened,
    /// Their masters have the mark of those that leave and are closed for writing.
    MastersClosed,
    /// Clients have had the time to turn to other groups, and no message arrives any more.
    ClientsTurned,
    /// No subscription group has anything left to get from them, nor has the broker itself, and their masters have the mark
    /// that says so.
    GroupsDrained,
}

impl RemovalPart {
    /// The name of the condition.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OrderConfigurationShortened => "order_configuration_shortened",
            Self::MastersClosed => "masters_closed",
            Self::ClientsTurned => "clients_turned",
            Self::GroupsDrained => "groups_drained",
        }
    }

    /// Whether it lowers something that is brought back when the plan is taken back. The others only wait, or set a mark that
    /// goes with the first one.
    fn lowers(self) -> bool {
        matches!(
            self,
            Self::OrderConfigurationShortened | Self::MastersClosed
        )
    }

    /// How long it may take, in seconds.
    pub(super) fn seconds(self, removal: &Removal) -> u64 {
        match self {
            Self::OrderConfigurationShortened | Self::MastersClosed => 120,
            Self::ClientsTurned => {
                removal.route_refresh_seconds + SETTLE_SECONDS + STILL_PATIENCE_SECONDS + 120
            }
            Self::GroupsDrained => removal.drain_seconds,
        }
    }
}

/// What has to be known for a part.
pub(super) fn queries(
    removal: &Removal,
    part: RemovalPart,
    undoing: bool,
    view: View<'_>,
) -> Vec<Query> {
    let masters = removal.masters.iter();
    match part {
        _ if undoing && !part.lowers() => Vec::new(),
        RemovalPart::OrderConfigurationShortened => order_queries(&removal.name_servers),
        RemovalPart::MastersClosed => {
            let mut wanted = marked_queries(&removal.masters);
            wanted.extend(removal.heirs.iter().map(settings_query));
            wanted
        }
        RemovalPart::ClientsTurned => masters
            .map(|master| Query::rocketmq(&master.address, Request::RuntimeInformation))
            .chain(marked_queries(&removal.masters))
            .collect(),
        RemovalPart::GroupsDrained => masters
            .flat_map(|master| lag::queries(master, view))
            .collect(),
    }
}

/// What has to be known to close or open masters.
pub(super) fn marked_queries(masters: &[Broker]) -> Vec<Query> {
    let ask = |master: &Broker| {
        [
            settings_query(master),
            Query::rocketmq(&master.address, Request::SubscriptionGroups),
        ]
    };
    masters.iter().flat_map(ask).collect()
}

/// Judges a part.
pub(super) fn assess(
    removal: &Removal,
    part: RemovalPart,
    undoing: bool,
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    let judged = match part {
        _ if undoing && !part.lowers() => return Verdict::Done,
        RemovalPart::OrderConfigurationShortened => shortened(removal, undoing, view),
        RemovalPart::MastersClosed => Ok(with_heirs(removal, !undoing, view)),
        RemovalPart::ClientsTurned => turned(removal, seen),
        RemovalPart::GroupsDrained => drained(removal, seen),
    };
    judged.unwrap_or_else(|unanswered| wait(format!("{}: {}", unanswered.object, unanswered.why)))
}

/// Opens the masters that were closed.
pub(super) fn relief(removal: &Removal, seen: &Observation) -> Vec<Command> {
    match with_heirs(removal, false, View::new(seen)) {
        Verdict::Act { commands, .. } => commands,
        _ => Vec::new(),
    }
}

fn shortened(
    removal: &Removal,
    undoing: bool,
    view: View<'_>,
) -> Result<Verdict<Command>, Unanswered> {
    let mut commands = Vec::new();
    for server in &removal.name_servers {
        let held = view.key_values(server, ORDER_CONFIGURATION)?;
        for (topic, entry) in &removal.entries {
            let value = if undoing {
                &entry.previous
            } else {
                &entry.wanted
            };
            if held.get(topic) != Some(value) {
                commands.push(putting(server, ORDER_CONFIGURATION, topic, value));
            }
        }
    }
    Ok(acting(
        commands,
        "entries of the order configuration differ from what they shall be",
    ))
}

/// The same as [`closed`] of the masters of a removal, with whoever could be elected in their place.
fn with_heirs(removal: &Removal, wanted: bool, view: View<'_>) -> Verdict<Command> {
    let permission = if wanted { READ_ONLY } else { OPEN };
    let heirs = removal.heirs.iter().filter(|heir| {
        let settings = view.settings(&heir.address);
        settings.is_ok_and(|settings| settings.is_open() == wanted)
    });
    let commands: Vec<Command> = heirs
        .map(|heir| set(&heir.address, PERMISSION_SETTING, permission))
        .collect();
    match closed(&removal.masters, wanted, view) {
        Verdict::Done => acting(
            commands,
            "brokers could be elected in place of masters that leave",
        ),
        verdict => verdict,
    }
}

/// Whether masters that leave are closed and marked, or, for those that stay, open and without marks. The mark is set
/// before a master is closed and goes after it was opened, so that a closed master without it was closed by somebody else.
pub(super) fn closed(masters: &[Broker], wanted: bool, view: View<'_>) -> Verdict<Command> {
    let mut commands = Vec::new();
    let mut silent = Vec::new();
    for master in masters {
        let found = view.settings(&master.address).and_then(|settings| {
            let stays = settings.check_master(master);
            if wanted {
                stays.clone()?;
            } else if stays.is_err() && !settings.is_open() {
                // It was to leave and is elected no more: the marks are at another one, and it must not be closed.
                commands.push(set(&master.address, PERMISSION_SETTING, OPEN));
            }
            let groups = view.subscription_groups(&master.address)?;
            Ok((settings.is_open(), stays.is_ok(), groups))
        });
        let (is_open, is_master, groups) = match found {
            Ok(found) => found,
            Err(unanswered) => {
                silent.push(format!("broker {}: {}", master.pod, unanswered.why));
                continue;
            }
        };
        let is_marked = groups.contains_key(LEAVING_MARK);
        if wanted {
            if !is_marked {
                commands.push(marking(master, LEAVING_MARK));
            }
            if is_open {
                // What was left before it is closed says nothing of what comes. A look may be too old to show the mark.
                commands.push(unmarking(master, DRAINED_MARK));
                commands.push(set(&master.address, PERMISSION_SETTING, READ_ONLY));
            }
        } else if is_marked && is_master {
            if !is_open {
                commands.push(set(&master.address, PERMISSION_SETTING, OPEN));
            }
            commands.push(unmarking(master, DRAINED_MARK));
            commands.push(unmarking(master, LEAVING_MARK));
        }
    }
    if commands.is_empty() && !silent.is_empty() {
        return wait(silent.join("; "));
    }
    let what = if wanted {
        "commands close the masters of groups that leave"
    } else {
        "commands open masters that were to leave"
    };
    acting(commands, what)
}

fn marking(master: &Broker, mark: &str) -> Command {
    tell(master, metadata::marking(mark))
}

fn unmarking(master: &Broker, mark: &str) -> Command {
    tell(master, metadata::unmarking(mark))
}

/// The first master that takes messages although it was closed.
fn reopened(removal: &Removal, view: View<'_>) -> Result<Option<Problem>, Unanswered> {
    for master in &removal.masters {
        let settings = view.settings(&master.address)?;
        if let Err(unanswered) = settings.check_master(master) {
            return Ok(Some(Problem {
                object: unanswered.object,
                why: unanswered.why,
                remedy: "run the upgrade again: it begins with the new master".to_owned(),
            }));
        }
        if settings.is_open() {
            return Ok(Some(Problem {
                object: format!("broker {}", master.pod),
                why: "it was closed and takes messages again: it was restarted, or somebody has opened it"
                    .to_owned(),
                remedy: "run the upgrade again when nothing else restarts or opens brokers".to_owned(),
            }));
        }
    }
    Ok(None)
}

/// Waits until clients have turned to the groups that stay.
fn turned(removal: &Removal, seen: &Observation) -> Result<Verdict<Command>, Unanswered> {
    let view = View::new(seen);
    if let Some(problem) = reopened(removal, view)? {
        return Ok(Verdict::Fail(problem));
    }
    let mut stored = 0;
    for master in &removal.masters {
        stored += view.messages_stored_today(&master.address)?;
    }
    let turning = turning(seen, removal.route_refresh_seconds, stored);
    Ok(
        turning.map_or(Verdict::Done, |(progress, memory)| Verdict::Wait {
            why: "clients turn to the groups that stay".to_owned(),
            progress: Some(progress),
            memory,
        }),
    )
}

/// Waits until nothing is left, with what is left in the log: for whom, how fast it becomes less and how long that takes.
fn drained(removal: &Removal, seen: &Observation) -> Result<Verdict<Command>, Unanswered> {
    let view = View::new(seen);
    if let Some(problem) = reopened(removal, view)? {
        return Ok(Verdict::Fail(problem));
    }
    let mut found = Vec::new();
    let mut unmarked = Vec::new();
    for master in &removal.masters {
        found.push(lag::lag(master, view)?);
        if !view
            .subscription_groups(&master.address)?
            .contains_key(DRAINED_MARK)
        {
            unmarked.push(marking(master, DRAINED_MARK));
        }
    }
    if unmarked.is_empty() && found.iter().all(|lag| lag.remainders.is_empty()) {
        return Ok(Verdict::Done);
    }
    let (memory, now) = (&seen.memory, seen.now);
    let places: i64 = found.iter().map(|lag| lag.places).sum();
    let is_still = memory.get("places") == Some(&places);
    let (still, since_still) = since(memory, if is_still { "still" } else { "moved" }, now);
    let noted: Vec<&Remainder> = found
        .iter()
        .filter(|lag| !lag.goes_by || still < REVIVE_STILL_SECONDS)
        .flat_map(|lag| &lag.handed_out)
        .collect();
    let left: Vec<&Remainder> = found.iter().flat_map(|lag| &lag.remainders).collect();
    let is_empty = left.is_empty() && noted.is_empty();
    let (empty, since_empty) = since(memory, if is_empty { "empty" } else { "left" }, now);
    if is_empty && empty >= EMPTY_SECONDS && !unmarked.is_empty() {
        let why = format!("nothing is left in {} groups", found.len());
        return Ok(Verdict::Act {
            commands: unmarked,
            why,
        });
    }
    let count =
        |remainders: &[&Remainder]| -> i64 { remainders.iter().map(|left| left.count).sum() };
    let total = count(&left) + count(&noted);
    let first = memory.get("first").copied().unwrap_or(total).max(total);
    let (passed, began) = since(memory, "began", now);
    let are_notes = left.is_empty() && found.iter().all(|lag| lag.goes_by);
    let why = if is_empty {
        "nothing is left; looking once more".to_owned()
    } else if are_notes {
        format!(
            "{total} notes about messages that were handed out by POP have stood still for {still} of \
             {REVIVE_STILL_SECONDS} s, after which they are known to be confirmations"
        )
    } else {
        told_of(&[left, noted].concat(), first, total, passed, &found)
    };
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    let mut remembered = Memory::from([
        ("places".to_owned(), places),
        ("still".to_owned(), since_still),
        ("first".to_owned(), first),
        ("began".to_owned(), began),
    ]);
    if is_empty {
        remembered.insert("empty".to_owned(), since_empty);
    }
    Ok(Verdict::Wait {
        why,
        progress: Some(Progress {
            done: number(first - total),
            total: number(first),
            unit: "messages".to_owned(),
        }),
        memory: remembered,
    })
}

/// What is left, in words: the largest remainders by name, the numbers of all groups, and the rate since the first look.
fn told_of(left: &[&Remainder], first: i64, total: i64, seconds: u64, found: &[Lag]) -> String {
    let mut groups: BTreeMap<&str, i64> = BTreeMap::new();
    for remainder in left {
        *groups.entry(&remainder.who).or_default() += remainder.count;
    }
    let groups: Vec<String> = groups
        .into_iter()
        .map(|(who, count)| format!("{who} {count}"))
        .collect();
    let mut sorted = left.to_vec();
    sorted.sort_by_key(|remainder| std::cmp::Reverse(remainder.count));
    let named: Vec<String> = sorted.iter().take(NAMED).map(ToString::to_string).collect();
    let more = match left.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    let rate = u64::try_from(first - total).unwrap_or_default() / seconds.max(1);
    let pace = match u64::try_from(total).unwrap_or_default().checked_div(rate) {
        Some(to_go) => format!("{rate} a second, about {to_go} s to go"),
        None => "none a second".to_owned(),
    };
    let broadcast: Vec<&str> = found
        .iter()
        .flat_map(|lag| &lag.broadcast)
        .map(String::as_str)
        .collect();
    let broadcast = if broadcast.is_empty() {
        String::new()
    } else {
        format!(
            "; not waited for, since each member gets all messages: {}",
            broadcast.join(", ")
        )
    };
    format!(
        "{total} messages are left ({}), {pace}: nobody has got {}{more}{broadcast}",
        groups.join(", "),
        named.join("; ")
    )
}
