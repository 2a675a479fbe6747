//! Whether servers agree on who is there, who is the master and who has which slots.

use std::collections::{BTreeMap, BTreeSet};

use midships_answers::Problem;
use midships_client_redis::{Health, NodeId, Nodes, Role, Slot, Slots};

use crate::landscape::{Found, Landscape, address, address_in, ranges};

/// Where nodes of a cluster disagree, and slots that nobody has.
pub(super) fn of_nodes(landscape: &Landscape) -> Vec<Problem> {
    let Some(reference) = landscape.reference() else {
        return Vec::new();
    };
    let names = names(landscape);
    let mut problems = Vec::new();
    for found in &landscape.found {
        let Some(view) = &found.view else { continue };
        let mut whys = differences_of_slots(reference, view, &names);
        whys.extend(differences_of_nodes(landscape, view, &names));
        problems.extend(
            whys.into_iter()
                .map(|why| Problem::new(found.address(), why)),
        );
    }
    problems.extend(failures(landscape, &names));
    let covered: Slots = reference.owners().into_values().collect();
    let lacking = Slots::all().without(&covered);
    if !lacking.is_empty() {
        let why = format!(
            "has {} slots that nobody serves: {}",
            lacking.len(),
            ranges(&lacking)
        );
        problems.push(Problem::new("the cluster", why));
    }
    problems
}

/// How nodes are told of, by their ids.
fn names(landscape: &Landscape) -> BTreeMap<&NodeId, String> {
    let mut names = BTreeMap::new();
    for view in landscape.views() {
        for node in view.all().filter(|node| !node.host.is_empty()) {
            names.insert(&node.id, address(&node.host, node.port));
        }
    }
    names
}

fn name(names: &BTreeMap<&NodeId, String>, id: &NodeId) -> String {
    names.get(id).cloned().unwrap_or_else(|| id.to_string())
}

/// The slots that a node sees elsewhere than most others.
fn differences_of_slots(
    reference: &Nodes,
    view: &Nodes,
    names: &BTreeMap<&NodeId, String>,
) -> Vec<String> {
    let (most, mine) = (by_slot(reference), by_slot(view));
    let mut different: BTreeMap<(Option<&NodeId>, Option<&NodeId>), Slots> = BTreeMap::new();
    for slot in Slots::all().iter() {
        let (theirs, own) = (most.get(&slot).copied(), mine.get(&slot).copied());
        if theirs != own {
            different.entry((theirs, own)).or_default().insert(slot);
        }
    }
    let owner = |id: Option<&NodeId>| id.map_or_else(|| "nobody".to_owned(), |id| name(names, id));
    different
        .into_iter()
        .map(|((theirs, own), slots)| {
            let (slots, theirs, own) = (ranges(&slots), owner(theirs), owner(own));
            format!("sees the slots {slots} at {own}, and most nodes see them at {theirs}")
        })
        .collect()
}

fn by_slot(view: &Nodes) -> BTreeMap<Slot, &NodeId> {
    let owners = view.owners().into_iter();
    owners
        .flat_map(|(id, slots)| slots.iter().map(move |slot| (slot, id)).collect::<Vec<_>>())
        .collect()
}

/// The nodes that a node does not know, or sees in another role than they have by their own word.
fn differences_of_nodes(
    landscape: &Landscape,
    view: &Nodes,
    names: &BTreeMap<&NodeId, String>,
) -> Vec<String> {
    let mut whys = Vec::new();
    let others = landscape.views();
    for own in others.map(|other| &other.myself) {
        if own.id == view.myself.id {
            continue;
        }
        let told = name(names, &own.id);
        match view.others.get(&own.id) {
            None => whys.push(format!("does not know the node {told}")),
            Some(seen) if seen.role != own.role => whys.push(format!(
                "takes {told} for {}, which says that it is {}",
                role(&seen.role, names),
                role(&own.role, names)
            )),
            Some(_) => {}
        }
    }
    whys
}

fn role(role: &Role, names: &BTreeMap<&NodeId, String>) -> String {
    match role {
        Role::Master => "a master".to_owned(),
        Role::Replica { of: Some(id) } => format!("a replica of {}", name(names, id)),
        Role::Replica { of: None } => "a replica".to_owned(),
        Role::Unknown => "a node without a role".to_owned(),
    }
}

/// The nodes of which others say that they are away.
fn failures(landscape: &Landscape, names: &BTreeMap<&NodeId, String>) -> Vec<Problem> {
    let mut said: BTreeMap<(&NodeId, Health), usize> = BTreeMap::new();
    let views: Vec<&Nodes> = landscape.views().collect();
    for node in views.iter().flat_map(|view| view.all()) {
        *said.entry((&node.id, node.health)).or_default() += 1;
    }
    said.into_iter()
        .filter_map(|((id, health), number)| {
            let flag = match health {
                Health::Well => return None,
                Health::Suspected => "does not answer, as",
                Health::Failed => "has failed, as",
            };
            let why = format!("{flag} {number} of {} nodes say", views.len());
            Some(Problem::new(name(names, id), why))
        })
        .collect()
}

/// Where Sentinels disagree, with each other or with the servers that they watch.
pub(super) fn of_sentinels(landscape: &Landscape) -> Vec<Problem> {
    let mut problems = BTreeSet::new();
    let mut masters: BTreeMap<&str, BTreeMap<String, Vec<&str>>> = BTreeMap::new();
    let sentinels: Vec<&Found> = landscape
        .found
        .iter()
        .filter(|found| found.watched.is_some())
        .collect();
    for found in &sentinels {
        for (set, watched) in found.watched.iter().flatten() {
            let master = address_in(&watched.master).map(|known| super::told_as(landscape, known));
            let of_set = masters.entry(set).or_default();
            of_set
                .entry(master.unwrap_or_default())
                .or_default()
                .push(found.address());
            if let Some(why) = &watched.without_quorum {
                let why = format!("cannot replace the master of {set}: {why}");
                problems.insert(Problem::new(found.address(), why));
            }
            let (known, all) = (watched.sentinels.len() + 1, watching(landscape, set));
            if known < all {
                let why = format!("knows {known} of {all} Sentinels of {set}");
                problems.insert(Problem::new(found.address(), why));
            }
            problems.extend(flagged(found, watched));
        }
    }
    for (set, of_set) in masters {
        if of_set.len() > 1 {
            let opinions = of_set
                .iter()
                .map(|(master, by)| format!("{master} as {} say", by.join(", ")));
            let opinions: Vec<String> = opinions.collect();
            let why = format!("has more than one master: {}", opinions.join("; "));
            problems.insert(Problem::new(set, why));
        }
        problems.extend(contradicting(landscape, set, of_set.keys()));
    }
    problems.into_iter().collect()
}

/// How many Sentinels watch a set.
fn watching(landscape: &Landscape, set: &str) -> usize {
    let watching = landscape.watching();
    watching.filter(|watched| watched.contains_key(set)).count()
}

/// What Sentinels say of servers and of each other that is not well.
fn flagged(found: &Found, watched: &crate::landscape::Watched) -> Vec<Problem> {
    let all = std::iter::once(&watched.master)
        .chain(&watched.replicas)
        .chain(&watched.sentinels);
    let mut problems = Vec::new();
    for fields in all {
        let (Some(flags), Some(address)) = (fields.get("flags"), address_in(fields)) else {
            continue;
        };
        let bad = ["o_down", "s_down", "disconnected", "failover_in_progress"];
        let bad: Vec<&str> = flags.split(',').filter(|flag| bad.contains(flag)).collect();
        if !bad.is_empty() {
            let why = format!(
                "is {} as the Sentinel {} says",
                bad.join(", "),
                found.address()
            );
            problems.push(Problem::new(address, why));
        }
    }
    problems
}

/// Servers of a set that say something else of themselves than Sentinels do.
fn contradicting<'a>(
    landscape: &Landscape,
    set: &str,
    masters: impl Iterator<Item = &'a String>,
) -> Vec<Problem> {
    let masters: BTreeSet<&String> = masters.collect();
    let watched = landscape
        .found
        .iter()
        .filter_map(|found| found.watched.as_ref()?.get(set));
    let members: BTreeSet<String> = watched
        .flat_map(|watched| std::iter::once(&watched.master).chain(&watched.replicas))
        .filter_map(address_in)
        .map(|known| super::told_as(landscape, known))
        .collect();
    let mut problems = Vec::new();
    for member in &members {
        let Some(found) = landscape.at(member) else {
            continue;
        };
        match (found.is_master(), masters.contains(member)) {
            (true, false) => problems.push(Problem::new(
                member,
                format!(
                    "says that it is a master, and Sentinels say that it is a replica of {set}"
                ),
            )),
            (false, true) => problems.push(Problem::new(
                member,
                format!(
                    "says that it is a replica, and Sentinels say that it is the master of {set}"
                ),
            )),
            _ => {}
        }
    }
    problems
}
