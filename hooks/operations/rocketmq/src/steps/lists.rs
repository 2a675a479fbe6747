//! Brokers are set to a list of name servers, and have the time to look at it.

use midships_engine::step::{Memory, Progress, Verdict};

use super::{Observation, of_many, set, since, wait};
use crate::desired::Broker;
use crate::view::{NAME_SERVER_SETTING, View};
use crate::vocabulary::Command;

/// Judges whether each broker is set to its list.
pub(super) fn assess_told<'a>(
    wanted: impl Iterator<Item = (&'a Broker, &'a String)>,
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    let mut commands = Vec::new();
    let mut silent = Vec::new();
    let mut total = 0;
    for (broker, list) in wanted {
        total += 1;
        match view.settings(&broker.address) {
            Ok(settings) if settings.name_servers() == list => {}
            Ok(_) => commands.push(set(&broker.address, NAME_SERVER_SETTING, list)),
            Err(unanswered) => silent.push(format!("broker {}: {}", broker.pod, unanswered.why)),
        }
    }
    let need = "are set to another list";
    of_many(commands, need, &silent, "", (total, "brokers"))
}

/// Done once every broker has had that many seconds to look at its list.
pub(super) fn assess_released(
    list: &str,
    brokers: &[Broker],
    seconds: u64,
    seen: &Observation,
) -> Verdict<Command> {
    let view = View::new(seen);
    for broker in brokers {
        match view.settings(&broker.address) {
            Ok(settings) if settings.name_servers() == list => {}
            Ok(settings) => {
                return wait(format!(
                    "broker {} is set to `{}` and not to `{list}`",
                    broker.pod,
                    settings.name_servers()
                ));
            }
            Err(unanswered) => return wait(format!("broker {}: {}", broker.pod, unanswered.why)),
        }
    }
    let (passed, started) = since(&seen.memory, "since", seen.now);
    if passed >= seconds {
        return Verdict::Done;
    }
    Verdict::Wait {
        why: "every broker looks at its new list".to_owned(),
        progress: Some(Progress {
            done: passed,
            total: seconds,
            unit: "seconds".to_owned(),
        }),
        memory: Memory::from([("since".to_owned(), started)]),
    }
}
