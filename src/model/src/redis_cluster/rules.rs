//! The rule table of the chart `redis-cluster`.
//!
//! Each rule stands here or in [`rules_of_servers`] twice, in Rust and as a Helm template; its examples are run through both, and the two
//! must find the same in the same words.

use super::shards::MOST_SHARDS;
use super::{CHART, DATABASES, Values};
use crate::fields::StorageMode;
use crate::model::full_name;
use crate::redis::rules_of_servers;
use crate::rules::Rule;
use crate::rules::shared::{
    self, LONGEST_STATEFUL_SET, accepted, because, hook_annotations, named, one_if, refused,
};

/// The rules.
pub const RULES: &[Rule<Values>] = &[
    Rule {
        id: "servers-know-themselves",
        allowed: "StorageClass or HostPath: the file by which a server knows who it is must outlive its pod",
        hint: "set persistence.storage.mode to StorageClass; where no data are kept, a small persistence.storage.size will do",
        check: |subject| {
            let mode = subject.values.persistence.storage.mode;
            let found = format!("{mode:?}");
            one_if(
                mode == StorageMode::EmptyDir,
                "persistence.storage.mode",
                found,
            )
        },
        template: r#"{{- if eq .Values.persistence.storage.mode "EmptyDir" }}
persistence.storage.mode|EmptyDir
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"persistence":{"mode":"None","storage":{"size":"64Mi"}}}"#),
            accepted(r#"{"persistence":{"storage":{"mode":"HostPath","hostPath":"/srv"}}}"#),
            refused(
                r#"{"persistence":{"mode":"None","storage":{"mode":"EmptyDir"}}}"#,
                &["persistence.storage.mode"],
            ),
        ],
    },
    Rule {
        id: "volumes-are-kept-alike",
        allowed: "the same as persistence.storage.onUninstall",
        hint: "set both alike: for Kubernetes a shard that leaves is a StatefulSet that is deleted, as in an uninstall",
        check: |subject| {
            let storage = &subject.values.persistence.storage;
            let found = format!("{:?}", storage.on_scale_in);
            let wrong = storage.mode == StorageMode::StorageClass
                && storage.on_scale_in != storage.on_uninstall;
            because(
                one_if(wrong, "persistence.storage.onScaleIn", found),
                &["persistence.storage.onUninstall"],
            )
        },
        template: r#"{{- $storage := .Values.persistence.storage }}
{{- if and (eq $storage.mode "StorageClass") (ne $storage.onScaleIn $storage.onUninstall) }}
persistence.storage.onScaleIn|{{ $storage.onScaleIn }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"persistence":{"storage":{"onScaleIn":"Delete","onUninstall":"Delete"}}}"#,
            ),
            refused(
                r#"{"persistence":{"storage":{"onScaleIn":"Delete"}}}"#,
                &["persistence.storage.onScaleIn"],
            ),
        ],
    },
    Rule {
        id: "cluster-has-one-database",
        allowed: "1",
        hint: "remove tuning.databases: in a cluster there is the database 0 alone",
        check: |subject| {
            let databases = subject.values.tuning.databases;
            one_if(databases != DATABASES, "tuning.databases", databases)
        },
        template: r"{{- $databases := int .Values.tuning.databases }}
{{- if ne $databases 1 }}
tuning.databases|{{ $databases }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"tuning":{"databases":1}}"#),
            refused(r#"{"tuning":{"databases":16}}"#, &["tuning.databases"]),
        ],
    },
    rules_of_servers::memory_fits(),
    rules_of_servers::volume_holds_data(),
    rules_of_servers::grace_period_covers_stop(),
    rules_of_servers::deadline_covers_estimate(&[
        accepted(r#"{"hook":{"deadlineSeconds":3105}}"#),
        refused(
            r#"{"hook":{"deadlineSeconds":3104}}"#,
            &["hook.deadlineSeconds"],
        ),
        refused(
            r#"{"shards":{"count":4},"hook":{"deadlineSeconds":3105}}"#,
            &["hook.deadlineSeconds"],
        ),
    ]),
    rules_of_servers::threads_are_of_version_6(),
    rules_of_servers::tls_is_of_version_6(),
    rules_of_servers::tls_has_certificates(),
    rules_of_servers::configuration_is_not_owned(),
    shared::release_name_makes_services(&[
        named("orders-1", "{}", &[]),
        named("1-orders", "{}", &["Release.Name"]),
        named("shop.orders", "{}", &["Release.Name"]),
    ]),
    Rule {
        id: "names-fit",
        allowed: "StatefulSets with names of at most 52 characters",
        hint: "choose a shorter release name; one that contains redis-cluster gets no suffix",
        check: |subject| {
            let Some(release) = subject.release else {
                return Vec::new();
            };
            let last = MOST_SHARDS - 1;
            let name = format!("{}-shard-{last}", full_name(CHART, &release.name));
            one_if(
                name.len() > LONGEST_STATEFUL_SET,
                "Release.Name",
                format!("{name} with {} characters", name.len()),
            )
        },
        template: r#"{{- $name := printf "%s-shard-63" (include "<< chart >>.fullName" .) }}
{{- if gt (len $name) 52 }}
Release.Name|{{ $name }} with {{ len $name }} characters
{{- end }}"#,
        sections: &[""],
        examples: &[
            named("twenty-nine-characters-123456", "{}", &[]),
            named("thirty-characters-123456789-12", "{}", &["Release.Name"]),
            named("redis-cluster-of-forty-three-characters-123", "{}", &[]),
        ],
    },
    rules_of_servers::requests_are_within_limits(),
    rules_of_servers::labels_are_not_owned(),
    shared::annotations_are_not_hooks(
        |subject| {
            let values = subject.values;
            hook_annotations(&[
                ("commonAnnotations", &values.common_annotations),
                ("server.pod.annotations", &values.server.pod.annotations),
                ("hook.annotations", &values.hook.annotations),
            ])
        },
        &[
            "commonAnnotations",
            "server.pod.annotations",
            "hook.annotations",
        ],
        &[
            accepted(r#"{"commonAnnotations":{"argocd.argoproj.io/sync-wave":"1"}}"#),
            refused(
                r#"{"server":{"pod":{"annotations":{"helm.sh/hook":"pre-install"}}}}"#,
                &["server.pod.annotations.helm.sh/hook"],
            ),
        ],
    ),
    rules_of_servers::environment_is_distinct(),
    rules_of_servers::volumes_are_distinct(),
    rules_of_servers::mounted_volumes_exist(),
    rules_of_servers::mounts_are_not_owned(),
    rules_of_servers::network_clients_select(),
];

#[cfg(test)]
mod tests {
    #[test]
    fn each_rule_names_the_paths_of_its_examples_and_no_other_rule_does() {
        crate::rules::tests::examples_hold::<super::Values>();
    }
}
