//! What an offering sets beyond what a user may: the values that are locked and those of the chosen size.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Value, json};

/// A field and its value.
pub(super) type Setting = (String, Value);

/// The field whose choices set others.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    /// Its name in the values.
    pub field: String,
    /// What each size sets, by name, in the order of the file.
    pub sizes: Vec<(String, Vec<Setting>)>,
}

/// What is laid over the values of an offering to make them values of the base chart.
#[derive(Clone, Debug)]
pub(crate) struct Completion {
    /// What nothing can change. A path may be one of a group, all fields of which are locked.
    pub(super) locked: Vec<Setting>,
    /// What depends on the size.
    pub(super) choice: Option<Choice>,
}

impl Completion {
    /// For a chart of the model, where there is nothing to complete.
    pub(crate) const NOTHING: Self = Self {
        locked: Vec::new(),
        choice: None,
    };

    /// The fields at the root that the base chart does not have.
    pub(crate) fn of_offering(&self) -> Vec<&str> {
        self.choice
            .iter()
            .map(|choice| choice.field.as_str())
            .collect()
    }

    /// The names of the sizes.
    pub(crate) fn sizes(&self) -> Vec<&str> {
        let choice = self.choice.iter();
        choice
            .flat_map(|choice| choice.sizes.iter().map(|(name, _)| name.as_str()))
            .collect()
    }

    /// Makes values of the offering, defaults included, values of the base chart. A size that does not exist sets nothing.
    pub(crate) fn complete(&self, values: &Value) -> Value {
        let mut completed = values.clone();
        for (path, value) in &self.locked {
            put(&mut completed, path, value);
        }
        if let Some(choice) = &self.choice {
            let size = &values[&choice.field];
            for (_, settings) in choice.sizes.iter().filter(|(name, _)| size == name) {
                for (path, value) in settings {
                    put(&mut completed, path, value);
                }
            }
            if let Some(values) = completed.as_object_mut() {
                values.shift_remove(&choice.field);
            }
        }
        completed
    }

    /// The named template that does the same in Helm. Each template of the chart includes it first, since Helm renders them
    /// in no order that it promises; to do it twice changes nothing.
    pub(crate) fn template(&self, chart: &str) -> String {
        let mut text = format!(
            "{{{{/* What {chart} sets itself, whatever the values say: each template includes it first. */}}}}\n\
             {{{{- define \"{chart}.complete\" -}}}}\n"
        );
        set_all(&mut text, &self.locked);
        if let Some(choice) = &self.choice {
            let mut keyword = "if";
            for (name, settings) in &choice.sizes {
                let name = json!(name);
                // Writing to a String cannot fail.
                let _ = writeln!(
                    text,
                    "{{{{- {keyword} eq (toString .Values.{}) {name} }}}}",
                    choice.field
                );
                set_all(&mut text, settings);
                keyword = "else if";
            }
            let names: Vec<&str> = choice.sizes.iter().map(|(name, _)| name.as_str()).collect();
            let refusal = json!(format!(
                "{}: found %v; allowed: {}",
                choice.field,
                names.join(", ")
            ));
            let _ = writeln!(
                text,
                "{{{{- else }}}}\n{{{{- fail (printf {refusal} .Values.{}) }}}}\n{{{{- end }}}}",
                choice.field
            );
        }
        text.push_str("{{- end }}\n");
        text
    }
}

/// Puts a value at a path; what is no mapping on the way becomes one.
pub(super) fn put(values: &mut Value, path: &str, value: &Value) {
    let mut place = values;
    for step in path.split('.') {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        place = &mut place[step];
    }
    *place = value.clone();
}

/// The lines of a template that set fields; groups that the values lack are made.
fn set_all(text: &mut String, settings: &[Setting]) {
    let mut groups: BTreeMap<&str, Vec<&Setting>> = BTreeMap::new();
    for setting in settings {
        let group = setting.0.rsplit_once('.').map_or("", |(group, _)| group);
        groups.entry(group).or_default().push(setting);
    }
    let mut made: Vec<&str> = Vec::new();
    for (group, settings) in groups {
        let ends = group.match_indices('.').map(|(end, _)| end);
        for end in ends.chain((!group.is_empty()).then_some(group.len())) {
            let above = &group[..end];
            if made.contains(&above) {
                continue;
            }
            made.push(above);
            let (outer, name) = above.rsplit_once('.').unwrap_or(("", above));
            let _ = writeln!(
                text,
                "{{{{- if not (kindIs \"map\" .Values.{above}) }}}}{{{{ $_ := set {} {} dict }}}}{{{{ end }}}}",
                of_helm(outer),
                json!(name)
            );
        }
        for (path, value) in settings {
            let name = path
                .rsplit_once('.')
                .map_or(path.as_str(), |(_, name)| name);
            let _ = writeln!(
                text,
                "{{{{- $_ := set {} {} {} }}}}",
                of_helm(group),
                json!(name),
                literal(value)
            );
        }
    }
}

/// The values at a path, empty for the root, in Helm's templates.
fn of_helm(group: &str) -> String {
    if group.is_empty() {
        ".Values".to_owned()
    } else {
        format!(".Values.{group}")
    }
}

/// A value as an expression of Helm's templates. A JSON string is a string of theirs too.
fn literal(value: &Value) -> String {
    match value {
        Value::Object(object) if object.is_empty() => "dict".to_owned(),
        Value::Array(items) if items.is_empty() => "list".to_owned(),
        Value::Object(_) => format!("(fromJson {})", json!(value.to_string())),
        Value::Array(_) => format!("(fromJsonArray {})", json!(value.to_string())),
        Value::Null => "nil".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completion() -> Completion {
        let size = |name: &str, groups: u32| {
            let settings = vec![("brokers.groups".to_owned(), json!(groups))];
            (name.to_owned(), settings)
        };
        Completion {
            locked: vec![
                ("brokers.enabled".to_owned(), json!(true)),
                (
                    "brokers.pod".to_owned(),
                    json!({ "labels": { "a": "\"b\"" } }),
                ),
                ("imagePullSecrets".to_owned(), json!([])),
            ],
            choice: Some(Choice {
                field: "size".to_owned(),
                sizes: vec![size("small", 1), size("large", 4)],
            }),
        }
    }

    #[test]
    fn what_is_locked_and_what_the_size_says_is_laid_over_the_values() {
        let given =
            json!({ "size": "large", "brokers": { "enabled": false, "groups": 9, "heap": 1 } });
        let completed = completion().complete(&given);
        let expected = json!({
            "brokers": { "enabled": true, "groups": 4, "heap": 1, "pod": { "labels": { "a": "\"b\"" } } },
            "imagePullSecrets": [],
        });
        assert_eq!(completed, expected);
    }

    #[test]
    fn the_template_sets_the_same() {
        insta::assert_snapshot!(completion().template("queue"));
    }
}
