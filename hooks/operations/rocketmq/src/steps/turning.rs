//! The wait until clients have turned away from masters that were closed for writing.

use midships_engine::step::{Memory, Progress};

use super::{Observation, SETTLE_SECONDS, STILL_PATIENCE_SECONDS, STILL_SECONDS, since};

/// How far clients are that turn away from closed masters, which have stored so many messages altogether, and what has to be
/// remembered of it; none when they have turned away. They have had the time to look at the routes then, and no message arrives
/// any more, which a producer may still send to where it sent before.
pub(super) fn turning(
    seen: &Observation,
    route_refresh_seconds: u64,
    stored: i64,
) -> Option<(Progress, Memory)> {
    let (memory, now) = (&seen.memory, seen.now);
    let (drained, drained_since) = since(memory, "drained", now);
    let unchanged = memory.get("stored") == Some(&stored);
    let (still, still_since) = since(memory, if unchanged { "still" } else { "changed" }, now);
    let needed = route_refresh_seconds + SETTLE_SECONDS;
    let out_of_patience = drained >= needed + STILL_PATIENCE_SECONDS;
    if drained >= needed && (still >= STILL_SECONDS || out_of_patience) {
        return None;
    }
    let progress = Progress {
        done: drained.min(needed),
        total: needed,
        unit: "seconds".to_owned(),
    };
    let memory = Memory::from([
        ("drained".to_owned(), drained_since),
        ("still".to_owned(), still_since),
        ("stored".to_owned(), stored),
    ]);
    Some((progress, memory))
}
