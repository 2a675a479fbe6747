//! Whether servers that stay have memory for the keys that they get.

use midships_client_redis::Information;
use midships_engine::step::{Problem, Unanswered};

use crate::desired::Shard;
use crate::steps::ShardSlots;
use crate::view::{Landscape, View, ask_memory};
use crate::vocabulary::Query;

const MEGABYTE: u64 = 1024 * 1024;

/// The questions how much memory the masters of shards have and use.
pub(crate) fn ask(shards: &[Shard], view: View<'_>) -> Vec<Query> {
    let Ok(landscape) = view.landscape(shards) else {
        return Vec::new();
    };
    let masters = shards.iter().filter_map(|shard| landscape.master(shard));
    masters.map(|one| ask_memory(one.server)).collect()
}

/// The first shard whose master would have more than it may when slots are where they shall be, as far as the keys of a master are
/// spread evenly over its slots. A server that forgets any key when its memory is full takes what comes, as it always does.
///
/// # Errors
/// The server that does not tell.
pub(crate) fn overfull(
    landscape: &Landscape<'_>,
    before: &[ShardSlots],
    after: &[ShardSlots],
    view: View<'_>,
) -> Result<Option<Problem>, Unanswered> {
    let mut masters = Vec::new();
    for shard in landscape.shards() {
        if let Some(master) = landscape.master(shard) {
            masters.push((shard.number, view.memory(master.server)?));
        }
    }
    let memory_of = |number: u32| {
        let mut found = masters.iter().filter(|(shard, _)| *shard == number);
        found.next().map(|(_, memory)| *memory)
    };
    for (had, has) in before.iter().zip(after) {
        let gained = has.slots.without(&had.slots);
        let Some(memory) = memory_of(has.shard).filter(|_| !gained.is_empty()) else {
            continue;
        };
        let bound = number(memory, "maxmemory");
        let forgets_any = memory
            .text("maxmemory_policy")
            .is_some_and(|policy| policy.starts_with("allkeys-"));
        if bound == 0 || forgets_any {
            continue;
        }
        let mut needed = number(memory, "used_memory");
        for giver in before {
            let (moved, all) = (giver.slots.and(&gained).len(), giver.slots.len());
            if let Some(memory) = memory_of(giver.shard).filter(|_| moved > 0) {
                let part = u128::from(number(memory, "used_memory_dataset")) * u128::from(moved);
                needed = needed.saturating_add(
                    u64::try_from(part / u128::from(all.max(1))).unwrap_or(u64::MAX),
                );
            }
        }
        if needed > bound {
            return Ok(Some(Problem {
                object: format!("shard {}", has.shard),
                why: format!(
                    "shards.count: with the keys of shards that leave it would have about {} MB, and its servers take {} MB",
                    needed.div_ceil(MEGABYTE),
                    bound / MEGABYTE
                ),
                remedy: "keep more shards, delete keys, or raise server.resources.limits.memory or memory.percent by an upgrade of its own \
                         before; nothing has been changed"
                    .to_owned(),
            }));
        }
    }
    Ok(None)
}

/// A number that every version tells.
fn number(memory: &Information, name: &str) -> u64 {
    memory.value(name).unwrap_or(0)
}
