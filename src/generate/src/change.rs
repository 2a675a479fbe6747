//! What a change of values takes, for the command and for those who show a form for an upgrade.

use midships_model::change::{Change, Effect, changes};
use midships_model::rules::Finding;
use serde::Serialize;
use serde_json::Value;
use snafu::{ResultExt, Snafu};

use crate::validate::{self, Target, ValidateError};

/// Why a change could not be told at all.
#[derive(Debug, Snafu)]
pub enum ChangeError {
    /// Values cannot be checked.
    #[snafu(display("{source}"))]
    Validate {
        /// Why.
        source: ValidateError,
    },
}

/// Which of the two sets of values.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// The values of the release as it stands.
    Old,
    /// The values that it shall have.
    New,
}

/// A change of values that makes sense: every field that changes, and what it takes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// The fields that change, in the order of the model.
    pub changes: Vec<Change>,
    /// The operations that the upgrade runs, each once.
    pub operations: Vec<String>,
    /// Seconds to give to Helm as its timeout where an operation runs; an estimate from above.
    pub timeout_seconds: Option<u32>,
}

impl Changes {
    /// How many changes would be refused.
    #[must_use]
    pub fn refused(&self) -> usize {
        let refused = self.changes.iter();
        refused
            .filter(|change| change.effect == Effect::Refused)
            .count()
    }
}

/// What became of the question.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The values make sense.
    Changes(Changes),
    /// Values of one side are refused, whatever changes.
    Refused(Side, Vec<Finding>),
}

/// Tells what it takes to go from old values of a chart to new ones, both as in a values file.
///
/// # Errors
/// When no chart has that name.
pub fn change(chart: &str, old: &str, new: &str) -> Result<Answer, ChangeError> {
    let target = Target::named(chart).context(ValidateSnafu)?;
    between(&target, old, new)
}

/// Tells what it takes to go from old values to new ones. Fields that an offering sets are told of as those of its base chart.
///
/// # Errors
/// When the model is at fault.
pub(crate) fn between(target: &Target<'_>, old: &str, new: &str) -> Result<Answer, ChangeError> {
    let mut sides = Vec::new();
    for (side, text) in [(Side::Old, old), (Side::New, new)] {
        let findings = validate::check(target, text, None).context(ValidateSnafu)?;
        if !findings.is_empty() {
            return Ok(Answer::Refused(side, findings));
        }
        let values = validate::laid_over(target.described(), text);
        sides.push(target.complete(&values));
    }
    let (old, new) = (&sides[0], &sides[1]);
    let changes = changes(target.base, old, new);
    let mut operations = Vec::new();
    for change in &changes {
        if let Effect::Operation(name) = &change.effect
            && !operations.contains(name)
        {
            operations.push(name.clone());
        }
    }
    let timeout_seconds = if operations.is_empty() {
        None
    } else {
        target.entry.model.estimate(new, &operations)
    };
    Ok(Answer::Changes(Changes {
        changes,
        operations,
        timeout_seconds,
    }))
}

/// A value on one line for people.
#[must_use]
pub fn shown(value: &Value) -> String {
    crate::yaml::scalar(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write;

    fn told(old: &str, new: &str) -> String {
        told_of("rocketmq", old, new)
    }

    fn told_of(chart: &str, old: &str, new: &str) -> String {
        match change(chart, old, new).unwrap() {
            Answer::Refused(side, findings) => format!("{side:?}: {}", findings[0]),
            Answer::Changes(changes) => {
                let mut told = String::new();
                for change in &changes.changes {
                    let (old, new) = (shown(&change.old), shown(&change.new));
                    let effect = serde_json::to_value(&change.effect).unwrap();
                    writeln!(told, "{}: {old} to {new}: {effect}", change.path).unwrap();
                }
                let (operations, timeout) = (&changes.operations, changes.timeout_seconds);
                writeln!(told, "{operations:?} {timeout:?}").unwrap();
                told
            }
        }
    }

    #[test]
    fn each_change_says_what_it_takes() {
        let old = "brokers: {groups: 3, storage: {size: 20Gi}}\n";
        let new = "
nameServers: {count: 3}
brokers: {groups: 2, allowRestart: true, image: {tag: 5.5.0}, storage: {size: 40Gi}}
";
        insta::assert_snapshot!(told(old, new), @r#"
        nameServers.count: 2 to 3: {"effect":"operation","operation":"change_name_servers"}
        brokers.groups: 3 to 2: {"effect":"operation","operation":"remove_brokers"}
        brokers.image.tag: "5.4.0" to "5.5.0": {"effect":"restart"}
        brokers.storage.size: "20Gi" to "40Gi": {"effect":"operation","operation":"grow_volumes"}
        ["change_name_servers", "remove_brokers", "grow_volumes"] Some(3360)
        "#);
    }

    #[test]
    fn growing_is_no_restart_and_what_does_not_matter_takes_nothing() {
        let old = "brokers: {storage: {mode: EmptyDir}}\n";
        let new = "brokers: {groups: 4, storage: {mode: EmptyDir, size: 9Gi, className: fast}}\n";
        insta::assert_snapshot!(told(old, new), @r#"
        brokers.groups: 2 to 4: {"effect":"operation","operation":"add_brokers"}
        brokers.storage.size: "20Gi" to "9Gi": {"effect":"restart"}
        brokers.storage.className: "" to fast: {"effect":"nothing"}
        ["add_brokers"] Some(2520)
        "#);
        insta::assert_snapshot!(told("", "brokers: {replicasPerGroup: 2}\n"), @r#"
        brokers.replicasPerGroup: 1 to 2: {"effect":"online"}
        [] None
        "#);
        insta::assert_snapshot!(told("", "brokers: {replicasPerGroup: 0}\n"), @r#"
        brokers.replicasPerGroup: 1 to 0: {"effect":"operation","operation":"remove_brokers"}
        ["remove_brokers"] Some(2880)
        "#);
    }

    #[test]
    fn values_that_make_no_sense_are_refused_with_their_side() {
        let refused =
            "New: brokers.groups: found 0; allowed: 1 to 32; the nearest is 1; the default is 2";
        assert_eq!(told("", "brokers: {groups: 0}"), refused);
        let refused = told("brokers: [", "");
        assert!(
            refused.starts_with("Old: found text that is not YAML"),
            "{refused}"
        );
    }

    #[test]
    fn what_a_deployment_reads_is_rolled_out() {
        let old = "nfs: {server: a, path: /b}\n";
        let new = "
nfs: {server: a, path: /c, mountOptions: [hard]}
storageClass: {isDefault: true, onDelete: Archive}
provisioner: {replicas: 2, image: {tag: v4.0.3}, resources: {limits: {memory: 256Mi}}}
";
        insta::assert_snapshot!(told_of("nfs-storage", old, new), @r#"
        nfs.path: "/b" to "/c": {"effect":"refused"}
        nfs.mountOptions: [] to [hard]: {"effect":"online"}
        storageClass.isDefault: false to true: {"effect":"online"}
        storageClass.onDelete: Retain to Archive: {"effect":"nothing"}
        provisioner.replicas: 1 to 2: {"effect":"online"}
        provisioner.image.tag: v4.0.2 to v4.0.3: {"effect":"rollout"}
        provisioner.resources.limits.memory: "128Mi" to "256Mi": {"effect":"rollout"}
        [] None
        "#);
    }

    #[test]
    fn no_change_is_no_change() {
        insta::assert_snapshot!(told("", "nameServers: {count: 2}"), @r"[] None");
    }
}
