//! What the schema refuses, in words: what it is to Helm, what is allowed, what is likely to be meant.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind};
use midships_model::description::OF_PARENTS;
use midships_model::rules::{Finding, Place, Suggestion};
use serde_json::Value;

use super::nearest::{is_alike, nearest};
use super::{dotted, join, place_of, unit};
use crate::schema;
use crate::yaml::{self, Found, Node, Scalar};

/// The rules about fields and about YAML by name, beside those of a chart's rule table: what each refuses.
pub const CHECKS: &[(&str, &str)] = &[
    ("unknown-field", "a field that the chart does not have"),
    (
        "dotted-key",
        "fields in one key with dots, as `--set` takes them",
    ),
    (
        "missing-field",
        "an entry of a list without a field that it needs",
    ),
    (
        "required",
        "an empty field that is needed with these values",
    ),
    ("wrong-type", "a value of another type"),
    ("wrong-choice", "a word that is none of the choices"),
    (
        "wrong-form",
        "text of another form, such as a name with a space",
    ),
    ("wrong-key", "a key of another form"),
    (
        "wrong-length",
        "text or a list that is too long or too short",
    ),
    ("out-of-range", "a number outside of its bounds"),
    ("repeated-entry", "an entry that stands in a list twice"),
    (
        "no-effect",
        "a value of a field that does not matter with the others; a warning",
    ),
    (
        "forbidden-change",
        "a change that a release cannot make, with `--before`",
    ),
    ("missing-unit", "an amount of memory or disk without a unit"),
    (
        "wrong-unit",
        "an amount with a unit that the chart does not take",
    ),
    (
        "yaml-boolean",
        "an unquoted word such as `on`, which Helm reads as true or false, where text is wanted",
    ),
    (
        "yaml-number",
        "an unquoted number where text is wanted, or one that other readers of YAML read otherwise",
    ),
    ("yaml-sexagesimal", "`12:30` where a number is wanted"),
    (
        "yaml-null",
        "a field without a value, which removes its default",
    ),
    ("yaml-duplicate-key", "a key that stands twice in a mapping"),
    ("yaml-key", "a key that is not a name"),
    ("yaml-documents", "a second document in the file"),
    ("yaml-document", "a file that is not a mapping"),
    ("yaml-tab", "tabs as indentation"),
    ("yaml-syntax", "text that is not YAML"),
    ("yaml-encoding", "text that is not UTF-8"),
];

const BYTES_PATTERN: &str = "(Mi|Gi|Ti)$";
const CPU_PATTERN: &str = "m?)?$";

/// A document and the schema that refuses parts of it.
pub(super) struct Refusals<'a> {
    pub(super) root: &'a Node,
    pub(super) schema: &'a Value,
}

impl Refusals<'_> {
    /// What one error of the schema says about the values at some steps.
    pub(super) fn of(&self, steps: &[String], error: &ValidationError<'_>) -> Vec<Finding> {
        let here = schema_at(self.schema, steps);
        let path = dotted(steps);
        let instance = error.instance();
        let finding = match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let unknown = |name| self.unknown_field(steps, here, name);
                return unexpected.iter().map(unknown).collect();
            }
            ValidationErrorKind::PropertyNames { error } => {
                return vec![self.wrong_key(steps, here, error)];
            }
            ValidationErrorKind::Required { property } => {
                let name = property.as_str().unwrap_or_default();
                return vec![self.missing(steps, here, name)];
            }
            ValidationErrorKind::Type { kind } => self.wrong_type(steps, here, instance, kind),
            ValidationErrorKind::UniqueItems => Finding {
                rule: "repeated-entry".to_owned(),
                found: "an entry twice".to_owned(),
                allowed: "each entry once".to_owned(),
                hint: "remove what stands there twice".to_owned(),
                ..Finding::default()
            },
            ValidationErrorKind::MaxLength { limit } => {
                let count = instance.as_str().map_or(0, |text| text.chars().count());
                Finding {
                    rule: "wrong-length".to_owned(),
                    found: format!("{}, {count} characters", shown(instance)),
                    allowed: format!("at most {limit} characters"),
                    hint: default_of(here),
                    ..Finding::default()
                }
            }
            ValidationErrorKind::MaxItems { limit } => Finding {
                rule: "wrong-length".to_owned(),
                found: format!("{} entries", instance.as_array().map_or(0, Vec::len)),
                allowed: format!("at most {limit} entries"),
                hint: default_of(here),
                ..Finding::default()
            },
            ValidationErrorKind::Enum { .. } => self.wrong_choice(steps, here, instance),
            ValidationErrorKind::Pattern { .. } => self.wrong_form(steps, here, instance),
            ValidationErrorKind::Minimum { .. } | ValidationErrorKind::Maximum { .. } => Finding {
                rule: "out-of-range".to_owned(),
                found: self.as_written(steps, instance),
                allowed: described(here),
                hint: nearest_bound(here, error.kind()),
                ..Finding::default()
            },
            _ => Finding {
                rule: "wrong-form".to_owned(),
                found: shown(instance),
                allowed: described(here),
                hint: default_of(here),
                ..Finding::default()
            },
        };
        vec![Finding {
            path,
            place: self.place(steps),
            ..finding
        }]
    }

    /// Numbers that the schema takes and that are others, or text, to other readers of YAML.
    pub(super) fn of_readers_that_differ(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.differing(&mut Vec::new(), self.root, &mut findings);
        findings
    }

    fn differing(&self, steps: &mut Vec<String>, node: &Node, findings: &mut Vec<Finding>) {
        match &node.content {
            yaml::Content::Mapping(entries) => {
                for entry in entries {
                    steps.push(entry.key.clone());
                    self.differing(steps, &entry.node, findings);
                    steps.pop();
                }
            }
            yaml::Content::List(nodes) => {
                for (index, node) in nodes.iter().enumerate() {
                    steps.push(index.to_string());
                    self.differing(steps, node, findings);
                    steps.pop();
                }
            }
            yaml::Content::Scalar(scalar) => {
                let here = schema_at(self.schema, steps);
                if takes(here, "number") && is_read_differently(scalar) {
                    findings.push(Finding {
                        path: dotted(steps),
                        rule: "yaml-number".to_owned(),
                        found: format!("{}, which is {} to Helm", scalar.text, scalar.value),
                        allowed: "numbers that all readers of YAML read alike".to_owned(),
                        hint: "write what is meant in decimal digits".to_owned(),
                        place: Some(node.place),
                        suggestion: is_unmistakable(scalar).then(|| Suggestion {
                            place: node.place,
                            text: scalar.value.to_string(),
                        }),
                        ..Finding::default()
                    });
                }
            }
        }
    }

    fn found(&self, steps: &[String]) -> Option<Found<'_>> {
        self.root.at(steps)
    }

    fn scalar(&self, steps: &[String]) -> Option<(&Scalar, Place)> {
        let node = self.found(steps)?.node;
        node.scalar().map(|scalar| (scalar, node.place))
    }

    /// The value as the user wrote it.
    fn as_written(&self, steps: &[String], instance: &Value) -> String {
        match self.scalar(steps) {
            Some((scalar, _)) if scalar.is_plain => {
                let value = instance.to_string();
                if scalar.text == value {
                    value
                } else {
                    format!("{}, which is {value} to Helm", scalar.text)
                }
            }
            _ => shown(instance),
        }
    }

    /// Where the value at some steps stands, or the nearest one around it that is in the text.
    fn place(&self, steps: &[String]) -> Option<Place> {
        (1..=steps.len())
            .rev()
            .find_map(|length| self.found(&steps[..length]).map(place_of))
    }

    fn unknown_field(&self, steps: &[String], here: &Value, name: &String) -> Finding {
        let group = dotted(steps);
        let known: Vec<&str> = here["properties"]
            .as_object()
            .into_iter()
            .flat_map(|properties| properties.keys().map(String::as_str))
            .filter(|name| !(steps.is_empty() && OF_PARENTS.contains(name)))
            .collect();
        let around = self.found(steps);
        let entry = around.and_then(|found| found.node.entry(name));
        let mut finding = Finding {
            path: join(&group, name),
            rule: "unknown-field".to_owned(),
            found: "an unknown field".to_owned(),
            allowed: known.join(", "),
            place: entry.map(|entry| entry.place),
            ..Finding::default()
        };
        if let Some(entry) = entry.filter(|entry| entry.written != entry.key) {
            return Finding {
                rule: "yaml-boolean".to_owned(),
                found: format!("the key {}, which is `{name}` to Helm", entry.written),
                hint: "put the key in quotes if it is meant, or remove the field".to_owned(),
                ..finding
            };
        }
        if let Some((last, above)) = self.dotted_field(steps, name) {
            return Finding {
                rule: "dotted-key".to_owned(),
                found: "fields in one key with dots".to_owned(),
                allowed: "a line for each group and, below it, its fields".to_owned(),
                hint: format!("write `{last}` below `{above}`: only `--set` takes dots"),
                suggestion: entry.and_then(|entry| self.nested(entry)),
                ..finding
            };
        }
        let near = nearest(name, &known);
        let elsewhere = self.groups_with(name);
        finding.hint = match near {
            Some(near) if is_alike(near, name) || elsewhere.is_empty() => {
                let is_free = around.is_some_and(|found| found.node.entry(near).is_none());
                finding.suggestion = entry.filter(|_| is_free).map(|entry| Suggestion {
                    place: entry.place,
                    text: near.to_owned(),
                });
                format!("did you mean `{near}`?")
            }
            _ if !elsewhere.is_empty() => {
                let groups: Vec<String> =
                    elsewhere.iter().map(|group| format!("`{group}`")).collect();
                format!("`{name}` is a field of {}", groups.join(" and of "))
            }
            _ => "remove the field".to_owned(),
        };
        finding
    }

    /// The last field of a key with dots that is a path of the chart, and what is above it.
    fn dotted_field<'b>(&self, steps: &[String], name: &'b str) -> Option<(&'b str, &'b str)> {
        let (above, last) = name.rsplit_once('.')?;
        let mut path = steps.to_vec();
        path.extend(name.split('.').map(ToOwned::to_owned));
        let is_known = !schema_at(self.schema, &path)["type"].is_null();
        is_known.then_some((last, above))
    }

    /// The lines for a key with dots that begins its line, unless its group is in the text already.
    fn nested(&self, entry: &yaml::Entry) -> Option<Suggestion> {
        let (first, _) = entry.key.split_once('.')?;
        let is_possible = entry.place.column == 1
            && entry.node.scalar().is_some()
            && self.root.entry(first).is_none();
        let lines = entry.key.split('.').enumerate();
        let lines: Vec<String> = lines
            .map(|(depth, name)| format!("{}{name}", "  ".repeat(depth)))
            .collect();
        is_possible.then(|| Suggestion {
            place: entry.place,
            text: lines.join(":\n"),
        })
    }

    /// The groups of the chart that have a field of that name.
    fn groups_with(&self, name: &str) -> Vec<String> {
        fn collect(path: &str, schema: &Value, name: &str, found: &mut Vec<String>) {
            for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
                if key == name && !path.is_empty() {
                    found.push(path.to_owned());
                }
                collect(&join(path, key), inner, name, found);
            }
        }
        let mut found = Vec::new();
        collect("", self.schema, name, &mut found);
        found.truncate(3);
        found
    }

    fn wrong_key(&self, steps: &[String], here: &Value, error: &ValidationError<'_>) -> Finding {
        let name = error.instance().as_str().unwrap_or_default();
        let around = self.found(steps);
        let entry = around.and_then(|found| found.node.entry(name));
        Finding {
            path: join(&dotted(steps), name),
            rule: "wrong-key".to_owned(),
            found: format!("the key `{name}`"),
            allowed: match error.kind() {
                ValidationErrorKind::Pattern { .. } => {
                    let pattern = here["propertyNames"]["pattern"].as_str();
                    let words = schema::in_words(pattern.unwrap_or_default());
                    format!("keys of the form: {words}")
                }
                ValidationErrorKind::MaxLength { limit } => {
                    format!("keys of at most {limit} characters")
                }
                _ => "other keys".to_owned(),
            },
            hint: "rename the key".to_owned(),
            place: entry.map(|entry| entry.place),
            ..Finding::default()
        }
    }

    /// A field that is not there: taken away by null, or left out of an entry of a list.
    fn missing(&self, steps: &[String], here: &Value, name: &str) -> Finding {
        let mut inner = steps.to_vec();
        inner.push(name.to_owned());
        let allowed = described(&here["properties"][name]);
        let path = dotted(&inner);
        let place = self.place(&inner);
        if self.found(&inner).is_none() {
            return Finding {
                path,
                rule: "missing-field".to_owned(),
                found: "nothing".to_owned(),
                allowed,
                hint: format!("add `{name}` here"),
                place,
                ..Finding::default()
            };
        }
        nothing(path, allowed, place)
    }

    fn wrong_type(
        &self,
        steps: &[String],
        here: &Value,
        instance: &Value,
        kind: &TypeKind,
    ) -> Finding {
        if instance.is_null() {
            return nothing(String::new(), described(here), None);
        }
        let allowed = match schema::allowed(here) {
            words if words.is_empty() => types(kind),
            words => words,
        };
        let mut rule = "wrong-type";
        let mut finding = Finding {
            found: format!("{}, {}", shown(instance), kind_of(instance)),
            allowed,
            hint: default_of(here),
            ..Finding::default()
        };
        let Some((scalar, place)) = self.scalar(steps) else {
            finding.rule = String::from(rule);
            return finding;
        };
        let suggest = |text: String| Some(Suggestion { place, text });
        let pattern = here["pattern"].as_str().unwrap_or_default();
        match instance {
            Value::Number(_) if pattern.ends_with(BYTES_PATTERN) => {
                let number = &scalar.text;
                rule = "missing-unit";
                finding.found = format!("{number} without a unit");
                finding.hint = format!("add the unit that is meant: {number}Mi or {number}Gi");
            }
            Value::Number(_) if pattern.ends_with(CPU_PATTERN) => {
                rule = "wrong-unit";
                finding.found = format!("{}, a fraction of a core", scalar.text);
                if let Some(meant) = unit::cpu(&scalar.text) {
                    finding.hint = format!("did you mean {meant}?");
                    finding.suggestion = suggest(meant);
                }
            }
            Value::Number(_) | Value::Bool(_) if scalar.is_plain && takes(here, "string") => {
                let is_boolean = instance.is_boolean();
                rule = if is_boolean {
                    "yaml-boolean"
                } else {
                    "yaml-number"
                };
                finding.found = format!(
                    "{} without quotes, which is {} to Helm",
                    scalar.text,
                    named(instance)
                );
                let quoted = Value::String(scalar.text.clone());
                if jsonschema::is_valid(here, &quoted) {
                    finding.hint = format!("write it in quotes: {quoted}");
                    finding.suggestion = suggest(quoted.to_string());
                }
            }
            Value::String(_) if scalar.is_plain && sexagesimal(&scalar.text).is_some() => {
                let number = sexagesimal(&scalar.text).unwrap_or_default();
                rule = "yaml-sexagesimal";
                finding.found = format!(
                    "{}, which is text to Helm and {number} to other readers of YAML",
                    scalar.text
                );
                if jsonschema::is_valid(here, &Value::from(number)) {
                    finding.hint = format!("write the number: {number}");
                }
            }
            Value::String(text) if takes(here, "object") && is_stuck(text) => {
                finding.hint = String::from("write a space after the colon");
            }
            Value::String(text) => {
                let alone = number_before_unit(&dotted(steps), text).map(Value::from);
                let is_good = |value: &Value| jsonschema::is_valid(here, value);
                if let Some(alone) = alone.filter(is_good) {
                    finding.hint = format!("write the number without its unit: {alone}");
                    finding.suggestion = suggest(alone.to_string());
                } else if let Some(bare) = yaml::plain(text).filter(is_good) {
                    finding.hint = format!("write it without quotes: {bare}");
                    finding.suggestion = suggest(bare.to_string());
                }
            }
            _ => {}
        }
        finding.rule = String::from(rule);
        finding
    }

    fn wrong_choice(&self, steps: &[String], here: &Value, instance: &Value) -> Finding {
        let choices: Vec<&str> = here["enum"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let near = instance.as_str().and_then(|text| nearest(text, &choices));
        Finding {
            rule: "wrong-choice".to_owned(),
            found: shown(instance),
            allowed: choices.join(", "),
            hint: match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => default_of(here),
            },
            suggestion: self.suggested(steps, near),
            ..Finding::default()
        }
    }

    fn wrong_form(&self, steps: &[String], here: &Value, instance: &Value) -> Finding {
        let text = instance.as_str().unwrap_or_default();
        let pattern = here["pattern"].as_str().unwrap_or_default();
        let (is_amount, meant) = if pattern.ends_with(BYTES_PATTERN) {
            (true, unit::bytes(text))
        } else if pattern.ends_with(CPU_PATTERN) {
            (true, unit::cpu(text))
        } else {
            (false, None)
        };
        let meant = meant.filter(|meant| jsonschema::is_valid(here, &Value::String(meant.clone())));
        let has_digits = is_amount && text.starts_with(|first: char| first.is_ascii_digit());
        let is_number = has_digits && text.chars().all(|letter| letter.is_ascii_digit());
        let rule = match (has_digits, is_number && pattern.ends_with(BYTES_PATTERN)) {
            (_, true) => "missing-unit",
            (true, false) => "wrong-unit",
            (false, false) => "wrong-form",
        };
        Finding {
            rule: rule.to_owned(),
            found: shown(instance),
            allowed: described(here),
            hint: match &meant {
                Some(meant) => format!("did you mean {meant}?"),
                None if rule == "missing-unit" => {
                    format!("add the unit that is meant: {text}Mi or {text}Gi")
                }
                None => default_of(here),
            },
            suggestion: self.suggested(steps, meant.as_deref()),
            ..Finding::default()
        }
    }

    fn suggested(&self, steps: &[String], text: Option<&str>) -> Option<Suggestion> {
        let (_, place) = self.scalar(steps)?;
        text.map(|text| Suggestion {
            place,
            text: text.to_owned(),
        })
    }
}

fn nothing(path: String, allowed: String, place: Option<Place>) -> Finding {
    Finding {
        path,
        rule: "yaml-null".to_owned(),
        found: "nothing".to_owned(),
        allowed,
        hint: "leave the field out to keep its default; null removes it".to_owned(),
        place,
        ..Finding::default()
    }
}

/// The part of the schema that describes the value at some steps.
fn schema_at<'a>(mut schema: &'a Value, steps: &[String]) -> &'a Value {
    for step in steps {
        schema = match schema["properties"].get(step) {
            Some(property) => property,
            None if schema["items"].is_object() => &schema["items"],
            None => &schema["additionalProperties"],
        };
    }
    schema
}

/// Whether a schema takes values of a type; whole numbers are numbers.
fn takes(schema: &Value, kind: &str) -> bool {
    let is_kind = |value: &Value| value == kind || (kind == "number" && value == "integer");
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().any(is_kind),
        one => is_kind(one),
    }
}

/// Whether a number without quotes is octal, binary or has underscores: YAML 1.1 and 1.2 differ about all of these.
fn is_read_differently(scalar: &Scalar) -> bool {
    let digits = scalar.text.trim_start_matches(['+', '-']);
    let mut letters = digits.chars();
    let is_zero_led = letters.next() == Some('0')
        && letters
            .next()
            .is_some_and(|second| second.is_ascii_digit() || "oObB".contains(second));
    scalar.is_plain && scalar.value.is_number() && (is_zero_led || digits.contains('_'))
}

/// Whether a number says by its letters how it is to be read: `0o10` does, `010` does not.
fn is_unmistakable(scalar: &Scalar) -> bool {
    let digits = scalar.text.trim_start_matches(['+', '-']);
    !digits.starts_with('0') || digits.starts_with("0o") || digits.starts_with("0b")
}

/// The number before the unit in which the field counts already: `512m` of a field in megabytes, `30s` of one in seconds.
fn number_before_unit(path: &str, text: &str) -> Option<u64> {
    let end = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (digits, unit) = text.split_at(end);
    let units: &[&str] = if path.ends_with("Megabytes") {
        &["m", "mb", "mi", "mib"]
    } else if path.ends_with("Seconds") {
        &["s", "sec", "seconds"]
    } else {
        &[]
    };
    let unit = unit.trim().to_lowercase();
    units
        .contains(&unit.as_str())
        .then(|| digits.parse().ok())?
}

/// Whether text is a key and its value without the space that belongs between them.
fn is_stuck(text: &str) -> bool {
    text.split_once(':')
        .is_some_and(|(key, _)| key.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The number that readers of YAML 1.1 make of `12:30`.
fn sexagesimal(text: &str) -> Option<u64> {
    let mut parts = text.split(':');
    let first = parts.next()?.parse::<u32>().ok()?;
    let mut number = u64::from(first);
    let mut count = 0;
    for part in parts {
        let digit = part.parse::<u64>().ok().filter(|digit| *digit < 60)?;
        number = number.checked_mul(60)?.checked_add(digit)?;
        count += 1;
    }
    (count > 0).then_some(number)
}

fn nearest_bound(schema: &Value, kind: &ValidationErrorKind) -> String {
    let (ValidationErrorKind::Minimum { limit: bound }
    | ValidationErrorKind::Maximum { limit: bound }) = kind
    else {
        return default_of(schema);
    };
    match default_of(schema) {
        default if default.is_empty() => format!("the nearest is {bound}"),
        default => format!("the nearest is {bound}; {default}"),
    }
}

fn default_of(schema: &Value) -> String {
    match &schema["default"] {
        Value::Null => String::new(),
        default => format!("the default is {default}"),
    }
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => type_in_words(&one.to_string()),
        TypeKind::Multiple(many) => many
            .into_iter()
            .map(|one| type_in_words(&one.to_string()))
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

fn type_in_words(name: &str) -> String {
    let words = match name {
        "array" => "a list",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "object" => "a mapping",
        "string" => "text",
        other => other,
    };
    words.to_owned()
}

fn described(schema: &Value) -> String {
    match schema::allowed(schema) {
        words if !words.is_empty() => words,
        _ => match &schema["type"] {
            Value::String(kind) => type_in_words(kind),
            _ => "what the chart's values.yaml says".to_owned(),
        },
    }
}

fn shown(value: &Value) -> String {
    let text = value.to_string();
    if text.chars().count() > 60 {
        let start: String = text.chars().take(57).collect();
        return format!("{start}…");
    }
    text
}

/// A number or a boolean with its kind.
fn named(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("the number {number}"),
        other => other.to_string(),
    }
}

/// The kind of a value, in words.
pub(super) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}
