//! The rule table of the chart `redis`.
//!
//! Each rule stands here twice, in Rust and as a Helm template; its examples are run through both, and the two must find the
//! same in the same words. Templates may use the definitions of the chart's `_names.tpl`, such as `redis.dataMegabytes`.

use super::persistence::PersistenceMode;
use super::server::{LEAST_DATA, MEMORY_BESIDE_DATA};
use super::{CHART, Values};
use crate::fields::StorageMode;
use crate::fields::network::{FIRST_NODE_PORT, ServiceType};
use crate::model::full_name;
use crate::rules::Rule;
use crate::rules::pods::{
    environment_is_distinct, mounted_volumes_exist, mounts_are_not_owned, mounts_of_nothing,
    owned_mounts, repeated_variables, repeated_volumes, volumes_are_distinct,
};
use crate::rules::shared::{
    self, LONGEST_STATEFUL_SET, above_limits, accepted, because, clients_without_labels,
    enforced_without, hook_annotations, named, one_if, owned_labels, refused, refused_keys,
};

/// Keys of the server's configuration file that the chart sets itself, that have fields, or that would lead clients, the chart's probes
/// or its operations astray; beside those of [`OWNED_PREFIXES`].
pub const OWNED_CONFIGURATION: [&str; 55] = [
    "acl-pubsub-default",
    "aclfile",
    "activedefrag",
    "always-show-logo",
    "aof-load-truncated",
    "aof-use-rdb-preamble",
    "appenddirname",
    "appendfilename",
    "appendfsync",
    "appendonly",
    "auto-aof-rewrite-min-size",
    "auto-aof-rewrite-percentage",
    "bind",
    "bind-source-addr",
    "daemonize",
    "databases",
    "dbfilename",
    "dir",
    "enable-protected-configs",
    "include",
    "io-threads",
    "latency-monitor-threshold",
    "logfile",
    "masterauth",
    "masteruser",
    "maxclients",
    "maxmemory",
    "maxmemory-policy",
    "min-replicas-max-lag",
    "min-replicas-to-write",
    "min-slaves-max-lag",
    "min-slaves-to-write",
    "notify-keyspace-events",
    "pidfile",
    "port",
    "primaryauth",
    "primaryuser",
    "protected-mode",
    "rename-command",
    "replicaof",
    "requirepass",
    "save",
    "shutdown-on-sigint",
    "shutdown-on-sigterm",
    "slaveof",
    "slowlog-log-slower-than",
    "slowlog-max-len",
    "supervised",
    "tcp-keepalive",
    "timeout",
    "unixsocket",
    "unixsocketgroup",
    "unixsocketperm",
    "user",
    "watchdog-period",
];

/// How keys begin of which the same is true.
pub const OWNED_PREFIXES: [&str; 12] = [
    "cluster-",
    "hash-max-",
    "lazyfree-",
    "loadmodule",
    "rdma-",
    "replica-announce",
    "replica-lazy-",
    "sentinel",
    "slave-",
    "syslog-",
    "tls-",
    "zset-max-",
];

/// Directories in which the chart's pods have volumes of their own.
pub const OWNED_MOUNT_PATHS: [&str; 7] = [
    "/config/password",
    "/config/server",
    "/config/tls",
    "/data",
    "/run/redis",
    "/scripts",
    "/tmp",
];

/// Names of volumes that the chart's pods have already.
pub const OWNED_VOLUMES: [&str; 7] = [
    "certificates",
    "configuration",
    "data",
    "password",
    "run",
    "scripts",
    "temporary",
];

/// How often the data may be on the volume at a time: the snapshot that counts, and the one that is being written.
const COPIES_OF_SNAPSHOTS: u64 = 2;
/// The same of the append-only file: it may have grown to twice its size when it is written anew.
const COPIES_OF_APPEND_ONLY_FILES: u64 = 3;

/// The rules.
pub const RULES: &[Rule<Values>] = &[
    Rule {
        id: "memory-fits",
        allowed: "at least 16 MB for data, and at most the memory limit less 24 MB",
        hint: "raise server.resources.limits.memory or change memory.percent",
        check: |subject| {
            let values = subject.values;
            let limit = &values.server.resources.limits.memory;
            let (Some(data), Some(most)) = (values.data_megabytes(), limit.mebibytes()) else {
                return Vec::new();
            };
            let path = match values.memory.percent {
                0 => "server.resources.limits.memory",
                _ => "memory.percent",
            };
            let wrong = data < LEAST_DATA || data + MEMORY_BESIDE_DATA > most;
            let found = format!("{data} MB for data with a limit of {}", limit.0);
            because(
                one_if(wrong, path, found),
                &["memory.percent", "server.resources.limits.memory"],
            )
        },
        template: r#"{{- $limit := .Values.server.resources.limits.memory }}
{{- $data := include "redis.dataMegabytes" . | int }}
{{- if or (lt $data 16) (gt (add $data 24 | int) (include "redis.mebibytes" $limit | int)) }}
{{ ternary "memory.percent" "server.resources.limits.memory" (gt (int .Values.memory.percent) 0) }}|{{ $data }} MB for data with a limit of {{ $limit }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"server":{"resources":{"requests":{"memory":"64Mi"},"limits":{"memory":"64Mi"}}}}"#,
            ),
            refused(
                r#"{"server":{"resources":{"requests":{"memory":"32Mi"},"limits":{"memory":"48Mi"}}},"memory":{"percent":75}}"#,
                &["memory.percent"],
            ),
            refused(
                r#"{"server":{"resources":{"requests":{"memory":"16Mi"},"limits":{"memory":"24Mi"}}}}"#,
                &["server.resources.limits.memory"],
            ),
        ],
    },
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
            accepted(r#"{"persistence":{"mode":"None","storage":{"mode":"EmptyDir"}}}"#),
            accepted(r#"{"persistence":{"mode":"Both","storage":{"mode":"EmptyDir"}}}"#),
            refused(
                r#"{"persistence":{"mode":"None"}}"#,
                &["persistence.storage.mode"],
            ),
        ],
    },
    Rule {
        id: "volume-holds-data",
        allowed: "twice the memory for data with snapshots, three times with an append-only file, which is there twice while it is written anew",
        hint: "raise persistence.storage.size or lower memory.percent",
        check: |subject| {
            let values = subject.values;
            let persistence = &values.persistence;
            let copies = match persistence.mode {
                PersistenceMode::None => 0,
                PersistenceMode::Snapshots => COPIES_OF_SNAPSHOTS,
                PersistenceMode::AppendOnly | PersistenceMode::Both => COPIES_OF_APPEND_ONLY_FILES,
            };
            let size = &persistence.storage.size;
            let (Some(data), Some(most)) = (values.data_megabytes(), size.mebibytes()) else {
                return Vec::new();
            };
            let wrong = data * copies > most;
            let found = format!("{} with {data} MB of memory for data", size.0);
            because(
                one_if(wrong, "persistence.storage.size", found),
                &[
                    "persistence.mode",
                    "memory.percent",
                    "server.resources.limits.memory",
                ],
            )
        },
        template: r#"{{- $size := .Values.persistence.storage.size }}
{{- $data := include "redis.dataMegabytes" . | int }}
{{- $copies := get (dict "None" 0 "Snapshots" 2 "AppendOnly" 3 "Both" 3) .Values.persistence.mode }}
{{- if gt (mul $data $copies | int) (include "redis.mebibytes" $size | int) }}
persistence.storage.size|{{ $size }} with {{ $data }} MB of memory for data
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"persistence":{"storage":{"size":"1842Mi"}}}"#),
            accepted(r#"{"persistence":{"mode":"Snapshots","storage":{"size":"1228Mi"}}}"#),
            accepted(
                r#"{"persistence":{"mode":"None","storage":{"mode":"EmptyDir","size":"1Mi"}}}"#,
            ),
            accepted(
                r#"{"persistence":{"storage":{"mode":"HostPath","hostPath":"/srv","size":"1Mi"}}}"#,
            ),
            refused(
                r#"{"persistence":{"storage":{"size":"1841Mi"}}}"#,
                &["persistence.storage.size"],
            ),
            refused(
                r#"{"persistence":{"mode":"Snapshots","storage":{"size":"1227Mi"}}}"#,
                &["persistence.storage.size"],
            ),
        ],
    },
    Rule {
        id: "grace-period-covers-stop",
        allowed: "0, or at least a minute and a second for each 32 MB of the memory limit",
        hint: "set server.pod.terminationGracePeriodSeconds to 0: it is then derived. Who is killed while it writes loses data",
        check: |subject| {
            let set = subject.values.server.pod.termination_grace_period_seconds;
            let needed = subject.values.stop_seconds();
            let found = format!("{set} s of {needed} s");
            because(
                one_if(
                    set != 0 && set < needed,
                    "server.pod.terminationGracePeriodSeconds",
                    found,
                ),
                &["server.resources.limits.memory"],
            )
        },
        template: r#"{{- $set := int .Values.server.pod.terminationGracePeriodSeconds }}
{{- $needed := include "redis.stopSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $needed) }}
server.pod.terminationGracePeriodSeconds|{{ $set }} s of {{ $needed }} s
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"server":{"pod":{"terminationGracePeriodSeconds":92}}}"#),
            refused(
                r#"{"server":{"pod":{"terminationGracePeriodSeconds":91}}}"#,
                &["server.pod.terminationGracePeriodSeconds"],
            ),
        ],
    },
    Rule {
        id: "deadline-covers-estimate",
        allowed: "0, or at least as long as a change takes by the estimate of the release's notes",
        hint: "set hook.deadlineSeconds to 0: it is then derived",
        check: |subject| {
            let set = subject.values.hook.deadline_seconds;
            let estimate = subject.values.estimate_seconds();
            let found = format!("{set} s with an estimate of {estimate} s");
            because(
                one_if(set != 0 && set < estimate, "hook.deadlineSeconds", found),
                &[
                    "server.resources.limits.memory",
                    "server.pod.startupSeconds",
                ],
            )
        },
        template: r#"{{- $set := int .Values.hook.deadlineSeconds }}
{{- $estimate := include "redis.estimateSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $estimate) }}
hook.deadlineSeconds|{{ $set }} s with an estimate of {{ $estimate }} s
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"hook":{"deadlineSeconds":992}}"#),
            refused(
                r#"{"hook":{"deadlineSeconds":991}}"#,
                &["hook.deadlineSeconds"],
            ),
        ],
    },
    Rule {
        id: "threads-are-of-version-6",
        allowed: "1, or version 6.0 or newer",
        hint: "set tuning.threads to 1",
        check: |subject| {
            let values = subject.values;
            let wrong = values.tuning.threads > 1 && !values.version.has_threads();
            let found = format!("{} with {}", values.tuning.threads, values.version.name());
            because(one_if(wrong, "tuning.threads", found), &["version"])
        },
        template: r#"{{- $threads := int .Values.tuning.threads }}
{{- if and (gt $threads 1) (not (include "redis.implied" . | fromYaml).hasThreads) }}
tuning.threads|{{ $threads }} with {{ .Values.version }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"version":"Redis 6.0","tuning":{"threads":4}}"#),
            accepted(r#"{"version":"Redis 5.0.6"}"#),
            refused(
                r#"{"version":"Redis 5.0.6","tuning":{"threads":4}}"#,
                &["tuning.threads"],
            ),
        ],
    },
    Rule {
        id: "tls-is-of-version-6",
        allowed: "no Secret, or version 6.0 or newer",
        hint: "choose a newer version, or leave tls.secretName empty",
        check: |subject| {
            let values = subject.values;
            let wrong = !values.tls.secret_name.is_empty() && !values.version.has_tls();
            let found = format!("a Secret with {}", values.version.name());
            because(one_if(wrong, "tls.secretName", found), &["version"])
        },
        template: r#"{{- if and .Values.tls.secretName (not (include "redis.implied" . | fromYaml).hasTls) }}
tls.secretName|a Secret with {{ .Values.version }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"version":"Redis 6.0","tls":{"secretName":"certificates"}}"#),
            refused(
                r#"{"version":"Redis 5.0.6","tls":{"secretName":"certificates"}}"#,
                &["tls.secretName"],
            ),
        ],
    },
    shared::tls_has_certificates(
        |subject| {
            let tls = &subject.values.tls;
            enforced_without(&tls.secret_name, "tls", tls.enforced)
        },
        &[
            accepted(r#"{"tls":{"secretName":"certificates","enforced":true}}"#),
            refused(r#"{"tls":{"enforced":true}}"#, &["tls.secretName"]),
        ],
    ),
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
    Rule {
        id: "configuration-is-not-owned",
        allowed: "keys that the chart does not set itself",
        hint: "remove the key; what it sets has a field of its own or follows from the release",
        check: |subject| refused_keys("tuning", &subject.values.tuning.configuration, is_owned),
        template: r#"{{- $owned := include "redis.ownedConfiguration" . | splitList " " }}
{{- $prefixes := include "redis.ownedPrefixes" . | splitList " " }}
{{- range $key, $_ := .Values.tuning.configuration }}
{{- $wrong := has $key $owned }}
{{- range $prefix := $prefixes }}
{{- $wrong = or $wrong (hasPrefix $prefix $key) }}
{{- end }}
{{- if $wrong }}
tuning.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"tuning":{"configuration":{"maxmemory-samples":10,"activerehashing":false,"client-output-buffer-limit":"normal 0 0 0"}}}"#,
            ),
            refused(
                r#"{"tuning":{"configuration":{"port":1,"tls-port":2,"maxmemory-samples":10,"loadmodule-config":"x"}}}"#,
                &[
                    "tuning.configuration.loadmodule-config",
                    "tuning.configuration.port",
                    "tuning.configuration.tls-port",
                ],
            ),
        ],
    },
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
    shared::requests_are_within_limits(
        |subject| {
            let values = subject.values;
            let sections = [
                ("server", &values.server.resources),
                ("metrics", &values.metrics.resources),
                ("hook", &values.hook.resources),
            ];
            sections
                .iter()
                .flat_map(|(section, resources)| above_limits(section, resources))
                .collect()
        },
        &["server", "metrics", "hook"],
        &[
            accepted(r#"{"server":{"resources":{"requests":{"cpu":2},"limits":{"cpu":"2000m"}}}}"#),
            refused(
                r#"{"server":{"resources":{"requests":{"cpu":3,"memory":"3Gi"},"limits":{"cpu":"2500m"}}}}"#,
                &[
                    "server.resources.requests.cpu",
                    "server.resources.requests.memory",
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
            "metrics.serviceMonitor.labels",
            "hook.labels",
        ],
        &[
            accepted(r#"{"commonLabels":{"team":"orders"},"server":{"pod":{"labels":{"a":"b"}}}}"#),
            refused(
                r#"{"commonLabels":{"midships/cluster":"x"},"server":{"pod":{"labels":{"app.kubernetes.io/name":"x"}}}}"#,
                &[
                    "commonLabels.midships/cluster",
                    "server.pod.labels.app.kubernetes.io/name",
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
    environment_is_distinct!(
        |subject| repeated_variables("server", &subject.values.server.pod.env, |_| false),
        "each name once, none that begins with MIDSHIPS_, and not both value and valueFrom",
        "",
        &["server"],
        &[
            accepted(r#"{"server":{"pod":{"env":[{"name":"TZ","value":"UTC"}]}}}"#),
            refused(
                r#"{"server":{"pod":{"env":[{"name":"TZ","value":"UTC"},{"name":"TZ","value":"CET"},{"name":"MIDSHIPS_X","value":"x"}]}}}"#,
                &["server.pod.env[1]", "server.pod.env[2]"],
            ),
        ],
    ),
    volumes_are_distinct!(
        |subject| repeated_volumes("server", &subject.values.server.pod.volumes, &OWNED_VOLUMES),
        [
            "certificates",
            "configuration",
            "data",
            "password",
            "run",
            "scripts",
            "temporary"
        ],
        &["server"],
        &[
            accepted(r#"{"server":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}]}}}"#),
            refused(
                r#"{"server":{"pod":{"volumes":[{"name":"data","emptyDir":{}}]}}}"#,
                &["server.pod.volumes[0]"],
            ),
        ],
    ),
    mounted_volumes_exist!(
        |subject| {
            let pod = &subject.values.server.pod;
            mounts_of_nothing("server", &pod.volumes, &pod.volume_mounts)
        },
        &["server"],
        &[
            accepted(
                r#"{"server":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}],"volumeMounts":[{"name":"extra","mountPath":"/extra"}]}}}"#,
            ),
            refused(
                r#"{"server":{"pod":{"volumeMounts":[{"name":"extra","mountPath":"/extra"}]}}}"#,
                &["server.pod.volumeMounts[0]"],
            ),
        ],
    ),
    mounts_are_not_owned!(
        |subject| owned_mounts(
            "server",
            &subject.values.server.pod.volume_mounts,
            &OWNED_MOUNT_PATHS
        ),
        ["/config/password", "/config/server", "/config/tls", "/data", "/run/redis", "/scripts"; "/tmp"],
        &["server"],
        &[
            accepted(
                r#"{"server":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}],"volumeMounts":[{"name":"extra","mountPath":"/data/extra"}]}}}"#,
            ),
            refused(
                r#"{"server":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}],"volumeMounts":[{"name":"extra","mountPath":"/tmp/"}]}}}"#,
                &["server.pod.volumeMounts[0]"],
            ),
        ],
    ),
    shared::network_clients_select(
        |subject| clients_without_labels(&subject.values.network_policy),
        &[
            accepted(r#"{"networkPolicy":{"clients":[{"pods":{"app":"shop"}}]}}"#),
            refused(
                r#"{"networkPolicy":{"clients":[{"pods":{"app":"shop"}},{}]}}"#,
                &["networkPolicy.clients[1]"],
            ),
        ],
    ),
];

/// Whether a key of the server's configuration file is not for users.
#[must_use]
pub fn is_owned(key: &str) -> bool {
    let begins = |prefix: &&str| key.starts_with(prefix);
    OWNED_CONFIGURATION.contains(&key) || OWNED_PREFIXES.iter().any(begins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_names_the_paths_of_its_examples_and_no_other_rule_does() {
        crate::rules::tests::examples_hold::<Values>();
    }

    #[test]
    fn owned_names_are_sorted() {
        assert!(OWNED_CONFIGURATION.is_sorted());
        assert!(OWNED_PREFIXES.is_sorted());
        assert!(OWNED_MOUNT_PATHS.is_sorted());
        assert!(OWNED_VOLUMES.is_sorted());
        for key in OWNED_CONFIGURATION {
            let is_prefixed = OWNED_PREFIXES.iter().any(|prefix| key.starts_with(prefix));
            assert!(!is_prefixed, "{key}");
        }
    }
}
