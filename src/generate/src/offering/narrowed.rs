//! The description of the fields that an offering leaves to its users, made from that of its base chart.

use midships_model::change::words;
use midships_model::condition::{Condition, Term};
use midships_model::description::{Description, is_within};
use serde_json::{Map, Value, json};

use super::completion::put;
use super::file::{Exposed, File};
use super::states::{State, States};

/// Which fields a description is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Reader {
    /// Those that show forms.
    Forms,
    /// Those that read values.
    Values,
}

/// A condition of the base chart for the offering's values; none where it never holds.
pub(super) fn simplified(condition: &Condition, states: &States<'_>) -> Option<Condition> {
    let mut simple = Condition::default();
    for term in &condition.terms {
        let term = match states.of(&term.path) {
            Some(State::Locked(value)) if term.values.contains(value) => continue,
            Some(State::Locked(_)) | None => return None,
            Some(State::Sized(values)) => {
                let sizes = states.sizes()?;
                let names = sizes.choices.iter().map(|size| json!(size.name));
                let (held, others): (Vec<_>, Vec<_>) = names
                    .zip(values)
                    .partition(|(_, value)| term.values.contains(value));
                Term {
                    path: sizes.field.clone(),
                    values: held.into_iter().map(|(name, _)| name).collect(),
                    others: others.into_iter().map(|(name, _)| name).collect(),
                }
            }
            Some(State::Exposed(entry)) => {
                let is_left = |value: &&Value| leaves(entry, value);
                Term {
                    path: term.path.clone(),
                    values: term.values.iter().filter(is_left).cloned().collect(),
                    others: term.others.iter().filter(is_left).cloned().collect(),
                }
            }
            Some(State::Hidden) => term.clone(),
        };
        if term.values.is_empty() {
            return None;
        }
        if !term.others.is_empty() {
            simple = simple.and(&Condition { terms: vec![term] });
        }
    }
    let holds_sometimes = simple.terms.iter().all(|term| !term.values.is_empty());
    holds_sometimes.then_some(simple)
}

/// Whether the bounds of an exposed field leave a value to it.
fn leaves(entry: &Exposed, value: &Value) -> bool {
    let number = value.as_i64();
    let is_in = |bound: Option<i64>, is_wrong: fn(i64, i64) -> bool| !matches!((number, bound), (Some(number), Some(bound)) if is_wrong(number, bound));
    let is_choice = value.as_str().is_none_or(|text| {
        entry.choices.is_empty() || entry.choices.iter().any(|choice| choice == text)
    });
    is_choice
        && is_in(entry.minimum, |number, bound| number < bound)
        && is_in(entry.maximum, |number, bound| number > bound)
}

/// The schema and the defaults of the fields that are left.
pub(super) fn narrowed(
    file: &File,
    base: &Description,
    states: &States<'_>,
    reader: Reader,
) -> (Value, Value) {
    let mut defaults = json!({});
    let mut properties = Map::new();
    if let Some(sizes) = &file.sizes {
        let each = |text: fn(&super::file::Size) -> &String| -> Value {
            sizes.choices.iter().map(|size| json!(text(size))).collect()
        };
        put(&mut defaults, &sizes.field, &json!(sizes.default));
        // Its form says what takes the most; the help says the rest.
        let mutabilities = states.mutabilities_of_sizes(base);
        let mut help = (sizes.help.clone(), sizes.help_zh.clone());
        for mutability in mutabilities.iter().skip(1) {
            let (english, chinese) = words(mutability);
            help.0 = format!("{} {english}", help.0);
            help.1 = format!("{}{chinese}", help.1);
        }
        let schema = json!({
            "title": sizes.title,
            "description": help.0,
            "type": "string",
            "x-title-zh": sizes.title_zh,
            "x-help-zh": help.1,
            "x-level": "basic",
            "x-mutability": mutabilities[0],
            "enum": each(|size| &size.name),
            "x-enum-help": each(|size| &size.help),
            "x-enum-help-zh": each(|size| &size.help_zh),
            "default": sizes.default,
        });
        properties.insert(sizes.field.clone(), schema);
    }
    let whole = Narrowing {
        file,
        base,
        states,
        reader,
    };
    let mut schema = base.schema().clone();
    let inner = whole.group("", &schema, &mut defaults);
    if let Some(inner) = inner
        .as_ref()
        .and_then(|inner| inner["properties"].as_object())
    {
        properties.extend(inner.clone());
    }
    number(&mut properties);
    schema["required"] = properties.keys().map(|name| json!(name)).collect();
    schema["properties"] = Value::Object(properties);
    (schema, defaults)
}

/// Numbers the properties of a group in their order.
fn number(properties: &mut Map<String, Value>) {
    for (order, property) in properties.values_mut().enumerate() {
        property["x-order"] = json!(order);
    }
}

struct Narrowing<'a> {
    file: &'a File,
    base: &'a Description,
    states: &'a States<'a>,
    reader: Reader,
}

impl Narrowing<'_> {
    /// The schema of a group, with the fields that are left: the exposed ones first, in the order of the file. None where
    /// none is left.
    fn group(&self, path: &str, schema: &Value, defaults: &mut Value) -> Option<Value> {
        let mut left: Vec<(usize, String, Value)> = Vec::new();
        for (name, property) in schema["properties"].as_object()? {
            let place = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            let narrowed = if property["properties"].is_object() {
                self.group(&place, property, defaults)
            } else {
                self.field(&place, property, defaults)
            };
            if let Some(mut narrowed) = narrowed {
                self.condition(&place, &mut narrowed);
                left.push((self.rank(&place), name.clone(), narrowed));
            }
        }
        if left.is_empty() {
            return None;
        }
        left.sort_by_key(|(rank, ..)| *rank);
        let mut group = schema.clone();
        let is_hidden = left
            .iter()
            .all(|(.., property)| property["x-hidden"] == true);
        let mut properties: Map<String, Value> = left
            .into_iter()
            .map(|(_, name, property)| (name, property))
            .collect();
        number(&mut properties);
        group["required"] = properties.keys().map(|name| json!(name)).collect();
        group["properties"] = Value::Object(properties);
        if is_hidden {
            group["x-hidden"] = json!(true);
        }
        for entry in self.file.exposed.iter().filter(|entry| entry.path == path) {
            texts(&mut group, entry);
        }
        Some(group)
    }

    /// The schema of a field; none where the offering sets it.
    fn field(&self, path: &str, schema: &Value, defaults: &mut Value) -> Option<Value> {
        let mut schema = schema.clone();
        match self.states.of(path)? {
            State::Locked(_) | State::Sized(_) => return None,
            State::Hidden if self.reader == Reader::Forms => return None,
            State::Hidden => schema["x-hidden"] = json!(true),
            State::Exposed(entry) => {
                if entry.path == path {
                    texts(&mut schema, entry);
                    bounds(&mut schema, entry);
                }
                schema["x-level"] = json!(entry.level.word());
            }
        }
        self.mutability(path, &mut schema);
        let default = self.states.default_of(path)?;
        schema["default"] = default.clone();
        put(defaults, path, default);
        Some(schema)
    }

    /// What a change of a field takes may depend on one that the offering sets.
    fn mutability(&self, path: &str, schema: &mut Value) {
        let fields = self.base.fields();
        let field = fields.iter().find(|field| field.path == path);
        let Some((condition, other)) = field.and_then(|field| self.base.mutability_while(field))
        else {
            return;
        };
        match simplified(&condition, self.states) {
            Some(condition) if !condition.is_always() => {
                schema["x-mutability-while"]["condition"] = json!(condition.to_string());
                return;
            }
            Some(_) => schema["x-mutability"] = json!(other),
            None => {}
        }
        if let Some(schema) = schema.as_object_mut() {
            schema.shift_remove("x-mutability-while");
        }
    }

    fn condition(&self, path: &str, schema: &mut Value) {
        let condition = simplified(self.base.condition(path), self.states);
        match condition {
            Some(condition) if !condition.is_always() => {
                schema["x-visible-if"] = json!(condition.to_string());
            }
            _ => {
                if let Some(schema) = schema.as_object_mut() {
                    schema.shift_remove("x-visible-if");
                }
            }
        }
    }

    /// The place of a field or group among those beside it: that of its first exposed field in the file.
    fn rank(&self, path: &str) -> usize {
        let entries = self.file.exposed.iter();
        let mut ranks = entries
            .enumerate()
            .filter(|(_, entry)| is_within(path, &entry.path) || is_within(&entry.path, path));
        ranks.next().map_or(usize::MAX, |(rank, _)| rank)
    }
}

/// Other texts for a field or group.
fn texts(schema: &mut Value, entry: &Exposed) {
    let texts = [
        ("title", &entry.title),
        ("x-title-zh", &entry.title_zh),
        ("description", &entry.help),
        ("x-help-zh", &entry.help_zh),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            schema[key] = json!(text);
        }
    }
}

/// Tighter bounds for a field.
pub(super) fn bounds(schema: &mut Value, entry: &Exposed) {
    let numbers = [("minimum", entry.minimum), ("maximum", entry.maximum)];
    for (key, number) in numbers {
        if let Some(number) = number {
            schema[key] = json!(number);
        }
    }
    let lengths = [
        ("maxLength", entry.max_length),
        ("maxItems", entry.max_items),
    ];
    for (key, length) in lengths {
        if let Some(length) = length {
            schema[key] = json!(length);
        }
    }
    if entry.required {
        schema["x-required"] = json!(true);
    }
    if !entry.choices.is_empty() {
        let known = schema["enum"].as_array().cloned().unwrap_or_default();
        for key in ["x-enum-help", "x-enum-help-zh"] {
            let help = entry.choices.iter().map(|choice| {
                let place = known.iter().position(|value| value == choice);
                place.map_or_else(|| json!(""), |place| schema[key][place].clone())
            });
            let help: Value = help.collect();
            schema[key] = help;
        }
        schema["enum"] = json!(entry.choices);
        schema["type"] = json!("string");
        if let Some(schema) = schema.as_object_mut() {
            // A picker would offer everything that there is.
            schema.shift_remove("x-widget");
        }
    }
}
