//! Checks a user's values: YAML, then the schema and the rules of the model, everything at once.

mod nearest;
mod refusals;
mod unit;

use std::sync::OnceLock;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use midships_model::change::{Effect, GROW_VOLUMES, changes};
use midships_model::condition::at;
use midships_model::description::{Description, DescriptionError, OF_PARENTS};
use midships_model::rules::{self, Finding, Place, Related, Release, Severity};
use serde_json::Value;
use snafu::{OptionExt, ResultExt, Snafu};

use crate::offering::Completion;
use crate::registry::{self, CHARTS, Entry};
use crate::yaml;
use crate::yaml::{Found, Lines, Node};
use refusals::{Refusals, kind_of};

pub(crate) use nearest::nearest;
pub use refusals::CHECKS;

/// Why values could not be checked at all.
#[derive(Debug, Snafu)]
pub enum ValidateError {
    /// There is no chart of that name.
    #[snafu(display("no chart is named `{name}`; there are: {}", registry::names()))]
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

/// Checks a values file of a chart. The findings are sorted by their place in the text; none means that the values are good.
/// Rules about names need the release.
///
/// # Errors
/// When no chart has that name.
pub fn validate(
    chart: &str,
    text: &str,
    release: Option<&Release>,
) -> Result<Vec<Finding>, ValidateError> {
    check(&Target::named(chart)?, text, release)
}

/// The fields of a chart, ready to be asked: to compile their schema takes longer than to check values with it.
#[derive(Debug)]
pub(crate) struct Fields {
    /// What is known of them.
    pub description: Description,
    validator: Validator,
}

impl Fields {
    /// Compiles the schema of some fields.
    ///
    /// # Errors
    /// When the schema is at fault.
    pub(crate) fn new(description: Description) -> Result<Self, ValidateError> {
        let validator = compiled(description.schema())?;
        Ok(Self {
            description,
            validator,
        })
    }

    /// Asks the schema what it refuses of a document that is laid over the defaults.
    pub(crate) fn judge(&self, root: &Node, given: &Value) -> Judged {
        let (schema, defaults) = (self.description.schema(), self.description.defaults());
        judge(&self.validator, schema, defaults, root, given)
    }
}

/// A schema that can be asked.
///
/// # Errors
/// When it is at fault.
pub(crate) fn compiled(schema: &Value) -> Result<Validator, ValidateError> {
    jsonschema::validator_for(schema).map_err(|error| ValidateError::Schema {
        message: error.to_string(),
    })
}

/// What values are for.
#[derive(Clone, Copy)]
pub(crate) struct Target<'a> {
    /// The chart of this project whose rules hold.
    pub entry: &'static Entry,
    /// The fields that can be set.
    pub fields: &'a Fields,
    /// The fields of the chart that the rules are about.
    pub base: &'a Description,
    /// What makes values of the one values of the other.
    pub completion: &'a Completion,
}

impl<'a> Target<'a> {
    /// A chart as the model has it.
    ///
    /// # Errors
    /// When no chart has that name.
    pub(crate) fn named(chart: &str) -> Result<Self, ValidateError> {
        let entry = registry::named(chart).context(NoChartSnafu { name: chart })?;
        let fields = fields(entry)?;
        Ok(Self {
            entry,
            fields,
            base: &fields.description,
            completion: const { &Completion::NOTHING },
        })
    }

    /// Values of the base chart, of values with their defaults.
    pub(crate) fn complete(&self, values: &Value) -> Value {
        self.completion.complete(values)
    }

    /// What is known of the fields that can be set.
    pub(crate) fn described(&self) -> &'a Description {
        &self.fields.description
    }

    /// What the rules say of values, defaults included; the findings have no places yet. Values that are none of the base
    /// chart's are passed over.
    pub(crate) fn rules(
        &self,
        values: &Value,
        release: Option<&Release>,
    ) -> Result<Vec<Finding>, ValidateError> {
        let completed = self.complete(values);
        let model = &self.entry.model;
        let found = model.check(&completed, release, self.base);
        let mut found = found.context(ValuesSnafu)?;
        for field in self.described().missing(values) {
            if found.iter().all(|finding| finding.path != field.path) {
                found.push(Finding::missing(&field));
            }
        }
        Ok(found)
    }
}

/// Checks a file of values. The findings are sorted by their place in the text.
///
/// # Errors
/// When the model is at fault.
pub(crate) fn check(
    target: &Target<'_>,
    text: &str,
    release: Option<&Release>,
) -> Result<Vec<Finding>, ValidateError> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let composed = yaml::compose(text);
    let mut findings = composed.findings;
    if composed.is_broken {
        return Ok(sorted(findings));
    }
    let root = composed.root;
    let given = match root.value() {
        given @ (Value::Object(_) | Value::Null) => given,
        other => return Ok(vec![document_finding(&root, &other, AS_VALUES)]),
    };
    let defaults = target.described().defaults();
    let judged = target.fields.judge(&root, &given);
    findings.extend(judged.findings);
    let mut merged = judged.merged;
    if let Some(values) = merged.as_object_mut() {
        values.retain(|key, _| !OF_PARENTS.contains(&key.as_str()));
    }
    let found = target.rules(&merged, release)?;
    // A list with a refused entry was put back too, so a rule has nothing to say about it.
    let found = found.into_iter().filter(|finding| {
        !judged.refused.iter().any(|path| {
            let rest = path.strip_prefix(&finding.path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        })
    });
    findings.extend(found.map(|finding| placed(finding, &root, defaults)));
    Ok(sorted(findings))
}

/// Finds the values of a file that have no effect: of fields that do not matter with the others. They are taken.
///
/// # Errors
/// When no chart has that name.
pub fn without_effect(chart: &str, text: &str) -> Result<Vec<Finding>, ValidateError> {
    Ok(idle(&Target::named(chart)?, text))
}

/// The values of a file that have no effect.
pub(crate) fn idle(target: &Target<'_>, text: &str) -> Vec<Finding> {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let root = yaml::compose(text).root;
    let values = laid_over(target.described(), text);
    let fields = target.described().fields().into_iter();
    let idle = fields.filter(|field| {
        let is_given = root.at_path(field.path).is_some();
        is_given && !field.visible.holds(&values) && at(&values, field.path) != Some(field.default)
    });
    let findings = idle.map(|field| {
        let terms = field.visible.terms.iter();
        let unmet = terms.filter(|term| {
            at(&values, &term.path).is_none_or(|value| !term.values.contains(value))
        });
        let finding = Finding {
            path: field.path.to_owned(),
            rule: NO_EFFECT.to_owned(),
            found: "a value that has no effect".to_owned(),
            allowed: format!("a value while {}", field.visible),
            hint: "remove it, or change what it depends on".to_owned(),
            related: unmet
                .map(|term| rules::because(term.path.clone()))
                .collect(),
            severity: Severity::Warning,
            ..Finding::default()
        };
        placed(finding, &root, target.described().defaults())
    });
    sorted(findings.collect())
}

/// Finds the changes from old values of a release to new ones that would be refused, in the text of the new ones.
///
/// # Errors
/// When no chart has that name.
pub fn forbidden_changes(chart: &str, old: &str, new: &str) -> Result<Vec<Finding>, ValidateError> {
    Ok(forbidden(&Target::named(chart)?, old, new))
}

/// The changes that would be refused.
pub(crate) fn forbidden(target: &Target<'_>, old: &str, new: &str) -> Vec<Finding> {
    let new = new.strip_prefix(BYTE_ORDER_MARK).unwrap_or(new);
    let root = yaml::compose(new).root;
    let before = target.complete(&laid_over(target.described(), old));
    let wanted = laid_over(target.described(), new);
    let refused = |wanted: &Value| {
        let mut changes = changes(target.base, &before, &target.complete(wanted));
        changes.retain(|change| change.effect == Effect::Refused);
        changes
    };
    let findings = refused(&wanted).into_iter().map(|change| {
        let (new, old) = (yaml::scalar(&change.new), yaml::scalar(&change.old));
        let field = target.base.schema_at(&change.path);
        let can_grow = field.is_some_and(|field| {
            ["increase-only", GROW_VOLUMES]
                .iter()
                .any(|word| field["x-mutability"] == *word)
        });
        let mut finding = Finding {
            path: change.path.clone(),
            rule: FORBIDDEN_CHANGE.to_owned(),
            found: format!("{new}, where the release has {old}"),
            allowed: if can_grow {
                format!("at least {old}")
            } else {
                old
            },
            hint: format!(
                "{} Keep it, or install a release of its own with the new value.",
                change.text
            ),
            ..Finding::default()
        };
        let size = target.completion.of_offering().first().copied();
        if let Some(size) = size.filter(|_| target.described().schema_at(&change.path).is_none()) {
            // It is the size that sets it.
            let sizes = target.completion.sizes().into_iter().filter(|name| {
                let mut wanted = wanted.clone();
                wanted[size] = Value::String((*name).to_owned());
                refused(&wanted).is_empty()
            });
            finding.allowed = sizes.collect::<Vec<_>>().join(", ");
            finding.found = format!("{} {}", change.path, finding.found);
            size.clone_into(&mut finding.path);
        }
        placed(finding, &root, target.described().defaults())
    });
    sorted(findings.collect())
}

/// The rule about values of fields that do not matter.
const NO_EFFECT: &str = "no-effect";
/// The rule about changes that a release cannot make.
const FORBIDDEN_CHANGE: &str = "forbidden-change";

/// What a schema says of a document.
pub(crate) struct Judged {
    /// What it refuses.
    pub findings: Vec<Finding>,
    /// The document over the defaults, with what is refused put back to them.
    pub merged: Value,
    /// The paths of what is refused.
    pub refused: Vec<String>,
}

/// Asks a schema what it refuses of a document that is laid over defaults.
pub(crate) fn judge(
    validator: &Validator,
    schema: &Value,
    defaults: &Value,
    root: &Node,
    given: &Value,
) -> Judged {
    let mut merged = defaults.clone();
    lay_over(&mut merged, given.clone());
    let refusals = Refusals { root, schema };
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
            findings.extend(refusals.of(&steps, error));
        }
        repairs.push(steps);
    }
    drop(errors);
    findings.extend(refusals.of_readers_that_differ());

    // What the schema refuses is put back to its default, so that the rules can say what they find in the rest.
    for steps in &repairs {
        repair(&mut merged, defaults, steps);
    }
    Judged {
        findings,
        merged,
        refused: repairs.iter().map(|steps| dotted(steps)).collect(),
    }
}

/// The mark with which some editors begin a text; Helm reads over it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// The text of a file of values.
///
/// # Errors
/// What is wrong where the bytes are not UTF-8.
pub fn decode(bytes: &[u8]) -> Result<&str, Box<Finding>> {
    std::str::from_utf8(bytes).map_err(|error| {
        let is_wide = bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]);
        let text = String::from_utf8_lossy(bytes);
        Box::new(Finding {
            rule: "yaml-encoding".to_owned(),
            found: if is_wide {
                "text in UTF-16".to_owned()
            } else {
                let byte = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
                format!("the byte 0x{byte:02x}, which is not UTF-8")
            },
            allowed: "text in UTF-8".to_owned(),
            hint: "save the file as UTF-8".to_owned(),
            place: Some(Lines::new(&text).character(error.valid_up_to())),
            ..Finding::default()
        })
    })
}

/// Sorts findings by their place in the text; those that have none, not even a related one, come last.
pub(crate) fn sorted(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort_by_cached_key(|finding| {
        let related = finding.related.iter().find_map(|related| related.place);
        let place = finding.place.or(related);
        (place.is_none(), place, finding.clone())
    });
    findings.dedup();
    findings
}

/// Adds the places to what a rule has found; of fields that are not in the text, their defaults.
fn placed(mut finding: Finding, root: &Node, defaults: &Value) -> Finding {
    let place = |path: &str| {
        let found = root.at_path(path)?;
        match found.entry {
            // The key itself is refused.
            Some(entry) if entry.key == finding.found => Some(entry.place),
            _ => Some(place_of(found)),
        }
    };
    let absent = |path: &str| {
        let default = defaults.pointer(&format!("/{}", path.replace('.', "/")))?;
        Some(format!("is not in the file: its default is {default}"))
    };
    let mut related = finding.related.clone();
    for other in &mut related {
        other.place = place(&other.path);
        if let Some(words) = absent(&other.path).filter(|_| other.place.is_none()) {
            other.label = words;
        }
    }
    let found = place(&finding.path);
    if let Some(label) = absent(&finding.path).filter(|_| found.is_none()) {
        let path = finding.path.clone();
        let place = None;
        related.insert(0, Related { path, place, label });
    }
    finding.place = found;
    finding.related = related;
    finding
}

/// Where a value is to be looked for: at the value, or at the key of one that is empty or begins in a later line.
pub(crate) fn place_of(found: Found<'_>) -> Place {
    match found.entry {
        Some(entry) if found.node.value().is_null() => entry.place,
        Some(entry)
            if found.node.scalar().is_none() && found.node.place.line != entry.place.line =>
        {
            entry.place
        }
        _ => found.node.place,
    }
}

/// The fields of a chart, compiled once.
fn fields(entry: &Entry) -> Result<&'static Fields, ValidateError> {
    static KNOWN: [OnceLock<Fields>; CHARTS.len()] = [const { OnceLock::new() }; CHARTS.len()];
    let chart = entry.model.chart;
    let place = CHARTS.iter().position(|known| known.model.chart == chart);
    let known = place.and_then(|place| KNOWN.get(place));
    let known = known.context(NoChartSnafu { name: chart })?;
    if let Some(fields) = known.get() {
        return Ok(fields);
    }
    let description = entry.description(None).context(DescribeSnafu)?;
    let fields = Fields::new(description)?;
    Ok(known.get_or_init(|| fields))
}

/// The values of a file laid over the chart's defaults, as Helm does: mappings are merged, everything else is replaced, and
/// `null` removes. What is no mapping changes nothing.
///
/// # Errors
/// When no chart has that name.
pub fn merged(chart: &str, text: &str) -> Result<Value, ValidateError> {
    Ok(laid_over(Target::named(chart)?.described(), text))
}

/// The values of a file laid over the defaults of some fields.
pub(crate) fn laid_over(description: &Description, text: &str) -> Value {
    let mut merged = description.defaults().clone();
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    if let given @ Value::Object(_) = yaml::compose(text).root.value() {
        lay_over(&mut merged, given);
    }
    if let Some(values) = merged.as_object_mut() {
        values.retain(|key, _| !OF_PARENTS.contains(&key.as_str()));
    }
    merged
}

fn is_of_type(error: &jsonschema::ValidationError<'_>) -> bool {
    matches!(error.kind(), ValidationErrorKind::Type { .. })
}

/// What to do about a file of values that is no mapping.
const AS_VALUES: &str = "write the values as in the chart's values.yaml";

/// What is said of a document that is no mapping.
pub(crate) fn document_finding(root: &Node, given: &Value, hint: &str) -> Finding {
    Finding {
        rule: "yaml-document".to_owned(),
        found: kind_of(given).to_owned(),
        allowed: "a mapping of fields".to_owned(),
        hint: hint.to_owned(),
        place: Some(root.place),
        ..Finding::default()
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
pub(crate) fn dotted(steps: &[String]) -> String {
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
            "---\n# nothing\n---\n",
            "\u{feff}brokers:\n  groups: 3\n",
            "brokers: {groups: 1e1, enabled: on}\n",
            "brokers: {pod: {volumes: [{name: x, configMap: {name: y, defaultMode: 0644}}]}}\n",
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
        nameServers.count: found -1; allowed: 1 to 9; the nearest is 1; the default is 2
        nameServers.storage.mode: found "Cloud"; allowed: EmptyDir, HostPath, StorageClass; the default is "StorageClass"
        nameServers.adresses: found an unknown field; allowed: source, count, release, addresses, keyValueNamespaces, image, resources, heapMegabytes, storage, pod; did you mean `addresses`?
        brokers.groups: found 0; allowed: 1 to 32; the nearest is 1; the default is 2
        brokers.heapMegabytes: found a heap of 9000 MB and 512 MB of direct memory with a limit of 2Gi; allowed: a heap of at least 32 MB; heap and direct memory together at most the memory limit less 160 MB; raise brokers.resources.limits.memory, or lower brokers.heapMegabytes or brokers.directMemoryMegabytes
        brokers.image.tag: found 5.4 without quotes, which is the number 5.4 to Helm; allowed: a tag, or a tag and @sha256: with 64 digits; write it in quotes: "5.4"
        brokers.configuration.namesrvAddr: found namesrvAddr; allowed: keys that the chart does not set itself; remove the key; what it sets has a field of its own or follows from the release
        brokers.configuration.brokerName: found {}, a mapping; allowed: text on one line
        replica: found an unknown field; allowed: imageRegistry, imagePullSecrets, clusterDomain, commonLabels, commonAnnotations, networkPolicy, nameServers, brokers, controllers, proxy, console, outside, accessControl, tls, metrics, hook; remove the field
        "#);
    }

    #[test]
    fn what_is_no_mapping_or_no_yaml_is_refused() {
        insta::assert_snapshot!(found("- a\n").join("\n"), @"found a list; allowed: a mapping of fields; write the values as in the chart's values.yaml");
        assert_eq!(found("a: [\n").len(), 1);
        assert_eq!(found("brokers: {groups: 1, groups: 2}\n").len(), 1);
        assert!(matches!(
            validate("rabbitmq", "", None),
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
        nameServers.addresses[0]: found "names"; allowed: an address host:port with a port from 1 to 65535
        brokers.resources.limits.cpu: found 0.5, a fraction of a core; allowed: cores such as 2, thousandths such as 500m, or empty; did you mean 500m?
        brokers.configuration.file-reserved-time: found the key `file-reserved-time`; allowed: keys of the form: letters, digits, underscores and dots, beginning with a letter; rename the key
        commonLabels.a/b/c: found the key `a/b/c`; allowed: keys of the form: a name of at most 63 letters, digits, dashes, underscores and dots, after a domain and a slash if wanted; rename the key
        "#);
    }

    #[test]
    fn places_are_those_of_the_text_without_its_mark() {
        let text = "\u{feff}brokers:\n  # 组\n  pod: {labels: {组: a}, env: [{name: '1'}]}\n";
        let findings = validate("rocketmq", text, None).unwrap();
        let places: Vec<(&str, usize, usize)> = findings
            .iter()
            .filter_map(|finding| {
                let place = finding.place?;
                Some((finding.path.as_str(), place.line, place.column))
            })
            .collect();
        assert_eq!(
            places,
            [
                ("brokers.pod.labels.组", 3, 18),
                ("brokers.pod.env[0].name", 3, 38)
            ]
        );
    }

    #[test]
    fn an_empty_file_is_checked_for_its_release() {
        let release = Release {
            name: "1-orders".to_owned(),
            namespace: "shop".to_owned(),
        };
        let findings = validate("rocketmq", "", Some(&release)).unwrap();
        assert_eq!(findings[0].path, "Release.Name");
        assert_eq!(findings[0].place, None);
    }

    #[test]
    fn mistakes_about_nfs_are_found_in_words() {
        let text = "\
nfs: {server: 'nfs://nfs.example:2049', path: exports/../etc, mountOptions: [hard, 'nfsvers = 4']}
storageClass: {pathPattern: '${.PVC.namespace}/../${.PVC.name}', reclaimPolicy: Recycle}
provisioner: {replicas: 0, runAsUser: 0}
";
        let found = |text: &str| -> String {
            let findings = validate("nfs-storage", text, None).unwrap();
            let lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
            lines.join("\n")
        };
        insta::assert_snapshot!(found(text), @r#"
        nfs.server: found "nfs://nfs.example:2049"; allowed: a host name or an address, without scheme, port and path; the default is ""
        nfs.path: found "exports/../etc"; allowed: an absolute path, of which no part begins with a dot; the default is ""
        nfs.mountOptions[1]: found "nfsvers = 4"; allowed: an option such as hard or nfsvers=4.1
        storageClass.pathPattern: found "${.PVC.namespace}/../${.PVC.name}"; allowed: ${.PVC.namespace}, one of / _ and ., and ${.PVC.name}, after fixed directories if wanted; or empty; the default is ""
        storageClass.reclaimPolicy: found "Recycle"; allowed: Retain, Delete; the default is "Retain"
        provisioner.replicas: found 0; allowed: 1 to 3; the nearest is 1; the default is 1
        provisioner.runAsUser: found 0; allowed: 1 to 2147483647; the nearest is 1; the default is 65534
        "#);
        insta::assert_snapshot!(found(""), @r"
        nfs.path: found nothing; allowed: a value; fill in the field
        nfs.server: found nothing; allowed: a value; fill in the field
        ");
        let base = "nfs: {server: '2001:db8::1', path: /}\nstorageClass: {pathPattern: ";
        for good in [
            "''",
            "'${.PVC.namespace}/${.PVC.name}'",
            "'kubernetes/a.${.PVC.namespace}_${.PVC.name}'",
        ] {
            assert_eq!(found(&format!("{base}{good}}}")), "", "{good}");
        }
        // Claims of others could have the same directory, or a directory could be anywhere.
        for wrong in [
            "'${.PVC.name}'",
            "'${.PVC.namespace}'",
            "'${.PVC.namespace}-${.PVC.name}'",
            "'${.PVC.name}/${.PVC.namespace}'",
            "'${.PVC.annotations.path}'",
            "'../${.PVC.namespace}/${.PVC.name}'",
            "'/${.PVC.namespace}/${.PVC.name}'",
        ] {
            let found = found(&format!("{base}{wrong}}}"));
            assert!(found.starts_with("storageClass.pathPattern: "), "{found}");
        }
        for wrong in [
            "nfs.example:/exports",
            "nfs.example:2049",
            "[::1]",
            "a b",
            "-a",
        ] {
            let found = found(&format!("nfs: {{server: '{wrong}', path: /b}}"));
            assert!(found.starts_with("nfs.server: "), "{found}");
        }
        for wrong in ["b", "/b/", "/b/../c", "/.b", "//b", "/b c"] {
            let found = found(&format!("nfs: {{server: a, path: '{wrong}'}}"));
            assert!(found.starts_with("nfs.path: "), "{found}");
        }
    }

    #[test]
    fn null_removes_a_field_as_in_helm() {
        assert_eq!(found("commonLabels: {team: null}\n").len(), 1);
        insta::assert_snapshot!(found("brokers: {groups: null}\n").join("\n"), @"brokers.groups: found nothing; allowed: 1 to 32; leave the field out to keep its default; null removes it");
    }

    #[test]
    fn the_examples_of_every_rule_are_found_through_yaml_too() {
        for model in registry::models() {
            for rule in model.rules() {
                for example in rule.examples {
                    let release = Release {
                        name: example.release.to_owned(),
                        namespace: "shop".to_owned(),
                    };
                    let findings = validate(model.chart, example.values, Some(&release)).unwrap();
                    let mut paths: Vec<&str> = findings
                        .iter()
                        .map(|finding| finding.path.as_str())
                        .collect();
                    paths.sort_unstable();
                    assert_eq!(paths, example.paths, "{}: {}", rule.id, example.values);
                }
            }
        }
    }
}
