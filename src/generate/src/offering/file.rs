//! The file of an offering: what a platform team makes of a chart, as it is written.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use midships_model::description::Description;

use super::states::groups;

/// Part of a chart's values, as in its `values.yaml`.
pub(super) type Excerpt = Map<String, Value>;

/// What becomes of the fields that an offering does not mention.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub(super) enum Others {
    /// No form shows them, but values may set them.
    #[default]
    Hidden,
    /// They have the values of the base chart, or those under `presets`, and nothing can set them.
    Locked,
}

/// Who needs a field.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    /// Everybody.
    #[default]
    Basic,
    /// Those who know what they want.
    Advanced,
    /// Those who know the product.
    Expert,
}

impl Level {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Advanced => "advanced",
            Self::Expert => "expert",
        }
    }
}

/// A field or a group of fields that forms show.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Exposed {
    /// The path of the field, such as `brokers.replicasPerGroup`, or of a group of fields, such as `brokers.resources`.
    #[schemars(length(min = 1, max = 200))]
    pub path: String,
    /// Another title. Of a group: of the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 60))]
    pub title: Option<String>,
    /// The title in Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 60))]
    pub title_zh: Option<String>,
    /// Another help.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000))]
    pub help: Option<String>,
    /// The help in Chinese.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 1000))]
    pub help_zh: Option<String>,
    /// Who needs it.
    #[serde(default)]
    pub level: Level,
    /// Whether it must not be empty.
    #[serde(default)]
    pub required: bool,
    /// The least number, at least that of the base chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<i64>,
    /// The greatest number, at most that of the base chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<i64>,
    /// The only texts: some of the choices of the base chart, or texts of the form that it allows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 50), inner(length(max = 500)), extend("uniqueItems" = true))]
    pub choices: Vec<String>,
    /// The most characters of a text, at most those of the base chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_length: Option<u64>,
    /// The most entries of a list, at most those of the base chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub max_items: Option<u64>,
}

/// A size, and what it sets.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Size {
    /// Its name, as values give it.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]*$"), length(max = 30))]
    pub name: String,
    /// What it means.
    #[schemars(length(min = 1, max = 300))]
    pub help: String,
    /// What it means, in Chinese.
    #[serde(default)]
    #[schemars(length(max = 300))]
    pub help_zh: String,
    /// What it sets, as in `values.yaml`. Every size sets the same fields, and nothing else can set them.
    pub values: Excerpt,
}

/// A field whose choices set several fields of the base chart.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Sizes {
    /// The name of the field in the values of the offering.
    #[serde(default = "size")]
    #[schemars(regex(pattern = r"^[a-z][A-Za-z0-9]*$"), length(max = 30))]
    pub field: String,
    /// Its title.
    #[serde(default = "size_title")]
    #[schemars(length(min = 1, max = 60))]
    pub title: String,
    /// Its title in Chinese.
    #[serde(default = "size_title_zh")]
    #[schemars(length(min = 1, max = 60))]
    pub title_zh: String,
    /// What it means.
    #[serde(default = "size_help")]
    #[schemars(length(min = 1, max = 1000))]
    pub help: String,
    /// What it means, in Chinese.
    #[serde(default = "size_help_zh")]
    #[schemars(length(min = 1, max = 1000))]
    pub help_zh: String,
    /// The size that is taken where none is given.
    pub default: String,
    /// The sizes.
    #[schemars(length(min = 1, max = 20))]
    pub choices: Vec<Size>,
}

fn size() -> String {
    "size".to_owned()
}

fn size_title() -> String {
    "Size".to_owned()
}

fn size_title_zh() -> String {
    "规格".to_owned()
}

fn size_help() -> String {
    "How large the cluster is.".to_owned()
}

fn size_help_zh() -> String {
    "集群的规格。".to_owned()
}

/// An offering: a chart that a platform team narrows from a chart of this project.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(title = "Offering")]
pub(super) struct File {
    /// The base chart, such as `rocketmq`.
    pub chart: String,
    /// The name of the offering's chart.
    #[schemars(regex(pattern = r"^[a-z]([a-z0-9-]*[a-z0-9])?$"), length(max = 50))]
    pub name: String,
    /// The version of the offering's chart.
    #[schemars(
        regex(
            pattern = r"^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*)(\.(0|[1-9][0-9]*|[0-9]*[A-Za-z-][0-9A-Za-z-]*))*)?$"
        ),
        length(max = 60)
    )]
    pub version: String,
    /// What people read as its name.
    #[schemars(length(min = 1, max = 60))]
    pub title: String,
    /// What it offers, in a sentence.
    #[schemars(length(min = 1, max = 300))]
    pub description: String,
    /// Its picture: a file in SVG or PNG beside this one. Without it, that of the base chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        regex(pattern = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*\.(svg|png)$"),
        length(max = 100)
    )]
    pub icon: Option<String>,
    /// Words by which it is found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), inner(length(min = 1, max = 40)))]
    pub keywords: Vec<String>,
    /// Defaults other than those of the base chart, as in `values.yaml`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub presets: Excerpt,
    /// Values that nothing can change, as in `values.yaml`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub locked: Excerpt,
    /// Paths of fields and groups that no form shows, but that values may set.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200), inner(length(min = 1, max = 200)))]
    pub hidden: Vec<String>,
    /// The fields that forms show, in this order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 200))]
    pub exposed: Vec<Exposed>,
    /// A field whose choices set several others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Sizes>,
    /// What becomes of the fields that are not mentioned.
    #[serde(default)]
    pub others: Others,
}

impl File {
    /// Each part that is written as the base chart's values, with the steps to it.
    pub(super) fn excerpts(&self) -> Vec<(Vec<String>, &Excerpt)> {
        let mut excerpts = vec![
            (vec!["locked".to_owned()], &self.locked),
            (vec!["presets".to_owned()], &self.presets),
        ];
        let sizes = self.sizes.iter().flat_map(|sizes| sizes.choices.iter());
        excerpts.extend(sizes.enumerate().map(|(index, size)| {
            let steps = ["sizes", "choices", &index.to_string(), "values"].map(str::to_owned);
            (steps.to_vec(), &size.values)
        }));
        excerpts
    }
}

/// The schema that files of offerings are checked with.
pub(super) fn plain_schema() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| settings.inline_subschemas = true);
    let schema = settings.into_generator().into_root_schema_for::<File>();
    let mut schema = schema.to_value();
    without_formats(&mut schema);
    schema
}

/// The schema for editors: it also knows the fields of each base chart.
pub(super) fn schema(bases: &[(&str, Description)]) -> Value {
    let mut schema = plain_schema();
    let names: Vec<&str> = bases.iter().map(|(name, _)| *name).collect();
    schema["properties"]["chart"]["enum"] = json!(names);
    let branches = bases.iter().map(|(name, base)| {
        let excerpt = excerpt(base.schema());
        let mut paths: Vec<&str> = groups(base).into_iter().collect();
        paths.extend(base.fields().iter().map(|field| field.path));
        let paths = json!({ "enum": paths });
        json!({
            "if": { "properties": { "chart": { "const": name } } },
            "then": { "properties": {
                "presets": excerpt,
                "locked": excerpt,
                "hidden": { "items": paths },
                "exposed": { "items": { "properties": { "path": paths } } },
                "sizes": { "properties": { "choices": { "items": { "properties": { "values": excerpt } } } } },
            } },
        })
    });
    schema["allOf"] = branches.collect();
    schema
}

/// The schema of part of a chart's values: nothing is required, and only what editors show of a field is kept.
fn excerpt(schema: &Value) -> Value {
    let Some(object) = schema.as_object() else {
        return schema.clone();
    };
    let kept = object.iter().filter(|(key, value)| {
        !key.starts_with("x-")
            && !["$schema", "default"].contains(&key.as_str())
            && (*key != "required" || object.get("properties").is_none() || value.is_boolean())
    });
    let kept = kept.map(|(key, value)| {
        let value = match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                let fields = properties
                    .iter()
                    .filter(|(_, property)| property["x-hidden"] != true);
                let fields = fields.map(|(name, property)| (name.clone(), excerpt(property)));
                Value::Object(fields.collect())
            }
            _ => value.clone(),
        };
        (key.clone(), value)
    });
    Value::Object(kept.collect())
}

/// Takes Rust's formats of numbers out of a schema.
fn without_formats(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            if object.get("format").is_some_and(Value::is_string) {
                object.shift_remove("format");
            }
            object.values_mut().for_each(without_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(without_formats),
        _ => {}
    }
}
