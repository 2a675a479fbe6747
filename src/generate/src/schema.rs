//! The JSON Schemas of a chart's values, from the model: draft-07, everything inlined, every property declared flat.

use midships_model::fields::KEY_PATTERN;
use midships_model::rocketmq::{self, Values};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// The dialect that Helm of every supported version and the form renderers read.
const DIALECT: &str = "http://json-schema.org/draft-07/schema#";

/// The model's schema with everything that forms need: the keys that begin with `x-` say what JSON Schema has no words for.
pub(crate) fn model() -> Result<Value, serde_json::Error> {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let root = settings.into_generator().into_root_schema_for::<Values>();
    let mut schema = root.to_value();
    schema["$schema"] = json!(DIALECT);
    schema["title"] = json!(format!("Values of the chart {}", rocketmq::CHART));
    finish(&mut schema, Some(&rocketmq::defaults()?));
    if let Some(properties) = schema["properties"].as_object_mut() {
        let description =
            "Values that a parent chart shares with all its charts. Not read by this one.";
        properties.insert(
            "global".to_owned(),
            json!({ "type": "object", "title": "Global", "description": description, "x-hidden": true }),
        );
        let description =
            "Whether a parent chart has this one, as its condition. Not read by this one.";
        properties.insert(
            "enabled".to_owned(),
            json!({ "type": "boolean", "title": "Enabled", "description": description, "x-hidden": true }),
        );
    }
    Ok(schema)
}

/// The schema that Helm checks values with: the model's without the keys that only forms read.
pub(crate) fn values() -> Result<Value, serde_json::Error> {
    let mut schema = model()?;
    strip_extensions(&mut schema);
    Ok(schema)
}

/// A schema as the bytes of a file.
pub(crate) fn file(schema: &Value) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(schema)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What a parent chart may write at the root beside the fields of the model.
pub(crate) const OF_PARENTS: [&str; 2] = ["global", "enabled"];

/// A field of the model, found in its schema.
pub(crate) struct Field<'a> {
    /// Its path, such as `brokers.groups`.
    pub path: String,
    /// Its schema.
    pub schema: &'a Value,
    /// Its default.
    pub default: &'a Value,
}

/// Every field in the order of the model: what can be set by itself, not the groups of them.
pub(crate) fn fields<'a>(schema: &'a Value, default: &'a Value) -> Vec<Field<'a>> {
    let mut found = Vec::new();
    collect("", schema, default, &mut found);
    found
}

fn collect<'a>(path: &str, schema: &'a Value, default: &'a Value, found: &mut Vec<Field<'a>>) {
    let Some(properties) = schema["properties"].as_object() else {
        found.push(Field {
            path: path.to_owned(),
            schema,
            default,
        });
        return;
    };
    for (name, schema) in properties {
        if let Some(default) = default.get(name) {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            collect(&path, schema, default, found);
        }
    }
}

/// Makes a derived schema what every reader understands: choices as `enum`, no formats of Rust's, defaults, order.
fn finish(schema: &mut Value, default: Option<&Value>) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    flatten_choices(object);
    object.remove("format");
    if let Some(description) = object.get_mut("description")
        && let Some(text) = description.as_str()
    {
        *description = json!(text.replace('\n', " "));
    }
    let is_group = object.contains_key("properties");
    if let Some(default) = default.filter(|_| !is_group) {
        object.insert("default".to_owned(), default.clone());
    }
    if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
        for (order, (name, property)) in properties.iter_mut().enumerate() {
            let default = default.and_then(|default| default.get(name));
            if default.is_some() {
                property["x-order"] = json!(order);
            }
            finish(property, default);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = object.get_mut(key) {
            finish(inner, None);
        }
    }
}

/// An enum with described variants is derived as `oneOf` with constants; refusals by `enum` are easier to read.
fn flatten_choices(object: &mut Map<String, Value>) {
    let Some(choices) = object.get("oneOf").and_then(Value::as_array) else {
        return;
    };
    let values: Vec<Value> = choices
        .iter()
        .filter_map(|choice| choice.get("const").cloned())
        .collect();
    if values.len() != choices.len() {
        return;
    }
    let help: Vec<Value> = choices
        .iter()
        .map(|choice| choice["description"].clone())
        .collect();
    object.remove("oneOf");
    object.insert("type".to_owned(), json!("string"));
    object.insert("enum".to_owned(), Value::Array(values));
    object.insert("x-enum-help".to_owned(), Value::Array(help));
}

fn strip_extensions(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| !key.starts_with("x-"));
            object.values_mut().for_each(strip_extensions);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_extensions),
        _ => {}
    }
}

/// What a field's schema allows, in words; empty where any value of its type is allowed.
pub(crate) fn allowed(schema: &Value) -> String {
    if let Some(choices) = schema["enum"].as_array() {
        let choices: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
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
        "^[A-Za-z0-9_-]*$" => "letters, digits, dashes and underscores",
        "^[^\\r\\n]*$" => "text on one line",
        "^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$" => {
            "at most 63 letters, digits, dashes, underscores and dots"
        }
        "^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$" => {
            "a name in lower-case letters, digits, dashes and dots, or empty"
        }
        "^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$" => "an absolute path, or empty",
        "^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$" => "lower-case letters, digits, dashes and dots",
        "^([a-z]([a-z0-9-]*[a-z0-9])?)?$" => {
            "lower-case letters, digits and dashes, beginning with a letter, or empty"
        }
        "^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$" => "lower-case letters, digits and dashes, or empty",
        "^[a-z0-9]+([._:/-]+[a-z0-9]+)*$" => {
            "a repository such as registry.example:5000/apache/rocketmq"
        }
        "^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?$" => {
            "a tag, or a tag and @sha256: with 64 digits"
        }
        "^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9._-]+)*)?$" => {
            "a registry such as registry.example:5000/mirror, or empty"
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
    use std::collections::BTreeSet;

    fn keywords(value: &Value, found: &mut BTreeSet<String>) {
        if let Value::Object(object) = value {
            for (key, value) in object {
                if key == "properties" {
                    let properties = value.as_object().unwrap();
                    properties
                        .values()
                        .for_each(|property| keywords(property, found));
                } else if key != "default" {
                    found.insert(key.clone());
                    keywords(value, found);
                }
            }
        }
    }

    #[test]
    fn the_values_schema_uses_few_keywords_and_no_references() {
        let mut found = BTreeSet::new();
        keywords(&values().unwrap(), &mut found);
        let known = [
            "$schema",
            "additionalProperties",
            "description",
            "enum",
            "items",
            "maxItems",
            "maxLength",
            "maximum",
            "minLength",
            "minimum",
            "pattern",
            "propertyNames",
            "required",
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
        let schema = model().unwrap();
        let defaults = rocketmq::defaults().unwrap();
        let fields = fields(&schema, &defaults);
        assert!(fields.len() > 80, "{}", fields.len());
        for field in fields {
            for key in [
                "title",
                "description",
                "x-title-zh",
                "x-help-zh",
                "x-level",
                "x-mutability",
                "x-order",
                "default",
            ] {
                assert!(
                    field.schema.get(key).is_some(),
                    "{} lacks {key}",
                    field.path
                );
            }
            let allowed = allowed(field.schema);
            assert!(
                !allowed.starts_with('^'),
                "{} shows the pattern {allowed}",
                field.path
            );
        }
    }

    #[test]
    fn the_defaults_satisfy_the_schema() {
        let validator = jsonschema::validator_for(&values().unwrap()).unwrap();
        assert!(validator.is_valid(&rocketmq::defaults().unwrap()));
    }

    #[test]
    fn bounds_are_the_constants_of_the_model() {
        let schema = values().unwrap();
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
    }
}
