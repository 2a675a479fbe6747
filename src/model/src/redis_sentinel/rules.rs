//! The rule table of the chart `redis-sentinel`.
//!
//! Each rule stands here or in [`rules_of_servers`] twice, in Rust and as a Helm template; its examples are run through both, and the
//! two must find the same in the same words.

use super::haproxy::Haproxy;
use super::{CHART, Values};
use crate::fields::network::{FIRST_NODE_PORT, ServiceType};
use crate::fields::{AntiAffinity, StorageMode};
use crate::model::full_name;
use crate::redis::rules_of_servers;
use crate::rules::shared::{
    self, LONGEST_STATEFUL_SET, above_limits, accepted, because, hook_annotations, named, one_if,
    owned_labels, refused,
};
use crate::rules::{Rule, Violation};

/// The label that names one node.
const NODE_LABEL: &str = "kubernetes.io/hostname";

/// The ports of nodes that are asked for by HAProxy, with their fields; none where it has none.
fn node_ports(haproxy: &Haproxy) -> Vec<(&'static str, u16)> {
    let service = &haproxy.service;
    if !haproxy.enabled || service.kind != ServiceType::NodePort {
        return Vec::new();
    }
    vec![
        ("haproxy.service.nodePort", service.node_port),
        ("haproxy.service.tlsNodePort", service.tls_node_port),
        ("haproxy.service.readNodePort", service.read_node_port),
        (
            "haproxy.service.readTlsNodePort",
            service.read_tls_node_port,
        ),
    ]
}

/// The rules.
pub const RULES: &[Rule<Values>] = &[
    Rule {
        id: "sentinels-are-odd",
        allowed: "an odd number",
        hint: "add or remove one: an even number bears no more losses than one less",
        check: |subject| {
            let count = subject.values.sentinels.count;
            one_if(count.is_multiple_of(2), "sentinels.count", count)
        },
        template: r"{{- $count := int .Values.sentinels.count }}
{{- if eq (mod $count 2) 0 }}
sentinels.count|{{ $count }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"sentinels":{"count":5}}"#),
            refused(r#"{"sentinels":{"count":4}}"#, &["sentinels.count"]),
        ],
    },
    Rule {
        id: "quorum-is-of-sentinels",
        allowed: "0, or at most as many as there are Sentinels",
        hint: "set sentinels.quorum to 0: it is then most of them",
        check: |subject| {
            let sentinels = &subject.values.sentinels;
            let found = format!("{} of {}", sentinels.quorum, sentinels.count);
            because(
                one_if(
                    sentinels.quorum > sentinels.count,
                    "sentinels.quorum",
                    found,
                ),
                &["sentinels.count"],
            )
        },
        template: r"{{- if gt (int .Values.sentinels.quorum) (int .Values.sentinels.count) }}
sentinels.quorum|{{ int .Values.sentinels.quorum }} of {{ int .Values.sentinels.count }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"sentinels":{"count":5,"quorum":5}}"#),
            refused(r#"{"sentinels":{"quorum":4}}"#, &["sentinels.quorum"]),
        ],
    },
    Rule {
        id: "replicas-for-a-write-exist",
        allowed: "at most as many as there are replicas",
        hint: "lower servers.minReplicas or raise servers.replicas; with as many as there are, writes are refused while one restarts",
        check: |subject| {
            let servers = &subject.values.servers;
            let found = format!("{} of {}", servers.min_replicas, servers.replicas);
            because(
                one_if(
                    servers.min_replicas > servers.replicas,
                    "servers.minReplicas",
                    found,
                ),
                &["servers.replicas"],
            )
        },
        template: r"{{- if gt (int .Values.servers.minReplicas) (int .Values.servers.replicas) }}
servers.minReplicas|{{ int .Values.servers.minReplicas }} of {{ int .Values.servers.replicas }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"servers":{"replicas":1}}"#),
            refused(r#"{"servers":{"minReplicas":3}}"#, &["servers.minReplicas"]),
        ],
    },
    Rule {
        id: "strict-anti-affinity-has-nodes",
        allowed: "Soft or None, where a node selector names one node",
        hint: "choose Soft, or a node selector that more nodes have: all pods but one would not be started",
        check: |subject| {
            let values = subject.values;
            let pinned = |place: &str, strict, selector: &std::collections::BTreeMap<_, _>| {
                let node = selector.get(NODE_LABEL);
                let found = format!("Hard on the node {}", node.map_or("", String::as_str));
                one_if(strict == AntiAffinity::Hard && node.is_some(), place, found)
            };
            let servers = pinned(
                "servers.antiAffinity",
                values.servers.anti_affinity,
                &values.server.pod.node_selector,
            );
            let sentinels = pinned(
                "sentinels.pod.antiAffinity",
                values.sentinels.pod.anti_affinity,
                &values.sentinels.pod.node_selector,
            );
            let mut all: Vec<Violation> = because(servers, &["server.pod.nodeSelector"]);
            all.extend(because(sentinels, &["sentinels.pod.nodeSelector"]));
            all
        },
        template: r#"{{- $label := "kubernetes.io/hostname" }}
{{- if and (eq .Values.servers.antiAffinity "Hard") (hasKey .Values.server.pod.nodeSelector $label) }}
servers.antiAffinity|Hard on the node {{ get .Values.server.pod.nodeSelector $label }}
{{- end }}
{{- if and (eq .Values.sentinels.pod.antiAffinity "Hard") (hasKey .Values.sentinels.pod.nodeSelector $label) }}
sentinels.pod.antiAffinity|Hard on the node {{ get .Values.sentinels.pod.nodeSelector $label }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"servers":{"antiAffinity":"Hard"},"server":{"pod":{"nodeSelector":{"disk":"fast"}}}}"#,
            ),
            refused(
                r#"{"servers":{"antiAffinity":"Hard"},"server":{"pod":{"nodeSelector":{"kubernetes.io/hostname":"one"}}}}"#,
                &["servers.antiAffinity"],
            ),
            refused(
                r#"{"sentinels":{"pod":{"antiAffinity":"Hard","nodeSelector":{"kubernetes.io/hostname":"one"}}}}"#,
                &["sentinels.pod.antiAffinity"],
            ),
        ],
    },
    Rule {
        id: "sentinels-remember",
        allowed: "StorageClass or HostPath: for whom a Sentinel has voted must outlive its pod",
        hint: "set sentinels.storage.mode to StorageClass; the smallest volume will do",
        check: |subject| {
            let mode = subject.values.sentinels.storage.mode;
            let found = format!("{mode:?}");
            one_if(
                mode == StorageMode::EmptyDir,
                "sentinels.storage.mode",
                found,
            )
        },
        template: r#"{{- if eq .Values.sentinels.storage.mode "EmptyDir" }}
sentinels.storage.mode|EmptyDir
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"sentinels":{"storage":{"mode":"HostPath","hostPath":"/srv"}}}"#),
            refused(
                r#"{"sentinels":{"storage":{"mode":"EmptyDir"}}}"#,
                &["sentinels.storage.mode"],
            ),
        ],
    },
    rules_of_servers::memory_fits(),
    rules_of_servers::volume_holds_data(),
    rules_of_servers::grace_period_covers_stop(),
    rules_of_servers::deadline_covers_estimate(&[
        accepted(r#"{"hook":{"deadlineSeconds":1956}}"#),
        refused(
            r#"{"hook":{"deadlineSeconds":1955}}"#,
            &["hook.deadlineSeconds"],
        ),
        refused(
            r#"{"sentinels":{"count":5},"hook":{"deadlineSeconds":1956}}"#,
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
        hint: "choose a shorter release name; one that contains redis-sentinel gets no suffix",
        check: |subject| {
            let Some(release) = subject.release else {
                return Vec::new();
            };
            let name = format!("{}-sentinel", full_name(CHART, &release.name));
            one_if(
                name.len() > LONGEST_STATEFUL_SET,
                "Release.Name",
                format!("{name} with {} characters", name.len()),
            )
        },
        template: r#"{{- $name := printf "%s-sentinel" (include "<< chart >>.fullName" .) }}
{{- if gt (len $name) 52 }}
Release.Name|{{ $name }} with {{ len $name }} characters
{{- end }}"#,
        sections: &[""],
        examples: &[
            named("twenty-eight-characters-1234", "{}", &[]),
            named("twenty-nine-characters-123456", "{}", &["Release.Name"]),
            named("redis-sentinel-of-forty-three-characters-12", "{}", &[]),
        ],
    },
    Rule {
        id: "node-ports-are-ports-of-nodes",
        allowed: "0, or a port from 30000 to 32767",
        hint: "set it to 0: the cluster then chooses one",
        check: |subject| {
            let ports = node_ports(&subject.values.haproxy);
            let ports = ports.into_iter();
            ports
                .flat_map(|(path, port)| {
                    let is_wrong = port != 0 && port < FIRST_NODE_PORT;
                    because(
                        one_if(is_wrong, path, port),
                        &["haproxy.enabled", "haproxy.service.type"],
                    )
                })
                .collect()
        },
        template: r#"{{- $port := int .Values.haproxy.service.<< section >> }}
{{- if and .Values.haproxy.enabled (eq .Values.haproxy.service.type "NodePort") (ne $port 0) (lt $port 30000) }}
haproxy.service.<< section >>|{{ $port }}
{{- end }}"#,
        sections: &["nodePort", "tlsNodePort", "readNodePort", "readTlsNodePort"],
        examples: &[
            accepted(
                r#"{"haproxy":{"enabled":true,"service":{"type":"NodePort","nodePort":30000}}}"#,
            ),
            accepted(r#"{"haproxy":{"enabled":true,"service":{"nodePort":80}}}"#),
            accepted(r#"{"haproxy":{"service":{"type":"NodePort","nodePort":80}}}"#),
            refused(
                r#"{"haproxy":{"enabled":true,"service":{"type":"NodePort","nodePort":29999,"tlsNodePort":1,"readNodePort":80,"readTlsNodePort":443}}}"#,
                &[
                    "haproxy.service.nodePort",
                    "haproxy.service.readNodePort",
                    "haproxy.service.readTlsNodePort",
                    "haproxy.service.tlsNodePort",
                ],
            ),
        ],
    },
    Rule {
        id: "node-ports-differ",
        allowed: "0, or a port that no other field of haproxy.service names",
        hint: "choose another port, or set one of them to 0",
        check: |subject| {
            let ports = node_ports(&subject.values.haproxy);
            let taken = |place: usize, port: u16| {
                let mut before = ports[..place].iter();
                port != 0 && before.any(|(_, other)| *other == port)
            };
            let all = ports.iter().enumerate();
            all.flat_map(|(place, (path, port))| {
                because(
                    one_if(taken(place, *port), path, port),
                    &["haproxy.service.type"],
                )
            })
            .collect()
        },
        template: r#"{{- $service := .Values.haproxy.service }}
{{- $port := int $service.<< section >> }}
{{- $taken := false }}
{{- range $other := list "nodePort" "tlsNodePort" "readNodePort" "readTlsNodePort" | join " " | splitList "<< section >>" | first | trim | splitList " " }}
{{- if and $other (eq $port (int (get $service $other))) }}
{{- $taken = true }}
{{- end }}
{{- end }}
{{- if and .Values.haproxy.enabled (eq $service.type "NodePort") (ne $port 0) $taken }}
haproxy.service.<< section >>|{{ $port }}
{{- end }}"#,
        sections: &["tlsNodePort", "readNodePort", "readTlsNodePort"],
        examples: &[
            accepted(
                r#"{"haproxy":{"enabled":true,"service":{"type":"NodePort","nodePort":30001,"readNodePort":30002}}}"#,
            ),
            accepted(r#"{"haproxy":{"enabled":true,"service":{"type":"NodePort"}}}"#),
            refused(
                r#"{"haproxy":{"enabled":true,"service":{"type":"NodePort","nodePort":30001,"tlsNodePort":30001,"readNodePort":30002,"readTlsNodePort":30002}}}"#,
                &[
                    "haproxy.service.readTlsNodePort",
                    "haproxy.service.tlsNodePort",
                ],
            ),
            refused(
                r#"{"haproxy":{"enabled":true,"service":{"type":"NodePort","nodePort":30001,"readNodePort":30001}}}"#,
                &["haproxy.service.readNodePort"],
            ),
        ],
    },
    shared::requests_are_within_limits(
        |subject| {
            let values = subject.values;
            let sections = [
                ("server", &values.server.resources),
                ("sentinels", &values.sentinels.resources),
                ("haproxy", &values.haproxy.resources),
                ("metrics", &values.metrics.resources),
                ("hook", &values.hook.resources),
            ];
            let sections = sections.iter();
            sections
                .flat_map(|(section, resources)| above_limits(section, resources))
                .collect()
        },
        &["server", "sentinels", "haproxy", "metrics", "hook"],
        &[
            accepted(
                r#"{"sentinels":{"resources":{"requests":{"cpu":2},"limits":{"cpu":"2000m"}}}}"#,
            ),
            refused(
                r#"{"server":{"resources":{"requests":{"cpu":3},"limits":{"cpu":"2500m"}}},"sentinels":{"resources":{"requests":{"memory":"3Gi"}}}}"#,
                &[
                    "sentinels.resources.requests.memory",
                    "server.resources.requests.cpu",
                ],
            ),
        ],
    ),
    shared::labels_are_not_owned(
        |subject| {
            let values = subject.values;
            owned_labels(&[
                ("commonLabels", &values.common_labels),
                ("server.pod.labels", &values.server.pod.labels),
                ("sentinels.pod.labels", &values.sentinels.pod.labels),
                ("haproxy.pod.labels", &values.haproxy.pod.labels),
                (
                    "metrics.serviceMonitor.labels",
                    &values.metrics.service_monitor.labels,
                ),
                ("hook.labels", &values.hook.labels),
            ])
        },
        &[
            "commonLabels",
            "server.pod.labels",
            "sentinels.pod.labels",
            "haproxy.pod.labels",
            "metrics.serviceMonitor.labels",
            "hook.labels",
        ],
        &[
            accepted(
                r#"{"commonLabels":{"team":"orders"},"sentinels":{"pod":{"labels":{"a":"b"}}}}"#,
            ),
            refused(
                r#"{"commonLabels":{"midships/cluster":"x"},"sentinels":{"pod":{"labels":{"midships/component":"x"}}}}"#,
                &[
                    "commonLabels.midships/cluster",
                    "sentinels.pod.labels.midships/component",
                ],
            ),
        ],
    ),
    shared::annotations_are_not_hooks(
        |subject| {
            let values = subject.values;
            hook_annotations(&[
                ("commonAnnotations", &values.common_annotations),
                ("server.pod.annotations", &values.server.pod.annotations),
                (
                    "sentinels.pod.annotations",
                    &values.sentinels.pod.annotations,
                ),
                ("haproxy.pod.annotations", &values.haproxy.pod.annotations),
                (
                    "haproxy.service.annotations",
                    &values.haproxy.service.annotations,
                ),
                ("hook.annotations", &values.hook.annotations),
            ])
        },
        &[
            "commonAnnotations",
            "server.pod.annotations",
            "sentinels.pod.annotations",
            "haproxy.pod.annotations",
            "haproxy.service.annotations",
            "hook.annotations",
        ],
        &[
            accepted(r#"{"commonAnnotations":{"argocd.argoproj.io/sync-wave":"1"}}"#),
            refused(
                r#"{"sentinels":{"pod":{"annotations":{"helm.sh/hook":"pre-install"}}}}"#,
                &["sentinels.pod.annotations.helm.sh/hook"],
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
