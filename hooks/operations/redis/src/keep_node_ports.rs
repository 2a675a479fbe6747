//! `keep_node_ports`: ports of nodes that servers are known by stay.
//!
//! Helm would close them before any server could tell the others of another address, and the cluster would fall apart. So what running
//! servers announce is asked before Helm changes anything, and a release that has no such ports any more, or others, is refused.

use midships_engine::step::{Limits, Operation, Phase, Planning, Problem};

use crate::desired::{Desired, Server};
use crate::steps::{Observation, RedisStep};
use crate::view::{View, ask_configuration, ask_stateful_sets};
use crate::vocabulary::Query;

/// The settings by which a server announces ports, of which old versions do not know all.
const ANNOUNCED: [&str; 3] = [
    "cluster-announce-bus-port",
    "cluster-announce-port",
    "cluster-announce-tls-port",
];

/// The operation, for one release. It has no steps.
#[derive(Clone, Debug)]
pub struct KeepNodePorts {
    desired: Desired,
    phase: Phase,
}

impl KeepNodePorts {
    /// Keeps the ports of a release.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// The servers that stand and stay, each with the ports that it shall have.
    fn staying(&self, view: View<'_>) -> Vec<(&Server, Vec<u32>)> {
        let sets = view.stateful_sets(&self.desired.full_name);
        let standing = sets.map(|sets| self.desired.standing(sets));
        let standing = standing.unwrap_or_default();
        let stands = |server: &Server| {
            let mut all = standing.iter().flat_map(|shard| &shard.servers);
            all.any(|other| other == server)
        };
        let all = self.desired.shards.iter().flat_map(|shard| {
            let places = shard.servers.iter().zip(0..);
            places.map(|(server, place)| (server, self.desired.node_ports_of(shard.number, place)))
        });
        all.filter(|(server, _)| stands(server)).collect()
    }
}

fn announced() -> Vec<String> {
    ANNOUNCED.iter().map(|name| (*name).to_owned()).collect()
}

impl Operation for KeepNodePorts {
    type Step = RedisStep;

    fn name(&self) -> &'static str {
        "keep_node_ports"
    }

    fn phase(&self) -> &'static str {
        self.phase.as_str()
    }

    fn fingerprint(&self) -> String {
        self.desired.digest.clone()
    }

    fn limits(&self) -> Limits {
        Limits::default()
    }

    fn observe(&self, seen: &Observation) -> Vec<Query> {
        if self.phase != Phase::Before {
            return Vec::new();
        }
        let mut wanted = vec![ask_stateful_sets(&self.desired.full_name)];
        let staying = self.staying(View::new(seen));
        wanted.extend(
            staying
                .iter()
                .map(|(server, _)| ask_configuration(server, &announced())),
        );
        seen.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RedisStep> {
        let nothing = |why: &str| Planning::Nothing {
            why: why.to_owned(),
        };
        if self.phase != Phase::Before {
            return nothing("ports of nodes are compared before Helm changes any");
        }
        let view = View::new(seen);
        for (server, ports) in self.staying(view) {
            // One that does not answer tells nobody where it is.
            let Ok(found) = view.configuration(server, &announced()) else {
                continue;
            };
            let mut found = found.values().filter_map(|port| port.parse::<u32>().ok());
            if let Some(port) = found.find(|port| *port != 0 && !ports.contains(port)) {
                return Planning::Refused(closed(server, port));
            }
        }
        nothing("no server announces a port of nodes that the release closes")
    }
}

fn closed(server: &Server, port: u32) -> Problem {
    Problem {
        object: "outside".to_owned(),
        why: format!(
            "the server of pod {} announces the node port {port}, by which clients and the other servers know it, and the release would \
             close it",
            server.pod
        ),
        remedy: "set outside.nodePorts to true again, with the first ports and the TLS that the release has had; ports of nodes stay \
                 for as long as a release does"
            .to_owned(),
    }
}
