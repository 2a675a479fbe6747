//! A toy product and an operation on it, small enough to read and with every feature that the engine serves.
//!
//! Three servers hold a setting that is pushed, and load it when they restart, one at a time. A
//! store holds two keys. At last an old listener is retired, which cannot be taken back.

use std::collections::BTreeMap;

use midships_engine::simulation::Simulation;
use midships_engine::step::{
    Direction, Limits, Memory, Moment, Operation, Planning, Problem, Seen, Step, Unanswered,
    Verdict,
};
use midships_engine::world::CommandFault;
use serde::{Deserialize, Serialize};

pub const SERVERS: usize = 3;
const KEYS: [&str; 2] = ["first", "second"];
const RESTART_MILLISECONDS: u64 = 3_000;

#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Query {
    Server(usize),
    Keys,
    Listener,
    Traffic,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Answer {
    Server(Server),
    Keys(Vec<String>),
    Listener(bool),
    Traffic(i64),
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    Push { server: usize, setting: u32 },
    Copy { key: String },
    Remove { key: String },
    Restart { server: usize, uid: u64 },
    Retire,
}

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Server {
    pub setting: u32,
    pub loaded: u32,
    pub uid: u64,
    pub ready: bool,
}

/// The product: three servers, a store, a listener.
#[derive(Clone, Debug)]
pub struct Product {
    pub servers: Vec<Server>,
    pub ready_at: BTreeMap<usize, Moment>,
    pub keys: Vec<String>,
    pub listening: bool,
    pub traffic: i64,
    pub now: Moment,
    /// Retired once, for tests that the point of no return is passed once.
    pub retired: usize,
    /// Whether a repeated copy leaves a second key: a product that the harness must find.
    pub careless: bool,
}

impl Product {
    pub fn new() -> Self {
        let server = |uid| Server {
            setting: 1,
            loaded: 1,
            uid,
            ready: true,
        };
        Self {
            servers: (0..SERVERS).map(|index| server(index as u64)).collect(),
            ready_at: BTreeMap::new(),
            keys: Vec::new(),
            listening: true,
            traffic: 0,
            now: 0,
            retired: 0,
            careless: false,
        }
    }
}

impl Simulation for Product {
    type Query = Query;
    type Answer = Answer;
    type Command = Command;

    fn ask(&mut self, _now: Moment, query: &Query) -> Result<Answer, Unanswered> {
        Ok(match query {
            Query::Server(index) => Answer::Server(self.servers[*index].clone()),
            Query::Keys => Answer::Keys(self.keys.clone()),
            Query::Listener => Answer::Listener(self.listening),
            Query::Traffic => Answer::Traffic(self.traffic),
        })
    }

    fn perform(&mut self, now: Moment, command: &Command) -> Result<(), CommandFault> {
        let declined = |why: &str| {
            let object = "toy".to_owned();
            Err(CommandFault::Declined(Unanswered {
                object,
                why: why.to_owned(),
            }))
        };
        match command {
            Command::Push { server, setting } => {
                if !self.servers[*server].ready {
                    return declined("the server is down");
                }
                self.servers[*server].setting = *setting;
            }
            Command::Copy { key } => {
                if self.careless || !self.keys.contains(key) {
                    self.keys.push(key.clone());
                    self.keys.sort();
                }
            }
            Command::Remove { key } => self.keys.retain(|known| known != key),
            Command::Restart { server, uid } => {
                let found = &mut self.servers[*server];
                if found.uid != *uid {
                    return declined("another uid");
                }
                found.uid += 10;
                found.ready = false;
                found.loaded = found.setting;
                self.ready_at.insert(*server, now + RESTART_MILLISECONDS);
            }
            Command::Retire => {
                self.retired += usize::from(self.listening);
                self.listening = false;
                self.traffic = 5;
            }
        }
        Ok(())
    }

    fn advance(&mut self, to: Moment) {
        for (server, ready_at) in &self.ready_at {
            if *ready_at <= to {
                self.servers[*server].ready = true;
            }
        }
        self.ready_at.retain(|_, ready_at| *ready_at > to);
        if self.traffic > 0 && to / 1_000 > self.now / 1_000 {
            self.traffic -= 1;
        }
        self.now = to;
    }

    fn fingerprint(&self) -> String {
        let servers: Vec<_> = self
            .servers
            .iter()
            .map(|server| (server.setting, server.loaded, server.ready))
            .collect();
        format!("{servers:?} {:?} listening {}", self.keys, self.listening)
    }

    fn invariant(&self) -> Result<(), String> {
        let down = self.servers.iter().filter(|server| !server.ready).count();
        if down > 1 {
            return Err(format!("{down} servers are down at once"));
        }
        if self.retired > 1 {
            return Err("the listener was retired twice".to_owned());
        }
        Ok(())
    }
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub enum ToyStep {
    /// Every server answers and is ready.
    ServersServing,
    /// The store has the keys.
    StoreCopied,
    /// Every server has the setting.
    SettingPushed { from: u32, to: u32 },
    /// The server has loaded the setting and is ready.
    ServerRestarted { server: usize, from: u32, to: u32 },
    /// The old listener is gone.
    ListenerRetired,
    /// No traffic for two seconds.
    TrafficSettled,
}

/// What is slow is told by a limit of its own, so that tests can run into it.
pub const STEP_SECONDS: u64 = 30;

type ToySeen = Seen<Query, Answer>;

fn wait(why: &str) -> Verdict<Command> {
    Verdict::Wait {
        why: why.to_owned(),
        progress: None,
        memory: Memory::new(),
    }
}

fn server(seen: &ToySeen, index: usize) -> Option<Server> {
    match seen.answer(&Query::Server(index)) {
        Some(Ok(Answer::Server(server))) => Some(server.clone()),
        _ => None,
    }
}

fn server_restarted(index: usize, loaded: u32, seen: &ToySeen) -> Verdict<Command> {
    let Some(servers) = ToyStep::all_servers(seen) else {
        return wait("servers answer");
    };
    if servers.iter().any(|server| !server.ready) {
        return wait("servers start");
    }
    let found = &servers[index];
    if found.loaded == loaded {
        return Verdict::Done;
    }
    // The setting that the restart loads comes first; undoing, it still is the new one.
    let commands = vec![
        Command::Push {
            server: index,
            setting: loaded,
        },
        Command::Restart {
            server: index,
            uid: found.uid,
        },
    ];
    Verdict::Act {
        commands,
        why: "another setting is loaded".to_owned(),
    }
}

fn traffic_settled(seen: &ToySeen) -> Verdict<Command> {
    let Some(Ok(Answer::Traffic(traffic))) = seen.answer(&Query::Traffic) else {
        return wait("traffic can be counted");
    };
    let now = i64::try_from(seen.now).unwrap_or(i64::MAX);
    let since = match seen.memory.get("since") {
        Some(since) if *traffic == 0 => *since,
        _ => now,
    };
    if *traffic == 0 && now - since >= 2_000 {
        return Verdict::Done;
    }
    let memory = Memory::from([("since".to_owned(), since)]);
    let memory = if *traffic == 0 { memory } else { Memory::new() };
    Verdict::Wait {
        why: "traffic stops".to_owned(),
        progress: None,
        memory,
    }
}

impl ToyStep {
    fn all_servers(seen: &ToySeen) -> Option<Vec<Server>> {
        (0..SERVERS).map(|index| server(seen, index)).collect()
    }
}

impl Step for ToyStep {
    type Query = Query;
    type Answer = Answer;
    type Command = Command;

    fn name(&self) -> String {
        match self {
            Self::ServersServing => "servers_serving".to_owned(),
            Self::StoreCopied => "store_copied".to_owned(),
            Self::SettingPushed { .. } => "setting_pushed".to_owned(),
            Self::ServerRestarted { server, .. } => format!("server_restarted/{server}"),
            Self::ListenerRetired => "listener_retired".to_owned(),
            Self::TrafficSettled => "traffic_settled".to_owned(),
        }
    }

    fn limits(&self) -> Limits {
        Limits {
            seconds: STEP_SECONDS,
            attempts: 3,
            rounds: 2,
            poll_milliseconds: 500,
            ..Limits::default()
        }
    }

    fn observe(&self, _direction: Direction, _seen: &ToySeen) -> Vec<Query> {
        match self {
            Self::ServersServing | Self::SettingPushed { .. } | Self::ServerRestarted { .. } => {
                (0..SERVERS).map(Query::Server).collect()
            }
            Self::StoreCopied => vec![Query::Keys],
            Self::ListenerRetired => vec![Query::Listener],
            Self::TrafficSettled => vec![Query::Traffic],
        }
    }

    fn assess(&self, direction: Direction, seen: &ToySeen) -> Verdict<Command> {
        let doing = direction == Direction::Doing;
        match self {
            Self::ServersServing => match Self::all_servers(seen) {
                _ if !doing => Verdict::Done,
                Some(servers) if servers.iter().all(|server| server.ready) => Verdict::Done,
                _ => wait("servers start"),
            },
            Self::StoreCopied => {
                let Some(Ok(Answer::Keys(keys))) = seen.answer(&Query::Keys) else {
                    return wait("the store answers");
                };
                let commands: Vec<Command> = KEYS
                    .iter()
                    .filter(|key| keys.iter().any(|known| known == *key) != doing)
                    .map(|key| {
                        let key = (*key).to_owned();
                        if doing {
                            Command::Copy { key }
                        } else {
                            Command::Remove { key }
                        }
                    })
                    .collect();
                if commands.is_empty() {
                    return Verdict::Done;
                }
                Verdict::Act {
                    commands,
                    why: "keys differ".to_owned(),
                }
            }
            Self::SettingPushed { from, to } => {
                let setting = if doing { *to } else { *from };
                let Some(servers) = Self::all_servers(seen) else {
                    return wait("servers answer");
                };
                let commands: Vec<Command> = servers
                    .iter()
                    .enumerate()
                    .filter(|(_, server)| server.setting != setting)
                    .map(|(server, _)| Command::Push { server, setting })
                    .collect();
                if commands.is_empty() {
                    return Verdict::Done;
                }
                Verdict::Act {
                    commands,
                    why: format!("{} servers differ", servers.len()),
                }
            }
            Self::ServerRestarted { server, from, to } => {
                server_restarted(*server, if doing { *to } else { *from }, seen)
            }
            Self::ListenerRetired => match seen.answer(&Query::Listener) {
                Some(Ok(Answer::Listener(false))) => Verdict::Done,
                Some(Ok(Answer::Listener(true))) if doing => Verdict::Act {
                    commands: vec![Command::Retire],
                    why: "it listens".to_owned(),
                },
                Some(Ok(_)) => Verdict::Fail(Problem {
                    object: "listener".to_owned(),
                    why: "it cannot come back".to_owned(),
                    remedy: "go on".to_owned(),
                }),
                _ => wait("the listener answers"),
            },
            Self::TrafficSettled => traffic_settled(seen),
        }
    }

    fn undoable(&self) -> bool {
        !matches!(self, Self::ListenerRetired | Self::TrafficSettled)
    }
}

/// Brings every server to a setting.
pub struct ChangeSetting {
    pub name: &'static str,
    pub phase: &'static str,
    pub setting: u32,
    /// Whether the listener is retired as well.
    pub retire: bool,
}

impl ChangeSetting {
    pub fn to(setting: u32) -> Self {
        Self {
            name: "change_setting",
            phase: "after",
            setting,
            retire: true,
        }
    }
}

impl Operation for ChangeSetting {
    type Step = ToyStep;

    fn name(&self) -> &'static str {
        self.name
    }

    fn phase(&self) -> &'static str {
        self.phase
    }

    fn fingerprint(&self) -> String {
        format!("setting {} retire {}", self.setting, self.retire)
    }

    fn limits(&self) -> Limits {
        Limits {
            seconds: 20,
            attempts: 1,
            rounds: 2,
            poll_milliseconds: 500,
            ..Limits::default()
        }
    }

    fn observe(&self, _seen: &ToySeen) -> Vec<Query> {
        let mut queries: Vec<Query> = (0..SERVERS).map(Query::Server).collect();
        queries.extend([Query::Keys, Query::Listener]);
        queries
    }

    fn plan(&self, seen: &ToySeen) -> Planning<ToyStep> {
        if self.setting > 100 {
            return Planning::Refused(Problem {
                object: "setting".to_owned(),
                why: format!("{} is more than 100", self.setting),
                remedy: "choose less".to_owned(),
            });
        }
        let Some(servers) = ToyStep::all_servers(seen) else {
            return Planning::Wait {
                why: "servers answer".to_owned(),
                otherwise: Problem {
                    object: "servers".to_owned(),
                    why: "they do not answer".to_owned(),
                    remedy: "start them".to_owned(),
                },
            };
        };
        let listening = matches!(
            seen.answer(&Query::Listener),
            Some(Ok(Answer::Listener(true)))
        );
        let settled = servers
            .iter()
            .all(|server| server.setting == self.setting && server.loaded == self.setting);
        if settled && !(self.retire && listening) {
            return Planning::Nothing {
                why: "every server has the setting".to_owned(),
            };
        }
        let (from, to) = (servers[0].loaded, self.setting);
        let mut steps = vec![
            ToyStep::ServersServing,
            ToyStep::StoreCopied,
            ToyStep::SettingPushed { from, to },
            ToyStep::ServerRestarted {
                server: 0,
                from,
                to,
            },
            ToyStep::ServerRestarted {
                server: 1,
                from,
                to,
            },
            ToyStep::ServerRestarted {
                server: 2,
                from,
                to,
            },
        ];
        if self.retire {
            steps.extend([ToyStep::ListenerRetired, ToyStep::TrafficSettled]);
        }
        Planning::Steps(steps)
    }
}
