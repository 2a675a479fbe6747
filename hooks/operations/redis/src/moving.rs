//! Slots are where a plan wants them, each with its keys, and none is left on its way.

use std::collections::BTreeMap;

use midships_client_redis::migration::{Party, Task};
use midships_client_redis::{Migration, NodeId, Request, Slots};
use midships_engine::step::{Problem, Unanswered, Verdict};

use crate::steps::{Observation, ShardSlots, patient, told, without_master};
use crate::view::{Landscape, Standing, View};
use crate::vocabulary::Command;

/// What is remembered when keys were seen on a master that does not have their slots.
const STRAYS: &str = "strays";

/// A shard's master, and what it shall have.
struct Holder<'a> {
    shard: u32,
    master: Standing<'a>,
    wanted: Slots,
    /// Slots that it has keys of and that are another one's, as far as that was asked.
    strays: Slots,
}

impl Holder<'_> {
    fn id(&self) -> &NodeId {
        &self.master.myself().id
    }

    fn has(&self) -> &Slots {
        &self.master.myself().slots
    }

    fn party(&self) -> Party {
        let myself = self.master.myself();
        Party {
            id: myself.id.clone(),
            address: self.master.server.address.clone(),
            host: myself.host.clone(),
            port: myself.port,
        }
    }
}

/// Judges whether slots are where they shall be, and moves those that are not.
pub(crate) fn assess(
    landscape: &Landscape<'_>,
    view: View<'_>,
    before: &[ShardSlots],
    wanted: &[ShardSlots],
    seen: &Observation,
) -> Verdict<Command> {
    let mut holders = Vec::new();
    for shard in landscape.shards() {
        let wants = wanted.iter().find(|slots| slots.shard == shard.number);
        let wanted = wants.map(|slots| slots.slots.clone()).unwrap_or_default();
        let Some(master) = landscape.master(shard) else {
            if wanted.is_empty() {
                // It has given up its last slot.
                continue;
            }
            return Verdict::Fail(without_master(shard));
        };
        holders.push(Holder {
            shard: shard.number,
            master,
            wanted,
            strays: Slots::default(),
        });
    }
    let why = |left| {
        let all = moving(before, wanted);
        format!("{left} of {all} slots have yet to move")
    };
    moved(landscape, view, &holders, seen, why)
}

/// Slots that are left on their way, or have keys on two masters, as far as each of them was asked; and what finishes them.
///
/// # Errors
/// A master does not tell of which slots it has keys.
pub(crate) fn repair(
    landscape: &Landscape<'_>,
    view: View<'_>,
    seen: &Observation,
) -> Result<Verdict<Command>, Unanswered> {
    let mut holders = Vec::new();
    for shard in landscape.shards() {
        let Some(master) = landscape.master(shard) else {
            continue;
        };
        let has = &master.myself().slots;
        holders.push(Holder {
            shard: shard.number,
            master,
            wanted: has.clone(),
            strays: view.filled(master.server)?.without(has),
        });
    }
    let orphans = orphans(landscape, &holders);
    if !orphans.is_empty() {
        return Ok(Verdict::Act {
            commands: orphans,
            why: "slots are nobody's, and somebody has their keys".to_owned(),
        });
    }
    let is_stray = |holder: &Holder<'_>| !holder.strays.is_empty();
    if holders.iter().any(is_stray) && !seen.memory.contains_key(STRAYS) {
        // One answer may be older than the others: what has just arrived would be sent back.
        let mut memory = seen.memory.clone();
        memory.insert(STRAYS.to_owned(), 1);
        return Ok(Verdict::Wait {
            why: "masters have keys of slots that are not their own".to_owned(),
            progress: None,
            memory,
        });
    }
    let number: u16 = under_way(landscape, &holders)
        .values()
        .map(|way| way.sent.or(&way.doubtful).len())
        .sum();
    let why = |_| format!("{number} slots are half moved, or have keys on two masters");
    Ok(moved(landscape, view, &holders, seen, why))
}

/// What gives slots that are nobody's to who has most of their keys; nothing is asked of those whose keys nobody has.
fn orphans(landscape: &Landscape<'_>, holders: &[Holder<'_>]) -> Vec<Command> {
    let mut left = Slots::all().without(&landscape.owned());
    // Who other servers say has a slot has it, until they hear otherwise.
    for one in landscape.servers() {
        for slots in one.nodes.owners().values() {
            left = left.without(slots);
        }
    }
    let mut commands = Vec::new();
    let mut by_strays: Vec<&Holder<'_>> = holders.iter().collect();
    by_strays.sort_by_key(|holder| std::cmp::Reverse(holder.strays.len()));
    for holder in by_strays {
        let found = left.and(&holder.strays);
        if !found.is_empty() {
            left = left.without(&found);
            let address = &holder.master.server.address;
            commands.push(Command::redis(address, Request::AddSlots(found)));
        }
    }
    commands
}

/// Moves slots, once it is clear who has what and everybody serves.
fn moved(
    landscape: &Landscape<'_>,
    view: View<'_>,
    holders: &[Holder<'_>],
    seen: &Observation,
    why: impl Fn(u16) -> String,
) -> Verdict<Command> {
    if let Some(why) = disagreement(landscape, holders) {
        return patient(why, seen);
    }
    if let Some(problem) = astray(landscape, holders) {
        return Verdict::Fail(problem);
    }
    let settle = leftovers(landscape);
    if !settle.is_empty() {
        return Verdict::Act {
            commands: settle,
            why: "servers still take slots for being on their way that have arrived".to_owned(),
        };
    }
    let (tasks, left) = tasks(landscape, holders);
    if tasks.is_empty() {
        return Verdict::Done;
    }
    // One that has just started, or hears of no majority, takes no keys.
    for holder in holders {
        let pod = &holder.master.server.pod;
        match view.cluster(holder.master.server) {
            Ok(cluster) if cluster.text("cluster_state") == Some("ok") => {}
            Ok(_) => return patient(format!("{pod} does not serve yet"), seen),
            Err(unanswered) => return patient(told(&[unanswered]), seen),
        }
    }
    Verdict::Act {
        commands: vec![Command::Move(tasks)],
        why: why(left),
    }
}

/// How many slots a plan moves: those that shall be with another shard than before.
fn moving(before: &[ShardSlots], wanted: &[ShardSlots]) -> u16 {
    let arriving = wanted.iter().map(|of| {
        let was = before.iter().find(|slots| slots.shard == of.shard);
        was.map_or_else(|| of.slots.len(), |was| of.slots.without(&was.slots).len())
    });
    arriving.sum()
}

/// Why it is not clear yet who has what.
fn disagreement(landscape: &Landscape<'_>, holders: &[Holder<'_>]) -> Option<String> {
    let mut taken = Slots::default();
    for holder in holders {
        let both = taken.and(holder.has());
        if !both.is_empty() {
            return Some(format!("the slots {both} are claimed by two masters"));
        }
        taken = taken.or(holder.has());
    }
    let masters: BTreeMap<&NodeId, &Slots> = holders
        .iter()
        .filter(|holder| !holder.has().is_empty())
        .map(|holder| (holder.id(), holder.has()))
        .collect();
    let other = landscape
        .servers()
        .find(|one| !one.is_virgin() && one.nodes.owners() != masters)?;
    Some(format!(
        "{} has another opinion of who has which slots",
        other.server.pod
    ))
}

/// A slot that somebody sends to a node which is none of the cluster.
fn astray(landscape: &Landscape<'_>, holders: &[Holder<'_>]) -> Option<Problem> {
    for holder in holders {
        for (slot, migration) in &holder.master.myself().migrations {
            if let Migration::To(id) = migration
                && holder.has().contains(*slot)
                && destination(landscape, holders, id).is_none()
            {
                return Some(Problem {
                    object: format!("slot {slot}"),
                    why: format!(
                        "{} sends it to the node {id}, which is none of this cluster and may have keys of it",
                        holder.master.server.pod
                    ),
                    remedy: format!(
                        "bring that node back as a master; if it is gone for good, settle the slot (CLUSTER SETSLOT {slot} STABLE, at {}), then run \
                         the upgrade again",
                        holder.master.server.pod
                    ),
                });
            }
        }
    }
    None
}

/// The place of the master of the shard that a node is of.
fn destination(landscape: &Landscape<'_>, holders: &[Holder<'_>], id: &NodeId) -> Option<usize> {
    let (shard, _) = landscape
        .numbered()
        .find(|(_, one)| one.myself().id == *id)?;
    holders.iter().position(|holder| holder.shard == shard)
}

/// Slots that are on their way from one master to another.
#[derive(Clone, Debug, Default)]
struct UnderWay {
    /// Those that the source says it sends.
    sent: Slots,
    /// Those of which only the target tells: a source that was replaced by its replica knows nothing of them. And those of which the
    /// target has keys all the same.
    doubtful: Slots,
}

/// What is on its way, by the places of source and target.
fn under_way(
    landscape: &Landscape<'_>,
    holders: &[Holder<'_>],
) -> BTreeMap<(usize, usize), UnderWay> {
    let mut all: BTreeMap<(usize, usize), UnderWay> = BTreeMap::new();
    let mut sent = Slots::default();
    for (from, holder) in holders.iter().enumerate() {
        for (slot, migration) in &holder.master.myself().migrations {
            if let Migration::To(id) = migration
                && holder.has().contains(*slot)
                && let Some(to) = destination(landscape, holders, id).filter(|to| *to != from)
            {
                all.entry((from, to)).or_default().sent.insert(*slot);
                sent.insert(*slot);
            }
        }
    }
    for (to, holder) in holders.iter().enumerate() {
        let migrations = holder.master.myself().migrations.iter();
        let told = migrations.filter_map(|(slot, migration)| match migration {
            Migration::From(_) => Some(*slot),
            Migration::To(_) => None,
        });
        let told: Slots = told.collect();
        let doubtful = told.or(&holder.strays).without(holder.has()).without(&sent);
        for (from, other) in holders.iter().enumerate() {
            let theirs = doubtful.and(other.has());
            if !theirs.is_empty() {
                let way = all.entry((from, to)).or_default();
                way.doubtful = way.doubtful.or(&theirs);
                sent = sent.or(&theirs);
            }
        }
    }
    all
}

/// What tells servers that slots are not on their way any more which they neither have nor get.
fn leftovers(landscape: &Landscape<'_>) -> Vec<Command> {
    let mut commands = Vec::new();
    // Valkey tells of them at replicas too, which take no such command.
    let masters = landscape.servers().filter(|one| one.myself().is_master());
    for one in masters {
        let over = one
            .myself()
            .migrations
            .iter()
            .filter_map(|(slot, migration)| match migration {
                Migration::To(_) => (!one.myself().slots.contains(*slot)).then_some(*slot),
                Migration::From(_) => one.myself().slots.contains(*slot).then_some(*slot),
            });
        let over: Slots = over.collect();
        if !over.is_empty() {
            commands.push(Command::redis(&one.server.address, Request::Settle(over)));
        }
    }
    commands
}

/// What moves next, and how many slots are left. No master sends to two others at a time, so that none is slowed down twice.
///
/// What is on its way already gets there first, wherever that is: its keys are in two places, and only the two know which.
fn tasks(landscape: &Landscape<'_>, holders: &[Holder<'_>]) -> (Vec<Task>, u16) {
    let mut begun = under_way(landscape, holders);
    let mut tasks = Vec::new();
    let mut left = 0;
    for (place, from) in holders.iter().enumerate() {
        let away = from.has().without(&from.wanted);
        left += away.len();
        let first = begun.keys().find(|(source, _)| *source == place).copied();
        let others = (0..holders.len()).filter(|other| *other != place);
        let gets = |to: &usize| away.and(&holders[*to].wanted).len();
        let Some(to) = first.map(|(_, to)| to).or_else(|| others.max_by_key(gets)) else {
            continue;
        };
        let UnderWay { sent, doubtful } = begun.remove(&(place, to)).unwrap_or_default();
        let elsewhere: Slots = begun
            .iter()
            .filter(|((source, _), _)| *source == place)
            .flat_map(|(_, way)| [&way.sent, &way.doubtful])
            .collect();
        // What is in doubt goes by itself: it may be that it cannot go at all.
        let slots = if sent.is_empty() && !doubtful.is_empty() {
            doubtful
        } else {
            let wanted = away.and(&holders[to].wanted);
            wanted.without(&doubtful).without(&elsewhere).or(&sent)
        };
        if slots.is_empty() {
            continue;
        }
        let others = holders.iter().enumerate();
        let uninvolved = others.filter(|(other, _)| *other != place && *other != to);
        tasks.push(Task {
            from: from.party(),
            to: holders[to].party(),
            slots,
            under_way: sent,
            others: uninvolved
                .map(|(_, other)| other.master.server.address.clone())
                .collect(),
        });
    }
    (tasks, left)
}
