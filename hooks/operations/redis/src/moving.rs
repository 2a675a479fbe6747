//! Slots are where a plan wants them, each with its keys.

use std::collections::BTreeMap;

use midships_client_redis::migration::{Party, Task};
use midships_client_redis::{Migration, NodeId, Request, Slots};
use midships_engine::step::{Problem, Verdict};

use crate::steps::{Observation, ShardSlots, patient, without_master};
use crate::view::{Landscape, Standing};
use crate::vocabulary::Command;

/// A shard's master, and what it shall have.
struct Holder<'a> {
    shard: u32,
    master: Standing<'a>,
    wanted: Slots,
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
        });
    }
    if let Some(why) = disagreement(landscape, &holders) {
        return patient(why, seen);
    }
    if let Some(problem) = astray(&holders) {
        return Verdict::Fail(problem);
    }
    let settle = leftovers(landscape);
    if !settle.is_empty() {
        return Verdict::Act {
            commands: settle,
            why: "servers still take slots for being on their way that have arrived".to_owned(),
        };
    }
    let (tasks, left) = tasks(&holders);
    if tasks.is_empty() {
        return Verdict::Done;
    }
    Verdict::Act {
        commands: vec![Command::Move(tasks)],
        why: format!(
            "{left} of {} slots have yet to move",
            moving(before, wanted)
        ),
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

/// A slot that somebody sends to a node which is no master of the cluster.
fn astray(holders: &[Holder<'_>]) -> Option<Problem> {
    for holder in holders {
        let sent = sent(holder);
        let stray = sent
            .iter()
            .find(|(id, _)| !holders.iter().any(|other| other.id() == **id));
        if let Some((id, slots)) = stray {
            return Some(Problem {
                object: format!("slots {slots}"),
                why: format!("{} sends them to the node {id}, which is no master of this cluster", holder.master.server.pod),
                remedy: "bring that node back as a master, or settle these slots (redis-cli --cluster fix), then run the upgrade again"
                    .to_owned(),
            });
        }
    }
    None
}

/// The slots that a master has and sends to others.
fn sent<'a>(holder: &Holder<'a>) -> BTreeMap<&'a NodeId, Slots> {
    let mut sent: BTreeMap<&NodeId, Slots> = BTreeMap::new();
    for (slot, migration) in &holder.master.myself().migrations {
        if let Migration::To(id) = migration
            && holder.has().contains(*slot)
        {
            sent.entry(id).or_default().insert(*slot);
        }
    }
    sent
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
fn tasks(holders: &[Holder<'_>]) -> (Vec<Task>, u16) {
    let mut tasks = Vec::new();
    let mut left = 0;
    for from in holders {
        let away = from.has().without(&from.wanted);
        left += away.len();
        let mut sent = sent(from);
        let begun = holders.iter().find(|to| sent.contains_key(to.id()));
        let others = holders.iter().filter(|to| to.shard != from.shard);
        let to = begun.or_else(|| others.max_by_key(|to| away.and(&to.wanted).len()));
        let Some(to) = to else { continue };
        let under_way = sent.remove(to.id()).unwrap_or_default();
        let slots = away.and(&to.wanted).or(&under_way);
        if slots.is_empty() {
            continue;
        }
        let uninvolved = |other: &&Holder<'_>| other.shard != from.shard && other.shard != to.shard;
        let others = holders.iter().filter(uninvolved);
        tasks.push(Task {
            from: from.party(),
            to: to.party(),
            slots,
            under_way,
            others: others
                .map(|other| other.master.server.address.clone())
                .collect(),
        });
    }
    (tasks, left)
}
