//! Reads an observation: what each server answered, with an absent answer told like a refused one.

use std::collections::BTreeMap;

use midships_client_kubernetes::{self as kubernetes, Claim, ConfigMap, Pod, StatefulSet};
use midships_client_redis::{
    self as redis, Information, Node, NodeId, Nodes, Passwords, Request, Slots,
};
use midships_engine::step::{Seen, Unanswered};

use crate::desired::{Server, Shard, Watch};
use crate::vocabulary::{Answer, Query};

/// The section of what a server tells of itself that is about masters and replicas.
const REPLICATION: &str = "replication";
/// The section that is about the program.
const SERVER: &str = "server";
/// The section that is about memory.
const MEMORY: &str = "memory";

/// An observation, read by kind.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    seen: &'a Seen<Query, Answer>,
}

impl<'a> View<'a> {
    /// Reads this observation.
    #[must_use]
    pub fn new(seen: &'a Seen<Query, Answer>) -> Self {
        Self { seen }
    }

    /// The StatefulSets of the release.
    ///
    /// # Errors
    /// When the API did not answer.
    pub fn stateful_sets(self, cluster: &str) -> Result<&'a [StatefulSet], Unanswered> {
        match self.seen.answer(&ask_stateful_sets(cluster)) {
            Some(Ok(Answer::Kubernetes(kubernetes::Answer::StatefulSets(sets)))) => Ok(sets),
            Some(Err(unanswered)) => Err(unanswered.clone()),
            _ => Err(not_asked()),
        }
    }

    /// The pods of the release.
    ///
    /// # Errors
    /// When the API did not answer.
    pub fn pods(self, cluster: &str) -> Result<&'a [Pod], Unanswered> {
        match self.seen.answer(&ask_pods(cluster)) {
            Some(Ok(Answer::Kubernetes(kubernetes::Answer::Pods(pods)))) => Ok(pods),
            Some(Err(unanswered)) => Err(unanswered.clone()),
            _ => Err(not_asked()),
        }
    }

    /// The claims for volumes of the release.
    ///
    /// # Errors
    /// When the API did not answer.
    pub fn claims(self, cluster: &str) -> Result<&'a [Claim], Unanswered> {
        match self.seen.answer(&ask_claims(cluster)) {
            Some(Ok(Answer::Kubernetes(kubernetes::Answer::Claims(claims)))) => Ok(claims),
            Some(Err(unanswered)) => Err(unanswered.clone()),
            _ => Err(not_asked()),
        }
    }

    /// A ConfigMap, or nothing if there is none of that name.
    ///
    /// # Errors
    /// When the API did not answer.
    pub fn config_map(self, name: &str) -> Result<Option<&'a ConfigMap>, Unanswered> {
        match self.seen.answer(&ask_config_map(name)) {
            Some(Ok(Answer::Kubernetes(kubernetes::Answer::ConfigMap(map)))) => Ok(map.as_ref()),
            Some(Err(unanswered)) => Err(unanswered.clone()),
            _ => Err(not_asked()),
        }
    }

    fn answer(self, server: &Server, request: Request) -> Result<&'a redis::Answer, Unanswered> {
        let object = || format!("pod {}", server.pod);
        match self.seen.answer(&Query::redis(&server.address, request)) {
            Some(Ok(Answer::Redis(answer))) => Ok(answer),
            Some(Ok(Answer::Kubernetes(_))) => Err(another(server)),
            Some(Err(unanswered)) => Err(Unanswered {
                object: object(),
                why: unanswered.why.clone(),
            }),
            None => Err(Unanswered {
                object: object(),
                why: "was not asked".to_owned(),
            }),
        }
    }

    /// The nodes that a server knows.
    ///
    /// # Errors
    /// When it did not answer.
    pub fn nodes(self, server: &Server) -> Result<&'a Nodes, Unanswered> {
        match self.answer(server, Request::Nodes)? {
            redis::Answer::Nodes(nodes) => Ok(nodes),
            _ => Err(another(server)),
        }
    }

    /// How a server sees the whole cluster.
    ///
    /// # Errors
    /// When it did not answer.
    pub fn cluster(self, server: &Server) -> Result<&'a Information, Unanswered> {
        match self.answer(server, Request::Cluster)? {
            redis::Answer::Information(information) => Ok(information),
            _ => Err(another(server)),
        }
    }

    /// What a server tells of its master or its replicas.
    ///
    /// # Errors
    /// When it did not answer.
    pub fn replication(self, server: &Server) -> Result<&'a Information, Unanswered> {
        match self.answer(server, Request::Information(REPLICATION))? {
            redis::Answer::Information(information) => Ok(information),
            _ => Err(another(server)),
        }
    }

    /// What a server tells of its program.
    ///
    /// # Errors
    /// When it did not answer.
    pub fn program(self, server: &Server) -> Result<&'a Information, Unanswered> {
        match self.answer(server, Request::Information(SERVER))? {
            redis::Answer::Information(information) => Ok(information),
            _ => Err(another(server)),
        }
    }

    /// What a server tells of its memory.
    ///
    /// # Errors
    /// When it did not answer.
    pub fn memory(self, server: &Server) -> Result<&'a Information, Unanswered> {
        match self.answer(server, Request::Information(MEMORY))? {
            redis::Answer::Information(information) => Ok(information),
            _ => Err(another(server)),
        }
    }

    /// What a server has of some settings; those that it does not know are left out.
    ///
    /// # Errors
    /// When it did not answer.
    pub fn configuration(
        self,
        server: &Server,
        names: &[String],
    ) -> Result<&'a BTreeMap<String, String>, Unanswered> {
        match self.answer(server, Request::Configuration(names.to_vec()))? {
            redis::Answer::Configuration(settings) => Ok(settings),
            _ => Err(another(server)),
        }
    }

    /// Which passwords a server takes and shows.
    ///
    /// # Errors
    /// When it did not answer.
    pub fn passwords(self, server: &Server) -> Result<&'a Passwords, Unanswered> {
        match self.answer(server, Request::Passwords)? {
            redis::Answer::Passwords(passwords) => Ok(passwords),
            _ => Err(another(server)),
        }
    }

    /// Whether a Sentinel says that enough of them agree to replace the master of a name.
    ///
    /// # Errors
    /// When they do not, or it did not answer.
    pub fn quorum(self, sentinel: &Server, master: &str) -> Result<(), Unanswered> {
        self.answer(sentinel, Request::Quorum(master.to_owned()))?;
        Ok(())
    }

    /// What a Sentinel knows of the replicas of the master of a name.
    ///
    /// # Errors
    /// When it did not answer.
    pub fn replicas(
        self,
        sentinel: &Server,
        master: &str,
    ) -> Result<&'a [Information], Unanswered> {
        match self.answer(sentinel, Request::Replicas(master.to_owned()))? {
            redis::Answer::Replicas(replicas) => Ok(replicas),
            _ => Err(another(sentinel)),
        }
    }

    /// How many keys a server has.
    ///
    /// # Errors
    /// When it did not answer.
    pub fn keys(self, server: &Server) -> Result<u64, Unanswered> {
        match self.answer(server, Request::Keys)? {
            redis::Answer::Keys(keys) => Ok(*keys),
            _ => Err(another(server)),
        }
    }

    /// The slots of which a server has keys.
    ///
    /// # Errors
    /// When it did not answer.
    pub fn filled(self, server: &Server) -> Result<Slots, Unanswered> {
        match self.answer(server, Request::KeyCounts(Slots::all()))? {
            redis::Answer::KeyCounts(counts) => Ok(counts.iter().map(|(slot, _)| *slot).collect()),
            _ => Err(another(server)),
        }
    }

    /// What all of some servers know.
    ///
    /// # Errors
    /// Those that did not answer.
    pub fn landscape(self, shards: &'a [Shard]) -> Result<Landscape<'a>, Vec<Unanswered>> {
        let mut servers = BTreeMap::new();
        let mut silent = Vec::new();
        for server in shards.iter().flat_map(|shard| &shard.servers) {
            match self.nodes(server) {
                Ok(nodes) => {
                    servers.insert(server.address.as_str(), nodes);
                }
                Err(unanswered) => silent.push(unanswered),
            }
        }
        if silent.is_empty() {
            Ok(Landscape { shards, servers })
        } else {
            Err(silent)
        }
    }
}

fn not_asked() -> Unanswered {
    Unanswered {
        object: "Kubernetes API".to_owned(),
        why: "was not asked".to_owned(),
    }
}

fn another(server: &Server) -> Unanswered {
    Unanswered {
        object: format!("pod {}", server.pod),
        why: "it answered another question".to_owned(),
    }
}

/// The question which StatefulSets a cluster has.
#[must_use]
pub fn ask_stateful_sets(cluster: &str) -> Query {
    Query::Kubernetes(kubernetes::Query::StatefulSets {
        cluster: cluster.to_owned(),
    })
}

/// The question which pods a cluster has.
#[must_use]
pub fn ask_pods(cluster: &str) -> Query {
    Query::Kubernetes(kubernetes::Query::Pods {
        cluster: cluster.to_owned(),
    })
}

/// The question which claims a cluster has.
#[must_use]
pub fn ask_claims(cluster: &str) -> Query {
    Query::Kubernetes(kubernetes::Query::Claims {
        cluster: cluster.to_owned(),
    })
}

/// The question what stands in a ConfigMap.
#[must_use]
pub fn ask_config_map(name: &str) -> Query {
    Query::Kubernetes(kubernetes::Query::ConfigMap {
        name: name.to_owned(),
    })
}

/// The question which nodes each of some servers knows.
pub fn ask_nodes(shards: &[Shard]) -> impl Iterator<Item = Query> {
    let servers = shards.iter().flat_map(|shard| &shard.servers);
    servers.map(|server| Query::redis(&server.address, Request::Nodes))
}

/// The question what each of some servers tells of its master or its replicas.
pub fn ask_replication<'a>(
    servers: impl IntoIterator<Item = &'a Server>,
) -> impl Iterator<Item = Query> {
    let servers = servers.into_iter();
    servers.map(|server| Query::redis(&server.address, Request::Information(REPLICATION)))
}

/// The questions what Sentinels think of their number, and of the replicas that they know.
pub fn ask_sentinels(watch: &Watch) -> impl Iterator<Item = Query> {
    watch.sentinels.iter().flat_map(move |sentinel| {
        let master = || watch.master_name.clone();
        [Request::Quorum(master()), Request::Replicas(master())]
            .map(|request| Query::redis(&sentinel.address, request))
    })
}

/// The question which passwords each of some servers takes and shows.
pub fn ask_passwords(servers: &[Server]) -> impl Iterator<Item = Query> {
    let servers = servers.iter();
    servers.map(|server| Query::redis(&server.address, Request::Passwords))
}

/// The question how each of some servers sees the whole cluster.
pub fn ask_cluster(shards: &[Shard]) -> impl Iterator<Item = Query> {
    let servers = shards.iter().flat_map(|shard| &shard.servers);
    servers.map(|server| Query::redis(&server.address, Request::Cluster))
}

/// The question what a server tells of its program.
#[must_use]
pub fn ask_program(server: &Server) -> Query {
    Query::redis(&server.address, Request::Information(SERVER))
}

/// The question what a server tells of its memory.
#[must_use]
pub fn ask_memory(server: &Server) -> Query {
    Query::redis(&server.address, Request::Information(MEMORY))
}

/// The question what a server has of some settings.
#[must_use]
pub fn ask_configuration(server: &Server, names: &[String]) -> Query {
    Query::redis(&server.address, Request::Configuration(names.to_vec()))
}

/// The question of which slots each master among some servers has keys; none of a server that has not told what it is.
#[must_use]
pub fn ask_filled(view: View<'_>, shards: &[Shard]) -> Vec<Query> {
    let servers = shards.iter().flat_map(|shard| &shard.servers);
    let masters = servers.filter(|server| {
        view.nodes(server)
            .is_ok_and(|nodes| nodes.myself.is_master())
    });
    masters
        .map(|server| Query::redis(&server.address, Request::KeyCounts(Slots::all())))
        .collect()
}

/// What all servers of some shards know.
#[derive(Clone, Debug)]
pub struct Landscape<'a> {
    shards: &'a [Shard],
    servers: BTreeMap<&'a str, &'a Nodes>,
}

/// A server and what it says of itself.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The server.
    pub server: &'a Server,
    /// Everybody whom it knows, itself among them.
    pub nodes: &'a Nodes,
}

impl<'a> Standing<'a> {
    /// What it says of itself.
    #[must_use]
    pub fn myself(&self) -> &'a Node {
        &self.nodes.myself
    }

    /// Whether it has nothing of any cluster: no slots, no master, nobody whom it knows.
    #[must_use]
    pub fn is_virgin(&self) -> bool {
        let myself = self.myself();
        myself.is_master() && myself.slots.is_empty() && self.nodes.others.is_empty()
    }

    /// Whether it knows a node, and has met it.
    #[must_use]
    pub fn knows(&self, id: &NodeId) -> bool {
        let other = self.nodes.others.get(id);
        *id == self.myself().id || other.is_some_and(|node| !node.is_meeting)
    }
}

impl<'a> Landscape<'a> {
    /// All servers, shard by shard.
    pub fn servers(&self) -> impl Iterator<Item = Standing<'a>> + '_ {
        self.shards.iter().flat_map(|shard| self.of(shard))
    }

    /// All servers, with the numbers of their shards.
    pub fn numbered(&self) -> impl Iterator<Item = (u32, Standing<'a>)> + '_ {
        let shards = self.shards.iter();
        shards.flat_map(|shard| self.of(shard).map(|one| (shard.number, one)))
    }

    /// The servers of a shard.
    pub fn of<'b>(&'b self, shard: &'a Shard) -> impl Iterator<Item = Standing<'a>> + 'b {
        shard.servers.iter().filter_map(|server| {
            let nodes = self.servers.get(server.address.as_str())?;
            Some(Standing { server, nodes })
        })
    }

    /// The shards.
    #[must_use]
    pub fn shards(&self) -> &'a [Shard] {
        self.shards
    }

    /// The master of a shard: whoever has its slots, or else whoever is somebody's master in it, or else its first server.
    #[must_use]
    pub fn master(&self, shard: &'a Shard) -> Option<Standing<'a>> {
        let masters = || {
            self.of(shard)
                .filter(|standing| standing.myself().is_master())
        };
        let followed = |id: &NodeId| {
            self.of(shard).any(|standing| {
                standing.myself().role
                    == redis::Role::Replica {
                        of: Some(id.clone()),
                    }
            })
        };
        masters()
            .find(|standing| !standing.myself().slots.is_empty())
            .or_else(|| masters().find(|standing| followed(&standing.myself().id)))
            .or_else(|| masters().next())
    }

    /// The slots that somebody has, as each says of itself.
    #[must_use]
    pub fn owned(&self) -> Slots {
        let slots = self.servers().map(|standing| &standing.myself().slots);
        slots.collect()
    }

    /// Nodes that some server knows and that are none of these, with the server that knows them.
    pub fn strangers(&self) -> impl Iterator<Item = (&'a Server, &'a Node)> + '_ {
        self.servers().flat_map(|standing| {
            let unknown = |node: &&Node| {
                !node.is_meeting && !self.servers().any(|other| other.myself().id == node.id)
            };
            standing
                .nodes
                .others
                .values()
                .filter(unknown)
                .map(move |node| (standing.server, node))
        })
    }
}
