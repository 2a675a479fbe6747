//! The rules that charts of one server and of several have alike.
//!
//! Templates may use the definitions that all these charts have in `_names.tpl`, such as `dataMegabytes`.

use super::persistence::PersistenceMode;
use super::server::{LEAST_DATA, MEMORY_BESIDE_DATA};
use super::servers::Servers;
use crate::rules::pods::{
    environment_is_distinct, mounted_volumes_exist, mounts_are_not_owned, mounts_of_nothing,
    owned_mounts, repeated_variables, repeated_volumes, volumes_are_distinct,
};
use crate::rules::shared::{
    self, above_limits, accepted, because, clients_without_labels, enforced_without, one_if,
    owned_labels, refused, refused_keys,
};
use crate::rules::{Example, Rule};

/// Keys of the server's configuration file that the chart sets itself, that have fields, or that would lead clients, the chart's probes
/// or its operations astray; beside those of [`OWNED_PREFIXES`].
pub const OWNED_CONFIGURATION: [&str; 56] = [
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
    "replica-priority",
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

/// There is memory enough for data, and beside them.
#[must_use]
pub const fn memory_fits<V: Servers>() -> Rule<V> {
    Rule {
        id: "memory-fits",
        allowed: "at least 16 MB for data, and at most the memory limit less 24 MB",
        hint: "raise server.resources.limits.memory or change memory.percent",
        check: |subject| {
            let values = subject.values.groups();
            let limit = &values.server.resources.limits.memory;
            let (Some(data), Some(most)) = (subject.values.data_megabytes(), limit.mebibytes())
            else {
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
{{- $data := include "<< chart >>.dataMegabytes" . | int }}
{{- if or (lt $data 16) (gt (add $data 24 | int) (include "<< chart >>.mebibytes" $limit | int)) }}
{{ ternary "memory.percent" "server.resources.limits.memory" (gt (int .Values.memory.percent) 0) }}|{{ $data }} MB for data with a limit of {{ $limit }}
{{- end }}"#,
        sections: &[""],
        examples: const {
            &[
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
            ]
        },
    }
}

/// The volume holds the data as often as they may be there at a time.
#[must_use]
pub const fn volume_holds_data<V: Servers>() -> Rule<V> {
    Rule {
        id: "volume-holds-data",
        allowed: "twice the memory for data with snapshots, three times with an append-only file, which is there twice while it is written anew",
        hint: "raise persistence.storage.size or lower memory.percent",
        check: |subject| {
            let values = subject.values.groups();
            let persistence = values.persistence;
            let copies = match persistence.mode {
                PersistenceMode::None => 0,
                PersistenceMode::Snapshots => COPIES_OF_SNAPSHOTS,
                PersistenceMode::AppendOnly | PersistenceMode::Both => COPIES_OF_APPEND_ONLY_FILES,
            };
            let size = &persistence.storage.size;
            let (Some(data), Some(most)) = (subject.values.data_megabytes(), size.mebibytes())
            else {
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
{{- $data := include "<< chart >>.dataMegabytes" . | int }}
{{- $copies := get (dict "None" 0 "Snapshots" 2 "AppendOnly" 3 "Both" 3) .Values.persistence.mode }}
{{- if gt (mul $data $copies | int) (include "<< chart >>.mebibytes" $size | int) }}
persistence.storage.size|{{ $size }} with {{ $data }} MB of memory for data
{{- end }}"#,
        sections: &[""],
        examples: const {
            &[
                accepted(r#"{"persistence":{"storage":{"size":"1842Mi"}}}"#),
                accepted(r#"{"persistence":{"mode":"Snapshots","storage":{"size":"1228Mi"}}}"#),
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
            ]
        },
    }
}

/// A server has the time to write its data before it is killed.
#[must_use]
pub const fn grace_period_covers_stop<V: Servers>() -> Rule<V> {
    Rule {
        id: "grace-period-covers-stop",
        allowed: "0, or at least a minute and a second for each 32 MB of the memory limit",
        hint: "set server.pod.terminationGracePeriodSeconds to 0: it is then derived. Who is killed while it writes loses data",
        check: |subject| {
            let set = subject
                .values
                .groups()
                .server
                .pod
                .termination_grace_period_seconds;
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
{{- $needed := include "<< chart >>.stopSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $needed) }}
server.pod.terminationGracePeriodSeconds|{{ $set }} s of {{ $needed }} s
{{- end }}"#,
        sections: &[""],
        examples: const {
            &[
                accepted(r#"{"server":{"pod":{"terminationGracePeriodSeconds":92}}}"#),
                refused(
                    r#"{"server":{"pod":{"terminationGracePeriodSeconds":91}}}"#,
                    &["server.pod.terminationGracePeriodSeconds"],
                ),
            ]
        },
    }
}

/// A hook Job may run for as long as a change takes.
#[must_use]
pub const fn deadline_covers_estimate<V: Servers>(examples: &'static [Example]) -> Rule<V> {
    Rule {
        id: "deadline-covers-estimate",
        allowed: "0, or at least as long as a change takes by the estimate of the release's notes",
        hint: "set hook.deadlineSeconds to 0: it is then derived",
        check: |subject| {
            let set = subject.values.groups().hook.deadline_seconds;
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
{{- $estimate := include "<< chart >>.estimateSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $estimate) }}
hook.deadlineSeconds|{{ $set }} s with an estimate of {{ $estimate }} s
{{- end }}"#,
        sections: &[""],
        examples,
    }
}

/// Several threads are of servers that have them.
#[must_use]
pub const fn threads_are_of_version_6<V: Servers>() -> Rule<V> {
    Rule {
        id: "threads-are-of-version-6",
        allowed: "1, or version 6.0 or newer",
        hint: "set tuning.threads to 1",
        check: |subject| {
            let values = subject.values.groups();
            let wrong = values.tuning.threads > 1 && !values.version.has_threads();
            let found = format!("{} with {}", values.tuning.threads, values.version.name());
            because(one_if(wrong, "tuning.threads", found), &["version"])
        },
        template: r#"{{- $threads := int .Values.tuning.threads }}
{{- if and (gt $threads 1) (not (include "<< chart >>.implied" . | fromYaml).hasThreads) }}
tuning.threads|{{ $threads }} with {{ .Values.version }}
{{- end }}"#,
        sections: &[""],
        examples: const {
            &[
                accepted(r#"{"version":"Redis 6.0","tuning":{"threads":4}}"#),
                accepted(r#"{"version":"Redis 5.0.6"}"#),
                refused(
                    r#"{"version":"Redis 5.0.6","tuning":{"threads":4}}"#,
                    &["tuning.threads"],
                ),
            ]
        },
    }
}

/// TLS is of servers that speak it.
#[must_use]
pub const fn tls_is_of_version_6<V: Servers>() -> Rule<V> {
    Rule {
        id: "tls-is-of-version-6",
        allowed: "no Secret, or version 6.0 or newer",
        hint: "choose a newer version, or leave tls.secretName empty",
        check: |subject| {
            let values = subject.values.groups();
            let wrong = !values.tls.secret_name.is_empty() && !values.version.has_tls();
            let found = format!("a Secret with {}", values.version.name());
            because(one_if(wrong, "tls.secretName", found), &["version"])
        },
        template: r#"{{- if and .Values.tls.secretName (not (include "<< chart >>.implied" . | fromYaml).hasTls) }}
tls.secretName|a Secret with {{ .Values.version }}
{{- end }}"#,
        sections: &[""],
        examples: const {
            &[
                accepted(r#"{"version":"Redis 6.0","tls":{"secretName":"certificates"}}"#),
                refused(
                    r#"{"version":"Redis 5.0.6","tls":{"secretName":"certificates"}}"#,
                    &["tls.secretName"],
                ),
            ]
        },
    }
}

/// Whoever enforces TLS has a certificate.
#[must_use]
pub const fn tls_has_certificates<V: Servers>() -> Rule<V> {
    shared::tls_has_certificates(
        |subject| {
            let tls = subject.values.groups().tls;
            enforced_without(&tls.secret_name, "tls", tls.enforced)
        },
        const {
            &[
                accepted(r#"{"tls":{"secretName":"certificates","enforced":true}}"#),
                refused(r#"{"tls":{"enforced":true}}"#, &["tls.secretName"]),
            ]
        },
    )
}

/// No key of the configuration file is one that the chart sets itself.
#[must_use]
pub const fn configuration_is_not_owned<V: Servers>() -> Rule<V> {
    Rule {
        id: "configuration-is-not-owned",
        allowed: "keys that the chart does not set itself",
        hint: "remove the key; what it sets has a field of its own or follows from the release",
        check: |subject| {
            refused_keys(
                "tuning",
                &subject.values.groups().tuning.configuration,
                is_owned,
            )
        },
        template: r#"{{- $owned := include "<< chart >>.ownedConfiguration" . | splitList " " }}
{{- $prefixes := include "<< chart >>.ownedPrefixes" . | splitList " " }}
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
        examples: const {
            &[
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
            ]
        },
    }
}

/// No container asks for more than it may use.
#[must_use]
pub const fn requests_are_within_limits<V: Servers>() -> Rule<V> {
    shared::requests_are_within_limits(
        |subject| {
            let values = subject.values.groups();
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
        const {
            &[
                accepted(
                    r#"{"server":{"resources":{"requests":{"cpu":2},"limits":{"cpu":"2000m"}}}}"#,
                ),
                refused(
                    r#"{"server":{"resources":{"requests":{"cpu":3,"memory":"3Gi"},"limits":{"cpu":"2500m"}}}}"#,
                    &[
                        "server.resources.requests.cpu",
                        "server.resources.requests.memory",
                    ],
                ),
            ]
        },
    )
}

/// No label is one that the chart sets.
#[must_use]
pub const fn labels_are_not_owned<V: Servers>() -> Rule<V> {
    shared::labels_are_not_owned(
        |subject| {
            let values = subject.values.groups();
            owned_labels(&[
                ("commonLabels", values.common_labels),
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
        const {
            &[
                accepted(
                    r#"{"commonLabels":{"team":"orders"},"server":{"pod":{"labels":{"a":"b"}}}}"#,
                ),
                refused(
                    r#"{"commonLabels":{"midships/cluster":"x"},"server":{"pod":{"labels":{"app.kubernetes.io/name":"x"}}}}"#,
                    &[
                        "commonLabels.midships/cluster",
                        "server.pod.labels.app.kubernetes.io/name",
                    ],
                ),
            ]
        },
    )
}

/// Each variable of the server once, and none that the chart sets.
#[must_use]
pub const fn environment_is_distinct<V: Servers>() -> Rule<V> {
    environment_is_distinct!(
        |subject| repeated_variables("server", &subject.values.groups().server.pod.env, |_| false),
        "each name once, none that begins with MIDSHIPS_, and not both value and valueFrom",
        "",
        &["server"],
        const {
            &[
                accepted(r#"{"server":{"pod":{"env":[{"name":"TZ","value":"UTC"}]}}}"#),
                refused(
                    r#"{"server":{"pod":{"env":[{"name":"TZ","value":"UTC"},{"name":"TZ","value":"CET"},{"name":"MIDSHIPS_X","value":"x"}]}}}"#,
                    &["server.pod.env[1]", "server.pod.env[2]"],
                ),
            ]
        },
    )
}

/// Each volume of the server once, and none of those that its pod has.
#[must_use]
pub const fn volumes_are_distinct<V: Servers>() -> Rule<V> {
    volumes_are_distinct!(
        |subject| repeated_volumes(
            "server",
            &subject.values.groups().server.pod.volumes,
            &OWNED_VOLUMES
        ),
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
        const {
            &[
                accepted(r#"{"server":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}]}}}"#),
                refused(
                    r#"{"server":{"pod":{"volumes":[{"name":"data","emptyDir":{}}]}}}"#,
                    &["server.pod.volumes[0]"],
                ),
            ]
        },
    )
}

/// Each mount is of one of the volumes in addition.
#[must_use]
pub const fn mounted_volumes_exist<V: Servers>() -> Rule<V> {
    mounted_volumes_exist!(
        |subject| {
            let pod = &subject.values.groups().server.pod;
            mounts_of_nothing("server", &pod.volumes, &pod.volume_mounts)
        },
        &["server"],
        const {
            &[
                accepted(
                    r#"{"server":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}],"volumeMounts":[{"name":"extra","mountPath":"/extra"}]}}}"#,
                ),
                refused(
                    r#"{"server":{"pod":{"volumeMounts":[{"name":"extra","mountPath":"/extra"}]}}}"#,
                    &["server.pod.volumeMounts[0]"],
                ),
            ]
        },
    )
}

/// No mount is where the pod has a volume of its own.
#[must_use]
pub const fn mounts_are_not_owned<V: Servers>() -> Rule<V> {
    mounts_are_not_owned!(
        |subject| owned_mounts(
            "server",
            &subject.values.groups().server.pod.volume_mounts,
            &OWNED_MOUNT_PATHS
        ),
        ["/config/password", "/config/server", "/config/tls", "/data", "/run/redis", "/scripts"; "/tmp"],
        &["server"],
        const { &[
            accepted(
                r#"{"server":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}],"volumeMounts":[{"name":"extra","mountPath":"/data/extra"}]}}}"#,
            ),
            refused(
                r#"{"server":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}],"volumeMounts":[{"name":"extra","mountPath":"/tmp/"}]}}}"#,
                &["server.pod.volumeMounts[0]"],
            ),
        ] },
    )
}

/// Each client of the network policy has labels.
#[must_use]
pub const fn network_clients_select<V: Servers>() -> Rule<V> {
    shared::network_clients_select(
        |subject| clients_without_labels(subject.values.groups().network_policy),
        const {
            &[
                accepted(r#"{"networkPolicy":{"clients":[{"pods":{"app":"shop"}}]}}"#),
                refused(
                    r#"{"networkPolicy":{"clients":[{"pods":{"app":"shop"}},{}]}}"#,
                    &["networkPolicy.clients[1]"],
                ),
            ]
        },
    )
}

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
