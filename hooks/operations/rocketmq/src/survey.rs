//! What the surveys of several operations ask, wait for and refuse alike.

use midships_client_rocketmq::Request;
use midships_engine::step::{Limits, Planning, Problem};

use crate::desired::{Broker, Desired, Phase};
use crate::steps::RocketmqStep;
use crate::view::{BrokerSettings, PERMISSION_SETTING, View};
use crate::vocabulary::Query;

/// The limits of a survey: only when Helm has changed something there is anybody to be patient with.
pub(crate) fn limits(desired: &Desired, phase: Phase) -> Limits {
    let usual = Limits::default();
    Limits {
        seconds: match phase {
            Phase::Before => usual.seconds,
            Phase::After => desired.patience_seconds,
        },
        ..usual
    }
}

/// The questions that tell versions apart which say the same ordinal.
pub(crate) fn naming_queries(desired: &Desired, view: View<'_>) -> Vec<Query> {
    desired
        .brokers
        .iter()
        .filter(|broker| {
            view.settings(&broker.address)
                .is_ok_and(|found| found.version.is_ambiguous())
        })
        .map(|broker| Query::rocketmq(&broker.address, Request::RuntimeInformation))
        .collect()
}

/// The settings of all these brokers, or why they cannot be told.
pub(crate) fn settings_of<'a>(
    desired: &'a Desired,
    brokers: &[&'a Broker],
    view: View<'a>,
) -> Result<Vec<(&'a Broker, BrokerSettings<'a>)>, Box<Planning<RocketmqStep>>> {
    let mut settings = Vec::new();
    let mut silent = Vec::new();
    for &broker in brokers {
        match view.settings(&broker.address) {
            Ok(found) => settings.push((broker, found)),
            Err(unanswered) => silent.push(format!(
                "{}: {}",
                view.describe_pod(&desired.full_name, &broker.pod),
                unanswered.why
            )),
        }
    }
    if !silent.is_empty() {
        return Err(Box::new(Planning::Wait {
            why: format!("brokers do not answer: {}", silent.join("; ")),
            otherwise: Problem {
                object: "brokers".to_owned(),
                why: format!("these do not answer: {}", silent.join("; ")),
                remedy: "bring these pods (or their nodes) back, then run the upgrade again"
                    .to_owned(),
            },
        }));
    }
    for (broker, found) in &settings {
        let named = if found.version.is_ambiguous() {
            match view.is_named(&broker.address) {
                Ok(named) => named,
                Err(unanswered) => {
                    return Err(Box::new(unanswering(&unanswered.object, &unanswered.why)));
                }
            }
        } else {
            true
        };
        if found.version.reloads_name_servers().is_none() || !named {
            return Err(Box::new(Planning::Refused(Problem {
                object: format!("broker {}", broker.pod),
                why: format!(
                    "its version {} is not known: whether it takes a name server list online \
                     cannot be told",
                    found.version
                ),
                remedy: "use a released version of RocketMQ from 4.5.0 to 5.x, or a hook \
                         image that knows this version"
                    .to_owned(),
            })));
        }
    }
    Ok(settings)
}

/// Waits while a master is closed for writing or a broker's pod stops.
pub(crate) fn check_all_open(
    desired: &Desired,
    view: View<'_>,
    settings: &[(&Broker, BrokerSettings<'_>)],
) -> Option<Planning<RocketmqStep>> {
    let cluster = &desired.full_name;
    let stopping = view.pods(cluster).unwrap_or_default();
    for (broker, found) in settings {
        let pod = stopping.iter().find(|pod| pod.name == broker.pod);
        let (why, remedy) = if pod.is_some_and(|pod| pod.terminating) {
            (
                view.describe_pod(cluster, &broker.pod),
                "wait until it is back, then run the upgrade again",
            )
        } else if broker.is_master() && !found.is_open() {
            (
                format!(
                    "it is closed for writing (`{PERMISSION_SETTING}` is {}), so that no other \
                     broker can be restarted without sends failing",
                    found.permission()
                ),
                "open it again (mqadmin updateBrokerConfig -k brokerPermission -v 6), then run \
                 the upgrade again",
            )
        } else {
            continue;
        };
        return Some(Planning::Wait {
            why: format!("broker {}: {why}", broker.pod),
            otherwise: Problem {
                object: format!("broker {}", broker.pod),
                why,
                remedy: remedy.to_owned(),
            },
        });
    }
    None
}

/// A wait for something that does not answer, and the refusal when that outlasts its limit.
pub(crate) fn unanswering(object: &str, why: &str) -> Planning<RocketmqStep> {
    Planning::Wait {
        why: format!("{object}: {why}"),
        otherwise: Problem {
            object: object.to_owned(),
            why: why.to_owned(),
            remedy: "find out why it does not answer, then run the upgrade again".to_owned(),
        },
    }
}

/// The finding where no StatefulSet of the release stands.
pub(crate) fn nothing_stands() -> Planning<RocketmqStep> {
    Planning::Absent {
        why: "nothing of this release stands yet".to_owned(),
    }
}
