//! A name server's pod is renewed, while the others list every broker.

use midships_engine::step::{Unanswered, Verdict};

use super::{
    NameServerRenewal, Observation, evicting, is_believed, key_values, set_is_newer, wait,
    wait_again,
};
use crate::guard;
use crate::view::{View, ask_name_server, ask_pods, ask_stateful_sets};
use crate::vocabulary::{Command, Query};

/// What has to be known of the name server, of the others and of what they hold.
pub(super) fn queries(renewal: &NameServerRenewal) -> Vec<Query> {
    let mut wanted = vec![
        ask_pods(&renewal.cluster),
        ask_stateful_sets(&renewal.cluster),
    ];
    let servers = renewal.others.iter().chain([&renewal.address]);
    wanted.extend(servers.clone().flat_map(|server| ask_name_server(server)));
    if renewal.ephemeral {
        let held =
            servers.flat_map(|server| key_values::queries(server, &renewal.key_value_namespaces));
        wanted.extend(held);
    }
    wanted
}

/// Judges a name server that is renewed.
pub(super) fn assess(renewal: &NameServerRenewal, seen: &Observation) -> Verdict<Command> {
    match renewed(renewal, seen) {
        Ok(verdict) => verdict,
        Err(unanswered) => wait(format!("{}: {}", unanswered.object, unanswered.why)),
    }
}

fn renewed(
    renewal: &NameServerRenewal,
    seen: &Observation,
) -> Result<Verdict<Command>, Unanswered> {
    let view = View::new(seen);
    let cluster = &renewal.cluster;
    let pods = view.pods(cluster)?;
    let Some(pod) = pods.iter().find(|pod| pod.name == renewal.pod) else {
        return Ok(wait(format!("pod {} is being made", renewal.pod)));
    };
    if pod.terminating {
        return Ok(wait(view.describe_pod(cluster, &pod.name)));
    }
    if set_is_newer(pod, &renewal.stateful_set, view.stateful_sets(cluster)?)? {
        let why = format!(
            "the pod of name server {} is of an older template",
            pod.name
        );
        if !is_believed(seen) {
            return Ok(wait_again(why));
        }
        return Ok(evicting(guard::clear_name_server(renewal, pod, seen), why));
    }
    if !pod.ready {
        return Ok(wait(view.describe_pod(cluster, &pod.name)));
    }
    let info = view.cluster_info(&renewal.address)?;
    let known = view.topics(&renewal.address)?;
    for broker in &renewal.brokers {
        if !broker.is_registered(info) {
            return Ok(wait(format!(
                "{} lacks broker {}",
                renewal.address, broker.pod
            )));
        }
    }
    for other in &renewal.others {
        let lacking = view.topics(other)?.difference(known).count();
        if lacking > 0 {
            return Ok(wait(format!(
                "{} lacks {lacking} topics of {other}",
                renewal.address
            )));
        }
    }
    if renewal.ephemeral && !renewal.others.is_empty() {
        let target = [renewal.address.clone()];
        return Ok(key_values::assess(
            &renewal.key_value_namespaces,
            &renewal.others,
            &target,
            &[],
            seen,
        ));
    }
    Ok(Verdict::Done)
}
