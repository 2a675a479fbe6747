//! The policy file: what is changed and what is refused.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use snafu::{OptionExt, Snafu, ensure};

use crate::field::Field;
use crate::image::{has_registry, rest};
use crate::pattern::{matches, matches_any};
use crate::yaml;

/// Why a policy is refused.
#[derive(Debug, Snafu)]
pub enum PolicyError {
    /// It is no YAML document, or has a field that there is not, or one of another type.
    #[snafu(display("{message}"))]
    Form {
        /// What the reader said, with line and column.
        message: String,
    },
    /// The prefix of a mirror names no registry.
    #[snafu(display(
        "`images.mirrors`: `{prefix}` names no registry; begin with one, such as `docker.io/{prefix}`"
    ))]
    NoRegistry {
        /// The prefix.
        prefix: String,
    },
    /// The prefix of a mirror has a tag, a digest, or letters that references have not.
    #[snafu(display(
        "`images.mirrors`: `{prefix}` is no prefix of images; allowed: HOST[:PORT][/PATH] without tag and digest"
    ))]
    Prefix {
        /// The prefix.
        prefix: String,
    },
    /// A prefix has two mirrors.
    #[snafu(display("`images.mirrors`: `{prefix}` is mirrored twice; leave one of them"))]
    Twice {
        /// The prefix.
        prefix: String,
    },
    /// What a mirror gives would be mirrored once more.
    #[snafu(display(
        "`images.mirrors`: `{to}` is itself under the mirrored prefix `{from}`, so a second run would give another result; write the last mirror as `to`"
    ))]
    Chain {
        /// Where a mirror leads.
        to: String,
        /// The prefix of another one.
        from: String,
    },
    /// A label or annotation cannot be one.
    #[snafu(display("`{field}`: `{text}` is not allowed; {allowed}"))]
    Metadata {
        /// The field of the policy.
        field: &'static str,
        /// What is written.
        text: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A path of a field cannot be read.
    #[snafu(display(
        "`deny`, rule `{rule}`: `{path}` is no path of a field; allowed: names with dots between them, `[*]` or `[NUMBER]` behind lists, names with other letters as `[\"name\"]`, and `pod` or `container` as the first"
    ))]
    Path {
        /// The rule.
        rule: String,
        /// The path.
        path: String,
    },
    /// Two rules have one name.
    #[snafu(display("`deny`: two rules are named `{name}`; each needs a name of its own"))]
    Rule {
        /// The name.
        name: String,
    },
    /// A list that must name something is empty.
    #[snafu(display("`{field}` is empty; name at least one, or leave out the entry"))]
    Empty {
        /// The field.
        field: &'static str,
    },
}

/// What is changed in the manifests of a release, and what is refused. Without any entry nothing is.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(title = "Policy of midships post-render")]
pub struct Policy {
    /// Images of containers in pods and in the pod templates of workloads.
    pub images: Images,
    /// Labels of objects, never those of selectors nor of volume claim templates.
    pub labels: Vec<Labels>,
    /// Annotations of objects.
    pub annotations: Vec<Annotations>,
    /// Secrets for pulling images, for pods and pod templates.
    pub pull_secrets: Vec<PullSecrets>,
    /// Nodes for pods and pod templates.
    pub placement: Vec<Placement>,
    /// Objects that Helm leaves when the release no longer has them or is removed.
    pub keep: Vec<Selector>,
    /// What fails the release.
    pub deny: Vec<Deny>,
}

/// Images of containers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Images {
    /// Registries and directories of them with another place. Of several that fit, the longest prefix counts.
    pub mirrors: Vec<Mirror>,
    /// Adding digests from a lock file.
    pub digests: Digests,
}

/// Another place for images.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Mirror {
    /// Registry, with a path if wanted, that images are named under: `docker.io`, `quay.io/prometheus`.
    pub from: String,
    /// What stands there instead: `registry.example.org/hub`.
    pub to: String,
}

/// Adding digests from a lock file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Digests {
    /// What happens to an image without a digest that the lock file does not name.
    pub unlocked: Unlocked,
}

/// What happens to an image without a digest that the lock file does not name.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Unlocked {
    /// It stays without one.
    #[default]
    Leave,
    /// It fails the release.
    Refuse,
}

/// Which objects an entry is for: those that each given list matches. In patterns `*` stands for any text.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Selector {
    /// Patterns of `apiVersion`: `apps/v1`, `batch/*`.
    pub api_versions: Vec<String>,
    /// Patterns of `kind`.
    pub kinds: Vec<String>,
    /// Patterns of `metadata.name`.
    pub names: Vec<String>,
    /// Patterns of the namespace: that of the object, or else that of the release if it is known.
    pub namespaces: Vec<String>,
    /// Labels that the object has, with patterns of their values.
    pub labels: BTreeMap<String, String>,
}

/// Labels of objects.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Labels {
    /// Which objects; all without it.
    #[serde(default, rename = "match")]
    pub selector: Selector,
    /// The labels. A value that an object has already is replaced.
    pub set: BTreeMap<String, String>,
    /// Also in pod templates, where labels that are there already stay. The pods are replaced when they change.
    #[serde(default)]
    pub pod_templates: bool,
}

/// Annotations of objects.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Annotations {
    /// Which objects; all without it.
    #[serde(default, rename = "match")]
    pub selector: Selector,
    /// The annotations. A value that an object has already is replaced.
    pub set: BTreeMap<String, String>,
    /// Also in pod templates. The pods are replaced when they change.
    #[serde(default)]
    pub pod_templates: bool,
}

/// Secrets for pulling images.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PullSecrets {
    /// Which pods and workloads; all without it.
    #[serde(default, rename = "match")]
    pub selector: Selector,
    /// Names of Secrets. Those that a pod names already stay.
    pub names: Vec<String>,
}

/// Nodes for pods.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Placement {
    /// Which pods and workloads; all without it.
    #[serde(default, rename = "match")]
    pub selector: Selector,
    /// Labels that a node must have. A value that a pod names already is replaced.
    #[serde(default)]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that are tolerated. Those that a pod tolerates already stay.
    #[serde(default)]
    pub tolerations: Vec<Toleration>,
}

/// A taint that is tolerated, in the words of Kubernetes.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Toleration {
    /// The key of the taint; every taint without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// `Exists` or `Equal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operator: Option<String>,
    /// The value of the taint, with `Equal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`; all without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// Seconds for which `NoExecute` is tolerated; for ever without it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub toleration_seconds: Option<i64>,
}

/// A rule that fails the release: an object that matches and that one of the checks finds fault with, or, without checks, each
/// object that matches. Objects are judged as they are after all changes.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Deny {
    /// The name of the rule, which the message names.
    pub name: String,
    /// What to do instead, for the message.
    #[serde(default)]
    pub advice: String,
    /// Which objects; all without it.
    #[serde(default, rename = "match")]
    pub selector: Selector,
    /// Images of their containers.
    #[serde(default)]
    pub images: ImageCheck,
    /// Fields that must not be there, or not with these values.
    #[serde(default)]
    pub forbidden: Vec<Check>,
    /// Fields that must be there, or have one of these values.
    #[serde(default)]
    pub required: Vec<Check>,
}

/// Which images are faulty. Images are compared in full: `docker.io/library/nginx:latest` for `nginx`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ImageCheck {
    /// Patterns of which one must match; all images are allowed without one.
    pub allowed: Vec<String>,
    /// Patterns of which none may match.
    pub forbidden: Vec<String>,
}

/// A field of an object.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Check {
    /// The path: `spec.replicas`, `metadata.labels["example.org/team"]`, `spec.ports[*].nodePort`. `pod` as the first name
    /// stands for the pod's spec in pods and workloads of every kind, `container` for each of its containers.
    pub path: String,
    /// The values that are meant; any value without one.
    #[serde(default)]
    pub values: Vec<Value>,
}

impl Policy {
    /// Reads a policy. An empty text is a policy without entries.
    ///
    /// # Errors
    /// When the text is not YAML, has fields that there are not, or entries that contradict themselves.
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        let policy: Option<Self> =
            yaml::read(text).map_err(|message| PolicyError::Form { message })?;
        let policy = policy.unwrap_or_default();
        policy.check_mirrors()?;
        policy.check_metadata()?;
        let mut names = BTreeSet::new();
        for rule in &policy.deny {
            ensure!(names.insert(&rule.name), RuleSnafu { name: &rule.name });
            for check in rule.forbidden.iter().chain(&rule.required) {
                let (rule, path) = (&rule.name, &check.path);
                Field::read(path).context(PathSnafu { rule, path })?;
            }
        }
        Ok(policy)
    }

    /// Whether it changes and refuses nothing.
    pub(crate) fn is_empty(&self, locked: bool) -> bool {
        !locked && *self == Self::default()
    }

    fn check_mirrors(&self) -> Result<(), PolicyError> {
        let mirrors = &self.images.mirrors;
        for (number, mirror) in mirrors.iter().enumerate() {
            for prefix in [&mirror.from, &mirror.to] {
                ensure!(has_registry(prefix), NoRegistrySnafu { prefix });
                ensure!(is_prefix(prefix), PrefixSnafu { prefix });
            }
            for (other, another) in mirrors.iter().enumerate() {
                let (to, from) = (&mirror.to, &another.from);
                let same = mirror.from.trim_end_matches('/') == from.trim_end_matches('/');
                ensure!(number == other || !same, TwiceSnafu { prefix: from });
                ensure!(
                    number == other || rest(to, from).is_none() || rest(to, &another.to).is_some(),
                    ChainSnafu { to, from }
                );
            }
        }
        Ok(())
    }

    fn check_metadata(&self) -> Result<(), PolicyError> {
        for entry in &self.labels {
            check_keys("labels.set", &entry.set)?;
            check_label_values("labels.set", &entry.set)?;
        }
        for entry in &self.annotations {
            check_keys("annotations.set", &entry.set)?;
        }
        for entry in &self.placement {
            if !entry.node_selector.is_empty() {
                check_keys("placement.nodeSelector", &entry.node_selector)?;
                check_label_values("placement.nodeSelector", &entry.node_selector)?;
            }
        }
        for entry in &self.pull_secrets {
            let field = "pullSecrets.names";
            ensure!(!entry.names.is_empty(), EmptySnafu { field });
            for text in &entry.names {
                let allowed = "a Secret's name has small letters, digits, `-` and `.`";
                let good = !text.is_empty()
                    && text.bytes().all(|letter| {
                        letter.is_ascii_lowercase()
                            || letter.is_ascii_digit()
                            || b"-.".contains(&letter)
                    });
                ensure!(
                    good,
                    MetadataSnafu {
                        field,
                        text,
                        allowed
                    }
                );
            }
        }
        Ok(())
    }
}

impl Selector {
    /// Whether an object is meant.
    pub(crate) fn selects(&self, object: &Identity<'_>) -> bool {
        matches_any(&self.api_versions, object.api_version)
            && matches_any(&self.kinds, object.kind)
            && matches_any(&self.names, object.name)
            && (self.namespaces.is_empty()
                || object
                    .namespace
                    .is_some_and(|namespace| matches_any(&self.namespaces, namespace)))
            && self.labels.iter().all(|(key, pattern)| {
                (object.label)(key).is_some_and(|value| matches(pattern, &value))
            })
    }
}

/// What selectors look at.
pub(crate) struct Identity<'a> {
    /// `apiVersion`.
    pub(crate) api_version: &'a str,
    /// `kind`.
    pub(crate) kind: &'a str,
    /// `metadata.name`.
    pub(crate) name: &'a str,
    /// The namespace, if it is known.
    pub(crate) namespace: Option<&'a str>,
    /// The value of a label.
    pub(crate) label: &'a dyn Fn(&str) -> Option<String>,
}

fn is_prefix(text: &str) -> bool {
    let (host, path) = text.split_once('/').unwrap_or((text, ""));
    let letters = |part: &str, more: &[u8]| {
        part.bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || more.contains(&letter))
    };
    letters(host, b".-:") && letters(path, b"._-/")
}

fn check_keys(field: &'static str, set: &BTreeMap<String, String>) -> Result<(), PolicyError> {
    ensure!(!set.is_empty(), EmptySnafu { field });
    for text in set.keys() {
        let allowed = "a key is NAME or DOMAIN/NAME; a name has at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
        let (domain, name) = text.split_once('/').unwrap_or(("domain", text));
        let letters = |part: &str, more: &[u8]| {
            part.bytes()
                .all(|letter| letter.is_ascii_alphanumeric() || more.contains(&letter))
        };
        let good = is_label_value(name)
            && !name.is_empty()
            && !domain.is_empty()
            && letters(domain, b"-.");
        ensure!(
            good,
            MetadataSnafu {
                field,
                text,
                allowed
            }
        );
    }
    Ok(())
}

fn check_label_values(
    field: &'static str,
    set: &BTreeMap<String, String>,
) -> Result<(), PolicyError> {
    for text in set.values() {
        let allowed = "a value has at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
        ensure!(
            is_label_value(text),
            MetadataSnafu {
                field,
                text,
                allowed
            }
        );
    }
    Ok(())
}

fn is_label_value(text: &str) -> bool {
    let end = |letter: char| letter.is_ascii_alphanumeric();
    text.is_empty()
        || (text.len() <= 63
            && text.starts_with(end)
            && text.ends_with(end)
            && text
                .bytes()
                .all(|letter| letter.is_ascii_alphanumeric() || b"-_.".contains(&letter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_text_is_a_policy_without_entries() {
        for text in ["", "# nothing\n", "{}\n", "---\n"] {
            assert!(Policy::read(text).unwrap().is_empty(false), "{text}");
        }
    }

    #[test]
    fn a_policy_with_a_mistake_is_refused_with_what_is_allowed() {
        let refused = |text: &str| {
            let error = Policy::read(text).unwrap_err().to_string();
            error.lines().next().unwrap_or_default().to_owned()
        };
        let texts = [
            "image: {}\n",
            "images: {mirrors: [{from: nginx, to: mirror.test}]}\n",
            "images: {mirrors: [{from: 'docker.io/a:1', to: mirror.test}]}\n",
            "images: {mirrors: [{from: a.test, to: b.test}, {from: b.test, to: c.test}]}\n",
            "images: {mirrors: [{from: a.test, to: b.test}, {from: a.test/, to: c.test}]}\n",
            "images: {digests: {unlocked: Forget}}\n",
            "labels: [{set: {}}]\n",
            "labels: [{set: {a/b/c: d}}]\n",
            "labels: [{set: {a: 'b c'}}]\n",
            "pullSecrets: [{names: [Upper]}]\n",
            "deny: [{name: a}, {name: a}]\n",
            "deny: [{name: a, required: [{path: 'spec..x'}]}]\n",
        ];
        let all: Vec<String> = texts.iter().map(|text| refused(text)).collect();
        insta::assert_snapshot!(all.join("\n"), @r#"
        error: line 1 column 1: unknown field `image`, expected one of images, labels, annotations, pullSecrets, placement, keep, deny
        `images.mirrors`: `nginx` names no registry; begin with one, such as `docker.io/nginx`
        `images.mirrors`: `docker.io/a:1` is no prefix of images; allowed: HOST[:PORT][/PATH] without tag and digest
        `images.mirrors`: `b.test` is itself under the mirrored prefix `b.test`, so a second run would give another result; write the last mirror as `to`
        `images.mirrors`: `a.test/` is mirrored twice; leave one of them
        error: line 1 column 30: unknown variant `Forget`, expected one of Leave, Refuse
        `labels.set` is empty; name at least one, or leave out the entry
        `labels.set`: `a/b/c` is not allowed; a key is NAME or DOMAIN/NAME; a name has at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends
        `labels.set`: `b c` is not allowed; a value has at most 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends
        `pullSecrets.names`: `Upper` is not allowed; a Secret's name has small letters, digits, `-` and `.`
        `deny`: two rules are named `a`; each needs a name of its own
        `deny`, rule `a`: `spec..x` is no path of a field; allowed: names with dots between them, `[*]` or `[NUMBER]` behind lists, names with other letters as `["name"]`, and `pod` or `container` as the first
        "#);
    }
}
