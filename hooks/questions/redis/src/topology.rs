//! The question which servers there are, who copies whom, and what is wrong with them.

mod agreement;
mod drawing;
mod health;

use std::collections::{BTreeMap, BTreeSet};

use midships_answers::{Column, Problem, Told, or_nothing, table, with_problems};
use midships_client_redis::{Information, Node, Role, SLOTS, Slots};
use serde::Serialize;

use crate::Scope;
use crate::ask::{Asking, Servers};
use crate::figures;
use crate::landscape::{Found, Kind, Landscape, address, address_in, ranges};

/// The servers and how they are.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Topology {
    /// What kind of servers these are; null where nobody answered.
    pub kind: Option<Kind>,
    /// The servers with keys: masters, each with its replicas behind it.
    pub servers: Vec<Server>,
    /// The Sentinels.
    pub sentinels: Vec<Sentinel>,
    /// Of a cluster: how many of its 16384 slots a master has that answers.
    pub slots_served: Option<u16>,
    /// What was not answered or is not as it should be.
    pub problems: Vec<Problem>,
}

/// What a server does.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Part {
    /// It takes writes.
    Master,
    /// It copies a master.
    Replica,
    /// Nobody has said it.
    #[default]
    Unknown,
}

/// How a server is, in one word.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum State {
    /// It answers, and nobody says otherwise.
    Well,
    /// It reads its data, or its master's, and serves none yet.
    Loading,
    /// Others have not heard of it for a while (`fail?`, `s_down`).
    Suspected,
    /// Others have agreed that it has failed (`fail`, `o_down`).
    Failed,
    /// It has not answered this program.
    #[default]
    Silent,
}

/// A server with keys. What it did not tell is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Server {
    /// Its address, as others know it.
    pub address: String,
    /// In a cluster: its id.
    pub id: Option<String>,
    /// Where Sentinels watch it: the name of the set.
    pub set: Option<String>,
    /// What it does.
    pub part: Part,
    /// Of a replica: its master's address.
    pub master: Option<String>,
    /// How it is.
    pub state: State,
    /// Of a replica: whether it is connected to its master.
    pub is_linked: Option<bool>,
    /// Of a replica: whether it takes over all of its master's data.
    pub is_synchronizing: Option<bool>,
    /// Of a replica that is not connected: for how many seconds.
    pub unlinked_seconds: Option<u64>,
    /// How much it has been told, or has told its replicas: a place in the master's stream of changes.
    pub offset: Option<u64>,
    /// Of a replica: how many bytes of that stream it lacked; both were asked at about the same time.
    pub behind_bytes: Option<u64>,
    /// Of a replica: how many seconds ago its master heard of it.
    pub heard_seconds: Option<u64>,
    /// In a cluster: how many slots it has.
    pub slot_count: Option<u16>,
    /// In a cluster: the slots that it has, as ranges.
    pub slots: Option<Slots>,
    /// In a cluster: the epoch with which it claims them.
    pub epoch: Option<u64>,
    /// `redis` or `valkey`.
    pub product: Option<String>,
    /// Its version, such as `7.0.15`.
    pub version: Option<String>,
    /// For how long it has been running.
    pub uptime_seconds: Option<u64>,
    /// How much memory it uses.
    pub used_memory_bytes: Option<u64>,
    /// How much it may use; 0 where there is no limit.
    pub maximum_memory_bytes: Option<u64>,
    /// How many keys it has, in all databases.
    pub keys: Option<u64>,
    /// How many clients are connected.
    pub clients: Option<u64>,
}

/// A Sentinel.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sentinel {
    /// Its address, as others know it.
    pub address: String,
    /// Whether it answered.
    pub is_answering: bool,
    /// Its version.
    pub version: Option<String>,
    /// For how long it has been running.
    pub uptime_seconds: Option<u64>,
    /// What it watches.
    pub sets: Vec<WatchedSet>,
}

/// A set of a master and its replicas, as one Sentinel knows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WatchedSet {
    /// Its name.
    pub name: String,
    /// The master's address.
    pub master: Option<String>,
    /// What it says of the master, such as `master,s_down`.
    pub flags: String,
    /// How many Sentinels have to agree that the master is away.
    pub quorum: Option<u64>,
    /// How many other Sentinels it knows.
    pub other_sentinels: Option<u64>,
    /// How many replicas it knows.
    pub replicas: Option<u64>,
}

impl Topology {
    /// Asks the given servers for the others, and every server for its state.
    pub async fn ask<S: Servers>(servers: &S, scope: &Scope) -> Self {
        let asking = Asking::new(servers);
        Self::tabulate(&Landscape::ask(&asking, scope).await)
    }

    fn tabulate(landscape: &Landscape) -> Self {
        let mut servers = match landscape.kind() {
            Some(Kind::Cluster) => of_cluster(landscape),
            _ => of_masters(landscape),
        };
        measure(landscape, &mut servers);
        let mut problems = landscape.problems.clone();
        problems.extend(landscape.silent.values().cloned());
        problems.extend(agreement::of_nodes(landscape));
        problems.extend(agreement::of_sentinels(landscape));
        problems.extend(health::of_servers(landscape, &servers));
        let slots_served = landscape.reference().map(|_| {
            let up = servers.iter().filter(|server| {
                server.part == Part::Master
                    && matches!(server.state, State::Well | State::Suspected)
            });
            up.filter_map(|server| server.slots.as_ref())
                .collect::<Slots>()
                .len()
        });
        Self {
            kind: landscape.kind(),
            servers: in_order(servers),
            sentinels: sentinels(landscape),
            slots_served,
            problems: problems.into_iter().collect(),
        }
    }

    /// The servers as a graph in the language of Graphviz: an edge leads from a replica to its master, and from a Sentinel to the
    /// masters that it watches.
    #[must_use]
    pub fn graph(&self) -> String {
        drawing::graph(self)
    }

    fn summary(&self) -> String {
        let number = |part| {
            self.servers
                .iter()
                .filter(|server| server.part == part)
                .count()
        };
        let servers = format!(
            "{} and {}",
            counted(number(Part::Master), "master"),
            counted(number(Part::Replica), "replica")
        );
        match self.kind {
            Some(Kind::Cluster) => format!(
                "a cluster of {servers}; {} of {SLOTS} slots are served\n",
                self.slots_served.unwrap_or_default()
            ),
            Some(Kind::Sentinel) => format!(
                "{servers}, watched by {}\n",
                counted(self.sentinels.len(), "Sentinel")
            ),
            Some(Kind::Standalone) => format!("{servers}, outside of a cluster\n"),
            None => "nobody answered\n".to_owned(),
        }
    }
}

fn counted(number: usize, what: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {what}{end}")
}

/// The nodes of a cluster, as most of them say, and those that only some know.
fn of_cluster(landscape: &Landscape) -> Vec<Server> {
    let mut nodes: BTreeMap<&str, &Node> = BTreeMap::new();
    let views = landscape.views();
    for view in landscape.reference().into_iter().chain(views) {
        for node in view.all().filter(|node| !node.is_meeting) {
            nodes.entry(node.id.as_str()).or_insert(node);
        }
    }
    let told = |node: &Node| {
        if node.host.is_empty() {
            // It knows no other name as long as nobody has met it.
            let found = landscape.of_id(node.id.as_str());
            found.map_or_else(|| node.id.to_string(), |found| found.reached.clone())
        } else {
            address(&node.host, node.port)
        }
    };
    let server = |node: &&Node| {
        let (part, master) = match &node.role {
            Role::Master => (Part::Master, None),
            Role::Replica { of } => (Part::Replica, of.as_ref()),
            Role::Unknown => (Part::Unknown, None),
        };
        let master = master.map(|id| match nodes.get(id.as_str()) {
            Some(master) => told(master),
            None => id.to_string(),
        });
        Server {
            address: told(node),
            id: Some(node.id.to_string()),
            part,
            master,
            slot_count: (part == Part::Master).then(|| node.slots.len()),
            slots: (part == Part::Master).then(|| node.slots.clone()),
            epoch: Some(node.epoch),
            ..Server::default()
        }
    };
    nodes.values().map(server).collect()
}

/// What answered as a server, if it did.
fn behind<'a>(landscape: &'a Landscape, server: &Server) -> Option<&'a Found> {
    match &server.id {
        Some(id) => landscape.of_id(id),
        None => landscape.at(&server.address),
    }
}

/// Servers outside of a cluster, as they say of themselves, and those that only others tell of.
fn of_masters(landscape: &Landscape) -> Vec<Server> {
    let mut servers: BTreeMap<String, Server> = BTreeMap::new();
    for found in landscape.found.iter().filter(|found| !found.is_sentinel()) {
        let master = found.master().map(|master| told_as(landscape, master));
        let server = Server {
            address: found.address().to_owned(),
            part: if found.is_master() {
                Part::Master
            } else {
                Part::Replica
            },
            master: master.filter(|_| !found.is_master()),
            ..Server::default()
        };
        servers.insert(server.address.clone(), server);
    }
    for found in &landscape.found {
        for watched in found.watched.iter().flatten() {
            add_watched(landscape, &mut servers, watched.0, watched.1);
        }
        if let Some(master) = found.master() {
            add_told(landscape, &mut servers, &master, Part::Master, None);
        }
        for (replica, _) in found.replicas() {
            let master = Some(found.address().to_owned());
            add_told(landscape, &mut servers, &replica, Part::Replica, master);
        }
    }
    servers.into_values().collect()
}

/// The address under which a server is told of, whatever the one by which somebody knows it.
fn told_as(landscape: &Landscape, known: String) -> String {
    match landscape.at(&known) {
        Some(found) => found.address().to_owned(),
        None => known,
    }
}

fn add_watched(
    landscape: &Landscape,
    servers: &mut BTreeMap<String, Server>,
    set: &str,
    watched: &crate::landscape::Watched,
) {
    let master = address_in(&watched.master).map(|master| told_as(landscape, master));
    if let Some(master) = &master {
        add_told(landscape, servers, master, Part::Master, None);
    }
    let replicas = watched.replicas.iter().filter_map(address_in);
    let replicas: Vec<String> = replicas
        .map(|replica| told_as(landscape, replica))
        .collect();
    for replica in &replicas {
        add_told(landscape, servers, replica, Part::Replica, master.clone());
    }
    for address in master.iter().chain(&replicas) {
        if let Some(server) = servers.get_mut(address) {
            server.set = Some(set.to_owned());
        }
    }
}

/// Adds a server that only others tell of.
fn add_told(
    landscape: &Landscape,
    servers: &mut BTreeMap<String, Server>,
    known: &str,
    part: Part,
    master: Option<String>,
) {
    let address = told_as(landscape, known.to_owned());
    servers.entry(address).or_insert_with_key(|address| Server {
        address: address.clone(),
        part,
        master,
        ..Server::default()
    });
}

/// What each server tells of itself, and others of it.
fn measure(landscape: &Landscape, servers: &mut [Server]) {
    let mut offsets: BTreeMap<String, u64> = BTreeMap::new();
    let mut heard: BTreeMap<String, u64> = BTreeMap::new();
    for found in &landscape.found {
        if let Some(offset) = found.information.value("master_repl_offset") {
            offsets.insert(found.address().to_owned(), offset);
        }
        for (replica, seconds) in found.replicas() {
            if let Some(seconds) = seconds {
                heard.insert(told_as(landscape, replica), seconds);
            }
        }
    }
    for server in servers {
        server.state = health::state(landscape, server);
        if let Some(found) = behind(landscape, server) {
            tell(server, &found.information);
        }
        if server.part == Part::Replica {
            let master = server
                .master
                .as_ref()
                .and_then(|master| offsets.get(master));
            let behind = master.zip(server.offset);
            // The replica may have been asked later than its master.
            server.behind_bytes = behind.map(|(master, own)| master.saturating_sub(own));
            server.heard_seconds = heard.get(&server.address).copied();
        }
    }
}

fn tell(server: &mut Server, information: &Information) {
    let is_valkey = information.text("server_name") == Some("valkey");
    let version = if is_valkey {
        "valkey_version"
    } else {
        "redis_version"
    };
    server.product = Some(if is_valkey { "valkey" } else { "redis" }.to_owned());
    server.version = information.text(version).map(str::to_owned);
    server.uptime_seconds = information.value("uptime_in_seconds");
    server.used_memory_bytes = information.value("used_memory");
    server.maximum_memory_bytes = information.value("maxmemory");
    server.keys = Some(keys(information));
    server.clients = information.value("connected_clients");
    if server.part == Part::Replica {
        server.offset = information.value("slave_repl_offset");
        let link = information.text("master_link_status");
        server.is_linked = link.map(|link| link == "up");
        server.is_synchronizing = information.truth("master_sync_in_progress");
        server.unlinked_seconds = information.value("master_link_down_since_seconds");
    } else {
        server.offset = information.value("master_repl_offset");
    }
}

/// The keys of all databases, which are told as `db0:keys=1,expires=0`; those without keys are not told.
pub(crate) fn keys(information: &Information) -> u64 {
    let databases = information.all().filter(|(name, _)| {
        let number = name.strip_prefix("db");
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    });
    let of_each = databases.filter_map(|(_, value)| {
        let fields = crate::landscape::fields(value);
        fields.get("keys")?.parse::<u64>().ok()
    });
    of_each.sum()
}

fn sentinels(landscape: &Landscape) -> Vec<Sentinel> {
    let mut all: BTreeMap<String, Sentinel> = BTreeMap::new();
    for found in landscape.found.iter().filter(|found| found.is_sentinel()) {
        let mut own = Server::default();
        tell(&mut own, &found.information);
        let sets = found.watched.iter().flatten().map(|(name, watched)| {
            let number = |key: &str| watched.master.get(key).and_then(|text| text.parse().ok());
            WatchedSet {
                name: name.clone(),
                master: address_in(&watched.master),
                flags: watched.master.get("flags").cloned().unwrap_or_default(),
                quorum: number("quorum"),
                other_sentinels: number("num-other-sentinels"),
                replicas: number("num-slaves"),
            }
        });
        let sentinel = Sentinel {
            address: found.address().to_owned(),
            is_answering: true,
            version: own.version,
            uptime_seconds: own.uptime_seconds,
            sets: sets.collect(),
        };
        all.insert(sentinel.address.clone(), sentinel);
    }
    let watched = landscape.watching();
    let told: BTreeSet<String> = watched
        .flat_map(BTreeMap::values)
        .flat_map(|watched| watched.sentinels.iter().filter_map(address_in))
        .collect();
    for address in told {
        let address = told_as(landscape, address);
        all.entry(address).or_insert_with_key(|address| Sentinel {
            address: address.clone(),
            ..Sentinel::default()
        });
    }
    all.into_values().collect()
}

/// Masters by set and first slot, each with its replicas behind it, and at the end those whose master is not known.
fn in_order(servers: Vec<Server>) -> Vec<Server> {
    let mut firsts: BTreeMap<String, Option<u16>> = BTreeMap::new();
    for server in servers.iter().filter(|server| server.part == Part::Master) {
        let first = server.slots.as_ref().and_then(|slots| slots.iter().next());
        firsts.insert(server.address.clone(), first.map(u16::from));
    }
    let place = |server: &Server| {
        let master = match server.part {
            Part::Master => Some(server.address.clone()),
            Part::Replica => server.master.clone(),
            Part::Unknown => None,
        };
        let first = master
            .as_ref()
            .and_then(|master| firsts.get(master))
            .copied();
        let slot = first.flatten().unwrap_or(SLOTS);
        (
            first.is_none(),
            server.set.clone(),
            slot,
            master,
            server.part,
            server.address.clone(),
        )
    };
    let mut servers = servers;
    servers.sort_by_cached_key(place);
    servers
}

impl Told for Topology {
    fn text(&self) -> String {
        let mut text = self.summary();
        if !self.servers.is_empty() {
            text.push('\n');
            text.push_str(&self.table_of_servers());
        }
        if !self.sentinels.is_empty() {
            text.push('\n');
            text.push_str(&self.table_of_sentinels());
        }
        with_problems(text, &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl Topology {
    fn table_of_servers(&self) -> String {
        let place = match self.kind {
            Some(Kind::Sentinel) => "SET",
            Some(Kind::Cluster) => "SLOTS",
            _ => "",
        };
        let columns = [
            Column::Text("ADDRESS"),
            Column::Text("ROLE"),
            Column::Text("MASTER"),
            Column::Text("STATE"),
            Column::Text("LINK"),
            Column::Number("OFFSET"),
            Column::Number("BEHIND"),
            Column::Number("HEARD"),
            Column::Text("VERSION"),
            Column::Number("UP"),
            Column::Number("MEMORY"),
            Column::Number("MAXIMUM"),
            Column::Number("KEYS"),
            Column::Number("CLIENTS"),
            Column::Text(place),
        ];
        let rows: Vec<_> = self.servers.iter().map(row).collect();
        table(columns, &rows)
    }

    fn table_of_sentinels(&self) -> String {
        let columns = [
            Column::Text("SENTINEL"),
            Column::Text("STATE"),
            Column::Text("VERSION"),
            Column::Number("UP"),
            Column::Text("SET"),
            Column::Text("MASTER"),
            Column::Text("SAYS"),
            Column::Number("REPLICAS"),
            Column::Number("OTHERS"),
            Column::Number("QUORUM"),
        ];
        let mut rows = Vec::new();
        for sentinel in &self.sentinels {
            let nothing = WatchedSet::default();
            let sets = if sentinel.sets.is_empty() {
                std::slice::from_ref(&nothing)
            } else {
                &sentinel.sets
            };
            for set in sets {
                let word = |word: &str| or_nothing(Some(word).filter(|word| !word.is_empty()));
                rows.push([
                    sentinel.address.clone(),
                    if sentinel.is_answering {
                        "well"
                    } else {
                        "silent"
                    }
                    .to_owned(),
                    or_nothing(sentinel.version.as_ref()),
                    or_nothing(sentinel.uptime_seconds.map(figures::time)),
                    word(&set.name),
                    or_nothing(set.master.as_ref()),
                    word(&set.flags),
                    or_nothing(set.replicas),
                    or_nothing(set.other_sentinels),
                    or_nothing(set.quorum),
                ]);
            }
        }
        table(columns, &rows)
    }
}

fn row(server: &Server) -> [String; 15] {
    let version = server
        .version
        .as_ref()
        .map(|version| match server.product.as_deref() {
            Some("valkey") => format!("valkey {version}"),
            _ => version.clone(),
        });
    let maximum = server.maximum_memory_bytes.filter(|bytes| *bytes > 0);
    let slots = server.slots.as_ref().map(|slots| match slots.len() {
        0 => "none".to_owned(),
        count => format!("{count}: {}", ranges(slots)),
    });
    [
        server.address.clone(),
        server.part.word().to_owned(),
        or_nothing(server.master.as_ref()),
        server.state.word().to_owned(),
        or_nothing(server.link()),
        or_nothing(server.offset),
        or_nothing(server.behind_bytes.map(figures::bytes)),
        or_nothing(server.heard_seconds.map(figures::time)),
        or_nothing(version),
        or_nothing(server.uptime_seconds.map(figures::time)),
        or_nothing(server.used_memory_bytes.map(figures::bytes)),
        or_nothing(maximum.map(figures::bytes)),
        or_nothing(server.keys),
        or_nothing(server.clients),
        slots.or_else(|| server.set.clone()).unwrap_or_default(),
    ]
}

impl Part {
    fn word(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Replica => "replica",
            Self::Unknown => "unknown",
        }
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Well => "well",
            Self::Loading => "loading",
            Self::Suspected => "suspected",
            Self::Failed => "failed",
            Self::Silent => "silent",
        }
    }
}

impl Server {
    /// How a replica is connected to its master.
    fn link(&self) -> Option<String> {
        Some(match (self.is_linked?, self.is_synchronizing) {
            (true, _) => "up".to_owned(),
            (false, Some(true)) => "synchronizing".to_owned(),
            (false, _) => match self.unlinked_seconds {
                Some(seconds) => format!("down {}", figures::time(seconds)),
                None => "down".to_owned(),
            },
        })
    }
}
