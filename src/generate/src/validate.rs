//! Checks a user's values: YAML, then the schema and the rules of the model, everything at once.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use midships_model::description::{Description, DescriptionError, OF_PARENTS};
use midships_model::rocketmq::{self, Values, rules::RULES};
use midships_model::rules::{self, Finding, Release, Subject};
use serde_json::Value;
use snafu::{ResultExt, Snafu};

use crate::{schema, yaml};

/// Why values could not be checked at all.
#[derive(Debug, Snafu)]
pub enum ValidateError {
    /// There is no chart of that name.
    #[snafu(display("no chart is named `{name}`; there are: {}", rocketmq::CHART))]
    NoChart {
        /// The name that was asked for.
        name: String,
    },
    /// The chart's own schema is at fault.
    #[snafu(display("the chart's schema cannot be used: {message}; this is a bug"))]
    Schema {
        /// Why.
        message: String,
    },
    /// The chart's own fields are at fault.
    #[snafu(display("the chart's fields cannot be described: {source}; this is a bug"))]
    Describe {
        /// Why.
        source: DescriptionError,
    },
    /// Values that were read do not become JSON again.
    #[snafu(display("the values cannot be used: {source}; this is a bug"))]
    Values {
        /// Why.
        source: serde_json::Error,
    },
}

/// Checks a values file of a chart. The findings are sorted by path; none means that the values are good. Rules about names
/// need the release.
///
/// # Errors
/// When no chart has that name.
pub fn validate(
    chart: &str,
    text: &str,
    release: Option<&Release>,
) -> Result<Vec<Finding>, ValidateError> {
    let description = description(chart)?;
    let given = match yaml::read(text) {
        Ok(given @ (Value::Object(_) | Value::Null)) => given,
        Ok(other) => return Ok(vec![document_finding(kind_of(&other))]),
        Err(error) => return Ok(vec![yaml_finding(&error)]),
    };
    let (schema, defaults) = (description.schema(), description.defaults());
    let mut merged = defaults.clone();
    lay_over(&mut merged, given);

    let validator = jsonschema::validator_for(schema).map_err(|error| ValidateError::Schema {
        message: error.to_string(),
    })?;
    let mut findings = Vec::new();
    let mut repairs = Vec::new();
    let errors: Vec<_> = validator.iter_errors(&merged).collect();
    for error in &errors {
        let steps = steps(&error.instance_path().to_string());
        // Of a value of the wrong type, nothing else is worth a word.
        let is_mistyped = errors
            .iter()
            .any(|other| is_of_type(other) && other.instance_path() == error.instance_path());
        if is_of_type(error) || !is_mistyped {
            findings.extend(schema_findings(&steps, error, schema));
        }
        repairs.push(steps);
    }
    drop(errors);

    // What the schema refuses is put back to its default, so that the rules can say what they find in the rest.
    for steps in &repairs {
        repair(&mut merged, defaults, steps);
    }
    if let Some(values) = merged.as_object_mut() {
        values.retain(|key, _| !OF_PARENTS.contains(&key.as_str()));
    }
    if let Ok(values) = serde_json::from_value::<Values>(merged) {
        let subject = Subject {
            values: &values,
            release,
        };
        let found = rules::check(RULES, &subject, &description).context(ValuesSnafu)?;
        let refused: Vec<String> = repairs.iter().map(|steps| dotted(steps)).collect();
        // A list with a refused entry was put back too, so a rule has nothing to say about it.
        findings.extend(found.into_iter().filter(|finding| {
            !refused.iter().any(|path| {
                let rest = path.strip_prefix(&finding.path);
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
            })
        }));
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}

/// What is known of the fields of a chart.
pub(crate) fn description(chart: &str) -> Result<Description, ValidateError> {
    if chart != rocketmq::CHART {
        return NoChartSnafu { name: chart }.fail();
    }
    rocketmq::description().context(DescribeSnafu)
}

/// The values of a file laid over the chart's defaults, as Helm does: mappings are merged, everything else is replaced, and
/// `null` removes. What is no mapping changes nothing.
///
/// # Errors
/// When no chart has that name.
pub fn merged(chart: &str, text: &str) -> Result<Value, ValidateError> {
    let mut merged = description(chart)?.defaults().clone();
    if let Ok(given) = yaml::read(text) {
        lay_over(&mut merged, given);
    }
    if let Some(values) = merged.as_object_mut() {
        values.retain(|key, _| !OF_PARENTS.contains(&key.as_str()));
    }
    Ok(merged)
}

fn is_of_type(error: &jsonschema::ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { .. })
}

fn document_finding(found: &str) -> Finding {
    Finding {
        path: String::new(),
        rule: "yaml".to_owned(),
        found: found.to_owned(),
        allowed: "a mapping of fields".to_owned(),
        hint: "write the values as in the chart's values.yaml".to_owned(),
    }
}

fn yaml_finding(error: &yaml::Error) -> Finding {
    Finding {
        path: String::new(),
        rule: "yaml".to_owned(),
        found: format!("text that is not YAML ({error})"),
        allowed: "one YAML document in which no key stands twice".to_owned(),
        hint: "correct the line that is named".to_owned(),
    }
}

/// Lays values over others as Helm does: mappings are merged, everything else is replaced, and `null` removes.
fn lay_over(base: &mut Value, over: Value) {
    let Value::Object(over) = over else {
        if !over.is_null() {
            *base = over;
        }
        return;
    };
    let Value::Object(base) = base else {
        *base = Value::Object(over);
        return;
    };
    for (key, value) in over {
        if value.is_null() {
            // Of a field that has no default, Helm hands the null on.
            if base.remove(&key).is_none() {
                base.insert(key, Value::Null);
            }
        } else if let Some(inner) = base.get_mut(&key) {
            lay_over(inner, value);
        } else {
            base.insert(key, value);
        }
    }
}

/// The steps of a JSON pointer.
fn steps(pointer: &str) -> Vec<String> {
    pointer
        .split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// Steps as a path for people: `a.b[0]`.
fn dotted(steps: &[String]) -> String {
    let mut path = String::new();
    for step in steps {
        if !path.is_empty() && step.bytes().all(|byte| byte.is_ascii_digit()) {
            path = format!("{path}[{step}]");
        } else {
            path = if path.is_empty() {
                step.clone()
            } else {
                format!("{path}.{step}")
            };
        }
    }
    path
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
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

fn schema_findings(
    steps: &[String],
    error: &jsonschema::ValidationError<'_>,
    schema: &Value,
) -> Vec<Finding> {
    let path = dotted(steps);
    let here = schema_at(schema, steps);
    let instance = error.instance();
    let default_hint = || match &here["default"] {
        Value::Null => String::new(),
        default => format!("the default is {default}"),
    };
    let (path, found, allowed, hint) = match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            return unknown_fields(&path, here, unexpected);
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let hint = "leave the field out to keep its default; null removes it".to_owned();
            (
                join(&path, name),
                "nothing".to_owned(),
                described(&here["properties"][name]),
                hint,
            )
        }
        ValidationErrorKind::Type { kind } => {
            let mut allowed = types(kind);
            let quoted = Value::String(instance.to_string());
            let hint = if !instance.is_number() || !allowed.contains("string") {
                default_hint()
            } else if jsonschema::is_valid(here, &quoted) {
                format!("write it in quotes: {quoted}")
            } else {
                allowed = described(here);
                default_hint()
            };
            (
                path,
                format!("{}, {}", shown(instance), kind_of(instance)),
                allowed,
                hint,
            )
        }
        ValidationErrorKind::UniqueItems => {
            let hint = "remove what stands there twice".to_owned();
            (
                path,
                "an entry twice".to_owned(),
                "each entry once".to_owned(),
                hint,
            )
        }
        ValidationErrorKind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default().to_owned();
            let pattern = here["propertyNames"]["pattern"]
                .as_str()
                .unwrap_or_default();
            (
                join(&path, &name),
                format!("the key `{name}`"),
                format!("keys of the form: {}", schema::in_words(pattern)),
                "rename the key".to_owned(),
            )
        }
        ValidationErrorKind::MaxLength { limit } => (
            path,
            shown(instance),
            format!("at most {limit} characters"),
            default_hint(),
        ),
        ValidationErrorKind::MaxItems { limit } => {
            let found = format!("{} entries", instance.as_array().map_or(0, Vec::len));
            (
                path,
                found,
                format!("at most {limit} entries"),
                default_hint(),
            )
        }
        _ => (path, shown(instance), described(here), default_hint()),
    };
    vec![Finding {
        path,
        rule: "schema".to_owned(),
        found,
        allowed,
        hint,
    }]
}

fn unknown_fields(path: &str, schema: &Value, unexpected: &[String]) -> Vec<Finding> {
    let known: Vec<&str> = schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|properties| properties.keys().map(String::as_str))
        .filter(|name| !(path.is_empty() && OF_PARENTS.contains(name)))
        .collect();
    let finding = |name: &String| Finding {
        path: join(path, name),
        rule: "schema".to_owned(),
        found: "an unknown field".to_owned(),
        allowed: known.join(", "),
        hint: match nearest(name, &known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "remove the field".to_owned(),
        },
    };
    unexpected.iter().map(finding).collect()
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(many) => many
            .into_iter()
            .map(|one| one.to_string())
            .collect::<Vec<_>>()
            .join(" or "),
    }
}

fn described(schema: &Value) -> String {
    match schema::allowed(schema) {
        words if !words.is_empty() => words,
        _ => match &schema["type"] {
            Value::String(kind) => format!("a value of the type {kind}"),
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

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

/// Puts the value at some steps back to its default; a key that has none is taken out, and an entry that has none takes its
/// whole list with it.
fn repair(merged: &mut Value, defaults: &Value, steps: &[String]) {
    for length in (0..=steps.len()).rev() {
        let pointer = pointer(&steps[..length]);
        let Some(place) = merged.pointer_mut(&pointer) else {
            continue;
        };
        match (place, defaults.pointer(&pointer)) {
            (Value::Object(place), Some(Value::Object(default))) if length < steps.len() => {
                place.remove(&steps[length]);
                fill(place, default);
                return;
            }
            // A mapping with wrong members: unknown ones go, missing ones come back, good ones stay.
            (Value::Object(place), Some(Value::Object(default))) if !default.is_empty() => {
                place.retain(|key, _| default.contains_key(key));
                fill(place, default);
                return;
            }
            (place, Some(default)) => {
                *place = default.clone();
                return;
            }
            (_, None) => {}
        }
    }
}

fn fill(place: &mut serde_json::Map<String, Value>, default: &serde_json::Map<String, Value>) {
    for (key, value) in default {
        place.entry(key).or_insert_with(|| value.clone());
    }
}

fn pointer(steps: &[String]) -> String {
    steps.iter().fold(String::new(), |pointer, step| {
        pointer + "/" + &step.replace('~', "~0").replace('/', "~1")
    })
}

/// The known name that is nearest to an unknown one, if it is near enough to be meant.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase();
    known
        .iter()
        .map(|candidate| (distance(&name, &candidate.to_lowercase()), *candidate))
        .filter(|(distance, candidate)| *distance * 5 <= candidate.len().max(5) * 2)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters must be put in, taken out or replaced to make one word the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (column, candidate) in other.iter().enumerate() {
            let replaced = corner + usize::from(letter != *candidate);
            corner = row[column + 1];
            row[column + 1] = replaced.min(corner + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let release = Release {
            name: "orders".to_owned(),
            namespace: "shop".to_owned(),
        };
        let findings = validate("rocketmq", text, Some(&release)).unwrap();
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn good_values_have_no_findings() {
        for text in [
            "",
            "# nothing\n",
            "brokers:\n  groups: 3\n",
            "global: {a: 1}\nenabled: true\n",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn everything_wrong_is_found_at_once() {
        let text = "\
nameServers:
  count: -1
  storage: {mode: Cloud}
  adresses: []
brokers:
  groups: 0
  heapMegabytes: 9000
  image: {tag: 5.4}
  configuration: {namesrvAddr: x, brokerName: {}}
replica: 1
";
        insta::assert_snapshot!(found(text).join("\n"), @r#"
        brokers.configuration.brokerName: found {}, a mapping; allowed: boolean or number or string
        brokers.configuration.namesrvAddr: found namesrvAddr; allowed: keys that the chart does not set itself; remove the key; what it sets has a field of its own or follows from the release
        brokers.groups: found 0; allowed: 1 to 32; the default is 2
        brokers.heapMegabytes: found a heap of 9000 MB and 512 MB of direct memory with a limit of 2Gi; allowed: a heap of at least 32 MB; heap and direct memory together at most the memory limit less 160 MB; raise brokers.resources.limits.memory, or lower brokers.heapMegabytes or brokers.directMemoryMegabytes
        brokers.image.tag: found 5.4, a number; allowed: string; write it in quotes: "5.4"
        nameServers.adresses: found an unknown field; allowed: source, count, release, addresses, keyValueNamespaces, image, resources, heapMegabytes, storage, pod; did you mean `addresses`?
        nameServers.count: found -1; allowed: 1 to 9; the default is 2
        nameServers.storage.mode: found "Cloud"; allowed: EmptyDir, HostPath, StorageClass; the default is "StorageClass"
        replica: found an unknown field; allowed: imageRegistry, imagePullSecrets, clusterDomain, commonLabels, commonAnnotations, networkPolicy, nameServers, brokers, hook; remove the field
        "#);
    }

    #[test]
    fn what_is_no_mapping_or_no_yaml_is_refused() {
        insta::assert_snapshot!(found("- a\n").join("\n"), @"found a list; allowed: a mapping of fields; write the values as in the chart's values.yaml");
        assert_eq!(found("a: [\n").len(), 1);
        assert_eq!(found("brokers: {groups: 1, groups: 2}\n").len(), 1);
        assert!(matches!(
            validate("redis", "", None),
            Err(ValidateError::NoChart { .. })
        ));
    }

    #[test]
    fn each_mistake_is_found_once_and_in_words() {
        let text = "\
nameServers: {source: Addresses, addresses: [names]}
brokers:
  resources: {limits: {cpu: 0.5}}
  configuration: {file-reserved-time: 48}
commonLabels: {a/b/c: d}
";
        insta::assert_snapshot!(found(text).join("\n"), @r#"
        brokers.configuration.file-reserved-time: found the key `file-reserved-time`; allowed: keys of the form: letters, digits, underscores and dots, beginning with a letter; rename the key
        brokers.resources.limits.cpu: found 0.5, a number; allowed: cores such as 2, thousandths such as 500m, or empty; the default is ""
        commonLabels.a/b/c: found the key `a/b/c`; allowed: keys of the form: a name of at most 63 letters, digits, dashes, underscores and dots, after a domain and a slash if wanted; rename the key
        nameServers.addresses[0]: found "names"; allowed: an address host:port with a port from 1 to 65535
        "#);
    }

    #[test]
    fn null_removes_a_field_as_in_helm() {
        assert_eq!(found("commonLabels: {team: null}\n").len(), 1);
        insta::assert_snapshot!(found("brokers: {groups: null}\n").join("\n"), @"brokers.groups: found nothing; allowed: 1 to 32; leave the field out to keep its default; null removes it");
    }

    #[test]
    fn the_examples_of_every_rule_are_found_through_yaml_too() {
        for rule in RULES {
            for example in rule.examples {
                let release = Release {
                    name: example.release.to_owned(),
                    namespace: "shop".to_owned(),
                };
                let findings = validate("rocketmq", example.values, Some(&release)).unwrap();
                let paths: Vec<&str> = findings
                    .iter()
                    .map(|finding| finding.path.as_str())
                    .collect();
                assert_eq!(paths, example.paths, "{}: {}", rule.id, example.values);
            }
        }
    }
}
