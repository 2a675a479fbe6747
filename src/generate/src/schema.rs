//! The JSON Schemas of a chart's values, from the description of its fields: draft-07, everything inlined, every property
//! declared flat; and what a schema allows, in words.

use midships_model::condition::Condition;
use midships_model::description::{Description, Field};
use midships_model::fields::network::{HOST_OR_EMPTY_PATTERN, KEY_OR_EMPTY_PATTERN};
use midships_model::fields::{
    IMAGE_REGISTRY_PATTERN, KEY_PATTERN, NAME_OR_EMPTY_PATTERN, NAME_PATTERN,
};
use midships_model::{nfs_storage, redis, redis_sentinel, rocketmq_topic_transfer};
use serde_json::{Value, json};

/// The schema that Helm checks values with, and that platforms show a form from which read nothing else: the description of
/// the fields, the keys that Kubeapps and `KubeGems` read, and the conditions under which a field must not be empty.
pub(crate) fn values(description: &Description) -> Value {
    let mut schema = description.schema().clone();
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties {
            kubeapps(name, property, description);
        }
    }
    all_of(&mut schema, requirements(description));
    schema
}

/// Adds schemas that must hold too; `allOf` may not be empty.
pub(crate) fn all_of(schema: &mut Value, schemas: Vec<Value>) {
    if !schemas.is_empty() {
        schema["allOf"] = Value::Array(schemas);
    }
}

/// A condition for each required field: while it matters, it must not be empty.
pub(crate) fn requirements(description: &Description) -> Vec<Value> {
    let fields = description.fields().into_iter();
    let required = fields.filter(Field::is_required);
    required
        .map(|field| {
            let then = nested(field.path, filled(field.schema));
            object([("if", holds(field.visible)), ("then", then)])
        })
        .collect()
}

/// What a schema of the same type must say beside so that a value is not empty.
pub(crate) fn filled(schema: &Value) -> Value {
    match schema["type"].as_str() {
        Some("array") => json!({ "minItems": 1 }),
        Some("object") => json!({ "minProperties": 1 }),
        _ => json!({ "minLength": 1 }),
    }
}

/// A schema of all values for which a condition holds.
pub(crate) fn holds(condition: &Condition) -> Value {
    let mut whole = json!({});
    for term in &condition.terms {
        let mut place = &mut whole;
        for step in term.path.split('.') {
            place["required"] = with(&place["required"], step);
            place = &mut place["properties"][step];
        }
        place["enum"] = json!(term.values);
    }
    whole
}

/// A list of names with one more, each once.
pub(crate) fn with(names: &Value, name: &str) -> Value {
    let mut names = names.as_array().cloned().unwrap_or_default();
    if names.iter().all(|known| known != name) {
        names.push(json!(name));
    }
    Value::Array(names)
}

/// The schema of a field as one of all values.
pub(crate) fn nested(path: &str, schema: Value) -> Value {
    path.rsplit('.').fold(schema, |schema, step| {
        object([("properties", object([(step, schema)]))])
    })
}

/// An object of values, which `json!` would copy.
pub(crate) fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value));
    Value::Object(members.collect())
}

/// A schema as the bytes of a file.
pub(crate) fn file(schema: &Value) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(schema)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Adds the keys that Kubeapps and `KubeGems` read: `form`, `render` and `hidden`.
fn kubeapps(path: &str, schema: &mut Value, description: &Description) {
    if schema["x-hidden"] == true {
        return;
    }
    let condition = description.condition(path);
    let hidden: Vec<Value> = condition
        .terms
        .iter()
        .flat_map(|term| {
            let path = term.path.replace('.', "/");
            let others = term.others.iter();
            others.map(move |value| json!({ "path": path, "value": value }))
        })
        .collect();
    let mut is_shown = schema["x-level"] == "basic";
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for (name, property) in properties.iter_mut() {
            kubeapps(&format!("{path}.{name}"), property, description);
        }
        is_shown = properties.values().any(|property| property["form"] == true);
    }
    if is_shown {
        schema["form"] = json!(true);
    }
    if !hidden.is_empty() {
        schema["hidden"] = json!({ "conditions": hidden, "operator": "or" });
    }
    if schema["x-widget"] == "yaml" {
        schema["render"] = json!("textArea");
    } else if let (Some(least), Some(most), true) = (
        schema["minimum"].as_i64(),
        schema["maximum"].as_i64(),
        schema["type"] == "integer",
    ) && most - least <= MOST_OF_A_SLIDER
    {
        schema["render"] = json!("slider");
        schema["sliderMin"] = json!(least);
        schema["sliderMax"] = json!(most);
        if let Some(unit) = schema["x-unit"].as_str() {
            schema["sliderUnit"] = json!(unit);
        }
    }
}

/// The longest range of whole numbers that a slider shows.
const MOST_OF_A_SLIDER: i64 = 64;

/// What a field's schema allows, in words; empty where any value of its type is allowed.
pub(crate) fn allowed(schema: &Value) -> String {
    if let Some(choices) = schema["enum"].as_array() {
        let choices = choices.iter().filter_map(Value::as_str);
        let choices: Vec<&str> = choices
            .map(|choice| if choice.is_empty() { "empty" } else { choice })
            .collect();
        return choices.join(", ");
    }
    if schema["type"] == json!("boolean") {
        return "true, false".to_owned();
    }
    match (schema["minimum"].as_i64(), schema["maximum"].as_i64()) {
        (Some(minimum), Some(maximum)) if schema["type"] == json!("integer") => {
            format!("{minimum} to {maximum}")
        }
        _ => match schema["pattern"].as_str() {
            Some(pattern) => in_words(pattern).to_owned(),
            None => String::new(),
        },
    }
}

/// A pattern of the model in words; the pattern itself where it has none.
pub(crate) fn in_words(pattern: &str) -> &str {
    match pattern {
        "^([1-9][0-9]{0,5}m?)?$" => "cores such as 2, thousandths such as 500m, or empty",
        "^[1-9][0-9]{0,5}(Mi|Gi|Ti)$" => "a whole number with Mi, Gi or Ti, such as 512Mi",
        "^[%a-zA-Z0-9_-]+$" => "letters, digits, dashes, underscores and per cent signs",
        "^[A-Za-z][A-Za-z0-9_.]*$" => {
            "letters, digits, underscores and dots, beginning with a letter"
        }
        KEY_PATTERN => {
            "a name of at most 63 letters, digits, dashes, underscores and dots, after a domain and a slash if wanted"
        }
        "^[a-z][A-Za-z0-9]*$" => "letters and digits, beginning with a lower-case letter",
        "^[a-z][a-z0-9-]*$" | "^[a-z]([a-z0-9-]*[a-z0-9])?$" => {
            "lower-case letters, digits and dashes, beginning with a letter"
        }
        "^[A-Za-z0-9_-][A-Za-z0-9._-]*\\.(svg|png)$" => "the name of a file in SVG or PNG",
        pattern if pattern.starts_with("^(0|[1-9][0-9]*)") => "a version such as 1.0.0",
        "^[A-Za-z0-9_-]*$" => "letters, digits, dashes and underscores",
        rocketmq_topic_transfer::CLUSTER_PATTERN | redis_sentinel::MASTER_NAME_PATTERN => {
            "letters, digits, dashes, underscores and dots"
        }
        "^[^\\r\\n]*$" => "text on one line",
        "^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$" => {
            "at most 63 letters, digits, dashes, underscores and dots"
        }
        NAME_OR_EMPTY_PATTERN => "a name in lower-case letters, digits, dashes and dots, or empty",
        "^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$" => "an absolute path, or empty",
        NAME_PATTERN => "lower-case letters, digits, dashes and dots",
        "^([a-z]([a-z0-9-]*[a-z0-9])?)?$" => {
            "lower-case letters, digits and dashes, beginning with a letter, or empty"
        }
        "^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$" => "lower-case letters, digits and dashes, or empty",
        redis::server::REPOSITORY_OR_EMPTY_PATTERN => {
            "a repository such as registry.example:5000/library/redis, or empty"
        }
        redis::server::TAG_OR_EMPTY_PATTERN => {
            "a tag, or a tag and @sha256: with 64 digits, or empty"
        }
        redis::authentication::SECRET_KEY_PATTERN => {
            "letters, digits, dashes, underscores and dots"
        }
        redis::tuning::EVENTS_PATTERN => {
            "some of the letters K, E, g, $, l, s, h, z, x, e, t and A"
        }
        "^[a-z0-9]+([._:/-]+[a-z0-9]+)*$" => {
            "a repository such as registry.example:5000/apache/rocketmq"
        }
        "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?$" => {
            "a tag, or a tag and @sha256: with 64 digits"
        }
        IMAGE_REGISTRY_PATTERN => "a registry such as registry.example:5000/mirror, or empty",
        KEY_OR_EMPTY_PATTERN => "a name, after a domain and a slash if wanted, or empty",
        HOST_OR_EMPTY_PATTERN => "a host name or an address, or empty",
        nfs_storage::SERVER_PATTERN => "a host name or an address, without scheme, port and path",
        nfs_storage::EXPORT_PATTERN => "an absolute path, of which no part begins with a dot",
        nfs_storage::MOUNT_OPTION_PATTERN => "an option such as hard or nfsvers=4.1",
        nfs_storage::PATH_PATTERN => {
            "${.PVC.namespace}, one of / _ and ., and ${.PVC.name}, after fixed directories if wanted; or empty"
        }
        pattern if pattern.starts_with("^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:(") => {
            "an address host:port with a port from 1 to 65535"
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::models;
    use midships_model::rocketmq;
    use std::collections::BTreeSet;

    /// Every chart, described.
    fn all() -> impl Iterator<Item = Description> {
        models().map(|model| model.description().unwrap())
    }

    fn keywords(value: &Value, found: &mut BTreeSet<String>) {
        if let Value::Array(items) = value {
            for item in items {
                keywords(item, found);
            }
        }
        if let Value::Object(object) = value {
            for (key, value) in object {
                if key == "properties" {
                    let properties = value.as_object().unwrap();
                    properties
                        .values()
                        .for_each(|property| keywords(property, found));
                } else if !key.starts_with("x-") {
                    found.insert(key.clone());
                    if key != "default" && key != "hidden" {
                        keywords(value, found);
                    }
                }
            }
        }
    }

    #[test]
    fn the_values_schema_uses_few_keywords_and_no_references() {
        let mut found = BTreeSet::new();
        for description in all() {
            keywords(&values(&description), &mut found);
        }
        let known = [
            "$schema",
            "additionalProperties",
            "allOf",
            "default",
            "description",
            "enum",
            "form",
            "hidden",
            "if",
            "items",
            "maxItems",
            "maxLength",
            "maximum",
            "minItems",
            "minLength",
            "minimum",
            "pattern",
            "propertyNames",
            "render",
            "required",
            "sliderMax",
            "sliderMin",
            "then",
            "title",
            "type",
            "uniqueItems",
        ];
        let known: BTreeSet<String> = known.iter().map(ToString::to_string).collect();
        assert_eq!(
            found.difference(&known).collect::<Vec<_>>(),
            Vec::<&String>::new()
        );
    }

    #[test]
    fn every_field_is_described_for_people_and_forms() {
        for description in all() {
            assert!(!description.fields().is_empty());
            description.fields().iter().for_each(is_described);
        }
    }

    fn is_described(field: &Field<'_>) {
        for key in [
            "title",
            "description",
            "x-title-zh",
            "x-help-zh",
            "x-level",
            "x-mutability",
            "x-order",
            "x-group",
            "x-since",
            "default",
        ] {
            assert!(
                field.schema.get(key).is_some(),
                "{} lacks {key}",
                field.path
            );
        }
        if field.schema["enum"].is_array() {
            let choices = field.schema["enum"].as_array().unwrap().len();
            for key in ["x-enum-help", "x-enum-help-zh"] {
                assert_eq!(
                    field.schema[key].as_array().unwrap().len(),
                    choices,
                    "{}: {key}",
                    field.path
                );
            }
        }
        let words = midships_model::change::words(field.schema["x-mutability"].as_str().unwrap());
        assert!(
            !words.0.is_empty(),
            "{} has an unknown mutability",
            field.path
        );
        let allowed = allowed(field.schema);
        assert!(
            !allowed.starts_with('^'),
            "{} shows the pattern {allowed}",
            field.path
        );
    }

    #[test]
    fn the_defaults_satisfy_the_schema() {
        for description in all() {
            let defaults = description.defaults();
            let own = jsonschema::validator_for(description.schema()).unwrap();
            assert!(own.is_valid(defaults));
            // What must not be empty is left to those who install the chart.
            let of_chart = jsonschema::validator_for(&values(&description)).unwrap();
            let missing = description.missing(defaults);
            assert_eq!(of_chart.is_valid(defaults), missing.is_empty());
        }
    }

    #[test]
    fn bounds_are_the_constants_of_the_model() {
        let schema = values(&rocketmq::description().unwrap());
        let maximum = |section: &str, field: &str| {
            schema["properties"][section]["properties"][field]["maximum"]
                .as_u64()
                .unwrap()
        };
        assert_eq!(
            maximum("nameServers", "count"),
            u64::from(rocketmq::MOST_NAME_SERVERS)
        );
        assert_eq!(
            maximum("brokers", "groups"),
            u64::from(rocketmq::MOST_GROUPS)
        );
        assert_eq!(
            maximum("brokers", "replicasPerGroup"),
            u64::from(rocketmq::MOST_REPLICAS)
        );
        assert_eq!(
            maximum("proxy", "replicas"),
            u64::from(rocketmq::MOST_PROXIES)
        );
    }
}
