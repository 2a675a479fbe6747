//! What a policy refuses.

use std::fmt;

use serde_json::Value;

use crate::document::{Document, Id};
use crate::field::Field;
use crate::image::Reference;
use crate::object::Object;
use crate::pattern::{matches, matches_any};
use crate::policy::{Check, Deny, Policy};

/// What is wrong with an object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fault {
    /// The rule.
    pub(crate) rule: String,
    /// The place and what is wrong there.
    pub(crate) what: String,
    /// What to do instead; may be empty.
    pub(crate) advice: String,
}

/// An object that breaks a rule.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    /// Kind, namespace and name: `Deployment shop/web`.
    pub object: String,
    /// The chart's file that it comes from, if the stream says it.
    pub file: Option<String>,
    /// The number of its document in the stream, from 1.
    pub document: usize,
    /// The line of the stream in which the document begins, from 1.
    pub line: usize,
    /// The rule.
    pub rule: String,
    /// The place and what is wrong there.
    pub what: String,
    /// What to do instead; may be empty.
    pub advice: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} (", self.object)?;
        if let Some(file) = &self.file {
            write!(formatter, "{file}, ")?;
        }
        write!(
            formatter,
            "document {}, line {}): ",
            self.document, self.line
        )?;
        write!(formatter, "rule `{}`: {}", self.rule, self.what)?;
        if !self.advice.is_empty() {
            write!(formatter, "; {}", self.advice)?;
        }
        Ok(())
    }
}

/// Finds everything that the rules refuse in an object.
pub(crate) fn judge(
    policy: &Policy,
    namespace: Option<&str>,
    document: &Document<'_>,
    object: &Object<'_>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for rule in &policy.deny {
        let selected = object.identified(document, namespace, |identity| {
            rule.selector.selects(identity)
        });
        if !selected {
            continue;
        }
        let mut found = Vec::new();
        check_images(rule, document, object, &mut found);
        check_fields(rule, document, object, &mut found);
        if !rule.has_checks() {
            found.push("such objects are not allowed".to_owned());
        }
        faults.extend(found.into_iter().map(|what| Fault {
            rule: rule.name.clone(),
            what,
            advice: rule.advice.clone(),
        }));
    }
    faults
}

impl Deny {
    fn has_checks(&self) -> bool {
        let images = !self.images.allowed.is_empty() || !self.images.forbidden.is_empty();
        images || !self.forbidden.is_empty() || !self.required.is_empty()
    }
}

fn check_images(
    rule: &Deny,
    document: &Document<'_>,
    object: &Object<'_>,
    found: &mut Vec<String>,
) {
    let check = &rule.images;
    if check.allowed.is_empty() && check.forbidden.is_empty() {
        return;
    }
    for place in object.images(document) {
        let image = Reference::read(document.text(place.id).unwrap_or_default()).full();
        let path = &place.path;
        for pattern in check
            .forbidden
            .iter()
            .filter(|pattern| matches(pattern, &image))
        {
            found.push(format!(
                "`{path}`: the image `{image}` is forbidden by `{pattern}`"
            ));
        }
        if !matches_any(&check.allowed, &image) {
            let allowed = check.allowed.join("`, `");
            found.push(format!(
                "`{path}`: the image `{image}` is not one of `{allowed}`"
            ));
        }
    }
}

fn check_fields(
    rule: &Deny,
    document: &Document<'_>,
    object: &Object<'_>,
    found: &mut Vec<String>,
) {
    for check in &rule.forbidden {
        for (path, value) in places(check, document, object) {
            let Some(value) = value else { continue };
            if check.values.is_empty() {
                found.push(format!("`{path}` is forbidden"));
            } else if is_one_of(document, value, &check.values) {
                let value = document.value(value);
                found.push(format!("`{path}` is `{value}`, which is forbidden"));
            }
        }
    }
    for check in &rule.required {
        for (path, value) in places(check, document, object) {
            match value {
                None if check.values.is_empty() => found.push(format!("`{path}` is missing")),
                None => found.push(format!(
                    "`{path}` is missing; allowed: {}",
                    list(&check.values)
                )),
                Some(value)
                    if !check.values.is_empty() && !is_one_of(document, value, &check.values) =>
                {
                    let (value, allowed) = (document.value(value), list(&check.values));
                    found.push(format!("`{path}` is `{value}`; allowed: {allowed}"));
                }
                Some(_) => {}
            }
        }
    }
}

fn places(
    check: &Check,
    document: &Document<'_>,
    object: &Object<'_>,
) -> Vec<(String, Option<Id>)> {
    // The policy has been read with the same function: a path that is none does not come here.
    let field = Field::read(&check.path);
    let found = field
        .map(|field| field.find(document, object))
        .unwrap_or_default();
    found
        .into_iter()
        .map(|found| (found.path, found.value))
        .collect()
}

fn is_one_of(document: &Document<'_>, id: Id, values: &[Value]) -> bool {
    let found = document.value(id);
    values.iter().any(|value| match (value, &found) {
        // Whoever forbids the text `0777` means it however it is written.
        (Value::String(wanted), _) => document.text(id) == Some(wanted),
        (Value::Number(wanted), Value::Number(found)) => wanted.as_f64() == found.as_f64(),
        (wanted, found) => wanted == found,
    })
}

fn list(values: &[Value]) -> String {
    let words: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
    words.join(", ")
}
