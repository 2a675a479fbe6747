//! The guard of redundancy: the only place that can clear a broker's pod for its restart.

use std::collections::BTreeSet;

use midships_client_kubernetes::Pod;
use midships_engine::step::Seen;

use crate::desired::Broker;
use crate::steps::{NameServerRenewal, Silent};
use crate::view::View;
use crate::vocabulary::{Answer, Query};

/// Leave to evict one pod, made from what was observed just before. Its fields are private, so that
/// nothing but [`clear`] can make one.
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

/// Clears a broker's pod for its restart if every other broker of the cluster is up and known to
/// every name server, so that never more than one broker is away. If a master is `affected`, from
/// which clients have to turn away, every other master must take messages as well, so that there is
/// always one that they can turn to.
///
/// # Errors
/// Why not, naming the pods and servers.
pub fn clear(
    broker: &Broker,
    pod: &Pod,
    brokers: &[Broker],
    name_servers: &[String],
    cluster: &str,
    affected: Option<&Broker>,
    seen: &Seen<Query, Answer>,
) -> Result<Clearance, String> {
    let view = View::new(seen);
    let pods = view.pods(cluster).map_err(|unanswered| unanswered.why)?;
    let others: BTreeSet<&str> = brokers
        .iter()
        .filter(|other| other.pod != broker.pod)
        .map(|other| other.pod.as_str())
        .collect();
    let ready: BTreeSet<&str> = pods
        .iter()
        .filter(|other| other.ready && !other.terminating)
        .map(|other| other.name.as_str())
        .collect();
    let away: Vec<String> = others
        .difference(&ready)
        .map(|name| view.describe_pod(cluster, name))
        .collect();
    if !away.is_empty() {
        return Err(format!("another broker is away: {}", away.join(", ")));
    }
    for server in name_servers {
        let registered = view.cluster_info(server).map_err(|unanswered| {
            format!(
                "name server {} does not answer: {}",
                unanswered.object, unanswered.why
            )
        })?;
        for other in brokers.iter().filter(|other| other.pod != broker.pod) {
            if !other.is_registered(registered) {
                return Err(format!(
                    "broker {} is not registered at {server}",
                    other.pod
                ));
            }
        }
    }
    for other in brokers
        .iter()
        .filter(|other| affected.is_some_and(|master| other.is_master() && other.pod != master.pod))
    {
        let settings = view
            .settings(&other.address)
            .map_err(|unanswered| format!("broker {}: {}", other.pod, unanswered.why))?;
        if !settings.is_open() {
            return Err(format!("broker {} is closed for writing", other.pod));
        }
    }
    Ok(Clearance {
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
    })
}

/// Clears a name server's pod for its restart if every other name server is up and lists every
/// broker that this one lists. The only one is cleared always: clients that stand go on without it.
///
/// # Errors
/// Why not, naming the servers.
pub fn clear_name_server(
    renewal: &NameServerRenewal,
    pod: &Pod,
    seen: &Seen<Query, Answer>,
) -> Result<Clearance, String> {
    let view = View::new(seen);
    // One that does not answer has nothing that the others could lack.
    let listed = view.cluster_info(&renewal.address).ok();
    for server in &renewal.others {
        let info = view.cluster_info(server).map_err(|unanswered| {
            format!("name server {server} does not answer: {}", unanswered.why)
        })?;
        for broker in &renewal.brokers {
            if !broker.is_registered(info) {
                return Err(format!(
                    "broker {} is not registered at {server}",
                    broker.pod
                ));
            }
        }
        let lacking = listed
            .iter()
            .flat_map(|listed| listed.brokers.keys())
            .find(|name| !info.brokers.contains_key(*name));
        if let Some(name) = lacking {
            return Err(format!(
                "{server} lacks broker {name}, which {} lists",
                renewal.address
            ));
        }
    }
    Ok(Clearance {
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
    })
}

/// Clears a pod that does not serve: it is not ready, and its server does not answer.
#[must_use]
pub fn clear_silent(silent: &Silent, pod: &Pod, seen: &Seen<Query, Answer>) -> Option<Clearance> {
    let answers = matches!(seen.answer(&silent.query()), Some(Ok(_)) | None);
    (!pod.ready && !answers).then(|| Clearance {
        pod: pod.name.clone(),
        uid: pod.uid.clone(),
    })
}
