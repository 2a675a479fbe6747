//! New name servers get the key-value configuration that the others agree on.

use std::collections::BTreeMap;

use midships_client_rocketmq::Request;
use midships_engine::step::{Problem, Unanswered, Verdict};

use super::{Observation, wait};
use crate::view::View;
use crate::vocabulary::{Command, Query};

/// The questions for the key-value configuration that a name server holds.
pub(crate) fn queries<'a>(
    server: &'a str,
    namespaces: &'a [String],
) -> impl Iterator<Item = Query> + 'a {
    namespaces.iter().map(move |namespace| {
        Query::rocketmq(
            server,
            Request::KeyValues {
                namespace: namespace.clone(),
            },
        )
    })
}

/// The key-value configuration of a namespace that all sources agree on.
///
/// # Errors
/// A problem that names the key and the servers that disagree.
pub fn agreed(
    sources: &[String],
    namespace: &str,
    view: View<'_>,
) -> Result<Result<BTreeMap<String, String>, Problem>, Unanswered> {
    let mut agreed: BTreeMap<String, (String, String)> = BTreeMap::new();
    for source in sources {
        for (key, value) in view.key_values(source, namespace)? {
            match agreed.get(key) {
                Some((other, known)) if other != value => {
                    return Ok(Err(disagreement(
                        namespace,
                        key,
                        (known, other),
                        (source, value),
                    )));
                }
                Some(_) => {}
                None => {
                    agreed.insert(key.clone(), (value.clone(), source.clone()));
                }
            }
        }
    }
    Ok(Ok(agreed
        .into_iter()
        .map(|(key, (value, _))| (key, value))
        .collect()))
}

/// The problem of two name servers that hold different values of a key.
pub(crate) fn disagreement(
    namespace: &str,
    key: &str,
    (first, says): (&str, &str),
    (second, otherwise): (&str, &str),
) -> Problem {
    Problem {
        object: format!("key {key} of the key-value configuration {namespace}"),
        why: format!("name server {first} says `{says}`, {second} says `{otherwise}`"),
        remedy: "set the same value on every name server (mqadmin updateKvConfig, or \
                 updateOrderConf for the order of a topic), then run the upgrade again"
            .to_owned(),
    }
}

pub(super) fn assess(
    namespaces: &[String],
    sources: &[String],
    targets: &[String],
    foreign_targets: &[String],
    seen: &Observation,
) -> Verdict<Command> {
    let mut commands = Vec::new();
    for namespace in namespaces {
        match missing_key_values(namespace, sources, targets, foreign_targets, seen) {
            Ok(found) => commands.extend(found),
            Err(verdict) => return *verdict,
        }
    }
    if commands.is_empty() {
        Verdict::Done
    } else {
        let why = format!("{} entries differ on new name servers", commands.len());
        Verdict::Act { commands, why }
    }
}

/// The commands that bring one namespace of the targets about, or why they cannot be told.
fn missing_key_values(
    namespace: &str,
    sources: &[String],
    targets: &[String],
    foreign_targets: &[String],
    seen: &Observation,
) -> Result<Vec<Command>, Box<Verdict<Command>>> {
    let view = View::new(seen);
    let silent = |unanswered: Unanswered| {
        Box::new(wait(format!(
            "name server {}: {}",
            unanswered.object, unanswered.why
        )))
    };
    let agreed = agreed(sources, namespace, view)
        .map_err(silent)?
        .map_err(|problem| Box::new(Verdict::Fail(problem)))?;
    let source = sources.first().map_or("", String::as_str);
    let mut commands = Vec::new();
    for (target, own) in targets
        .iter()
        .map(|target| (target, true))
        .chain(foreign_targets.iter().map(|target| (target, false)))
    {
        let held = view.key_values(target, namespace).map_err(silent)?;
        for (key, value) in &agreed {
            match held.get(key) {
                Some(there) if there == value => continue,
                // What others have set is theirs.
                Some(there) if !own => {
                    let problem = disagreement(namespace, key, (source, value), (target, there));
                    return Err(Box::new(Verdict::Fail(problem)));
                }
                _ => {}
            }
            commands.push(putting(target, namespace, key, value));
        }
        let surplus = held.keys().filter(|key| own && !agreed.contains_key(*key));
        commands.extend(surplus.map(|key| Command::Rocketmq {
            address: target.clone(),
            request: Request::DeleteKeyValue {
                namespace: namespace.to_owned(),
                key: key.clone(),
            },
        }));
    }
    Ok(commands)
}

/// The command that sets a key of a namespace at a name server.
pub(super) fn putting(server: &str, namespace: &str, key: &str, value: &str) -> Command {
    Command::Rocketmq {
        address: server.to_owned(),
        request: Request::PutKeyValue {
            namespace: namespace.to_owned(),
            key: key.to_owned(),
            value: value.to_owned(),
        },
    }
}
