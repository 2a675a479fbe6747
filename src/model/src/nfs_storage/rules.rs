//! The rule table of the chart `nfs-storage`.
//!
//! Each rule stands here twice, in Rust and as a Helm template; its examples are run through both, and the two must find the
//! same in the same words. Templates may use the definitions of the chart's `_names.tpl`.

use std::collections::BTreeMap;

use super::{CHART, OnDelete, ReclaimPolicy, Values};
use crate::model::full_name;
use crate::rules::shared::{
    self, above_limits, accepted, because, hook_annotations, named, one_if, owned_labels, refused,
};
use crate::rules::{Rule, Violation};

/// The most characters of the full name, which is the value of a label.
pub const LONGEST_FULL_NAME: usize = 63;

/// Values of an example: a server and its directory, which must be given, and more.
macro_rules! with_server {
    () => {
        r#"{"nfs":{"server":"nfs.example","path":"/exports"}}"#
    };
    ($more:literal) => {
        concat!(
            r#"{"nfs":{"server":"nfs.example","path":"/exports"},"#,
            $more,
            "}"
        )
    };
}

/// The rules.
pub const RULES: &[Rule<Values>] = &[
    Rule {
        id: "mount-options-are-distinct",
        allowed: "each option once",
        hint: "remove the option that is named again",
        check: |subject| {
            let mut seen = BTreeMap::new();
            let options = subject.values.nfs.mount_options.iter().enumerate();
            options
                .filter_map(|(index, option)| {
                    let name = option.split('=').next().unwrap_or_default();
                    let first = *seen.entry(name).or_insert(index);
                    let path = |index| format!("nfs.mountOptions[{index}]");
                    (first != index)
                        .then(|| Violation::new(path(index), option).because(path(first)))
                })
                .collect()
        },
        template: r#"{{- $seen := dict }}
{{- range $index, $option := .Values.nfs.mountOptions }}
{{- $name := splitList "=" $option | first }}
{{- if hasKey $seen $name }}
nfs.mountOptions[{{ $index }}]|{{ $option }}
{{- end }}
{{- $_ := set $seen $name 1 }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"nfs":{"server":"nfs.example","path":"/exports","mountOptions":["nfsvers=4.1","hard"]}}"#,
            ),
            refused(
                r#"{"nfs":{"server":"nfs.example","path":"/exports","mountOptions":["nfsvers=4.1","hard","nfsvers=3"]}}"#,
                &["nfs.mountOptions[2]"],
            ),
        ],
    },
    Rule {
        id: "nested-directories-are-not-deleted",
        allowed: "a pattern without slashes, while storageClass.onDelete is Delete",
        hint: "use a pattern without slashes, or set storageClass.onDelete to Retain: the provisioner looks for a directory right below the export, by the last part of its path, and would delete another one",
        check: |subject| {
            let class = &subject.values.storage_class;
            let wrong = class.reclaim_policy == ReclaimPolicy::Delete
                && class.on_delete == OnDelete::Delete
                && class.path_pattern.contains('/');
            because(
                one_if(wrong, "storageClass.pathPattern", &class.path_pattern),
                &["storageClass.onDelete", "storageClass.reclaimPolicy"],
            )
        },
        template: r#"{{- $class := .Values.storageClass }}
{{- if and (eq $class.reclaimPolicy "Delete") (eq $class.onDelete "Delete") (contains "/" $class.pathPattern) }}
storageClass.pathPattern|{{ $class.pathPattern }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(with_server!(
                r#""storageClass":{"pathPattern":"${.PVC.namespace}/${.PVC.name}"}"#
            )),
            accepted(with_server!(
                r#""storageClass":{"onDelete":"Delete","pathPattern":"${.PVC.namespace}/${.PVC.name}"}"#
            )),
            accepted(with_server!(
                r#""storageClass":{"reclaimPolicy":"Delete","onDelete":"Delete","pathPattern":"${.PVC.namespace}_${.PVC.name}"}"#
            )),
            refused(
                with_server!(
                    r#""storageClass":{"reclaimPolicy":"Delete","onDelete":"Delete","pathPattern":"${.PVC.namespace}/${.PVC.name}"}"#
                ),
                &["storageClass.pathPattern"],
            ),
        ],
    },
    Rule {
        id: "archives-have-names-of-their-own",
        allowed: "no pattern, while storageClass.onDelete is Archive",
        hint: "remove the pattern, or set storageClass.onDelete to Retain: the archive of a claim that is made and deleted again would have the name of the first one, and the provisioner would fail",
        check: |subject| {
            let class = &subject.values.storage_class;
            let wrong = class.reclaim_policy == ReclaimPolicy::Delete
                && class.on_delete == OnDelete::Archive
                && !class.path_pattern.is_empty();
            because(
                one_if(wrong, "storageClass.pathPattern", &class.path_pattern),
                &["storageClass.onDelete", "storageClass.reclaimPolicy"],
            )
        },
        template: r#"{{- $class := .Values.storageClass }}
{{- if and (eq $class.reclaimPolicy "Delete") (eq $class.onDelete "Archive") $class.pathPattern }}
storageClass.pathPattern|{{ $class.pathPattern }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(with_server!(
                r#""storageClass":{"reclaimPolicy":"Delete","onDelete":"Archive"}"#
            )),
            refused(
                with_server!(
                    r#""storageClass":{"reclaimPolicy":"Delete","onDelete":"Archive","pathPattern":"${.PVC.namespace}_${.PVC.name}"}"#
                ),
                &["storageClass.pathPattern"],
            ),
        ],
    },
    shared::requests_are_within_limits(
        |subject| above_limits("provisioner", &subject.values.provisioner.resources),
        &["provisioner"],
        &[
            accepted(with_server!(
                r#""provisioner":{"resources":{"requests":{"memory":"128Mi"}}}"#
            )),
            refused(
                with_server!(
                    r#""provisioner":{"resources":{"requests":{"cpu":2,"memory":"1Gi"},"limits":{"cpu":"1500m"}}}"#
                ),
                &[
                    "provisioner.resources.requests.cpu",
                    "provisioner.resources.requests.memory",
                ],
            ),
        ],
    ),
    shared::labels_are_not_owned(
        |subject| {
            let values = subject.values;
            owned_labels(&[
                ("commonLabels", &values.common_labels),
                ("provisioner.pod.labels", &values.provisioner.pod.labels),
            ])
        },
        &["commonLabels", "provisioner.pod.labels"],
        &[
            accepted(with_server!(r#""commonLabels":{"team":"storage"}"#)),
            refused(
                with_server!(
                    r#""commonLabels":{"midships/cluster":"x"},"provisioner":{"pod":{"labels":{"helm.sh/chart":"x"}}}"#
                ),
                &[
                    "commonLabels.midships/cluster",
                    "provisioner.pod.labels.helm.sh/chart",
                ],
            ),
        ],
    ),
    shared::annotations_are_not_hooks(
        |subject| {
            let values = subject.values;
            hook_annotations(&[
                ("commonAnnotations", &values.common_annotations),
                (
                    "provisioner.pod.annotations",
                    &values.provisioner.pod.annotations,
                ),
            ])
        },
        &["commonAnnotations", "provisioner.pod.annotations"],
        &[
            accepted(with_server!(
                r#""provisioner":{"pod":{"annotations":{"sidecar.istio.io/inject":"false"}}}"#
            )),
            refused(
                with_server!(r#""commonAnnotations":{"helm.sh/hook":"pre-install"}"#),
                &["commonAnnotations.helm.sh/hook"],
            ),
        ],
    ),
    Rule {
        id: "names-fit",
        allowed: "a full name of at most 63 characters",
        hint: "choose a shorter release name; one that contains nfs-storage gets no suffix",
        check: |subject| {
            let Some(release) = subject.release else {
                return Vec::new();
            };
            let name = full_name(CHART, &release.name);
            one_if(
                name.len() > LONGEST_FULL_NAME,
                "Release.Name",
                format!("{name} with {} characters", name.len()),
            )
        },
        template: r#"{{- $name := include "<< chart >>.fullName" . }}
{{- if gt (len $name) 63 }}
Release.Name|{{ $name }} with {{ len $name }} characters
{{- end }}"#,
        sections: &[""],
        examples: &[
            named(
                "fifty-one-characters-and-no-more-of-them-than-51-ok",
                with_server!(),
                &[],
            ),
            named(
                "fifty-two-characters-and-no-more-of-them-than-52-not",
                with_server!(),
                &["Release.Name"],
            ),
            named(
                "nfs-storage-of-more-than-fifty-characters-in-a-name-1",
                with_server!(),
                &[],
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_names_the_paths_of_its_examples_and_no_other_rule_does() {
        crate::rules::tests::examples_hold::<Values>();
    }
}
