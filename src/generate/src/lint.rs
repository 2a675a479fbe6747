//! Proves that the model and a chart's templates name the same fields.

use std::collections::BTreeSet;

use midships_model::description::{Description, DescriptionError, is_within};
use midships_model::rocketmq;
use snafu::{ResultExt, Snafu};

use crate::chart::Chart;

/// Fields that no template reads: the hook program does, from `desired.json`.
const READ_BY_THE_HOOK: [&str; 6] = [
    "brokers.allowRestart",
    "brokers.discardDeadLetters",
    "brokers.keptVolumes",
    "brokers.newGroupsFrom",
    "brokers.orderedTopics",
    "nameServers.keyValueNamespaces",
];

/// Why a chart could not be looked at.
#[derive(Debug, Snafu)]
pub enum LintError {
    /// The fields cannot be described.
    #[snafu(display("failed to describe the fields: {source}"))]
    Model {
        /// Why.
        source: DescriptionError,
    },
    /// A template is not text.
    #[snafu(display("the template `{path}` is not UTF-8: {source}"))]
    Text {
        /// The template's path in the chart.
        path: String,
        /// Why.
        source: std::str::Utf8Error,
    },
}

/// What is wrong between a chart's templates and the model, a line each: values that are read and do not exist, and fields
/// that nothing reads.
///
/// # Errors
/// When the model or a template cannot be read.
pub fn lint(chart: &Chart) -> Result<Vec<String>, LintError> {
    let description = rocketmq::description().context(ModelSnafu)?;
    between(chart, &description, &[])
}

/// What is wrong between a chart's templates and the fields of its model, beside which an offering may have others.
///
/// # Errors
/// When a template cannot be read.
pub(crate) fn between(
    chart: &Chart,
    description: &Description,
    of_offering: &[&str],
) -> Result<Vec<String>, LintError> {
    let fields: BTreeSet<String> = description
        .fields()
        .into_iter()
        .map(|field| field.path)
        .chain(of_offering.iter().copied())
        .map(ToOwned::to_owned)
        .collect();
    let mut read = BTreeSet::new();
    let mut wrong = Vec::new();
    for (path, bytes) in chart
        .files
        .iter()
        .filter(|(path, _)| path.starts_with("templates/"))
    {
        let text = std::str::from_utf8(bytes).context(TextSnafu { path })?;
        for value in values_read(text) {
            if !is_known(&value, &fields) {
                wrong.push(format!(
                    "{path} reads .Values.{value}, which is not in the model"
                ));
            }
            // A rule that looks at a field does not make it have an effect, nor does what sets it.
            if path != "templates/_rules.tpl" && !of_offering_alone(path, &value, of_offering) {
                read.insert(value);
            }
        }
    }
    for field in &fields {
        let by_template = read.iter().any(|value| is_within(field, value));
        if by_template == READ_BY_THE_HOOK.contains(&field.as_str()) {
            wrong.push(if by_template {
                format!("{field} is listed as read by the hook alone, but a template reads it")
            } else {
                format!("{field} is in the model, but nothing reads it")
            });
        }
    }
    wrong.sort();
    wrong.dedup();
    Ok(wrong)
}

/// Whether a value is read where an offering sets values, and is none of its own fields.
fn of_offering_alone(path: &str, value: &str, of_offering: &[&str]) -> bool {
    path == "templates/_offering.tpl" && !of_offering.contains(&value)
}

/// The paths after `.Values.` in a template.
fn values_read(text: &str) -> BTreeSet<String> {
    text.split(".Values.")
        .skip(1)
        .map(|rest| {
            let end = rest
                .find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '.')
                .unwrap_or(rest.len());
            rest[..end].trim_end_matches('.').to_owned()
        })
        .collect()
}

/// Whether a path names a field, a group of fields, or something inside a field that is a mapping.
fn is_known(value: &str, fields: &BTreeSet<String>) -> bool {
    fields.iter().any(|field| is_within(field, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn unknown_values_and_unread_fields_are_found() {
        let template = "{{ .Values.brokers.grops }} {{ $.Values.brokers.image.tag }}";
        let files = BTreeMap::from([("templates/a.yaml".to_owned(), template.into())]);
        let chart = Chart {
            name: "rocketmq".to_owned(),
            version: "0".to_owned(),
            files,
        };
        let wrong = lint(&chart).unwrap();
        let first = "brokers.clientRouteRefreshSeconds is in the model, but nothing reads it";
        assert!(wrong.iter().any(|line| line == first), "{wrong:#?}");
        assert!(
            wrong
                .iter()
                .any(|line| line.contains(".Values.brokers.grops"))
        );
        assert!(
            !wrong
                .iter()
                .any(|line| line.starts_with("brokers.image.tag"))
        );
        assert!(
            !wrong
                .iter()
                .any(|line| line.starts_with("brokers.allowRestart"))
        );
    }
}
