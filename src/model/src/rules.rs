//! What a schema cannot say: rules between fields, written once for the generator, the charts and the hook program.

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
}

impl Violation {
    /// A violation at a path.
    #[must_use]
    pub fn new(path: impl Into<String>, found: impl fmt::Display) -> Self {
        Self {
            path: path.into(),
            found: found.to_string(),
        }
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
    /// It is rendered once for each section, whose name stands for `<< section >>`.
    pub template: &'static str,
    /// The sections for which the template is rendered; one empty name where it is not about sections.
    pub sections: &'static [&'static str],
    /// Cases that must be accepted or refused.
    pub examples: &'static [Example],
}

/// A value that is refused: where, what was found, what is allowed and what to do.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Finding {
    /// The field's path in the values, such as `brokers.groups`; empty for the document as a whole.
    pub path: String,
    /// The rule that refuses it: a name of the rule table, or `schema` or `yaml`.
    pub rule: String,
    /// What was found.
    pub found: String,
    /// What is allowed.
    pub allowed: String,
    /// What to do.
    pub hint: String,
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
            allowed: format!("a value, while {}", field.visible),
            hint,
        }
    }
}

/// Checks values against the rules of a chart and the requirements of its fields; the findings are sorted by path. What does
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
        }));
    }
    findings.sort();
    Ok(findings)
}
