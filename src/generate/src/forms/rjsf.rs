//! The form schema and the `uiSchema` of RJSF (react-jsonschema-form).
//!
//! RJSF hides a field by not having it in the schema, so that every group and field with a condition of its own stands in the
//! `then` of a condition at the root. Its text fields give nothing for an empty text; where an empty text means something
//! else than the default, `ui:emptyValue` keeps it.

use std::collections::BTreeMap;

use midships_model::description::{Description, Field, is_within};
use serde_json::{Map, Value, json};

use super::texts::Language;
use super::{options, plain};
use crate::schema::{all_of, filled, holds, nested, object, with};

/// The schema: what always matters at its place, everything else under its condition.
pub(super) fn schema(description: &Description) -> Value {
    let mut whole = plain(description.schema());
    let own = description.conditions();
    let mut required = description.fields();
    required.retain(Field::is_required);
    let mut branches = Vec::new();
    for (path, condition) in &own {
        let Some(schema) = description.schema_at(path) else {
            continue;
        };
        let mut branch = plain(schema);
        for (inner, _) in &own {
            if let Some(rest) = inner
                .strip_prefix(path)
                .and_then(|rest| rest.strip_prefix('.'))
            {
                remove(&mut branch, rest);
            }
        }
        let mut then = nested(path, branch);
        for field in required.iter().filter(|field| field.visible == *condition) {
            if is_within(field.path, path) {
                demand(&mut then, field.path, field.schema);
            }
        }
        branches.push(object([("if", holds(condition)), ("then", then)]));
    }
    for (path, _) in &own {
        remove(&mut whole, path);
    }
    for field in required.iter().filter(|field| field.visible.is_always()) {
        demand(&mut whole, field.path, field.schema);
    }
    all_of(&mut whole, branches);
    whole
}

/// Takes a property out of a schema.
fn remove(schema: &mut Value, path: &str) {
    let (above, name) = path.rsplit_once('.').unwrap_or(("", path));
    let mut steps = above.split('.').filter(|step| !step.is_empty());
    let group = steps.try_fold(schema, |schema, step| {
        schema.get_mut("properties")?.get_mut(step)
    });
    if let Some(properties) =
        group.and_then(|group| group.get_mut("properties").and_then(Value::as_object_mut))
    {
        properties.shift_remove(name);
    }
}

/// Makes a property required, and not empty.
fn demand(schema: &mut Value, path: &str, field: &Value) {
    let mut place = schema;
    let mut steps = path.split('.').peekable();
    while let Some(step) = steps.next() {
        if steps.peek().is_none() {
            place["required"] = with(&place["required"], step);
        }
        place = &mut place["properties"][step];
    }
    if let (Some(place), Value::Object(filled)) = (place.as_object_mut(), filled(field)) {
        place.extend(filled);
    }
}

/// Whether an empty text is a value, by what schemas say of texts: many fields say the same, and asking takes long.
pub(super) type Empties = BTreeMap<String, bool>;

/// How the fields are shown, in one language.
pub(super) fn ui(description: &Description, language: Language, empties: &mut Empties) -> Value {
    group(description.schema(), language, empties)
}

fn group(schema: &Value, language: Language, empties: &mut Empties) -> Value {
    let mut ui = Map::new();
    let Some(properties) = schema["properties"].as_object() else {
        return Value::Null;
    };
    let shown = || {
        properties
            .iter()
            .filter(|(_, property)| property["x-hidden"] != true)
    };
    let names: Vec<&String> = shown().map(|(name, _)| name).collect();
    ui.insert("ui:order".to_owned(), json!(names));
    for (name, property) in shown() {
        let mut inner = if property["properties"].is_object() {
            group(property, language, empties)
        } else {
            field(property, language, empties)
        };
        inner["ui:title"] = Value::String(language.title(property));
        inner["ui:description"] = Value::String(language.help(property));
        ui.insert(name.clone(), inner);
    }
    Value::Object(ui)
}

fn field(schema: &Value, language: Language, empties: &mut Empties) -> Value {
    let mut ui = json!({ "ui:help": language.change(schema) });
    if schema["enum"].is_array() {
        ui["ui:enumNames"] = json!(language.choices(schema));
    }
    let mut options = options(schema);
    let is_yaml = options.get("picker").is_some_and(|picker| picker == "yaml");
    if is_yaml {
        options.shift_remove("picker");
    }
    ui["ui:options"] = Value::Object(options);
    if is_yaml {
        // A host that has no field of this name shows its own for the type.
        ui["ui:field"] = json!("yaml");
    }
    let takes_text = schema["type"] == "string" || schema["type"].is_array();
    let is_meant = takes_text && schema["enum"].is_null() && schema["default"] != "";
    if is_meant && takes_empty(schema, empties) {
        ui["ui:emptyValue"] = json!("");
    }
    if let Some(items) = schema["items"]["properties"].as_object() {
        let items = items
            .iter()
            .map(|(name, item)| {
                let title = match language.title(item) {
                    title if title.is_empty() => name.clone(),
                    title => title,
                };
                let mut shown = json!({ "ui:title": title, "ui:description": language.help(item) });
                if item["enum"].is_array() {
                    shown["ui:enumNames"] = json!(language.choices(item));
                }
                (name.clone(), shown)
            })
            .collect();
        ui["items"] = Value::Object(items);
    }
    ui
}

/// Whether an empty text is a value of the field.
fn takes_empty(schema: &Value, empties: &mut Empties) -> bool {
    let mut of_texts = Map::new();
    for keyword in ["type", "minLength", "pattern"] {
        if let Some(value) = schema.get(keyword) {
            of_texts.insert(keyword.to_owned(), value.clone());
        }
    }
    let of_texts = Value::Object(of_texts);
    *empties.entry(of_texts.to_string()).or_insert_with(|| {
        jsonschema::validator_for(&of_texts).is_ok_and(|validator| validator.is_valid(&json!("")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use midships_model::rocketmq;

    #[test]
    fn what_has_a_condition_stands_under_it_and_nowhere_else() {
        let description = rocketmq::description().unwrap();
        let schema = schema(&description);
        let name_servers = &schema["properties"]["nameServers"]["properties"];
        assert!(name_servers["source"].is_object());
        assert!(name_servers.get("addresses").is_none());
        let branches = schema["allOf"].as_array().unwrap();
        let branch = branches
            .iter()
            .find(|branch| {
                let place = branch["then"].pointer("/properties/nameServers/properties/addresses");
                place.is_some()
            })
            .unwrap();
        let given = json!({ "nameServers": { "source": "Addresses" } });
        let condition = jsonschema::validator_for(&branch["if"]).unwrap();
        assert!(condition.is_valid(&given));
        assert!(!condition.is_valid(&json!({ "nameServers": { "source": "Own" } })));
        let group = &branch["then"]["properties"]["nameServers"];
        assert_eq!(group["required"], json!(["addresses"]));
        assert_eq!(group["properties"]["addresses"]["minItems"], 1);
    }

    #[test]
    fn an_empty_text_that_is_not_the_default_is_kept() {
        let description = rocketmq::description().unwrap();
        let ui = ui(&description, Language::English, &mut Empties::new());
        let requests = &ui["brokers"]["resources"]["requests"];
        assert_eq!(requests["cpu"]["ui:emptyValue"], "");
        assert!(requests["memory"].get("ui:emptyValue").is_none());
    }
}
