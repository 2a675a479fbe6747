//! The guard of redundancy: the only place that can clear a server's pod for its restart.

use midships_client_kubernetes::Pod;

use crate::desired::{Server, Shard};
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
        match pods.iter().find(|pod| pod.name == *name) {
            Some(pod) if pod.ready && !pod.terminating => {}
            Some(pod) => return Err(pod.described()),
            None => return Err(format!("pod {name} does not exist")),
        }
        let state = view.cluster(other.server).map_err(|one| told(&[one]))?;
        if state.text("cluster_state") != Some("ok") {
            return Err(format!("pod {name} says that the cluster is not well"));
        }
        if !other.myself().is_master() {
            copied(other.server, view)?;
        }
    }
    Ok(Clearance {
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
    })
}

/// Clears a pod that does not serve: it is not ready, and its server does not answer.
#[must_use]
pub fn clear_silent(server: &Server, pod: &Pod, view: View<'_>) -> Option<Clearance> {
    (!pod.ready && view.nodes(server).is_err()).then(|| Clearance {
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
    })
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
    let replication = view.replication(master).map_err(|one| told(&[one]))?;
    let written: Option<u64> = replication.value("master_repl_offset");
    let written = written
        .ok_or_else(|| format!("pod {} does not tell how much it has written", master.pod))?;
    let (mut heirs, mut lacking) = (Vec::new(), Vec::new());
    for one in landscape.of(shard).filter(|one| one.server != master) {
        let behind = |offset| written.saturating_sub(offset);
        match copied(one.server, view) {
            Ok(offset) if behind(offset) <= LAG => heirs.push((offset, one.server)),
            Ok(offset) => {
                let bytes = behind(offset);
                lacking.push(format!(
                    "pod {} lacks {bytes} bytes of its master",
                    one.server.pod
                ));
            }
            Err(why) => lacking.push(why),
        }
    }
    heirs.sort_by_key(|(offset, _)| *offset);
    heirs
        .pop()
        .map(|(_, server)| server)
        .ok_or_else(|| lacking.join("; "))
}
