//! A server that is in no cluster, or a Sentinel, is renewed, while every other one serves.
//!
//! Nobody is told to hand over here: before the pod of a master stops, its own script has a Sentinel promote another server, whoever
//! evicts the pod.

use midships_engine::step::{Unanswered, Verdict};

use crate::desired::{Server, Watch};
use crate::guard::{self, Clearance};
use crate::restart::{Renewal, Stage, evicting, once_more, stage};
use crate::steps::{Observation, told, waiting};
use crate::view::View;
use crate::vocabulary::Command;

/// Judges a server that is renewed, of servers that are no cluster.
pub(crate) fn assess_server(
    servers: &[Server],
    watch: Option<&Watch>,
    renewal: &Renewal,
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    let server = &renewal.server;
    let judged = |stage| match stage {
        Stage::Waiting(verdict) => verdict,
        Stage::Outdated { pod, pods } => {
            let answers = view.replication(server).is_ok();
            let clearance = guard::clear_silent(pod, answers).map_or_else(
                || guard::clear_of_set(server, pod, pods, servers, watch, view),
                Ok,
            );
            evicted(clearance, &server.pod)
        }
        Stage::Newest => renewed(servers, server, view),
    };
    stage(renewal, seen).map_or_else(unanswered, judged)
}

/// Judges a Sentinel that is renewed.
pub(crate) fn assess_sentinel(
    watch: &Watch,
    replicas: usize,
    renewal: &Renewal,
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    let sentinel = &renewal.server;
    let judged = |stage| match stage {
        Stage::Waiting(verdict) => verdict,
        Stage::Outdated { pod, pods } => {
            let answers = view.replicas(sentinel, &watch.master_name).is_ok();
            let clearance = guard::clear_silent(pod, answers).map_or_else(
                || guard::clear_sentinel(sentinel, pod, pods, watch, view),
                Ok,
            );
            evicted(clearance, &sentinel.pod)
        }
        Stage::Newest => done(guard::may_replace(sentinel, watch, replicas, view)),
    };
    stage(renewal, seen).map_or_else(unanswered, judged)
}

fn unanswered(unanswered: Unanswered) -> Verdict<Command> {
    waiting(told(&[unanswered]), None)
}

fn evicted(clearance: Result<Clearance, String>, pod: &str) -> Verdict<Command> {
    match clearance {
        Ok(clearance) => evicting(clearance, pod),
        Err(why) => once_more(why),
    }
}

fn done(condition: Result<(), String>) -> Verdict<Command> {
    match condition {
        Ok(()) => Verdict::Done,
        Err(why) => waiting(why, None),
    }
}

/// A server of the newest template that is ready: it has what the master has.
fn renewed(servers: &[Server], server: &Server, view: View<'_>) -> Verdict<Command> {
    if servers.len() == 1 {
        return Verdict::Done;
    }
    done(guard::sole_master(servers, view).and_then(|master| {
        if master == server {
            return Ok(());
        }
        guard::in_step(server, master, view)
    }))
}
