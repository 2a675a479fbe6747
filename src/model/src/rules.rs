//! What a schema cannot say: rules between fields, written once for the generator, the charts and the hook program.

pub mod pods;
pub mod shared;

use std::fmt;

use serde::Serialize;

use crate::description::{Description, Field};

/// The name of the rule that each required field obeys.
pub const REQUIRED: &str = "required";

/// The release for which values are checked, where it is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
}

/// What a rule looks at.
#[derive(Debug)]
pub struct Subject<'a, V> {
    /// All values, defaults included.
    pub values: &'a V,
    /// The release, where it is known: rules about names say nothing without it.
    pub release: Option<&'a Release>,
}

/// One field that breaks a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// The field's path in the values, such as `brokers.groups`, or `Release.Name`.
    pub path: String,
    /// What was found there.
    pub found: String,
    /// Paths of the other fields because of which it is refused.
    pub because: Vec<String>,
}

impl Violation {
    /// A violation at a path.
    #[must_use]
    pub fn new(path: impl Into<String>, found: impl fmt::Display) -> Self {
        Self {
            path: path.into(),
            found: found.to_string(),
            because: Vec::new(),
        }
    }

    /// The same violation, because of another field too.
    #[must_use]
    pub fn because(mut self, path: impl Into<String>) -> Self {
        self.because.push(path.into());
        self
    }
}

/// A case with which a rule is tried: in Rust, and by Helm with the chart's own check.
#[derive(Clone, Copy, Debug)]
pub struct Example {
    /// The release's name.
    pub release: &'static str,
    /// Values in JSON that are laid over the defaults.
    pub values: &'static str,
    /// The paths that the rule names; none where it accepts.
    pub paths: &'static [&'static str],
}

/// A check between fields.
#[derive(Debug)]
pub struct Rule<V> {
    /// The rule's name.
    pub id: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
    /// What to do about it.
    pub hint: &'static str,
    /// The check.
    pub check: fn(&Subject<V>) -> Vec<Violation>,
    /// The same check as a Helm template that writes a line `path|found` for each violation, in the same order and words.
    /// It is rendered once for each section, whose name stands for `<< section >>`; `<< chart >>` is the chart's name.
    pub template: &'static str,
    /// The sections for which the template is rendered; one empty name where it is not about sections.
    pub sections: &'static [&'static str],
    /// Cases that must be accepted or refused.
    pub examples: &'static [Example],
}

/// A rule without the type of the values that it checks: what is said of it, and what stands in the chart.
#[derive(Clone, Copy, Debug)]
pub struct RuleText {
    /// The rule's name.
    pub id: &'static str,
    /// What is allowed.
    pub allowed: &'static str,
    /// What to do about it.
    pub hint: &'static str,
    /// The check as a Helm template.
    pub template: &'static str,
    /// The sections for which the template is rendered.
    pub sections: &'static [&'static str],
    /// Cases that must be accepted or refused.
    pub examples: &'static [Example],
}

impl<V> Rule<V> {
    /// The rule without the type of the values.
    #[must_use]
    pub const fn text(&self) -> RuleText {
        RuleText {
            id: self.id,
            allowed: self.allowed,
            hint: self.hint,
            template: self.template,
            sections: self.sections,
            examples: self.examples,
        }
    }
}

/// A range of a user's text. Lines and columns count from 1, columns in characters; the end is the first place behind it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// The byte at which it begins, from 0.
    pub start: usize,
    /// The byte behind it.
    pub end: usize,
    /// The line in which it begins.
    pub line: usize,
    /// The column in which it begins.
    pub column: usize,
    /// The line in which it ends.
    pub end_line: usize,
    /// The column behind it.
    pub end_column: usize,
}

/// A place that has to do with a finding beside the one that is refused.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Related {
    /// The field's path in the values.
    pub path: String,
    /// Where it stands in the user's text; none where it does not.
    pub place: Option<Place>,
    /// What it has to do with the finding.
    pub label: String,
}

/// A text that may stand in a place instead.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Suggestion {
    /// What is replaced.
    pub place: Place,
    /// The text for it.
    pub text: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub enum Severity {
    /// The values are refused.
    #[default]
    Error,
    /// The values are taken, but are not likely to be what is meant.
    Warning,
}

/// A value that is refused: where, what was found, what is allowed and what to do.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Finding {
    /// The field's path in the values, such as `brokers.groups`; empty for the document as a whole.
    pub path: String,
    /// The rule that refuses it: a name of the chart's rule table, or of the rules about fields and YAML.
    pub rule: String,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
    /// What to do; empty where there is nothing to add.
    pub hint: String,
    /// Where it stands in the user's text; none where there is no text, or where it is not in it.
    pub place: Option<Place>,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
    /// The text that is meant, where that is sure enough to be shown.
    pub suggestion: Option<Suggestion>,
    /// How bad it is.
    pub severity: Severity,
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(formatter, "{}: ", self.path)?;
        }
        write!(formatter, "found {}; allowed: {}", self.found, self.allowed)?;
        if self.hint.is_empty() {
            Ok(())
        } else {
            write!(formatter, "; {}", self.hint)
        }
    }
}

impl Finding {
    /// The finding that a required field is empty although it matters.
    #[must_use]
    pub fn missing(field: &Field<'_>) -> Self {
        let hint = match field.visible.terms.last() {
            Some(term) => format!("fill in the field, or change {}", term.path),
            None => "fill in the field".to_owned(),
        };
        Self {
            path: field.path.to_owned(),
            rule: REQUIRED.to_owned(),
            found: "nothing".to_owned(),
            allowed: if field.visible.is_always() {
                "a value".to_owned()
            } else {
                format!("a value, while {}", field.visible)
            },
            hint,
            related: field
                .visible
                .terms
                .iter()
                .map(|term| because(term.path.clone()))
                .collect(),
            ..Self::default()
        }
    }
}

/// Checks values against the rules of a chart and the requirements of its fields; the findings are sorted by path and have no places yet. What does
/// not matter with these values is not looked at.
///
/// # Errors
/// When the values do not become JSON: never for those of this crate.
pub fn check<V: Serialize>(
    rules: &[Rule<V>],
    subject: &Subject<V>,
    description: &Description,
) -> Result<Vec<Finding>, serde_json::Error> {
    let values = serde_json::to_value(subject.values)?;
    let missing = description.missing(&values);
    let mut findings: Vec<Finding> = missing.iter().map(Finding::missing).collect();
    for rule in rules {
        let violations = (rule.check)(subject)
            .into_iter()
            .filter(|violation| description.condition(&violation.path).holds(&values));
        findings.extend(violations.map(|violation| Finding {
            path: violation.path,
            rule: rule.id.to_owned(),
            found: violation.found,
            allowed: rule.allowed.to_owned(),
            hint: rule.hint.to_owned(),
            related: violation.because.into_iter().map(because).collect(),
            ..Finding::default()
        }));
    }
    findings.sort();
    Ok(findings)
}

/// Another field because of which something is found.
#[must_use]
pub fn because(path: String) -> Related {
    Related {
        path,
        place: None,
        label: "because of this".to_owned(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::model::{ChartValues, Model};
    use serde_json::Value;

    /// Lays values over others.
    pub(crate) fn lay_over(base: &mut Value, over: Value) {
        match (base, over) {
            (Value::Object(base), Value::Object(over)) => {
                for (key, value) in over {
                    lay_over(base.entry(key).or_insert(Value::Null), value);
                }
            }
            (base, over) => *base = over,
        }
    }

    /// Each rule of a chart names the paths of its examples, and no other rule does.
    pub(crate) fn examples_hold<V: ChartValues>() {
        let description = Model::of::<V>().description().unwrap();
        for rule in V::RULES {
            assert!(
                rule.examples.iter().any(|example| example.paths.is_empty()),
                "{}",
                rule.id
            );
            assert!(
                rule.examples
                    .iter()
                    .any(|example| !example.paths.is_empty()),
                "{}",
                rule.id
            );
            for example in rule.examples {
                let mut values = serde_json::to_value(V::default()).unwrap();
                lay_over(&mut values, serde_json::from_str(example.values).unwrap());
                let values: V = serde_json::from_value(values).unwrap();
                let release = Release {
                    name: example.release.to_owned(),
                    namespace: "shop".to_owned(),
                };
                let subject = Subject {
                    values: &values,
                    release: Some(&release),
                };
                let findings = check(V::RULES, &subject, &description).unwrap();
                let found: Vec<(&str, &str)> = findings
                    .iter()
                    .map(|finding| (finding.rule.as_str(), finding.path.as_str()))
                    .collect();
                for related in findings.iter().flat_map(|finding| &finding.related) {
                    let pointer = related.path.replace(['.', '['], "/").replace(']', "");
                    let values = serde_json::to_value(&values).unwrap();
                    let value = values.pointer(&format!("/{pointer}"));
                    assert!(value.is_some(), "{} because of {}", rule.id, related.path);
                }
                let expected: Vec<(&str, &str)> =
                    example.paths.iter().map(|path| (rule.id, *path)).collect();
                assert_eq!(found, expected, "{} with {}", rule.id, example.values);
            }
        }
    }
}
