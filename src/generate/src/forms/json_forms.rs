//! The schema, the `uischema` and the catalogues of texts of JSON Forms.
//!
//! Every group at the root is a category, and in it the advanced and the expert fields stand in groups of their own. A field
//! is shown by a rule on the whole of the data. Texts are found by `i18n` keys, which are the fields' paths.

use midships_model::condition::Condition;
use midships_model::description::Description;
use serde_json::{Map, Value, json};

use super::texts::Language;
use super::{LEVELS, groups, options, plain};
use crate::schema::{all_of, allowed, holds, object, requirements};

/// The schema: all fields, and the conditions under which they must not be empty.
pub(super) fn schema(description: &Description) -> Value {
    let mut schema = plain(description.schema());
    all_of(&mut schema, requirements(description));
    schema
}

/// What is shown, in which order and when.
pub(super) fn ui(description: &Description) -> Value {
    let groups = groups(description).into_iter();
    let categories: Vec<Value> = groups.map(|group| category(description, group)).collect();
    json!({ "type": "Categorization", "elements": categories })
}

fn category(description: &Description, group: &str) -> Value {
    let above = description.schema_at(group).map_or("", |_| group);
    let mut elements = Vec::new();
    for level in LEVELS {
        let shown = elements_of(description, group, above, level);
        if level == LEVELS[0] {
            elements.extend(shown.into_iter().map(|(element, _)| element));
        } else if !shown.is_empty() {
            elements.push(in_group(&format!("level.{level}"), shown).0);
        }
    }
    object([
        ("type", json!("Category")),
        ("i18n", json!(format!("group.{group}"))),
        ("label", json!(group)),
        ("elements", Value::Array(elements)),
    ])
}

/// The elements for the fields of a level directly in a group, each with the conditions under which it is shown: one of them
/// must hold.
fn elements_of(
    description: &Description,
    group: &str,
    above: &str,
    level: &str,
) -> Vec<(Value, Vec<Condition>)> {
    let Some(properties) = (if above.is_empty() {
        description.schema()["properties"].as_object()
    } else {
        description
            .schema_at(above)
            .and_then(|schema| schema["properties"].as_object())
    }) else {
        return Vec::new();
    };
    let mut elements = Vec::new();
    for (name, schema) in properties {
        let path = if above.is_empty() {
            name.clone()
        } else {
            format!("{above}.{name}")
        };
        if schema["properties"].is_object() {
            // At the root the groups are categories of their own.
            if !above.is_empty() {
                let inner = elements_of(description, group, &path, level);
                if !inner.is_empty() {
                    elements.push(in_group(&path, inner));
                }
            }
        } else if schema["x-group"] == group && schema["x-level"] == level {
            elements.push(control(description, &path));
        }
    }
    elements
}

fn in_group(key: &str, inner: Vec<(Value, Vec<Condition>)>) -> (Value, Vec<Condition>) {
    let mut conditions: Vec<Condition> = Vec::new();
    let mut elements = Vec::new();
    for (element, of_element) in inner {
        elements.push(element);
        for condition in of_element {
            if !conditions.contains(&condition) {
                conditions.push(condition);
            }
        }
    }
    let mut group = object([
        ("type", json!("Group")),
        ("i18n", json!(key)),
        ("label", json!(key)),
        ("elements", Value::Array(elements)),
    ]);
    if let Some(rule) = rule(&conditions) {
        group["rule"] = rule;
    }
    (group, conditions)
}

fn control(description: &Description, path: &str) -> (Value, Vec<Condition>) {
    let condition = description.condition(path).clone();
    let scope = format!("#/properties/{}", path.replace('.', "/properties/"));
    let mut control = json!({ "type": "Control", "scope": scope, "i18n": path });
    if let Some(schema) = description.schema_at(path) {
        control["options"] = Value::Object(options(schema));
    }
    let conditions = vec![condition];
    if let Some(rule) = rule(&conditions) {
        control["rule"] = rule;
    }
    (control, conditions)
}

/// A rule that shows an element when one of some conditions holds; none where one of them always does.
fn rule(conditions: &[Condition]) -> Option<Value> {
    if conditions.iter().any(Condition::is_always) {
        return None;
    }
    let schema = match conditions {
        [condition] => holds(condition),
        several => object([("anyOf", several.iter().map(holds).collect())]),
    };
    let condition = object([("scope", json!("#")), ("schema", schema)]);
    Some(object([
        ("effect", json!("SHOW")),
        ("condition", condition),
    ]))
}

/// The texts in one language by their keys.
pub(super) fn catalogue(description: &Description, language: Language) -> Value {
    let mut texts = Map::new();
    let mut put = |key: String, text: String| {
        texts.insert(key, Value::String(text));
    };
    for group in groups(description) {
        put(
            format!("group.{group}.label"),
            language.group(description, group),
        );
    }
    for level in LEVELS.iter().skip(1) {
        put(
            format!("level.{level}.label"),
            language.level(level).to_owned(),
        );
    }
    for (keyword, text) in refusals(language) {
        put(format!("error.{keyword}"), text.to_owned());
    }
    describe("", description.schema(), language, &mut put);
    Value::Object(texts)
}

fn describe(path: &str, schema: &Value, language: Language, put: &mut impl FnMut(String, String)) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        if property["x-hidden"] == true {
            continue;
        }
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let title = match language.title(property) {
            title if title.is_empty() => name.clone(),
            title => title,
        };
        // A required field is marked: JSON Forms marks only those that are required whatever the data are.
        let mark = if property["x-required"] == true {
            " *"
        } else {
            ""
        };
        put(format!("{path}.label"), format!("{title}{mark}"));
        put(
            format!("{path}.description"),
            language.help_and_change(property),
        );
        let values = property["enum"].as_array().into_iter().flatten();
        for (value, text) in values.zip(language.choices(property)) {
            put(
                format!("{path}.{}", value.as_str().unwrap_or_default()),
                text,
            );
        }
        if language == Language::English && property["pattern"].is_string() {
            put(
                format!("{path}.error.pattern"),
                format!("allowed: {}", allowed(property)),
            );
        }
        if property["type"] == "array" {
            for (key, text) in of_lists(language) {
                put(format!("{path}.{key}"), text.to_owned());
            }
        }
        describe(&path, property, language, put);
        describe(&path, &property["items"], language, put);
    }
}

/// What a list says that is empty, and its buttons.
fn of_lists(language: Language) -> [(&'static str, &'static str); 3] {
    match language {
        Language::English => [
            ("noDataMessage", "No entries"),
            ("addTooltip", "Add an entry"),
            ("removeTooltip", "Remove the entry"),
        ],
        Language::Chinese => [
            ("noDataMessage", "没有条目"),
            ("addTooltip", "添加一项"),
            ("removeTooltip", "删除该项"),
        ],
    }
}

/// What is said of a value that the schema refuses, by the keyword that refuses it.
fn refusals(language: Language) -> [(&'static str, &'static str); 9] {
    match language {
        Language::English => [
            ("minLength", "must not be empty"),
            ("maxLength", "is too long"),
            ("minimum", "is too small"),
            ("maximum", "is too large"),
            ("minItems", "must have an entry"),
            ("maxItems", "has too many entries"),
            ("uniqueItems", "has an entry twice"),
            ("pattern", "is not written as it must be"),
            ("type", "is of the wrong type"),
        ],
        Language::Chinese => [
            ("minLength", "不能为空"),
            ("maxLength", "过长"),
            ("minimum", "过小"),
            ("maximum", "过大"),
            ("minItems", "至少需要一项"),
            ("maxItems", "项数过多"),
            ("uniqueItems", "存在重复项"),
            ("pattern", "格式不正确"),
            ("type", "类型不正确"),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::models;
    use midships_model::rocketmq;

    fn controls<'a>(element: &'a Value, found: &mut Vec<&'a Value>) {
        if element["type"] == "Control" {
            found.push(element);
        }
        for element in element["elements"].as_array().into_iter().flatten() {
            controls(element, found);
        }
    }

    #[test]
    fn every_field_has_one_control_and_texts_in_both_languages() {
        for model in models() {
            has_one_control_for_each_field(&model.description().unwrap());
        }
    }

    fn has_one_control_for_each_field(description: &Description) {
        let ui = ui(description);
        let mut found = Vec::new();
        controls(&ui, &mut found);
        let mut keys: Vec<&str> = found
            .iter()
            .map(|control| control["i18n"].as_str().unwrap())
            .collect();
        let mut paths: Vec<&str> = description
            .fields()
            .iter()
            .map(|field| field.path)
            .collect();
        keys.sort_unstable();
        paths.sort_unstable();
        assert_eq!(keys, paths);
        for language in [Language::English, Language::Chinese] {
            let catalogue = catalogue(description, language);
            for path in &paths {
                for key in ["label", "description"] {
                    let text = catalogue[format!("{path}.{key}")].as_str().unwrap();
                    assert!(!text.is_empty(), "{path}.{key}");
                }
            }
        }
        let english = catalogue(description, Language::English);
        let chinese = catalogue(description, Language::Chinese);
        for key in chinese.as_object().unwrap().keys() {
            assert!(english.get(key).is_some(), "{key}");
        }
    }

    #[test]
    fn a_group_is_hidden_when_all_in_it_is() {
        let description = rocketmq::description().unwrap();
        let ui = ui(&description);
        let brokers = ui["elements"]
            .as_array()
            .unwrap()
            .iter()
            .find(|category| category["label"] == "brokers")
            .unwrap();
        let storage = brokers["elements"]
            .as_array()
            .unwrap()
            .iter()
            .find(|group| group["i18n"] == "brokers.storage")
            .unwrap();
        assert_eq!(storage["rule"]["effect"], "SHOW");
        let condition = jsonschema::validator_for(&storage["rule"]["condition"]["schema"]).unwrap();
        let mut values = description.defaults().clone();
        assert!(condition.is_valid(&values));
        values["brokers"]["enabled"] = json!(false);
        assert!(!condition.is_valid(&values));
    }
}
