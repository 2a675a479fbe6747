//! The rule table of the chart `redis`.
//!
//! Each rule stands here or in [`rules_of_servers`] twice, in Rust and as a Helm template; its examples are run through both, and the two
//! must find the same in the same words.

use super::persistence::PersistenceMode;
use super::{CHART, Values, rules_of_servers};
use crate::fields::StorageMode;
use crate::fields::network::{FIRST_NODE_PORT, ServiceType};
use crate::model::full_name;
use crate::rules::Rule;
use crate::rules::shared::{
    self, LONGEST_STATEFUL_SET, accepted, because, hook_annotations, named, one_if, refused,
};

/// The rules.
pub const RULES: &[Rule<Values>] = &[
    rules_of_servers::memory_fits(),
    Rule {
        id: "nothing-kept-needs-no-volume",
        allowed: "EmptyDir, while nothing is kept",
        hint: "set persistence.storage.mode to EmptyDir, or choose with persistence.mode what is kept",
        check: |subject| {
            let persistence = &subject.values.persistence;
            let wrong = persistence.mode == PersistenceMode::None
                && persistence.storage.mode != StorageMode::EmptyDir;
            let found = format!("{:?}", persistence.storage.mode);
            because(
                one_if(wrong, "persistence.storage.mode", found),
                &["persistence.mode"],
            )
        },
        template: r#"{{- if and (eq .Values.persistence.mode "None") (ne .Values.persistence.storage.mode "EmptyDir") }}
persistence.storage.mode|{{ .Values.persistence.storage.mode }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"persistence":{"mode":"None","storage":{"mode":"EmptyDir","size":"1Mi"}}}"#,
            ),
            accepted(r#"{"persistence":{"mode":"Both","storage":{"mode":"EmptyDir"}}}"#),
            refused(
                r#"{"persistence":{"mode":"None"}}"#,
                &["persistence.storage.mode"],
            ),
        ],
    },
    rules_of_servers::volume_holds_data(),
    rules_of_servers::grace_period_covers_stop(),
    rules_of_servers::deadline_covers_estimate(&[
        accepted(r#"{"hook":{"deadlineSeconds":992}}"#),
        refused(
            r#"{"hook":{"deadlineSeconds":991}}"#,
            &["hook.deadlineSeconds"],
        ),
    ]),
    rules_of_servers::threads_are_of_version_6(),
    rules_of_servers::tls_is_of_version_6(),
    rules_of_servers::tls_has_certificates(),
    Rule {
        id: "node-ports-are-ports-of-nodes",
        allowed: "0, or a port from 30000 to 32767",
        hint: "set it to 0: the cluster then chooses one",
        check: |subject| {
            let outside = &subject.values.outside;
            let is_wrong =
                |port| outside.kind == ServiceType::NodePort && port != 0 && port < FIRST_NODE_PORT;
            let ports = [
                ("outside.nodePort", outside.node_port),
                ("outside.tlsNodePort", outside.tls_node_port),
            ];
            let ports = ports.into_iter();
            ports
                .flat_map(|(path, port)| {
                    because(one_if(is_wrong(port), path, port), &["outside.type"])
                })
                .collect()
        },
        template: r#"{{- $port := int .Values.outside.<< section >> }}
{{- if and (eq .Values.outside.type "NodePort") (ne $port 0) (lt $port 30000) }}
outside.<< section >>|{{ $port }}
{{- end }}"#,
        sections: &["nodePort", "tlsNodePort"],
        examples: &[
            accepted(r#"{"outside":{"type":"NodePort","nodePort":30000}}"#),
            accepted(r#"{"outside":{"nodePort":80}}"#),
            refused(
                r#"{"outside":{"type":"NodePort","nodePort":29999,"tlsNodePort":443}}"#,
                &["outside.nodePort", "outside.tlsNodePort"],
            ),
        ],
    },
    Rule {
        id: "node-ports-differ",
        allowed: "another port than outside.nodePort",
        hint: "choose another port, or set one of them to 0",
        check: |subject| {
            let outside = &subject.values.outside;
            let wrong = outside.kind == ServiceType::NodePort
                && outside.tls_node_port != 0
                && outside.tls_node_port == outside.node_port;
            because(
                one_if(wrong, "outside.tlsNodePort", outside.tls_node_port),
                &["outside.nodePort"],
            )
        },
        template: r#"{{- $port := int .Values.outside.tlsNodePort }}
{{- if and (eq .Values.outside.type "NodePort") (ne $port 0) (eq $port (int .Values.outside.nodePort)) }}
outside.tlsNodePort|{{ $port }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"outside":{"type":"NodePort","nodePort":30001,"tlsNodePort":30002}}"#),
            accepted(r#"{"outside":{"type":"NodePort"}}"#),
            refused(
                r#"{"outside":{"type":"NodePort","nodePort":30001,"tlsNodePort":30001}}"#,
                &["outside.tlsNodePort"],
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
        hint: "choose a shorter release name; one that contains redis gets no suffix",
        check: |subject| {
            let Some(release) = subject.release else {
                return Vec::new();
            };
            let name = format!("{}-server", full_name(CHART, &release.name));
            one_if(
                name.len() > LONGEST_STATEFUL_SET,
                "Release.Name",
                format!("{name} with {} characters", name.len()),
            )
        },
        template: r#"{{- $name := printf "%s-server" (include "redis.fullName" .) }}
{{- if gt (len $name) 52 }}
Release.Name|{{ $name }} with {{ len $name }} characters
{{- end }}"#,
        sections: &[""],
        examples: &[
            named("thirty-nine-characters-123456789-123456", "{}", &[]),
            named(
                "forty-characters-23456789-123456789-1234",
                "{}",
                &["Release.Name"],
            ),
            named("redis-of-forty-five-characters-3456789-123456", "{}", &[]),
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
                r#"{"server":{"pod":{"annotations":{"helm.sh/hook":"pre-install"}}},"outside":{"type":"NodePort","annotations":{"argocd.argoproj.io/hook":"x"}}}"#,
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
    use super::*;

    #[test]
    fn each_rule_names_the_paths_of_its_examples_and_no_other_rule_does() {
        crate::rules::tests::examples_hold::<Values>();
    }
}
