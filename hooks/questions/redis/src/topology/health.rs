//! How each server is, and what is wrong with it by itself.

use midships_answers::Problem;
use midships_client_redis::{Health, Information, Migration, Nodes};

use crate::figures;
use crate::landscape::{Found, Landscape, address};
use crate::topology::{Part, Server, State, behind};

/// From how much of the memory that a server may use it is told.
const MUCH_MEMORY_PERCENT: u64 = 90;

/// How a server is: what others say counts more than that it has answered.
pub(super) fn state(landscape: &Landscape, server: &Server) -> State {
    let said = match &server.id {
        Some(id) => said_by_nodes(landscape, id),
        None => said_by_sentinels(landscape, &server.address),
    };
    let found = behind(landscape, server);
    match (said, found) {
        (Some(State::Failed), _) => State::Failed,
        (_, None) => State::Silent,
        (_, Some(found)) if found.information.truth("loading") == Some(true) => State::Loading,
        (Some(said), _) => said,
        (None, _) => State::Well,
    }
}

/// What nodes say of a node: it has failed when more than half of them say so, since one may be cut off itself.
fn said_by_nodes(landscape: &Landscape, id: &str) -> Option<State> {
    let views = landscape.views();
    let said: Vec<Health> = views
        .flat_map(Nodes::all)
        .filter(|node| node.id.as_str() == id)
        .map(|node| node.health)
        .collect();
    let failed = said
        .iter()
        .filter(|health| **health == Health::Failed)
        .count();
    if failed * 2 > said.len() {
        Some(State::Failed)
    } else if said.iter().any(|health| *health != Health::Well) {
        Some(State::Suspected)
    } else {
        None
    }
}

fn said_by_sentinels(landscape: &Landscape, address: &str) -> Option<State> {
    let mut worst = None;
    for watched in landscape.watching() {
        for watched in watched.values() {
            for fields in std::iter::once(&watched.master).chain(&watched.replicas) {
                let is_it = crate::landscape::address_in(fields)
                    .is_some_and(|known| super::told_as(landscape, known) == address);
                let flags = fields.get("flags").filter(|_| is_it);
                let says =
                    |flag| flags.is_some_and(|flags| flags.split(',').any(|has| has == flag));
                if says("o_down") {
                    return Some(State::Failed);
                }
                if says("s_down") {
                    worst = Some(State::Suspected);
                }
            }
        }
    }
    worst
}

/// What is wrong with servers.
pub(super) fn of_servers(landscape: &Landscape, servers: &[Server]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for server in servers {
        problems.extend(of_link(server));
        if let (Some(used), Some(maximum)) = (server.used_memory_bytes, server.maximum_memory_bytes)
            && maximum > 0
            && used >= maximum / 100 * MUCH_MEMORY_PERCENT
        {
            let (used, maximum) = (figures::bytes(used), figures::bytes(maximum));
            let why = format!("uses {used} of the {maximum} of memory that it may use");
            problems.push(Problem::new(&server.address, why));
        }
    }
    for found in &landscape.found {
        problems.extend(of_itself(found));
    }
    problems.extend(without_replica(servers));
    problems
}

fn of_link(server: &Server) -> Option<Problem> {
    if server.part != Part::Replica {
        return None;
    }
    let Some(master) = &server.master else {
        return Some(Problem::new(
            &server.address,
            "is a replica of nobody that is known",
        ));
    };
    let link = server.link().filter(|_| server.is_linked == Some(false))?;
    let why = format!("is not connected to its master {master}: {link}");
    Some(Problem::new(&server.address, why))
}

/// What a server says itself.
fn of_itself(found: &Found) -> Vec<Problem> {
    let mut whys = Vec::new();
    if let Some(cluster) = &found.cluster
        && cluster.text("cluster_state") != Some("ok")
    {
        let state = cluster.text("cluster_state").unwrap_or("unknown");
        whys.push(format!(
            "serves no keys: for it, the state of the cluster is {state}"
        ));
    }
    whys.extend(of_disk(&found.information));
    if let Some(view) = &found.view {
        whys.extend(open_slots(view));
        let meeting = view.all().filter(|node| node.is_meeting);
        whys.extend(meeting.map(|node| {
            let address = address(&node.host, node.port);
            format!("tries to meet a node at {address}, which has not answered it yet")
        }));
    }
    whys.into_iter()
        .map(|why| Problem::new(found.address(), why))
        .collect()
}

/// What a server could not write. Unless told otherwise it then takes no writes any more.
fn of_disk(information: &Information) -> Vec<String> {
    let mut whys = Vec::new();
    for (name, what) in [
        ("rdb_last_bgsave_status", "its data"),
        ("aof_last_write_status", "to its append-only file"),
        ("aof_last_bgrewrite_status", "its append-only file anew"),
    ] {
        if information.text(name) == Some("err") {
            whys.push(format!(
                "could not write {what} at the last try ({name}:err); its log says why"
            ));
        }
    }
    whys
}

/// Slots that are on their way from or to a server.
fn open_slots(view: &Nodes) -> Vec<String> {
    let migrations = view.myself.migrations.iter();
    migrations
        .map(|(slot, migration)| {
            let (direction, id) = match migration {
                Migration::To(id) => ("to", id),
                Migration::From(id) => ("from", id),
            };
            let other = view.others.get(id);
            let other = other.map_or_else(|| id.to_string(), |node| address(&node.host, node.port));
            format!("has the slot {slot} open, on its way {direction} {other}")
        })
        .collect()
}

/// Masters whose keys nobody else has, where other masters have replicas.
fn without_replica(servers: &[Server]) -> Vec<Problem> {
    let has_replica = |master: &&Server| {
        servers.iter().any(|server| {
            server.master.as_ref() == Some(&master.address)
                && !matches!(server.state, State::Failed | State::Silent)
        })
    };
    let masters = || {
        let masters = servers.iter().filter(|server| server.part == Part::Master);
        masters.filter(|server| match server.slot_count {
            Some(slots) => slots > 0,
            // Who has been replaced has no replicas any more.
            None => !matches!(server.state, State::Failed | State::Silent),
        })
    };
    if !masters().any(|master| has_replica(&master)) {
        return Vec::new();
    }
    masters()
        .filter(|master| !has_replica(master))
        .map(|master| {
            let why = "has no replica that is up, as other masters have";
            Problem::new(&master.address, why)
        })
        .collect()
}
