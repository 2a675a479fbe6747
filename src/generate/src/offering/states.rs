//! What an offering makes of each field of its base chart, and what of it makes no sense.

use std::collections::{BTreeMap, BTreeSet};

use midships_model::condition::at;
use midships_model::description::{Description, Field, OF_PARENTS, is_empty, is_within};
use midships_model::rules::Finding;
use serde_json::{Map, Value, json};

use super::completion::Setting;
use super::file::{Excerpt, Exposed, File, Others, Sizes};
use super::narrowed::{bounds, simplified};
use crate::schema;
use crate::validate::{dotted, nearest};

/// What becomes of a field.
#[derive(Clone, Debug)]
pub(super) enum State<'a> {
    /// Forms show it.
    Exposed(&'a Exposed),
    /// Values may set it, but no form shows it.
    Hidden,
    /// It has this value, and nothing can change it.
    Locked(Value),
    /// It has one of these values, in the order of the sizes.
    Sized(Vec<Value>),
}

/// What becomes of every field.
#[derive(Debug)]
pub(super) struct States<'a> {
    file: &'a File,
    fields: BTreeMap<String, State<'a>>,
    defaults: BTreeMap<String, Value>,
}

/// Findings about the file of an offering; they have no places yet.
#[derive(Debug, Default)]
pub(super) struct Findings(pub Vec<Finding>);

impl Findings {
    /// Adds a finding about what stands at some steps.
    fn add(&mut self, steps: &[&str], rule: &str, found: String, allowed: String, hint: String) {
        self.0.push(finding(steps, rule, found, allowed, hint));
    }
}

/// Words that are no text in YAML unless they are quoted.
const WORDS_OF_YAML: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// A finding about what stands at some steps; it has no place yet.
pub(super) fn finding(
    steps: &[&str],
    rule: &str,
    found: String,
    allowed: String,
    hint: String,
) -> Finding {
    let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
    Finding {
        path: dotted(&steps),
        rule: rule.to_owned(),
        found,
        allowed,
        hint,
        ..Finding::default()
    }
}

impl<'a> States<'a> {
    /// Settles what becomes of every field, and finds what makes no sense.
    pub(super) fn of_file(
        file: &'a File,
        base: &Description,
        findings: &mut Findings,
    ) -> States<'a> {
        known_paths(file, base, findings);
        empty_groups(file, base, findings);
        let presets = settings(&file.presets, base);
        let mut defaults: BTreeMap<String, Value> = base
            .fields()
            .into_iter()
            .map(|field| (field.path.to_owned(), field.default.clone()))
            .collect();
        defaults.extend(presets.iter().cloned());
        let mut states = States {
            file,
            fields: BTreeMap::new(),
            defaults,
        };
        let locked: BTreeMap<String, Value> = settings(&file.locked, base).into_iter().collect();
        let sized = sized(file, base, findings);
        for field in base.fields() {
            let path = field.path;
            let exposed = nearest_above(path, file.exposed.iter().map(|entry| entry.path.as_str()));
            let hidden = nearest_above(path, file.hidden.iter().map(String::as_str));
            let set_by = [
                ("locked", locked.contains_key(path)),
                ("sizes", sized.contains_key(path)),
            ];
            let set_by: Vec<&str> = set_by
                .iter()
                .filter(|(_, is_set)| *is_set)
                .map(|(name, _)| *name)
                .collect();
            twice(file, path, &set_by, exposed, hidden, findings);
            let state = if let Some(value) = locked.get(path) {
                State::Locked(value.clone())
            } else if let Some(values) = sized.get(path) {
                State::Sized(values.clone())
            } else {
                match (exposed, hidden) {
                    (Some((at, length)), hidden)
                        if hidden.is_none_or(|(_, other)| length > other) =>
                    {
                        State::Exposed(&file.exposed[at])
                    }
                    (_, Some(_)) => State::Hidden,
                    _ if file.others == Others::Hidden => State::Hidden,
                    _ => State::Locked(states.defaults[path].clone()),
                }
            };
            states.fields.insert(path.to_owned(), state);
        }
        if findings.0.is_empty() {
            states.settle(base);
            states.judge(base, findings);
        }
        states
    }

    /// What becomes of a field; none where there is no such field.
    pub(super) fn of(&self, path: &str) -> Option<&State<'a>> {
        self.fields.get(path)
    }

    /// The sizes.
    pub(super) fn sizes(&self) -> Option<&'a Sizes> {
        self.file.sizes.as_ref()
    }

    /// The default of a field, with the presets.
    pub(super) fn default_of(&self, path: &str) -> Option<&Value> {
        self.defaults.get(path)
    }

    /// What is locked: of a group that is locked as a whole, the whole.
    pub(super) fn locked(&self, base: &Description) -> Vec<Setting> {
        let mut settings = Vec::new();
        let properties = base.schema()["properties"].as_object();
        for (name, schema) in properties.into_iter().flatten() {
            self.locked_in(name, schema, &mut settings);
        }
        settings
    }

    fn locked_in(&self, path: &str, schema: &Value, settings: &mut Vec<Setting>) {
        if let Some(value) = self.whole(path, schema) {
            settings.push((path.to_owned(), value));
            return;
        }
        let properties = schema["properties"].as_object();
        for (name, schema) in properties.into_iter().flatten() {
            self.locked_in(&format!("{path}.{name}"), schema, settings);
        }
    }

    /// The value of a field or group that is locked as a whole.
    fn whole(&self, path: &str, schema: &Value) -> Option<Value> {
        let Some(properties) = schema["properties"].as_object() else {
            return match self.of(path)? {
                State::Locked(value) => Some(value.clone()),
                _ => None,
            };
        };
        let members = properties.iter().map(|(name, schema)| {
            let value = self.whole(&format!("{path}.{name}"), schema)?;
            Some((name.clone(), value))
        });
        let members: Option<Map<String, Value>> = members.collect();
        members.map(Value::Object)
    }

    /// What each size sets.
    pub(super) fn settings_of_sizes(&self) -> Vec<(String, Vec<Setting>)> {
        let sizes = self.sizes().map_or(&[][..], |sizes| &sizes.choices);
        let each = sizes.iter().enumerate().map(|(index, size)| {
            let settings = self.fields.iter().filter_map(|(path, state)| match state {
                State::Sized(values) => Some((path.clone(), values.get(index)?.clone())),
                _ => None,
            });
            (size.name.clone(), settings.collect())
        });
        each.collect()
    }

    /// What a change of the size takes, by the fields that differ: what takes the most comes first.
    pub(super) fn mutabilities_of_sizes(&self, base: &Description) -> Vec<String> {
        let strength = |word: &str| match word {
            "create-only" => 4,
            "increase-only" => 3,
            "restart" | "rollout" => 1,
            "online" => 0,
            _ => 2,
        };
        let mut words: Vec<String> = Vec::new();
        for field in base.fields() {
            let State::Sized(values) = &self.fields[field.path] else {
                continue;
            };
            if values.iter().all(|value| *value == values[0])
                || simplified(field.visible, self).is_none()
            {
                continue;
            }
            let usual = field.schema["x-mutability"].as_str().unwrap_or_default();
            let other = base.mutability_while(&field);
            let word = match other.map(|(condition, other)| (simplified(&condition, self), other)) {
                Some((Some(condition), other)) if condition.is_always() => other,
                _ => usual,
            };
            if !words.iter().any(|known| known == word) {
                words.push(word.to_owned());
            }
        }
        if words.is_empty() {
            words.push("online".to_owned());
        }
        words.sort_by_key(|word| std::cmp::Reverse(strength(word)));
        words
    }

    /// Locks the fields that never matter and are hidden, or exposed with their whole group: to set one would have no effect.
    fn settle(&mut self, base: &Description) {
        loop {
            let never: Vec<String> = base
                .fields()
                .into_iter()
                .filter(|field| match self.of(field.path) {
                    Some(State::Hidden) => true,
                    Some(State::Exposed(entry)) => entry.path != field.path,
                    _ => false,
                })
                .filter(|field| simplified(field.visible, self).is_none())
                .map(|field| field.path.to_owned())
                .collect();
            if never.is_empty() {
                return;
            }
            for path in never {
                let value = self.defaults[&path].clone();
                self.fields.insert(path, State::Locked(value));
            }
        }
    }

    /// Finds exposed fields that depend on what no form shows or that never matter, bounds that are none, and choices with
    /// which a field would be needed that no form shows.
    fn judge(&self, base: &Description, findings: &mut Findings) {
        for field in base.fields().iter().filter(|field| field.is_required()) {
            self.judge_need(field, findings);
        }
        for (index, entry) in self.file.exposed.iter().enumerate() {
            let index = index.to_string();
            let fields = base.fields().into_iter();
            let inside = fields.filter(
                |field| matches!(self.of(field.path), Some(State::Exposed(own)) if own.path == entry.path),
            );
            let mut is_shown = false;
            for field in inside {
                is_shown = true;
                self.judge_visibility(&index, &field, findings);
                if field.path == entry.path {
                    self.judge_bounds(&index, entry, &field, findings);
                }
            }
            if !is_shown {
                findings.add(
                    &["exposed", &index, "path"],
                    "offering-twice",
                    format!("{}, of which nothing is left to show", entry.path),
                    "fields that are not locked, hidden, set by the sizes or exposed elsewhere"
                        .to_owned(),
                    "remove it".to_owned(),
                );
            }
            let is_group = base
                .schema_at(&entry.path)
                .is_some_and(|schema| schema["properties"].is_object());
            if is_group {
                for bound in given_bounds(entry) {
                    findings.add(
                        &["exposed", &index, bound],
                        "offering-bound",
                        format!("a bound of the group {}", entry.path),
                        "bounds of single fields".to_owned(),
                        "expose the field itself with this bound".to_owned(),
                    );
                }
            }
        }
    }

    /// A field that must not be empty while it matters has a value, or forms show it whenever they can make it matter.
    fn judge_need(&self, field: &Field<'_>, findings: &mut Findings) {
        let lacks = match &self.fields[field.path] {
            State::Exposed(_) => return,
            State::Hidden => is_empty(&self.defaults[field.path]),
            State::Locked(value) => is_empty(value),
            State::Sized(values) => values.iter().any(is_empty),
        };
        let Some(condition) = simplified(field.visible, self).filter(|_| lacks) else {
            return;
        };
        let is_of_form = condition.terms.iter().all(|term| {
            let is_size = self.sizes().is_some_and(|sizes| sizes.field == term.path);
            is_size || matches!(self.of(&term.path), Some(State::Exposed(_)))
        });
        if is_of_form {
            let when = if condition.is_always() {
                "always".to_owned()
            } else {
                format!("while {condition}")
            };
            findings.add(
                &[],
                "offering-condition",
                format!("nothing for {}, which is needed {when}", field.path),
                "fields that have a value, or are exposed, whenever a form can make them matter"
                    .to_owned(),
                format!(
                    "expose {}, give it a value, or take that choice away",
                    field.path
                ),
            );
        }
    }

    fn judge_visibility(&self, index: &str, field: &Field<'_>, findings: &mut Findings) {
        let steps = ["exposed", index, "path"];
        for term in &field.visible.terms {
            if matches!(self.of(&term.path), Some(State::Hidden)) {
                findings.add(
                    &steps,
                    "offering-condition",
                    format!(
                        "{}, which matters only while {}",
                        field.path, field.visible
                    ),
                    format!("fields that depend on what is exposed, locked or set by the sizes; {} is hidden", term.path),
                    format!("expose {} too, or lock it", term.path),
                );
                return;
            }
        }
        if simplified(field.visible, self).is_none() {
            findings.add(
                &steps,
                "offering-condition",
                format!("{}, which matters only while {}", field.path, field.visible),
                "fields that can matter with what is locked and what the sizes set".to_owned(),
                "do not expose it, or do not lock what it depends on".to_owned(),
            );
        }
    }

    fn judge_bounds(
        &self,
        index: &str,
        entry: &Exposed,
        field: &Field<'_>,
        findings: &mut Findings,
    ) {
        let mut add = |key: &str, found: String, allowed: String, hint: &str| {
            findings.add(
                &["exposed", index, key],
                "offering-bound",
                found,
                allowed,
                hint.to_owned(),
            );
        };
        let is_choice = field.schema["enum"].is_array();
        for key in given_bounds(entry) {
            if !can_have(field, key, entry) {
                let what = match field.schema["type"].as_str() {
                    _ if is_choice => "choice",
                    Some(kind) => kind,
                    None => "text or number",
                };
                add(
                    key,
                    format!("{key} for {}", field.path),
                    format!("bounds that a field of its kind, {what}, can have"),
                    "remove it",
                );
                return;
            }
        }
        let least = entry
            .minimum
            .map(|number| (number, field.schema["minimum"].as_i64()));
        let most = [
            ("maximum", entry.maximum),
            (
                "maxLength",
                entry.max_length.and_then(|length| length.try_into().ok()),
            ),
            (
                "maxItems",
                entry.max_items.and_then(|length| length.try_into().ok()),
            ),
        ];
        let loosened = "an offering tightens bounds and never loosens them";
        if let Some((number, Some(bound))) = least
            && number < bound
        {
            add(
                "minimum",
                number.to_string(),
                format!("at least {bound}, as in the base chart"),
                loosened,
            );
        }
        for (key, number) in most {
            if let (Some(number), Some(bound)) = (number, field.schema[key].as_i64())
                && number > bound
            {
                add(
                    key,
                    number.to_string(),
                    format!("at most {bound}, as in the base chart"),
                    loosened,
                );
            }
        }
        if let (Some(least), Some(most)) = (entry.minimum, entry.maximum)
            && least > most
        {
            add(
                "maximum",
                most.to_string(),
                format!("at least the minimum, {least}"),
                "exchange them",
            );
        }
        if entry.required && entry.choices.iter().any(String::is_empty) {
            add(
                "choices",
                "an empty choice of a field that is required".to_owned(),
                "choices that are not empty".to_owned(),
                "remove the empty choice, or `required`",
            );
        }
        let own = jsonschema::validator_for(field.schema);
        for (place, choice) in entry.choices.iter().enumerate() {
            let is_good = own.as_ref().is_ok_and(|own| own.is_valid(&json!(choice)));
            if !is_good {
                let steps = ["exposed", index, "choices", &place.to_string()];
                findings.add(
                    &steps,
                    "offering-bound",
                    json!(choice).to_string(),
                    schema::allowed(field.schema),
                    loosened.to_owned(),
                );
            }
        }
        self.judge_default(index, entry, field, findings);
    }

    /// The default must be one of the values that the bounds leave.
    fn judge_default(
        &self,
        index: &str,
        entry: &Exposed,
        field: &Field<'_>,
        findings: &mut Findings,
    ) {
        let default = &self.defaults[field.path];
        let mut narrowed = field.schema.clone();
        bounds(&mut narrowed, entry);
        let is_good =
            jsonschema::validator_for(&narrowed).is_ok_and(|validator| validator.is_valid(default));
        if !is_good {
            findings.add(
                &["exposed", index],
                "offering-default",
                format!("bounds without the default of {}, {default}", field.path),
                "a default within the bounds".to_owned(),
                format!("add {} to presets", field.path),
            );
        }
    }
}

/// Whether a field can have a bound of that key.
fn can_have(field: &Field<'_>, key: &str, entry: &Exposed) -> bool {
    let kind = field.schema["type"].as_str().unwrap_or("string");
    let is_choice = field.schema["enum"].is_array();
    match key {
        "minimum" | "maximum" => kind == "integer",
        "maxLength" => kind == "string" && !is_choice && entry.choices.is_empty(),
        "maxItems" => kind == "array",
        "required" => !is_choice && ["string", "array", "object"].contains(&kind),
        // What may be a number too would lose that.
        _ => field.schema["type"] == "string",
    }
}

/// The bounds that an entry gives, by their keys.
fn given_bounds(entry: &Exposed) -> Vec<&'static str> {
    let bounds = [
        ("minimum", entry.minimum.is_some()),
        ("maximum", entry.maximum.is_some()),
        ("choices", !entry.choices.is_empty()),
        ("maxLength", entry.max_length.is_some()),
        ("maxItems", entry.max_items.is_some()),
        ("required", entry.required),
    ];
    let given = bounds.iter().filter(|(_, is_given)| *is_given);
    given.map(|(key, _)| *key).collect()
}

/// The fields of an excerpt with their values.
pub(super) fn settings(excerpt: &Excerpt, base: &Description) -> Vec<Setting> {
    let excerpt = Value::Object(excerpt.clone());
    let fields = base.fields().into_iter();
    let given = fields.filter_map(|field| {
        let value = at(&excerpt, field.path)?;
        Some((field.path.to_owned(), value.clone()))
    });
    given.collect()
}

/// The longest of some paths that is a path or is above it: its place and its length.
fn nearest_above<'p>(path: &str, paths: impl Iterator<Item = &'p str>) -> Option<(usize, usize)> {
    let above = paths
        .enumerate()
        .filter(|(_, above)| is_within(path, above));
    above
        .map(|(place, above)| (place, above.len()))
        .max_by_key(|(_, length)| *length)
}

/// Finds groups without fields in what is written as values: they would set nothing.
fn empty_groups(file: &File, base: &Description, findings: &mut Findings) {
    let groups = groups(base);
    for (steps, excerpt) in file.excerpts() {
        let excerpt = Value::Object(excerpt.clone());
        let is_empty = |group: &&&str| at(&excerpt, group) == Some(&json!({}));
        for group in groups.iter().filter(is_empty) {
            let mut place: Vec<&str> = steps.iter().map(String::as_str).collect();
            place.extend(group.split('.'));
            findings.add(
                &place,
                "offering-nothing",
                format!("the group {group} without fields"),
                "fields with values".to_owned(),
                "name the fields of the group, or remove it".to_owned(),
            );
        }
    }
}

/// The paths of all groups of fields.
pub(super) fn groups(base: &Description) -> BTreeSet<&str> {
    let mut groups = BTreeSet::new();
    for field in base.fields() {
        groups.extend(
            field
                .path
                .match_indices('.')
                .map(|(end, _)| &field.path[..end]),
        );
    }
    groups
}

/// Finds paths that the base chart does not have, and paths that stand twice.
fn known_paths(file: &File, base: &Description, findings: &mut Findings) {
    let mut known: Vec<&str> = groups(base).into_iter().collect();
    known.extend(base.fields().iter().map(|field| field.path));
    let exposed = file.exposed.iter().enumerate().map(|(index, entry)| {
        let steps = vec!["exposed".to_owned(), index.to_string(), "path".to_owned()];
        (steps, entry.path.as_str())
    });
    let hidden = file.hidden.iter().enumerate().map(|(index, path)| {
        let steps = vec!["hidden".to_owned(), index.to_string()];
        (steps, path.as_str())
    });
    let mut seen: Vec<&str> = Vec::new();
    for (steps, path) in exposed.chain(hidden) {
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        if !known.contains(&path) {
            let hint = match nearest(path, &known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the README of the chart {} lists its fields", file.chart),
            };
            findings.add(
                &steps,
                "unknown-field",
                json!(path).to_string(),
                format!("paths of fields and groups of the chart {}", file.chart),
                hint,
            );
        } else if seen.contains(&path) {
            findings.add(
                &steps,
                "offering-twice",
                format!("{path} once more"),
                "each path once among exposed and hidden".to_owned(),
                "remove one of them".to_owned(),
            );
        }
        seen.push(path);
    }
}

/// Finds a field that is set in two ways, or set and shown.
fn twice(
    file: &File,
    path: &str,
    set_by: &[&str],
    exposed: Option<(usize, usize)>,
    hidden: Option<(usize, usize)>,
    findings: &mut Findings,
) {
    let Some(first) = set_by.first() else {
        return;
    };
    let excerpt = Value::Object(file.presets.clone());
    let is_preset = at(&excerpt, path).is_some();
    let by_itself = |at: Option<(usize, usize)>| at.filter(|(_, length)| *length == path.len());
    let mut steps: Vec<String> = Vec::new();
    if set_by.len() > 1 {
        steps = ["locked"]
            .into_iter()
            .chain(path.split('.'))
            .map(str::to_owned)
            .collect();
    } else if is_preset {
        steps = ["presets"]
            .into_iter()
            .chain(path.split('.'))
            .map(str::to_owned)
            .collect();
    } else if let Some((at, _)) = by_itself(exposed) {
        steps = vec!["exposed".to_owned(), at.to_string(), "path".to_owned()];
    } else if let Some((at, _)) = by_itself(hidden) {
        steps = vec!["hidden".to_owned(), at.to_string()];
    }
    if !steps.is_empty() {
        let by = if *first == "locked" && set_by.len() == 1 {
            "locked"
        } else {
            "set by the sizes"
        };
        let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
        findings.add(
            &steps,
            "offering-twice",
            format!("{path}, which is {by} too"),
            "each field in one way: locked, set by the sizes, exposed or hidden".to_owned(),
            "remove one of them".to_owned(),
        );
    }
}

/// The values of the fields that sizes set; finds sizes that make no sense.
fn sized(file: &File, base: &Description, findings: &mut Findings) -> BTreeMap<String, Vec<Value>> {
    let Some(sizes) = &file.sizes else {
        return BTreeMap::new();
    };
    let known = base.schema()["properties"].as_object();
    let is_taken = known.is_some_and(|known| known.contains_key(&sizes.field));
    if is_taken || OF_PARENTS.contains(&sizes.field.as_str()) {
        findings.add(
            &["sizes", "field"],
            "offering-sizes",
            json!(sizes.field).to_string(),
            "a name that the base chart does not use".to_owned(),
            "choose another name".to_owned(),
        );
    }
    let names: Vec<&str> = sizes
        .choices
        .iter()
        .map(|size| size.name.as_str())
        .collect();
    if !names.contains(&sizes.default.as_str()) {
        findings.add(
            &["sizes", "default"],
            "offering-sizes",
            json!(sizes.default).to_string(),
            names.join(", "),
            "name one of the sizes".to_owned(),
        );
    }
    let first: Vec<String> = settings(&sizes.choices[0].values, base)
        .into_iter()
        .map(|(path, _)| path)
        .collect();
    let mut values_of: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for (index, size) in sizes.choices.iter().enumerate() {
        let place = index.to_string();
        if names[..index].contains(&size.name.as_str()) {
            findings.add(
                &["sizes", "choices", &place, "name"],
                "offering-sizes",
                format!("{} once more", size.name),
                "each name once".to_owned(),
                "rename one of the sizes".to_owned(),
            );
        }
        let given = settings(&size.values, base);
        let paths: Vec<&String> = given.iter().map(|(path, _)| path).collect();
        let lacking = first.iter().find(|path| !paths.contains(path));
        let beyond = paths.iter().find(|path| !first.contains(path));
        let found = match (lacking, beyond) {
            (Some(path), _) => Some(format!("a size that does not set {path}")),
            (None, Some(path)) => Some(format!("a size that alone sets {path}")),
            (None, None) => None,
        };
        if let Some(found) = found {
            findings.add(
                &["sizes", "choices", &place, "values"],
                "offering-sizes",
                found,
                "the same fields in every size".to_owned(),
                "set the field in all sizes or in none".to_owned(),
            );
        }
        for (path, value) in given {
            values_of.entry(path).or_default().push(value);
        }
    }
    for (index, size) in sizes.choices.iter().enumerate() {
        if WORDS_OF_YAML.contains(&size.name.as_str()) {
            findings.add(
                &["sizes", "choices", &index.to_string(), "name"],
                "offering-sizes",
                json!(size.name).to_string(),
                "names that YAML takes for text".to_owned(),
                "choose another name".to_owned(),
            );
        }
    }
    if first.is_empty() {
        findings.add(
            &["sizes", "choices", "0", "values"],
            "offering-sizes",
            "a size that sets nothing".to_owned(),
            "sizes that set fields".to_owned(),
            "name the fields that make the size".to_owned(),
        );
    }
    values_of
}
