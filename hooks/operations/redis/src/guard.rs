//! The guard of redundancy: the only place that can clear the pod of a server or a Sentinel for its restart.

use midships_client_kubernetes::Pod;
use midships_client_redis::Information;

use crate::desired::{Server, Shard, Watch};
use crate::steps::told;
use crate::view::{Landscape, View};

/// By how many bytes a replica may be behind its master while clients write.
const LAG: u64 = 1024 * 1024;

/// Leave to evict one pod, made from what was observed just before. Its fields are private, so that nothing but this module can make one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Clearance {
    pod: String,
    uid: String,
}

impl Clearance {
    fn of(pod: &Pod) -> Self {
        Self {
            pod: pod.name.clone(),
            uid: pod.uid.clone(),
        }
    }

    /// The pod's name.
    #[must_use]
    pub fn pod(&self) -> &str {
        &self.pod
    }

    /// The identity that the pod must still have.
    #[must_use]
    pub fn uid(&self) -> &str {
        &self.uid
    }
}

/// Clears a pod for its restart if every other server is up, serves, and has what its master has, so that never more than one is away.
///
/// # Errors
/// Why not, naming the pods.
pub fn clear(
    server: &Server,
    pod: &Pod,
    pods: &[Pod],
    landscape: &Landscape<'_>,
    view: View<'_>,
) -> Result<Clearance, String> {
    for other in landscape.servers().filter(|one| one.server != server) {
        let name = &other.server.pod;
        serving(name, pods)?;
        let state = view.cluster(other.server).map_err(|one| told(&[one]))?;
        if state.text("cluster_state") != Some("ok") {
            return Err(format!("pod {name} says that the cluster is not well"));
        }
        if !other.myself().is_master() {
            copied(other.server, view)?;
        }
    }
    Ok(Clearance::of(pod))
}

/// Clears a pod that does not serve: it is not ready, and its server does not answer.
#[must_use]
pub fn clear_silent(pod: &Pod, answers: bool) -> Option<Clearance> {
    (!pod.ready && !answers).then(|| Clearance::of(pod))
}

/// Clears a pod of a server that is in no cluster, if every other server is up and has what its master has; that of a master only if
/// each replica may take its place, as all Sentinels see it.
///
/// # Errors
/// Why not, naming the pods.
pub fn clear_of_set(
    server: &Server,
    pod: &Pod,
    pods: &[Pod],
    servers: &[Server],
    watch: Option<&Watch>,
    view: View<'_>,
) -> Result<Clearance, String> {
    if servers.len() == 1 {
        return Ok(Clearance::of(pod));
    }
    let others = || servers.iter().filter(|other| *other != server);
    for other in others() {
        serving(&other.pod, pods)?;
    }
    let master = sole_master(servers, view)?;
    for replica in others().filter(|other| *other != master) {
        in_step(replica, master, view)?;
    }
    if let (Some(watch), true) = (watch, server == master) {
        all_may_replace(watch, pods, servers.len() - 1, view)?;
    }
    Ok(Clearance::of(pod))
}

/// Clears the pod of a master that leaves with others, if every server that stays is up and has what it has, and may take its place, as
/// all Sentinels see it.
///
/// # Errors
/// Why not, naming the pods.
pub fn clear_leaving(
    master: &Server,
    pods: &[Pod],
    staying: &[Server],
    watch: &Watch,
    view: View<'_>,
) -> Result<Clearance, String> {
    let pod = pods.iter().find(|pod| pod.name == master.pod);
    let pod = pod.ok_or_else(|| format!("pod {} does not exist", master.pod))?;
    for replica in staying {
        serving(&replica.pod, pods)?;
        in_step(replica, master, view)?;
    }
    all_may_replace(watch, pods, staying.len(), view)?;
    Ok(Clearance::of(pod))
}

/// Clears the pod of a Sentinel, if all others are up and agree that they are enough.
///
/// # Errors
/// Why not, naming the pods.
pub fn clear_sentinel(
    sentinel: &Server,
    pod: &Pod,
    pods: &[Pod],
    watch: &Watch,
    view: View<'_>,
) -> Result<Clearance, String> {
    for other in watch.sentinels.iter().filter(|other| *other != sentinel) {
        serving(&other.pod, pods)?;
        agrees(other, watch, view)?;
    }
    Ok(Clearance::of(pod))
}

/// Whether a Sentinel says that enough of them agree to replace the master.
fn agrees(sentinel: &Server, watch: &Watch, view: View<'_>) -> Result<(), String> {
    let quorum = view.quorum(sentinel, &watch.master_name);
    quorum.map_err(|one| told(&[one]))
}

/// Whether every Sentinel is up and can have any of so many replicas take the place of the master.
fn all_may_replace(
    watch: &Watch,
    pods: &[Pod],
    replicas: usize,
    view: View<'_>,
) -> Result<(), String> {
    for sentinel in &watch.sentinels {
        serving(&sentinel.pod, pods)?;
        may_replace(sentinel, watch, replicas, view)?;
    }
    Ok(())
}

/// Whether a Sentinel can have any of so many replicas take the place of the master.
///
/// # Errors
/// Why not, naming its pod.
pub fn may_replace(
    sentinel: &Server,
    watch: &Watch,
    replicas: usize,
    view: View<'_>,
) -> Result<(), String> {
    agrees(sentinel, watch, view)?;
    let known = view.replicas(sentinel, &watch.master_name);
    let known = known.map_err(|one| told(&[one]))?;
    let heirs = known.iter().filter(|one| is_heir(one)).count();
    if heirs < replicas {
        return Err(format!(
            "the Sentinel of pod {} knows {heirs} replicas that may take the master's place, of {replicas}",
            sentinel.pod
        ));
    }
    Ok(())
}

/// Whether a Sentinel that knows this of a replica would promote it.
fn is_heir(replica: &Information) -> bool {
    let is_linked = replica.text("master-link-status") == Some("ok");
    let priority = replica.value("slave-priority").unwrap_or(0u32);
    replica.text("flags") == Some("slave") && is_linked && priority > 0
}

/// The one server that says that it is the master.
///
/// # Errors
/// One of them does not answer, or not one is.
pub fn sole_master<'a>(servers: &'a [Server], view: View<'_>) -> Result<&'a Server, String> {
    let mut masters = Vec::new();
    for server in servers {
        let replication = view.replication(server).map_err(|one| told(&[one]))?;
        if replication.text("role") == Some("master") {
            masters.push(server);
        }
    }
    match masters.as_slice() {
        [master] => Ok(*master),
        [] => Err("no server is the master".to_owned()),
        several => {
            let pods: Vec<&str> = several.iter().map(|one| one.pod.as_str()).collect();
            Err(format!("several servers are masters: {}", pods.join(", ")))
        }
    }
}

/// Whether a replica has what its master has, but for what is on its way.
///
/// # Errors
/// What it lacks.
pub fn in_step(replica: &Server, master: &Server, view: View<'_>) -> Result<(), String> {
    let behind = written(master, view)?.saturating_sub(copied(replica, view)?);
    if behind > LAG {
        return Err(lacks(replica, behind));
    }
    Ok(())
}

/// What is said of a replica that is far behind.
fn lacks(replica: &Server, bytes: u64) -> String {
    format!("pod {} lacks {bytes} bytes of its master", replica.pod)
}

/// How much a master has written, in bytes since the beginning.
fn written(master: &Server, view: View<'_>) -> Result<u64, String> {
    let replication = view.replication(master).map_err(|one| told(&[one]))?;
    let written = replication.value("master_repl_offset");
    written.ok_or_else(|| format!("pod {} does not tell how much it has written", master.pod))
}

/// Whether the pod of a name serves.
fn serving(name: &str, pods: &[Pod]) -> Result<(), String> {
    match pods.iter().find(|pod| pod.name == *name) {
        Some(pod) if pod.ready && !pod.terminating => Ok(()),
        Some(pod) => Err(pod.described()),
        None => Err(format!("pod {name} does not exist")),
    }
}

/// How much a replica has of what its master has written, in bytes since the beginning.
///
/// # Errors
/// It does not tell, or is not connected to its master.
pub fn copied(replica: &Server, view: View<'_>) -> Result<u64, String> {
    let replication = view.replication(replica).map_err(|one| told(&[one]))?;
    let pod = &replica.pod;
    if replication.text("master_link_status") != Some("up") {
        return Err(format!("pod {pod} is not connected to its master"));
    }
    let offset = replication.value("slave_repl_offset");
    offset.ok_or_else(|| format!("pod {pod} does not tell how much it has of its master"))
}

/// The replica of a shard that shall take over from its master: the one that has most of what that has.
///
/// # Errors
/// Why none can.
pub fn heir<'a>(
    shard: &'a Shard,
    master: &Server,
    landscape: &Landscape<'a>,
    view: View<'_>,
) -> Result<&'a Server, String> {
    let written = written(master, view)?;
    let (mut heirs, mut lacking) = (Vec::new(), Vec::new());
    for one in landscape.of(shard).filter(|one| one.server != master) {
        let behind = |offset| written.saturating_sub(offset);
        match copied(one.server, view) {
            Ok(offset) if behind(offset) <= LAG => heirs.push((offset, one.server)),
            Ok(offset) => lacking.push(lacks(one.server, behind(offset))),
            Err(why) => lacking.push(why),
        }
    }
    heirs.sort_by_key(|(offset, _)| *offset);
    heirs
        .pop()
        .map(|(_, server)| server)
        .ok_or_else(|| lacking.join("; "))
}
