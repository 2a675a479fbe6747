//! Rules that several charts have about the places where a pod is extended: variables, volumes and mounts. What a chart's pods have
//! of their own differs, and stands in the texts; so these rules are made by macros, which put it there.

use std::collections::{BTreeMap, BTreeSet};

use super::Violation;
use crate::fields::{EnvironmentVariable, Named};

/// Each variable once, and none that the chart sets. The check is made of [`repeated_variables`]; `$owned` is a condition on
/// `$variable` for what a section's container has itself, with a blank before it, or nothing.
macro_rules! environment_is_distinct {
    ($check:expr, $allowed:literal, $owned:literal, $sections:expr, $examples:expr $(,)?) => {
        $crate::rules::Rule {
            id: "environment-is-distinct",
            allowed: $allowed,
            hint: "remove or rename the variable",
            check: $check,
            template: concat!(
                r#"{{- $seen := dict }}
{{- range $index, $variable := .Values.<< section >>.pod.env }}
{{- if or (hasKey $seen $variable.name) (hasPrefix "MIDSHIPS_" $variable.name)"#,
                $owned,
                r#" (and (hasKey $variable "value") (hasKey $variable "valueFrom")) }}
<< section >>.pod.env[{{ $index }}]|{{ $variable.name }}
{{- end }}
{{- $_ := set $seen $variable.name true }}
{{- end }}"#
            ),
            sections: $sections,
            examples: $examples,
        }
    };
}

/// Each volume once, and none of those that the chart's pods have. The check is made of [`repeated_volumes`].
macro_rules! volumes_are_distinct {
    ($check:expr, [$first:literal $(, $name:literal)* $(,)?], $sections:expr, $examples:expr $(,)?) => {
        $crate::rules::Rule {
            id: "volumes-are-distinct",
            allowed: concat!("each name once, none of ", $first $(, ", ", $name)*),
            hint: "rename the volume and its mounts",
            check: $check,
            template: concat!(
                "{{- $seen := dict \"", $first, "\" 1",
                $(" \"", $name, "\" 1",)*
                r#" }}
{{- range $index, $volume := .Values.<< section >>.pod.volumes }}
{{- if hasKey $seen $volume.name }}
<< section >>.pod.volumes[{{ $index }}]|{{ $volume.name }}
{{- end }}
{{- $_ := set $seen $volume.name 1 }}
{{- end }}"#
            ),
            sections: $sections,
            examples: $examples,
        }
    };
}

/// Each mount is of one of the pod's own volumes. The check is made of [`mounts_of_nothing`].
macro_rules! mounted_volumes_exist {
    ($check:expr, $sections:expr, $examples:expr $(,)?) => {
        $crate::rules::Rule {
            id: "mounted-volumes-exist",
            allowed: "the name of one of the pod's additional volumes",
            hint: "add the volume to pod.volumes",
            check: $check,
            template: r"{{- $known := dict }}
{{- range .Values.<< section >>.pod.volumes }}
{{- $_ := set $known .name 1 }}
{{- end }}
{{- range $index, $mount := .Values.<< section >>.pod.volumeMounts }}
{{- if not (hasKey $known $mount.name) }}
<< section >>.pod.volumeMounts[{{ $index }}]|{{ $mount.name }}
{{- end }}
{{- end }}",
            sections: $sections,
            examples: $examples,
        }
    };
}

/// No mount is where the chart's pods have a volume of their own. The check is made of [`owned_mounts`].
macro_rules! mounts_are_not_owned {
    ($check:expr, [$first:literal $(, $path:literal)*; $last:literal], $sections:expr, $examples:expr $(,)?) => {
        $crate::rules::Rule {
            id: "mounts-are-not-owned",
            allowed: concat!("directories other than ", $first $(, ", ", $path)*, " and ", $last),
            hint: "mount the volume elsewhere; the chart has a volume of its own there",
            check: $check,
            template: concat!(
                "{{- $owned := list \"", $first, "\"",
                $(" \"", $path, "\"",)*
                " \"", $last, "\"",
                r#" }}
{{- range $index, $mount := .Values.<< section >>.pod.volumeMounts }}
{{- if has (regexReplaceAll "/+$" (get $mount "mountPath" | toString) "") $owned }}
<< section >>.pod.volumeMounts[{{ $index }}]|{{ $mount.mountPath }}
{{- end }}
{{- end }}"#
            ),
            sections: $sections,
            examples: $examples,
        }
    };
}

pub(crate) use {
    environment_is_distinct, mounted_volumes_exist, mounts_are_not_owned, volumes_are_distinct,
};

/// The variables of a section's pod that stand there twice, have two values, or are the chart's own.
pub(crate) fn repeated_variables(
    section: &str,
    variables: &[EnvironmentVariable],
    is_owned: impl Fn(&str) -> bool,
) -> Vec<Violation> {
    let mut seen = BTreeMap::new();
    let refused = |variable: &EnvironmentVariable| {
        variable.name.starts_with("MIDSHIPS_")
            || is_owned(&variable.name)
            || (variable.value.is_some() && variable.value_from.is_some())
    };
    let numbered = variables.iter().enumerate();
    numbered
        .filter_map(|(index, variable)| {
            let first = *seen.entry(variable.name.as_str()).or_insert(index);
            let path = |index| format!("{section}.pod.env[{index}]");
            let violation = Violation::new(path(index), &variable.name);
            if first != index {
                return Some(violation.because(path(first)));
            }
            refused(variable).then_some(violation)
        })
        .collect()
}

/// The volumes of a section's pod whose names are taken.
pub(crate) fn repeated_volumes<'a>(
    section: &str,
    volumes: &'a [Named],
    owned: &'a [&'a str],
) -> Vec<Violation> {
    let mut seen: BTreeSet<&str> = owned.iter().copied().collect();
    let numbered = volumes.iter().enumerate();
    numbered
        .filter(|(_, volume)| !seen.insert(&volume.name))
        .map(|(index, volume)| {
            Violation::new(format!("{section}.pod.volumes[{index}]"), &volume.name)
        })
        .collect()
}

/// The mounts of a section's pod that are of none of its volumes.
pub(crate) fn mounts_of_nothing(
    section: &str,
    volumes: &[Named],
    mounts: &[Named],
) -> Vec<Violation> {
    let known: BTreeSet<&str> = volumes.iter().map(|volume| volume.name.as_str()).collect();
    let numbered = mounts.iter().enumerate();
    numbered
        .filter(|(_, mount)| !known.contains(mount.name.as_str()))
        .map(|(index, mount)| {
            Violation::new(format!("{section}.pod.volumeMounts[{index}]"), &mount.name)
        })
        .collect()
}

/// The mounts of a section's pod that are where the chart has volumes of its own.
pub(crate) fn owned_mounts(section: &str, mounts: &[Named], owned: &[&str]) -> Vec<Violation> {
    let numbered = mounts.iter().enumerate();
    numbered
        .filter_map(|(index, mount)| {
            let path = mount.rest.get("mountPath")?.as_str()?;
            let place = format!("{section}.pod.volumeMounts[{index}]");
            owned
                .contains(&path.trim_end_matches('/'))
                .then(|| Violation::new(place, path))
        })
        .collect()
}
