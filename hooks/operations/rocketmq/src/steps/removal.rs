//! Groups that leave: nobody writes there any more, and everybody has what was written there.

use std::collections::BTreeMap;

use midships_client_rocketmq::{Request, SubscriptionGroup};
use midships_engine::step::{Memory, Progress, Unanswered, Verdict};
use midships_model::rocketmq::ORDER_CONFIGURATION;
use serde::{Deserialize, Serialize};
use serde_json::Map;

use super::addition::order_queries;
use super::{
    Observation, SETTLE_SECONDS, STILL_PATIENCE_SECONDS, STILL_SECONDS, acting, set, settings_query,
    since, wait,
};
use crate::desired::Broker;
use crate::lag;
use crate::metadata::LEAVING_MARK;
use crate::view::{OPEN, PERMISSION_SETTING, READ_ONLY, View};
use crate::vocabulary::{Command, Query};

/// How many remainders a wait names.
const NAMED: usize = 5;

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
    /// No subscription group has anything left to get from them, nor has the broker itself.
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
        RemovalPart::OrderConfigurationShortened => order_queries(&removal.name_servers),
        RemovalPart::MastersClosed => marked_queries(&removal.masters),
        _ if undoing => Vec::new(),
        RemovalPart::ClientsTurned => masters
            .flat_map(|master| {
                [
                    settings_query(master),
                    Query::rocketmq(&master.address, Request::RuntimeInformation),
                ]
            })
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
        RemovalPart::OrderConfigurationShortened => shortened(removal, undoing, view),
        RemovalPart::MastersClosed => Ok(closed(&removal.masters, !undoing, view)),
        _ if undoing => return Verdict::Done,
        RemovalPart::ClientsTurned => turned(removal, seen),
        RemovalPart::GroupsDrained => drained(removal, view),
    };
    judged.unwrap_or_else(|unanswered| wait(format!("{}: {}", unanswered.object, unanswered.why)))
}

/// Opens the masters that were closed.
pub(super) fn relief(removal: &Removal, seen: &Observation) -> Vec<Command> {
    match closed(&removal.masters, false, View::new(seen)) {
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
                commands.push(Command::Rocketmq {
                    address: server.clone(),
                    request: Request::PutKeyValue {
                        namespace: ORDER_CONFIGURATION.to_owned(),
                        key: topic.clone(),
                        value: value.clone(),
                    },
                });
            }
        }
    }
    Ok(acting(
        commands,
        "entries of the order configuration differ from what they shall be",
    ))
}

/// Whether masters that leave are closed and marked, or, for those that stay, open and without the mark. The mark is set
/// before a master is closed and goes after it was opened, so that a closed master without it was closed by somebody else.
pub(super) fn closed(masters: &[Broker], wanted: bool, view: View<'_>) -> Verdict<Command> {
    let mut commands = Vec::new();
    let mut silent = Vec::new();
    for master in masters {
        let found = view.settings(&master.address).and_then(|settings| {
            let groups = view.subscription_groups(&master.address)?;
            Ok((settings.is_open(), groups.contains_key(LEAVING_MARK)))
        });
        let (is_open, is_marked) = match found {
            Ok(found) => found,
            Err(unanswered) => {
                silent.push(format!("broker {}: {}", master.pod, unanswered.why));
                continue;
            }
        };
        let tell = |request| Command::Rocketmq {
            address: master.address.clone(),
            request,
        };
        if wanted && !is_marked {
            commands.push(tell(Request::PutSubscriptionGroup {
                group: SubscriptionGroup {
                    name: LEAVING_MARK.to_owned(),
                    consume_enabled: false,
                    other: Map::new(),
                },
            }));
        }
        if wanted && is_open {
            commands.push(set(&master.address, PERMISSION_SETTING, READ_ONLY));
        }
        if !wanted && is_marked && !is_open {
            commands.push(set(&master.address, PERMISSION_SETTING, OPEN));
        }
        if !wanted && is_marked {
            commands.push(tell(Request::DeleteSubscriptionGroup {
                group: LEAVING_MARK.to_owned(),
                with_offsets: false,
            }));
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

/// Waits until every client has looked at the routes and no message arrives, which a producer may still send to where it
/// sent before.
fn turned(removal: &Removal, seen: &Observation) -> Result<Verdict<Command>, Unanswered> {
    let view = View::new(seen);
    let mut stored = 0;
    for master in &removal.masters {
        let settings = view.settings(&master.address)?;
        if settings.permission() != READ_ONLY {
            return Ok(wait(format!(
                "broker {} takes messages again: somebody has opened it",
                master.pod
            )));
        }
        stored += view.messages_stored_today(&master.address)?;
    }
    let (memory, now) = (&seen.memory, seen.now);
    let (passed, since_closed) = since(memory, "closed", now);
    let unchanged = memory.get("stored") == Some(&stored);
    let (still, since_still) = since(memory, if unchanged { "still" } else { "changed" }, now);
    let needed = removal.route_refresh_seconds + SETTLE_SECONDS;
    let out_of_patience = passed >= needed + STILL_PATIENCE_SECONDS;
    if passed >= needed && (still >= STILL_SECONDS || out_of_patience) {
        return Ok(Verdict::Done);
    }
    Ok(Verdict::Wait {
        why: "clients turn to the groups that stay".to_owned(),
        progress: Some(Progress {
            done: passed.min(needed),
            total: needed,
            unit: "seconds".to_owned(),
        }),
        memory: Memory::from([
            ("closed".to_owned(), since_closed),
            ("still".to_owned(), since_still),
            ("stored".to_owned(), stored),
        ]),
    })
}

fn drained(removal: &Removal, view: View<'_>) -> Result<Verdict<Command>, Unanswered> {
    let mut left = Vec::new();
    for master in &removal.masters {
        if !view.settings(&master.address)?.is_open() {
            left.extend(lag::lag(master, view)?.remainders);
        } else {
            return Ok(wait(format!(
                "broker {} takes messages again: somebody has opened it",
                master.pod
            )));
        }
    }
    if left.is_empty() {
        return Ok(Verdict::Done);
    }
    left.sort_by_key(|remainder| std::cmp::Reverse(remainder.count));
    let named: Vec<String> = left.iter().take(NAMED).map(ToString::to_string).collect();
    let more = left.len().saturating_sub(NAMED);
    let more = if more > 0 {
        format!("; and {more} queues more")
    } else {
        String::new()
    };
    Ok(wait(format!("nobody has got {}{more}", named.join("; "))))
}
