//! What is known of every field of a chart's values, derived from the structs: a JSON Schema in which keys that begin with
//! `x-` say what JSON Schema has no words for.
//!
//! | key | meaning |
//! | --- | --- |
//! | `x-title-zh`, `x-help-zh` | title and help in Chinese, beside `title` and `description` in English |
//! | `x-unit` | the unit of a number |
//! | `x-order` | the place among the fields of its group, from 0 |
//! | `x-group` | the group at the root in which the field is, or `general` |
//! | `x-level` | who needs the field: `basic`, `advanced` or `expert` |
//! | `x-mutability` | what a change takes: see [`crate::change`] |
//! | `x-online-keys` | of a map whose change restarts: the keys whose change does not |
//! | `x-mutability-while` | another mutability while a condition holds, before and after the change: `{"condition", "mutability"}` |
//! | `x-visible-if` | the condition under which the field matters: see [`crate::condition`] |
//! | `x-required` | whether the field must not be empty while it matters |
//! | `x-widget` | how a form shows it: `storage-class`, `secret`, `namespace` (pickers) or `yaml` |
//! | `x-enum-help`, `x-enum-help-zh` | what each choice means |
//! | `x-since` | the version of the chart that brought the field |
//! | `x-deprecated` | the version that will drop the field and the path of its replacement: `{"since", "replacement"}` |
//! | `x-hidden` | not for forms |

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Map, Value, json};
use snafu::{ResultExt, Snafu};

use crate::condition::{Condition, ConditionError, at};

/// The dialect that Helm of every supported version and the form renderers read.
const DIALECT: &str = "http://json-schema.org/draft-07/schema#";
/// The first version of every chart: it brought the fields that do not say otherwise.
const FIRST_VERSION: &str = "0.1.0";
/// The group of the fields that stand at the root themselves.
pub const GENERAL: &str = "general";
/// What a parent chart may write at the root beside the fields of the model.
pub const OF_PARENTS: [&str; 2] = ["global", "enabled"];

/// Why fields cannot be described: a fault of the model.
#[derive(Debug, Snafu)]
pub enum DescriptionError {
    /// The defaults do not become JSON.
    #[snafu(display("failed to write the defaults as JSON: {source}"))]
    Defaults {
        /// Why.
        source: serde_json::Error,
    },
    /// A field has a condition that cannot be read.
    #[snafu(display("{path}: {source}"))]
    Condition {
        /// The field.
        path: String,
        /// Why.
        source: ConditionError,
    },
}

/// A field: what can be set by itself, not a group of such.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its path, such as `brokers.groups`.
    pub path: &'a str,
    /// Its schema.
    pub schema: &'a Value,
    /// Its default.
    pub default: &'a Value,
    /// When it matters.
    pub visible: &'a Condition,
}

impl Field<'_> {
    /// Whether it must not be empty while it matters.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.schema["x-required"] == true
    }
}

/// The description of all values of a chart.
#[derive(Clone, Debug)]
pub struct Description {
    schema: Value,
    defaults: Value,
    /// Every group and field in the order of the model, with the condition under which it matters.
    places: Vec<(String, Condition)>,
}

impl Description {
    /// Describes the values of a chart.
    ///
    /// # Errors
    /// When the defaults do not become JSON or a condition cannot be read.
    pub fn of<V: JsonSchema + Serialize + Default>(chart: &str) -> Result<Self, DescriptionError> {
        let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
        let root = settings.into_generator().into_root_schema_for::<V>();
        let defaults = serde_json::to_value(V::default()).context(DefaultsSnafu)?;
        Self::from_schema(chart, root.to_value(), defaults)
    }

    fn from_schema(
        chart: &str,
        mut schema: Value,
        defaults: Value,
    ) -> Result<Self, DescriptionError> {
        finish(&mut schema, Some(&defaults));
        Self::of_finished(chart, schema, defaults)
    }

    /// Describes the values of a chart that has some of the fields of another one, with narrower bounds or other texts: from
    /// the schemas that the description of the other one has for them. Conditions may look only at fields that are left.
    ///
    /// # Errors
    /// When a condition looks at a field or a value that is not left.
    pub fn of_finished(
        chart: &str,
        mut schema: Value,
        defaults: Value,
    ) -> Result<Self, DescriptionError> {
        schema["$schema"] = json!(DIALECT);
        schema["title"] = json!(format!("Values of the chart {chart}"));
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.retain(|name, _| !OF_PARENTS.contains(&name.as_str()));
        }
        let mut places = Vec::new();
        let whole = schema.clone();
        resolve("", &mut schema, &Condition::default(), &whole, &mut places)?;
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            add_those_of_parents(properties);
        }
        Ok(Self {
            schema,
            defaults,
            places,
        })
    }

    /// The schema, with everything that forms need.
    #[must_use]
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// The defaults.
    #[must_use]
    pub fn defaults(&self) -> &Value {
        &self.defaults
    }

    /// Every field in the order of the model: what can be set by itself, not the groups of them.
    #[must_use]
    pub fn fields(&self) -> Vec<Field<'_>> {
        let fields = self.places.iter().filter_map(|(path, visible)| {
            let schema = self.schema_at(path)?;
            let default = at(&self.defaults, path)?;
            let is_group = schema["properties"].is_object();
            (!is_group).then_some(Field {
                path,
                schema,
                default,
                visible,
            })
        });
        fields.collect()
    }

    /// The schema of the field or group at a path.
    #[must_use]
    pub fn schema_at(&self, path: &str) -> Option<&Value> {
        path.split('.')
            .try_fold(&self.schema, |schema, step| schema["properties"].get(step))
    }

    /// Another mutability of a field with the condition under which it has it, before and after a change.
    #[must_use]
    pub fn mutability_while<'a>(&self, field: &Field<'a>) -> Option<(Condition, &'a str)> {
        let other = &field.schema["x-mutability-while"];
        let condition = Condition::read(other["condition"].as_str()?, "", &self.schema).ok()?;
        Some((condition, other["mutability"].as_str()?))
    }

    /// The condition under which what stands at a path matters: a field, a group, or something inside a field, such as
    /// `nameServers.addresses[0]`.
    #[must_use]
    pub fn condition(&self, path: &str) -> &Condition {
        const ALWAYS: &Condition = &Condition { terms: Vec::new() };
        self.places
            .iter()
            .filter(|(place, _)| is_within(path, place))
            .max_by_key(|(place, _)| place.len())
            .map_or(ALWAYS, |(_, condition)| condition)
    }

    /// The outermost groups and fields that have a condition of their own, and the condition.
    #[must_use]
    pub fn conditions(&self) -> Vec<(&str, &Condition)> {
        let own = self.places.iter().filter(|(path, condition)| {
            let above = path.rsplit_once('.').map_or("", |(above, _)| above);
            condition != self.condition(above)
        });
        own.map(|(path, condition)| (path.as_str(), condition))
            .collect()
    }

    /// The required fields that matter with some values, and are empty.
    #[must_use]
    pub fn missing(&self, values: &Value) -> Vec<Field<'_>> {
        let mut fields = self.fields();
        fields.retain(|field| {
            field.is_required()
                && field.visible.holds(values)
                && at(values, field.path).is_none_or(is_empty)
        });
        fields
    }
}

/// Whether a path is that of a field or group, or of something inside it.
#[must_use]
pub fn is_within(path: &str, place: &str) -> bool {
    path.strip_prefix(place)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// Whether a value is empty: nothing, or a text, a list or a mapping without content.
#[must_use]
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn add_those_of_parents(properties: &mut Map<String, Value>) {
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
        object
            .entry("x-since")
            .or_insert_with(|| json!(FIRST_VERSION));
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
    let of_each = |key: &str| -> Vec<Value> {
        let found = choices.iter().filter_map(|choice| choice.get(key).cloned());
        found.collect()
    };
    let (values, help, chinese) = (
        of_each("const"),
        of_each("description"),
        of_each("x-help-zh"),
    );
    if values.len() != choices.len() {
        return;
    }
    object.remove("oneOf");
    object.insert("type".to_owned(), json!("string"));
    object.insert("enum".to_owned(), Value::Array(values));
    object.insert("x-enum-help".to_owned(), Value::Array(help));
    object.insert("x-enum-help-zh".to_owned(), Value::Array(chinese));
}

/// Writes down for every group and field when it matters and in which group at the root it is.
fn resolve(
    path: &str,
    schema: &mut Value,
    above: &Condition,
    whole: &Value,
    places: &mut Vec<(String, Condition)>,
) -> Result<(), DescriptionError> {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    for (name, property) in properties {
        let place = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        let own = match property["x-visible-if"].as_str() {
            Some(text) => {
                Condition::read(text, path, whole).context(ConditionSnafu { path: &place })?
            }
            None => Condition::default(),
        };
        if let Some(text) = property["x-mutability-while"]["condition"].as_str() {
            let condition =
                Condition::read(text, path, whole).context(ConditionSnafu { path: &place })?;
            property["x-mutability-while"]["condition"] = json!(condition.to_string());
        }
        let condition = above.and(&own);
        let is_group = property["properties"].is_object();
        if let Some(property) = property.as_object_mut() {
            if condition.is_always() {
                property.remove("x-visible-if");
            } else {
                property.insert("x-visible-if".to_owned(), json!(condition.to_string()));
            }
            let group = match place.split_once('.') {
                Some((group, _)) => group,
                None if is_group => name,
                None => GENERAL,
            };
            property.insert("x-group".to_owned(), json!(group));
        }
        places.push((place.clone(), condition.clone()));
        resolve(&place, property, &condition, whole, places)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described() -> Description {
        let schema = json!({ "properties": {
            "mode": { "type": "string", "oneOf": [
                { "const": "Disk", "description": "On a disk.", "x-help-zh": "磁盘" },
                { "const": "Memory", "description": "In memory.", "x-help-zh": "内存" },
            ] },
            "disk": { "x-visible-if": "mode == Disk", "type": "object", "properties": {
                "shared": { "type": "boolean" },
                "hosts": { "type": "array", "x-visible-if": ".shared == true", "x-required": true },
            } },
        } });
        let defaults = json!({ "mode": "Disk", "disk": { "shared": false, "hosts": [] } });
        Description::from_schema("trial", schema, defaults).unwrap()
    }

    #[test]
    fn a_field_matters_only_where_its_group_does() {
        let description = described();
        let hosts = "mode == Disk && disk.shared == true";
        assert_eq!(description.condition("disk.hosts[0]").to_string(), hosts);
        assert_eq!(
            description.condition("disk.shared").to_string(),
            "mode == Disk"
        );
        assert!(description.condition("mode").is_always());
        assert!(description.condition("diskette").is_always());
        let hosts = description.schema_at("disk.hosts").unwrap();
        assert_eq!(hosts["x-visible-if"], "mode == Disk && disk.shared == true");
        assert_eq!(hosts["x-group"], "disk");
        let own: Vec<&str> = description
            .conditions()
            .iter()
            .map(|(path, _)| *path)
            .collect();
        assert_eq!(own, ["disk", "disk.hosts"]);
    }

    #[test]
    fn required_fields_are_missed_only_while_they_matter() {
        let description = described();
        for (mode, shared, hosts, missing) in [
            ("Disk", true, json!([]), vec!["disk.hosts"]),
            ("Disk", true, json!(["a"]), vec![]),
            ("Disk", false, json!([]), vec![]),
            ("Memory", true, json!([]), vec![]),
        ] {
            let values = json!({ "mode": mode, "disk": { "shared": shared, "hosts": hosts } });
            let found: Vec<&str> = description
                .missing(&values)
                .iter()
                .map(|field| field.path)
                .collect();
            assert_eq!(found, missing, "{values}");
        }
    }

    #[test]
    fn choices_carry_their_help_in_both_languages() {
        let description = described();
        let mode = description.schema_at("mode").unwrap();
        assert_eq!(mode["enum"], json!(["Disk", "Memory"]));
        assert_eq!(mode["x-enum-help"], json!(["On a disk.", "In memory."]));
        assert_eq!(mode["x-enum-help-zh"], json!(["磁盘", "内存"]));
    }

    #[test]
    fn a_condition_on_nothing_is_refused_with_the_fields_path() {
        let schema =
            json!({ "properties": { "a": { "type": "string", "x-visible-if": "b == C" } } });
        let refused = Description::from_schema("trial", schema, json!({ "a": "" })).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "a: `b` is not a field with a few possible values"
        );
    }
}
