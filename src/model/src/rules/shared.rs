//! Rules that several charts have, about the groups of fields that they share. A chart says where its fields are and tries the
//! rule with examples of its own.

use std::collections::BTreeMap;
use std::fmt::Display;

use super::{Example, Rule, Subject, Violation};
use crate::fields::Resources;
use crate::fields::configuration::ConfigurationValue;
use crate::fields::network::NetworkPolicy;

/// The release of an example, unless it names one.
pub const RELEASE: &str = "orders";

/// The most characters of a `StatefulSet`'s name: its pods carry it, with a dash and a hash of ten, in a label of at most 63.
pub const LONGEST_STATEFUL_SET: usize = 52;

/// A check of a chart.
type Check<V> = fn(&Subject<V>) -> Vec<Violation>;

/// An example that every rule accepts.
#[must_use]
pub const fn accepted(values: &'static str) -> Example {
    named(RELEASE, values, &[])
}

/// An example that a rule refuses, at these paths.
#[must_use]
pub const fn refused(values: &'static str, paths: &'static [&'static str]) -> Example {
    named(RELEASE, values, paths)
}

/// An example of a release that has a name of its own.
#[must_use]
pub const fn named(
    release: &'static str,
    values: &'static str,
    paths: &'static [&'static str],
) -> Example {
    Example {
        release,
        values,
        paths,
    }
}

/// One violation if something is wrong, else none.
#[must_use]
pub fn one_if(wrong: bool, path: &str, found: impl Display) -> Vec<Violation> {
    if wrong {
        vec![Violation::new(path, found)]
    } else {
        Vec::new()
    }
}

/// The violations, because of other fields: each names those that are not itself.
#[must_use]
pub fn because(mut violations: Vec<Violation>, paths: &[&str]) -> Vec<Violation> {
    for violation in &mut violations {
        let others = paths.iter().filter(|path| **path != violation.path);
        violation.because = others.map(ToString::to_string).collect();
    }
    violations
}

/// No container asks for more than it may use. The check is made of [`above_limits`]; the sections are those of the containers.
#[must_use]
pub const fn requests_are_within_limits<V>(
    check: Check<V>,
    sections: &'static [&'static str],
    examples: &'static [Example],
) -> Rule<V> {
    Rule {
        id: "requests-are-within-limits",
        allowed: "at most the limit of the same resource",
        hint: "lower the request or raise the limit",
        check,
        template: r#"{{- $resources := .Values.<< section >>.resources }}
{{- if gt (include "<< chart >>.mebibytes" $resources.requests.memory | int) (include "<< chart >>.mebibytes" $resources.limits.memory | int) }}
<< section >>.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "<< chart >>.thousandths" $resources.requests.cpu | int) (include "<< chart >>.thousandths" $resources.limits.cpu | int) }}
<< section >>.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}"#,
        sections,
        examples,
    }
}

/// What a section's container asks for above its limits.
#[must_use]
pub fn above_limits(section: &str, resources: &Resources) -> Vec<Violation> {
    let (requests, limits) = (&resources.requests, &resources.limits);
    let mut violations = Vec::new();
    if requests.memory.mebibytes() > limits.memory.mebibytes() {
        let path = format!("{section}.resources.requests.memory");
        let found = format!("{} with a limit of {}", requests.memory.0, limits.memory.0);
        let because = format!("{section}.resources.limits.memory");
        violations.push(Violation::new(path, found).because(because));
    }
    if let (Some(request), Some(limit)) = (requests.cpu.thousandths(), limits.cpu.thousandths())
        && request > limit
    {
        let path = format!("{section}.resources.requests.cpu");
        let found = format!("{} with a limit of {}", requests.cpu.0, limits.cpu.0);
        let because = format!("{section}.resources.limits.cpu");
        violations.push(Violation::new(path, found).because(because));
    }
    violations
}

/// No label is one that the chart sets. The check is made of [`owned_labels`]; the sections are the fields with labels.
#[must_use]
pub const fn labels_are_not_owned<V>(
    check: Check<V>,
    sections: &'static [&'static str],
    examples: &'static [Example],
) -> Rule<V> {
    Rule {
        id: "labels-are-not-owned",
        allowed: "keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/",
        hint: "remove the label; the chart sets it",
        check,
        template: r#"{{- range $key, $_ := .Values.<< section >> }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
<< section >>.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}"#,
        sections,
        examples,
    }
}

/// The labels of fields that the chart sets itself.
#[must_use]
pub fn owned_labels(fields: &[(&str, &BTreeMap<String, String>)]) -> Vec<Violation> {
    of_keys(fields, is_owned_label)
}

/// No annotation makes an object a hook. The check is made of [`hook_annotations`]; the sections are the fields with annotations.
#[must_use]
pub const fn annotations_are_not_hooks<V>(
    check: Check<V>,
    sections: &'static [&'static str],
    examples: &'static [Example],
) -> Rule<V> {
    Rule {
        id: "annotations-are-not-hooks",
        allowed: "keys that do not begin with helm.sh/ or argocd.argoproj.io/hook",
        hint: "remove the annotation: the object would be taken for a hook",
        check,
        template: r#"{{- range $key, $_ := .Values.<< section >> }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
<< section >>.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}"#,
        sections,
        examples,
    }
}

/// The annotations of fields that make an object a hook.
#[must_use]
pub fn hook_annotations(fields: &[(&str, &BTreeMap<String, String>)]) -> Vec<Violation> {
    of_keys(fields, is_hook_annotation)
}

/// Whoever enforces TLS has a certificate. The check is made of [`enforced_without`].
#[must_use]
pub const fn tls_has_certificates<V>(check: Check<V>, examples: &'static [Example]) -> Rule<V> {
    Rule {
        id: "tls-has-certificates",
        allowed: "a Secret, with whose certificate servers speak TLS",
        hint: "name the Secret, or set tls.enforced to false",
        check,
        template: r"{{- if and .Values.tls.enforced (empty .Values.tls.secretName) }}
tls.secretName|no Secret
{{- end }}",
        sections: &[""],
        examples,
    }
}

/// Each client of the network policy has labels. The check is made of [`clients_without_labels`].
#[must_use]
pub const fn network_clients_select<V>(check: Check<V>, examples: &'static [Example]) -> Rule<V> {
    Rule {
        id: "network-clients-select",
        allowed: "labels of namespaces, of pods or of both",
        hint: "name labels, or remove the entry; an empty list lets all pods of the cluster connect",
        check,
        template: r"{{- range $index, $client := .Values.networkPolicy.clients }}
{{- if and (empty $client.namespaces) (empty $client.pods) }}
networkPolicy.clients[{{ $index }}]|no labels
{{- end }}
{{- end }}",
        sections: &[""],
        examples,
    }
}

/// The clients of a network policy that would be everybody.
#[must_use]
pub fn clients_without_labels(policy: &NetworkPolicy) -> Vec<Violation> {
    let clients = policy.clients.iter().enumerate();
    clients
        .filter(|(_, client)| client.namespaces.is_empty() && client.pods.is_empty())
        .map(|(index, _)| Violation::new(format!("networkPolicy.clients[{index}]"), "no labels"))
        .collect()
}

/// Services can be named after the release.
#[must_use]
pub const fn release_name_makes_services<V>(examples: &'static [Example]) -> Rule<V> {
    Rule {
        id: "release-name-makes-services",
        allowed: "lower-case letters, digits and dashes, beginning with a letter",
        hint: "choose another release name: Services cannot be named after this one",
        check: |subject| {
            let Some(release) = subject.release else {
                return Vec::new();
            };
            let begins = release
                .name
                .starts_with(|first: char| first.is_ascii_lowercase());
            one_if(
                !begins || release.name.contains('.'),
                "Release.Name",
                &release.name,
            )
        },
        template: r#"{{- if not (regexMatch "^[a-z][a-z0-9-]*$" .Release.Name) }}
Release.Name|{{ .Release.Name }}
{{- end }}"#,
        sections: &[""],
        examples,
    }
}

/// The keys of a section's configuration that are refused.
#[must_use]
pub fn refused_keys(
    section: &str,
    configuration: &BTreeMap<String, ConfigurationValue>,
    is_refused: impl Fn(&str) -> bool,
) -> Vec<Violation> {
    let keys = configuration.keys().filter(|key| is_refused(key));
    keys.map(|key| Violation::new(format!("{section}.configuration.{key}"), key))
        .collect()
}

/// That a section enforces what it has no Secret for.
#[must_use]
pub fn enforced_without(secret: &str, section: &str, is_enforced: bool) -> Vec<Violation> {
    let path = format!("{section}.secretName");
    let is_lacking = is_enforced && secret.is_empty();
    because(
        one_if(is_lacking, &path, "no Secret"),
        &[&format!("{section}.enforced")],
    )
}

fn of_keys(
    fields: &[(&str, &BTreeMap<String, String>)],
    is_wrong: fn(&str) -> bool,
) -> Vec<Violation> {
    let keys = fields.iter().flat_map(|(path, members)| {
        let keys = members.keys().filter(|key| is_wrong(key));
        keys.map(move |key| Violation::new(format!("{path}.{key}"), key))
    });
    keys.collect()
}

fn is_owned_label(key: &str) -> bool {
    key.starts_with("helm.sh/")
        || key.starts_with("midships/")
        || ["name", "instance", "managed-by"]
            .iter()
            .any(|name| key.strip_prefix("app.kubernetes.io/") == Some(name))
}

fn is_hook_annotation(key: &str) -> bool {
    key.starts_with("helm.sh/") || key.starts_with("argocd.argoproj.io/hook")
}
