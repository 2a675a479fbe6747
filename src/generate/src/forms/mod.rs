//! The descriptions from which platforms show forms, all derived from the description of the fields.
//!
//! Every dialect shows, requires and hides the same fields for the same values. A field that does not matter is hidden; its
//! value stays as it is and has no effect, so that nothing is lost when the field matters again.

mod json_forms;
mod rancher;
mod rjsf;
mod texts;

use std::collections::BTreeMap;

use midships_model::description::Description;
use serde_json::{Map, Value};

pub(crate) use rancher::questions;
pub(crate) use texts::Language;

/// The levels of fields in the order of forms: who needs them.
const LEVELS: [&str; 3] = ["basic", "advanced", "expert"];

/// The groups at the root in the order of their fields.
fn groups(description: &Description) -> Vec<&str> {
    let mut groups: Vec<&str> = Vec::new();
    for field in description.fields() {
        let group = field.schema["x-group"].as_str().unwrap_or_default();
        if !groups.contains(&group) {
            groups.push(group);
        }
    }
    groups
}

/// What a form is told of a field beside its text: its level, what a change takes, its picker and its unit.
fn options(schema: &Value) -> Map<String, Value> {
    let keys = [
        ("x-level", "level"),
        ("x-mutability", "mutability"),
        ("x-widget", "picker"),
        ("x-unit", "unit"),
    ];
    let known = keys
        .iter()
        .filter_map(|(key, option)| Some(((*option).to_owned(), schema.get(key)?.clone())));
    known.collect()
}

/// The schemas and descriptions of every dialect that is JSON, by the last part of the file's name.
pub(crate) fn schemas(description: &Description) -> BTreeMap<&'static str, Value> {
    let mut empties = rjsf::Empties::new();
    BTreeMap::from([
        ("rjsf.schema.json", rjsf::schema(description)),
        (
            "rjsf.ui.en.json",
            rjsf::ui(description, Language::English, &mut empties),
        ),
        (
            "rjsf.ui.zh-CN.json",
            rjsf::ui(description, Language::Chinese, &mut empties),
        ),
        ("json-forms.schema.json", json_forms::schema(description)),
        ("json-forms.ui.json", json_forms::ui(description)),
        (
            "json-forms.en.json",
            json_forms::catalogue(description, Language::English),
        ),
        (
            "json-forms.zh-CN.json",
            json_forms::catalogue(description, Language::Chinese),
        ),
    ])
}

/// The schema of a group or field as form libraries want it: without what only other readers know, and without `required`
/// and closed groups. What is not given has its default, and what is hidden may stay; Helm still refuses unknown fields.
fn plain(schema: &Value) -> Value {
    let Some(object) = schema.as_object() else {
        return schema.clone();
    };
    // The entries of lists are none of the groups that defaults complete.
    let is_completed = object.contains_key("$schema")
        || object.contains_key("properties") && object.contains_key("x-group");
    let is_left_out = |key: &str| {
        key.starts_with("x-") || is_completed && ["required", "additionalProperties"].contains(&key)
    };
    let kept = object.iter().filter(|(key, _)| !is_left_out(key));
    let kept = kept.map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                let shown = properties
                    .iter()
                    .filter(|(_, property)| property["x-hidden"] != true);
                let shown = shown.map(|(name, property)| (name.clone(), plain(property)));
                Value::Object(shown.collect())
            }
            ("items" | "additionalProperties", inner) => plain(inner),
            _ => value.clone(),
        };
        (key.clone(), value)
    });
    Value::Object(kept.collect())
}
