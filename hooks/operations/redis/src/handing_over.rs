//! Masters are among the servers that stay, and these have what they have.

use midships_client_redis::{Failover, Request};
use midships_engine::step::{Memory, Verdict};

use crate::desired::Shard;
use crate::guard;
use crate::steps::{told, waiting, without_master};
use crate::view::{Landscape, View};
use crate::vocabulary::Command;

/// What is remembered of a master that was seen to leave.
const LEAVES: &str = "leaves";

/// Judges whether nobody who leaves is a master, and everybody who stays has what their master has.
pub(crate) fn assess<'a>(
    landscape: &Landscape<'a>,
    staying: &'a [Shard],
    view: View<'_>,
    memory: &Memory,
) -> Verdict<Command> {
    let mut lacking = Vec::new();
    for shard in landscape.shards() {
        let Some(stay) = staying.iter().find(|stay| stay.number == shard.number) else {
            continue;
        };
        let Some(master) = landscape.master(shard) else {
            return Verdict::Fail(without_master(shard));
        };
        if !stay.servers.contains(master.server) {
            return match guard::heir(stay, master.server, landscape, view) {
                // One look may be older than the last change. One at a time: each is agreed on by all masters.
                Ok(_) if !memory.contains_key(LEAVES) => Verdict::Wait {
                    why: format!("pod {} leaves and is a master", master.server.pod),
                    progress: None,
                    memory: Memory::from([(LEAVES.to_owned(), 1)]),
                },
                Ok(heir) => Verdict::Act {
                    commands: vec![Command::redis(
                        &heir.address,
                        Request::Failover(Failover::Agreed),
                    )],
                    why: format!(
                        "pod {} takes over from pod {}, which leaves",
                        heir.pod, master.server.pod
                    ),
                },
                Err(why) => waiting(why, None),
            };
        }
        for one in landscape.of(stay) {
            let state = match view.cluster(one.server) {
                Ok(state) => state.text("cluster_state"),
                Err(unanswered) => return waiting(told(&[unanswered]), None),
            };
            if state != Some("ok") {
                let pod = &one.server.pod;
                lacking.push(format!("pod {pod} says that the cluster is not well"));
            }
            if one.server != master.server
                && let Err(why) = guard::copied(one.server, view)
            {
                lacking.push(why);
            }
        }
    }
    if lacking.is_empty() {
        Verdict::Done
    } else {
        waiting(lacking.join("; "), None)
    }
}
