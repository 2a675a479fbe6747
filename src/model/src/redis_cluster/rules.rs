//! The rule table of the chart `redis-cluster`.
//!
//! Each rule stands here or in [`rules_of_servers`] twice, in Rust and as a Helm template; its examples are run through both, and the two
//! must find the same in the same words.

use super::outside::last_above;
use super::shards::MOST_SHARDS;
use super::{CHART, DATABASES, Values};
use crate::fields::StorageMode;
use crate::fields::network::LAST_NODE_PORT;
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
    Rule {
        id: "node-ports-reach-the-last-server",
        allowed: "a port from which that of the last server is at most 32767: each shard has five",
        hint: "set it to a lower port, or lower shards.count",
        check: |subject| {
            let values = subject.values;
            let above = last_above(&values.shards);
            let found = values.outside.first_ports(&values.tls);
            let found = found.map(|(path, first, is_used)| {
                let last = u32::from(first) + above;
                let is_beyond = is_used && last > u32::from(LAST_NODE_PORT);
                because(
                    one_if(is_beyond, path, format!("{first} to {last}")),
                    &["outside.nodePorts", "shards.count"],
                )
            });
            found.concat()
        },
        template: r#"{{- $kind := "<< section >>" }}
{{- $first := get .Values.outside $kind | int }}
{{- $last := add $first (mul 5 (sub (int .Values.shards.count) 1)) (int .Values.shards.replicasPerShard) | int }}
{{- $isUsed := or (eq $kind "firstBusNodePort") (and (eq $kind "firstNodePort") (not .Values.tls.enforced)) (and (eq $kind "firstTlsNodePort") (not (empty .Values.tls.secretName))) }}
{{- if and .Values.outside.nodePorts $isUsed (gt $last 32767) }}
outside.<< section >>|{{ $first }} to {{ $last }}
{{- end }}"#,
        sections: &["firstNodePort", "firstTlsNodePort", "firstBusNodePort"],
        examples: &[
            accepted(r#"{"outside":{"nodePorts":true,"firstBusNodePort":32756}}"#),
            accepted(r#"{"outside":{"firstNodePort":32767}}"#),
            accepted(r#"{"outside":{"nodePorts":true,"firstTlsNodePort":32767}}"#),
            refused(
                r#"{"outside":{"nodePorts":true,"firstBusNodePort":32757}}"#,
                &["outside.firstBusNodePort"],
            ),
            refused(
                r#"{"outside":{"nodePorts":true,"firstNodePort":32697},"shards":{"count":15}}"#,
                &["outside.firstNodePort"],
            ),
            refused(
                r#"{"outside":{"nodePorts":true,"firstTlsNodePort":32757},"tls":{"secretName":"orders-tls"}}"#,
                &["outside.firstTlsNodePort"],
            ),
        ],
    },
    Rule {
        id: "node-ports-of-servers-differ",
        allowed: "a port from which those of all servers are free of the other kinds: each shard has five of each kind",
        hint: "set outside.firstNodePort, outside.firstTlsNodePort and outside.firstBusNodePort further apart",
        check: |subject| {
            let values = subject.values;
            let above = last_above(&values.shards);
            let all = values.outside.first_ports(&values.tls);
            let meets = |place: usize| {
                let (_, first, is_used) = all[place];
                let mut before = all[..place].iter();
                is_used
                    && before.any(|(_, other, is_used)| {
                        *is_used && u32::from(first.abs_diff(*other)) <= above
                    })
            };
            let found = [1, 2].map(|place| {
                let (path, first, _) = all[place];
                because(
                    one_if(
                        meets(place),
                        path,
                        format!("{first} to {}", u32::from(first) + above),
                    ),
                    &["outside.nodePorts", "outside.firstNodePort", "shards.count"],
                )
            });
            found.concat()
        },
        template: r#"{{- $kind := "<< section >>" }}
{{- $outside := .Values.outside }}
{{- $first := get $outside $kind | int }}
{{- $above := add (mul 5 (sub (int .Values.shards.count) 1)) (int .Values.shards.replicasPerShard) | int }}
{{- $hasTls := not (empty .Values.tls.secretName) }}
{{- $others := list }}
{{- if not .Values.tls.enforced }}
{{- $others = append $others (int $outside.firstNodePort) }}
{{- end }}
{{- if and $hasTls (eq $kind "firstBusNodePort") }}
{{- $others = append $others (int $outside.firstTlsNodePort) }}
{{- end }}
{{- $meets := false }}
{{- range $others }}
{{- if and (le (sub . $first | int) $above) (le (sub $first . | int) $above) }}
{{- $meets = true }}
{{- end }}
{{- end }}
{{- if and $outside.nodePorts $meets (or $hasTls (eq $kind "firstBusNodePort")) }}
outside.<< section >>|{{ $first }} to {{ add $first $above }}
{{- end }}"#,
        sections: &["firstTlsNodePort", "firstBusNodePort"],
        examples: &[
            accepted(
                r#"{"outside":{"nodePorts":true},"shards":{"count":64,"replicasPerShard":4},"hook":{"deadlineSeconds":0}}"#,
            ),
            accepted(r#"{"outside":{"nodePorts":true,"firstBusNodePort":30012}}"#),
            accepted(r#"{"outside":{"firstBusNodePort":30000}}"#),
            accepted(
                r#"{"outside":{"nodePorts":true,"firstBusNodePort":30000},"tls":{"secretName":"orders-tls","enforced":true}}"#,
            ),
            refused(
                r#"{"outside":{"nodePorts":true,"firstBusNodePort":30011}}"#,
                &["outside.firstBusNodePort"],
            ),
            refused(
                r#"{"outside":{"nodePorts":true,"firstNodePort":30020,"firstTlsNodePort":30009,"firstBusNodePort":30019},"tls":{"secretName":"orders-tls"}}"#,
                &["outside.firstBusNodePort", "outside.firstTlsNodePort"],
            ),
        ],
    },
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
                ("outside.annotations", &values.outside.annotations),
                ("hook.annotations", &values.hook.annotations),
            ])
        },
        &[
            "commonAnnotations",
            "server.pod.annotations",
            "outside.annotations",
            "hook.annotations",
        ],
        &[
            accepted(r#"{"commonAnnotations":{"argocd.argoproj.io/sync-wave":"1"}}"#),
            refused(
                r#"{"server":{"pod":{"annotations":{"helm.sh/hook":"pre-install"}}},"outside":{"nodePorts":true,"annotations":{"argocd.argoproj.io/hook":"x"}}}"#,
                &[
                    "outside.annotations.argocd.argoproj.io/hook",
                    "server.pod.annotations.helm.sh/hook",
                ],
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
