//! Rancher's `questions.yaml`.
//!
//! Rancher reads a condition in `show_if` as equalities joined by `&&` and `||`, and hands it to an evaluator in which the two
//! bind alike; it takes `a!=b` for a field named `a!`. So only equalities joined by `&&` stand there, and what needs
//! alternatives stands in `if`, which takes the evaluator's own language with brackets. Rancher can ask for single values, lists of text and mappings of text; what is neither
//! is left to Rancher's YAML editor.

use std::fmt::Write;

use midships_model::condition::{Condition, word};
use midships_model::description::{Description, Field};
use serde_json::{Value, json};

use super::texts::Language;
use super::{LEVELS, groups};

/// The file's text.
pub(crate) fn questions(description: &Description, language: Language) -> String {
    let mut text = String::from(
        "# The questions that Rancher asks about the values. Generated from the model.\nquestions:\n",
    );
    let fields = description.fields();
    for group in groups(description) {
        for level in LEVELS {
            for field in fields.iter().filter(|field| {
                field.schema["x-group"] == group && field.schema["x-level"] == level
            }) {
                question(&mut text, description, language, field);
            }
        }
    }
    if text.ends_with("questions:\n") {
        // Without entries the key would have no value.
        text.truncate(text.len() - 1);
        text.push_str(" []\n");
    }
    text
}

fn question(text: &mut String, description: &Description, language: Language, field: &Field<'_>) {
    let schema = field.schema;
    let Some(kind) = kind(schema) else {
        return;
    };
    let group = schema["x-group"].as_str().unwrap_or_default();
    let level = schema["x-level"].as_str().unwrap_or_default();
    let mut title = language.group(description, group);
    if level != LEVELS[0] {
        title = format!("{title} – {}", language.level(level));
    }
    let mut lines = vec![
        ("label", json!(language.long_title(description, field.path))),
        ("description", json!(language.help_and_change(schema))),
        ("group", json!(title)),
        ("type", json!(kind)),
    ];
    if schema["enum"].is_array() {
        lines.push(("options", schema["enum"].clone()));
    }
    let bounds = [
        ("minimum", "min"),
        ("maximum", "max"),
        ("minLength", "min_length"),
        ("maxLength", "max_length"),
    ];
    for (key, name) in bounds {
        let is_text = name.ends_with("length");
        if kind == if is_text { "string" } else { "int" } && schema[key].is_number() {
            lines.push((name, schema[key].clone()));
        }
    }
    if field.is_required() {
        lines.push(("required", json!(true)));
    }
    if !field.visible.is_always() {
        let (key, text) = condition(field.visible);
        lines.push((key, json!(text)));
    }
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  - variable: {}", field.path);
    for (key, value) in lines {
        let _ = writeln!(text, "    {key}: {}", flow(&value));
    }
}

/// A value in one line of YAML: as JSON, with a space after each comma of a list.
fn flow(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        value => value.to_string(),
    }
}

/// Rancher's type of a field, where it has one.
fn kind(schema: &Value) -> Option<&'static str> {
    if schema["enum"].is_array() {
        return Some("enum");
    }
    let inner = |key: &str| schema[key]["type"] == "string" || schema[key]["type"].is_array();
    match schema["type"].as_str() {
        Some("boolean") => Some("boolean"),
        Some("integer") => Some("int"),
        Some("string") if schema["x-widget"] == "storage-class" => Some("storageclass"),
        // An amount of CPU is text or a number; what is typed is text.
        Some("string") | None => Some("string"),
        Some("array") if inner("items") => Some("array[string]"),
        Some("object") if inner("additionalProperties") => Some("map[string]"),
        Some(_) => None,
    }
}

/// The key and the text of a condition: `show_if` where all its terms are equalities, which every version of Rancher reads,
/// else `if`.
fn condition(condition: &Condition) -> (&'static str, String) {
    let is_simple = condition.terms.iter().all(|term| term.values.len() == 1);
    let terms: Vec<String> = condition
        .terms
        .iter()
        .map(|term| {
            let equal = |value| match (is_simple, value) {
                (true, value) => format!("{}={}", term.path, word(value)),
                (false, value) => format!("{} == {value}", term.path),
            };
            let values: Vec<String> = term.values.iter().map(equal).collect();
            match values.as_slice() {
                [one] => one.clone(),
                several => format!("({})", several.join(" || ")),
            }
        })
        .collect();
    if is_simple {
        ("show_if", terms.join("&&"))
    } else {
        ("if", terms.join(" && "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::models;
    use midships_model::rocketmq;

    #[test]
    fn conditions_are_equalities_or_have_brackets() {
        let description = rocketmq::description().unwrap();
        let told = |path: &str| condition(description.condition(path));
        let simple = "brokers.enabled=true&&brokers.storage.mode=HostPath".to_owned();
        assert_eq!(told("brokers.storage.hostPath"), ("show_if", simple));
        let several = "brokers.enabled == true && \
             (brokers.storage.mode == \"EmptyDir\" || brokers.storage.mode == \"StorageClass\")";
        assert_eq!(told("brokers.storage.size"), ("if", several.to_owned()));
    }

    #[test]
    fn every_question_can_be_read_and_has_what_rancher_needs() {
        let all = models().map(|model| model.description().unwrap());
        let languages = [Language::English, Language::Chinese];
        for (description, language) in all.flat_map(|one| languages.map(|two| (one.clone(), two))) {
            let read = crate::yaml::read(&questions(&description, language));
            let questions = read["questions"].as_array().unwrap();
            let fields = description.fields().into_iter();
            let asked = fields.filter(|field| kind(field.schema).is_some());
            assert_eq!(questions.len(), asked.count());
            for question in questions {
                for key in ["variable", "label", "description", "group", "type"] {
                    assert!(!question[key].as_str().unwrap().is_empty(), "{question}");
                }
            }
        }
    }

    #[test]
    fn what_rancher_cannot_ask_is_known() {
        let description = rocketmq::description().unwrap();
        let fields = description.fields().into_iter();
        let left: Vec<&str> = fields
            .filter(|field| kind(field.schema).is_none())
            .map(|field| field.path)
            .collect();
        let of_pods = [
            "env",
            "volumes",
            "volumeMounts",
            "tolerations",
            "affinity",
            "topologySpread",
        ];
        let expected: Vec<String> = ["networkPolicy.clients".to_owned()]
            .into_iter()
            .chain(of_pods.map(|name| format!("nameServers.pod.{name}")))
            .chain(of_pods.map(|name| format!("brokers.pod.{name}")))
            .chain(of_pods.map(|name| format!("controllers.pod.{name}")))
            .chain(of_pods.map(|name| format!("proxy.pod.{name}")))
            .chain(of_pods.map(|name| format!("console.pod.{name}")))
            .chain(["hook.tolerations".to_owned()])
            .collect();
        assert_eq!(left, expected);
    }
}
