//! Running servers are set to what they take of their configuration without a restart.

use std::collections::BTreeMap;

use midships_client_redis::Request;
use midships_engine::step::{Problem, Verdict};
use midships_model::redis::settings::field;

use crate::desired::Server;
use crate::spelling;
use crate::steps::{Observation, told, waiting};
use crate::view::{View, ask_configuration};
use crate::vocabulary::{Command, Query};

/// The setting that bounds the memory for data.
const MEMORY: &str = "maxmemory";

/// The questions what servers have of some settings.
pub(crate) fn queries<'a>(
    servers: impl IntoIterator<Item = &'a Server>,
    settings: &BTreeMap<String, String>,
) -> Vec<Query> {
    let names: Vec<String> = settings.keys().cloned().collect();
    let servers = servers.into_iter();
    servers
        .map(|server| ask_configuration(server, &names))
        .collect()
}

/// The settings that a server has otherwise, with what it has.
///
/// # Errors
/// It does not know one of them.
pub(crate) fn differing<'a>(
    server: &Server,
    settings: &'a BTreeMap<String, String>,
    found: &'a BTreeMap<String, String>,
) -> Result<Vec<(&'a str, &'a str, &'a str)>, Problem> {
    let mut differing = Vec::new();
    for (name, wanted) in settings {
        let Some(has) = found.get(name) else {
            return Err(unknown(&server.pod, name));
        };
        if !spelling::is_same(name, wanted, has) {
            differing.push((name.as_str(), wanted.as_str(), has.as_str()));
        }
    }
    Ok(differing)
}

/// What is said of a setting that a server does not know.
pub(crate) fn unknown(pod: &str, setting: &str) -> Problem {
    Problem {
        object: field(setting),
        why: format!("the server of pod {pod} knows no setting `{setting}`"),
        remedy: "take it out, or write it as CONFIG GET of this version names it; then run the upgrade again".to_owned(),
    }
}

/// Judges whether servers have settings.
pub(crate) fn assess(
    servers: &[Server],
    settings: &BTreeMap<String, String>,
    seen: &Observation,
) -> Verdict<Command> {
    let names: Vec<String> = settings.keys().cloned().collect();
    let view = View::new(seen);
    let (mut commands, mut silent) = (Vec::new(), Vec::new());
    let (mut others, mut fields) = (0, Vec::new());
    for server in servers {
        let found = match view.configuration(server, &names) {
            Ok(found) => found,
            Err(unanswered) => {
                silent.push(unanswered);
                continue;
            }
        };
        let mut differing = match differing(server, settings, found) {
            Ok(differing) => differing,
            Err(problem) => return Verdict::Fail(problem),
        };
        if differing.is_empty() {
            continue;
        }
        others += 1;
        // More memory comes first; less of it last, when the policy of what goes for it is there.
        differing.sort_by_key(|(name, wanted, has)| match *name == MEMORY {
            true if is_less(wanted, has) => 2,
            true => 0,
            false => 1,
        });
        for (name, wanted, _) in differing {
            let told = format!("{} ({name})", field(name));
            if !fields.contains(&told) {
                fields.push(told);
            }
            let request = Request::Configure {
                name: name.to_owned(),
                value: spelling::told(name, wanted),
            };
            commands.push(Command::redis(&server.address, request));
        }
    }
    if !commands.is_empty() {
        Verdict::Act {
            commands,
            why: format!(
                "{others} servers have other settings: {}",
                fields.join(", ")
            ),
        }
    } else if silent.is_empty() {
        Verdict::Done
    } else {
        waiting(told(&silent), None)
    }
}

/// Whether so much memory is less than a server has; 0 stands for no bound.
fn is_less(wanted: &str, has: &str) -> bool {
    match (spelling::bytes(wanted), spelling::bytes(has)) {
        (Some(wanted), Some(has)) => wanted != 0 && (has == 0 || wanted < has),
        _ => false,
    }
}
