//! Some of the servers that Sentinels watch leave: the master is one of those that stay, and no write waits for more replicas than these.
//!
//! Sentinels choose the next master themselves, so those that leave are made their last choice. Then the pod of a master that leaves is
//! evicted: its own script hands over without a lost write, which a failover that a Sentinel is told of does not.

use std::collections::BTreeMap;

use midships_client_redis::{Information, Request};
use midships_engine::step::{Memory, Verdict};
use serde::{Deserialize, Serialize};

use crate::desired::{Server, Watch};
use crate::guard::{self, Clearance};
use crate::steps::{Observation, told, waiting};
use crate::view::{View, ask_configuration, ask_pods, ask_replication, ask_sentinels};
use crate::vocabulary::{Command, Query};

/// The priority of servers that leave: Sentinels promote another one first, which has a lower number, and never one that has 0.
const LAST_CHOICE: u32 = 200;
pub(crate) const PRIORITY: &str = "replica-priority";
/// How many replicas a write waits for.
pub(crate) const LEAST: &str = "min-replicas-to-write";
/// The most that the chart asks for; a higher number is that of a master that takes no writes yet.
const MOST_REPLICAS: u32 = midships_model::redis_sentinel::servers::MOST_REPLICAS;
/// What is remembered of a master that was seen to leave.
const LEAVES: &str = "leaves";

/// Servers that leave and servers that stay.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Leaving {
    /// The release's full name.
    pub cluster: String,
    /// Those that stay.
    pub staying: Vec<Server>,
    /// Those that leave.
    pub leaving: Vec<Server>,
    /// Those who watch them.
    pub watch: Watch,
    /// How many replicas a write shall wait for.
    pub least: u32,
}

impl Leaving {
    /// The questions by which it is judged.
    pub(crate) fn queries(&self) -> Vec<Query> {
        let mut wanted = vec![ask_pods(&self.cluster)];
        wanted.extend(ask_replication(self.servers()));
        wanted.extend(
            self.servers()
                .map(|server| ask_configuration(server, &names())),
        );
        wanted.extend(ask_sentinels(&self.watch));
        wanted
    }

    fn servers(&self) -> impl Iterator<Item = &Server> {
        self.staying.iter().chain(&self.leaving)
    }

    /// Judges whether the master stays.
    pub(crate) fn assess(&self, seen: &Observation) -> Verdict<Command> {
        let view = View::new(seen);
        match self.telling(&self.staying, LEAST, |found| self.waits_for(found), view) {
            Ok(commands) if commands.is_empty() => {}
            Ok(commands) => {
                return Verdict::Act {
                    commands,
                    why: "writes wait for more replicas than are asked for".to_owned(),
                };
            }
            Err(why) => return waiting(why, None),
        }
        // One that leaves may be away already.
        let mut answering = self.staying.clone();
        let answers = |server: &&Server| view.replication(server).is_ok();
        answering.extend(self.leaving.iter().filter(answers).cloned());
        let master = match guard::sole_master(&answering, view) {
            Ok(master) if self.staying.contains(master) => return Verdict::Done,
            Ok(master) => master,
            Err(why) => return waiting(why, None),
        };
        match self.telling(&self.leaving, PRIORITY, as_last_choice, view) {
            Ok(commands) if commands.is_empty() => {}
            Ok(commands) => {
                return Verdict::Act {
                    commands,
                    why: "Sentinels may promote servers that leave".to_owned(),
                };
            }
            Err(why) => return waiting(why, None),
        }
        match self.clear(master, view) {
            // One look may be older than the last change.
            Ok(_) if !seen.memory.contains_key(LEAVES) => Verdict::Wait {
                why: leaves(master),
                progress: None,
                memory: Memory::from([(LEAVES.to_owned(), 1)]),
            },
            Ok(clearance) => Verdict::Act {
                commands: vec![Command::Restart(clearance)],
                why: leaves(master),
            },
            Err(why) => waiting(why, None),
        }
    }

    /// What some servers have to be told of a setting, by the number that each has. One that leaves need not answer.
    fn telling<'a>(
        &self,
        servers: impl IntoIterator<Item = &'a Server>,
        name: &str,
        wanted: impl Fn(u32) -> Option<u32>,
        view: View<'_>,
    ) -> Result<Vec<Command>, String> {
        let mut commands = Vec::new();
        for server in servers {
            let found = match view.configuration(server, &names()) {
                Ok(found) => found,
                Err(_) if self.leaving.contains(server) => continue,
                Err(unanswered) => return Err(told(&[unanswered])),
            };
            if let Some(value) = wanted(number(found, name)) {
                let request = Request::Configure {
                    name: name.to_owned(),
                    value: value.to_string(),
                };
                commands.push(Command::redis(&server.address, request));
            }
        }
        Ok(commands)
    }

    /// How many replicas a write shall wait for where it waits for more. A master that takes no writes yet is left as it is.
    fn waits_for(&self, found: u32) -> Option<u32> {
        (found > self.least && found <= MOST_REPLICAS).then_some(self.least)
    }

    /// Clears the pod of a master that leaves, if Sentinels will promote a server that stays.
    fn clear(&self, master: &Server, view: View<'_>) -> Result<Clearance, String> {
        let pods = view.pods(&self.cluster).map_err(|one| told(&[one]))?;
        for sentinel in &self.watch.sentinels {
            let known = view.replicas(sentinel, &self.watch.master_name);
            let known = known.map_err(|one| told(&[one]))?;
            let first = known.iter().filter(|one| is_first_choice(one)).count();
            if first > self.staying.len() {
                return Err(format!(
                    "the Sentinel of pod {} has not heard yet who leaves",
                    sentinel.pod
                ));
            }
        }
        guard::clear_leaving(master, pods, &self.staying, &self.watch, view)
    }
}

fn names() -> [String; 2] {
    [PRIORITY, LEAST].map(ToOwned::to_owned)
}

/// The priority of a server that leaves. One with 0 is no choice at all, since it lacks data.
fn as_last_choice(found: u32) -> Option<u32> {
    (![0, LAST_CHOICE].contains(&found)).then_some(LAST_CHOICE)
}

/// A setting that is a number; 0 where the server does not tell.
fn number(settings: &BTreeMap<String, String>, name: &str) -> u32 {
    let value = settings.get(name).and_then(|value| value.parse().ok());
    value.unwrap_or_default()
}

/// Whether a Sentinel that knows this of a replica prefers it to those that leave.
fn is_first_choice(replica: &Information) -> bool {
    let priority = replica.value("slave-priority").unwrap_or(0u32);
    (1..LAST_CHOICE).contains(&priority)
}

fn leaves(master: &Server) -> String {
    format!("pod {} leaves and is the master", master.pod)
}
