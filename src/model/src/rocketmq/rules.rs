//! The rule table of the chart `rocketmq`.
//!
//! Each rule stands here twice, in Rust and as a Helm template; its examples are run through both, and the two must find the
//! same in the same words. Templates may use the definitions of the chart's `_names.tpl`, such as `rocketmq.mebibytes`.

use std::collections::BTreeMap;

use super::console::CONSOLE_MEMORY_BESIDE_HEAP;
use super::controllers::CONTROLLER_MEMORY_BESIDE_HEAP;
use super::names::{Names, Role, full_name};
use super::{
    BROKER_MEMORY_BESIDE_HEAP, LEAST_HEAP, NAME_SERVER_MEMORY_BESIDE_HEAP, NameServerSource,
    ORDER_CONFIGURATION, PROXY_MEMORY_BESIDE_HEAP, Proxy, Timing, Values,
};
use crate::fields::network::{FIRST_NODE_PORT, LAST_NODE_PORT, ServiceType};
use crate::fields::{Pod, Resources, StorageMode};
use crate::rules::pods::{
    environment_is_distinct, mounted_volumes_exist, mounts_are_not_owned, mounts_of_nothing,
    owned_mounts, repeated_variables, repeated_volumes, volumes_are_distinct,
};
use crate::rules::shared::{
    self, LONGEST_STATEFUL_SET, above_limits, accepted, because, clients_without_labels,
    enforced_without, hook_annotations, named, one_if, owned_labels, refused, refused_keys,
};
use crate::rules::{Release, Rule, Subject, Violation};

/// Keys of the broker's configuration file that the chart sets itself, beside those that begin with `storePath`.
pub const OWNED_CONFIGURATION: [&str; 31] = [
    "allAckInSyncStateSet",
    "bindAddress",
    "brokerClusterName",
    "brokerId",
    "brokerIP1",
    "brokerIP2",
    "brokerName",
    "brokerPermission",
    "brokerRole",
    "controllerAddr",
    "enableControllerMode",
    "enableDLegerCommitLog",
    "enableShutdownGracefully",
    "fastListenPort",
    "fetchNamesrvAddrByAddressServer",
    "fetchNameSrvAddrByDnsLookup",
    "flushDiskType",
    "haListenPort",
    "haMasterAddress",
    "listenPort",
    "mappedFileSizeCommitLog",
    "mappedFileSizeTimerLog",
    "maxHashSlotNum",
    "maxIndexNum",
    "namesrvAddr",
    "registerNameServerPeriod",
    "rocketmqHome",
    "shutdownWaitTimeSeconds",
    "timerWheelEnable",
    "updateNameServerAddrPeriod",
    "useTLS",
];

/// Keys of the configuration files of brokers and proxies that are about access control, which has fields of its own, and that of
/// versions before 5.3.0, with which replicas and the hook program could no longer talk to a master.
pub const ACCESS_CONFIGURATION: [&str; 12] = [
    "aclEnable",
    "authConfigPath",
    "authenticationEnabled",
    "authenticationMetadataProvider",
    "authenticationProvider",
    "authorizationEnabled",
    "authorizationMetadataProvider",
    "authorizationProvider",
    "enableACL",
    "initAuthenticationUser",
    "innerClientAuthenticationCredentials",
    "migrateAuthFromV1Enabled",
];

/// Keys of the proxy's configuration file that the chart sets itself.
pub const OWNED_PROXY_CONFIGURATION: [&str; 20] = [
    "brokerConfigPath",
    "enableAclRpcHookForClusterMode",
    "grpcServerPort",
    "grpcShutdownTimeSeconds",
    "heartbeatSyncerTopicClusterName",
    "localServeAddr",
    "namesrvAddr",
    "namesrvDomain",
    "namesrvDomainSubgroup",
    "proxyClusterName",
    "proxyMode",
    "proxyName",
    "remotingAccessAddr",
    "remotingListenPort",
    "rocketMQClusterName",
    "rocketmqHome",
    "tlsCertPath",
    "tlsKeyPath",
    "tlsTestModeEnable",
    "useEndpointPortFromRequest",
];

/// Keys of the configuration files of brokers and proxies that the chart sets itself where metrics are enabled.
pub const METRICS_CONFIGURATION: [&str; 3] = [
    "metricsExporterType",
    "metricsPromExporterHost",
    "metricsPromExporterPort",
];

/// How tags begin of which the proxy lacks what the chart sets: the remoting protocol until 5.1.0, ports of clients until 5.1.1.
const OLD_PROXIES: [&str; 3] = ["4.", "5.0.", "5.1.0"];

/// How tags begin of versions whose access control the chart does not set up: until 5.2.0 they write the keys of all accounts to their
/// log (`PlainPermissionManager.load`; that of version 4 can be told not to), and until 5.3.2 those that they find too short
/// (`PlainPermissionManager.checkPlainAccessConfig`).
const OLD_ACCESS: [&str; 6] = ["5.0.", "5.1.", "5.2.", "5.3.0", "5.3.1", "5.3.2"];

/// How tags begin of versions before 5.2.0: the first controllers knew brokers by addresses, and only since 5.2.0 there is a choice of
/// how they agree.
const OLD_CONTROLLERS: [&str; 3] = ["4.", "5.0.", "5.1."];

/// Variables that the console's container has.
const CONSOLE_VARIABLES: [&str; 2] = ["JAVA_OPTS", "SPRING_CONFIG_ADDITIONAL_LOCATION"];

/// Directories in which the chart's pods have volumes of their own.
pub const OWNED_MOUNT_PATHS: [&str; 11] = [
    "/config/brokers",
    "/config/console",
    "/config/controller",
    "/config/credentials",
    "/config/proxy",
    "/config/tls",
    "/data",
    "/midships",
    "/scripts",
    "/tmp",
    "/var/rocketmq",
];

/// Names of volumes that the chart's pods have already.
pub const OWNED_VOLUMES: [&str; 10] = [
    "certificates",
    "configuration",
    "credentials",
    "data",
    "home",
    "name-servers",
    "program",
    "scripts",
    "temporary",
    "users",
];

/// The rules.
pub const RULES: &[Rule<Values>] = &[
    Rule {
        id: "something-is-installed",
        allowed: "name servers, brokers or both",
        hint: "set brokers.enabled to true, or nameServers.source to Own",
        check: |subject| {
            let values = subject.values;
            let nothing =
                !values.brokers.enabled && values.name_servers.source != NameServerSource::Own;
            let found = "false without own name servers";
            because(
                one_if(nothing, "brokers.enabled", found),
                &["nameServers.source"],
            )
        },
        template: r#"{{- if and (not .Values.brokers.enabled) (ne .Values.nameServers.source "Own") }}
brokers.enabled|false without own name servers
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"brokers":{"enabled":false}}"#),
            refused(
                r#"{"brokers":{"enabled":false},"nameServers":{"source":"Addresses","addresses":["a:9876"]}}"#,
                &["brokers.enabled"],
            ),
        ],
    },
    Rule {
        id: "other-release-is-another",
        allowed: "the name of another release",
        hint: "name the release that has the name servers, or set nameServers.source to Own",
        check: |subject| {
            let release = &subject.values.name_servers.release;
            let wrong = is_own_release(subject, &release.name);
            one_if(wrong, "nameServers.release.name", "this release itself")
        },
        template: r"{{- $other := .Values.nameServers.release }}
{{- if and (eq $other.name .Release.Name) (eq (default .Release.Namespace $other.namespace) .Release.Namespace) }}
nameServers.release.name|this release itself
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"nameServers":{"source":"Release","release":{"name":"base"}}}"#),
            accepted(
                r#"{"nameServers":{"source":"Release","release":{"name":"orders","namespace":"base"}}}"#,
            ),
            accepted(r#"{"nameServers":{"release":{"name":"orders"}}}"#),
            refused(
                r#"{"nameServers":{"source":"Release","release":{"name":"orders"}}}"#,
                &["nameServers.release.name"],
            ),
        ],
    },
    Rule {
        id: "addresses-are-distinct",
        allowed: "each name server once, in capitals or not",
        hint: "remove the address that is named again",
        check: |subject| {
            let mut seen = BTreeMap::new();
            let addresses = subject.values.name_servers.addresses.iter().enumerate();
            addresses
                .filter_map(|(index, address)| {
                    let first = *seen.entry(address.0.to_lowercase()).or_insert(index);
                    let path = |index| format!("nameServers.addresses[{index}]");
                    (first != index)
                        .then(|| Violation::new(path(index), &address.0).because(path(first)))
                })
                .collect()
        },
        template: r"{{- $seen := dict }}
{{- range $index, $address := .Values.nameServers.addresses }}
{{- if hasKey $seen (lower $address) }}
nameServers.addresses[{{ $index }}]|{{ $address }}
{{- end }}
{{- $_ := set $seen (lower $address) true }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"nameServers":{"source":"Addresses","addresses":["a:9876","a:9877"]}}"#),
            refused(
                r#"{"nameServers":{"source":"Addresses","addresses":["a:9876","b:9876","A:9876"]}}"#,
                &["nameServers.addresses[2]"],
            ),
        ],
    },
    Rule {
        id: "key-value-namespaces-are-additional",
        allowed: "namespaces other than ORDER_TOPIC_CONFIG",
        hint: "remove the entry: the order configuration is always copied",
        check: |subject| {
            let namespaces = &subject.values.name_servers.key_value_namespaces;
            let numbered = namespaces.iter().enumerate();
            numbered
                .filter(|(_, namespace)| *namespace == ORDER_CONFIGURATION)
                .map(|(index, namespace)| {
                    let path = format!("nameServers.keyValueNamespaces[{index}]");
                    Violation::new(path, namespace)
                })
                .collect()
        },
        template: r#"{{- range $index, $namespace := .Values.nameServers.keyValueNamespaces }}
{{- if eq $namespace "ORDER_TOPIC_CONFIG" }}
nameServers.keyValueNamespaces[{{ $index }}]|{{ $namespace }}
{{- end }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"nameServers":{"keyValueNamespaces":["shop","MQ_INST%orders"]}}"#),
            refused(
                r#"{"nameServers":{"keyValueNamespaces":["shop","ORDER_TOPIC_CONFIG"]}}"#,
                &["nameServers.keyValueNamespaces[1]"],
            ),
        ],
    },
    Rule {
        id: "name-server-heap-fits",
        allowed: "a heap of at least 32 MB; heap and direct memory together at most the memory limit less 72 MB",
        hint: "raise nameServers.resources.limits.memory or lower nameServers.heapMegabytes",
        check: |subject| {
            let name_servers = &subject.values.name_servers;
            heap_beside(
                "nameServers",
                name_servers.heap_megabytes,
                &name_servers.resources,
                NAME_SERVER_MEMORY_BESIDE_HEAP,
            )
        },
        template: r#"{{- $limit := .Values.nameServers.resources.limits.memory }}
{{- $heap := include "rocketmq.heap.nameServers" . | int }}
{{- $direct := include "rocketmq.directMemory.nameServers" . | int }}
{{- if or (lt $heap 32) (gt (add $heap $direct 72 | int) (include "rocketmq.mebibytes" $limit | int)) }}
{{ ternary "nameServers.heapMegabytes" "nameServers.resources.limits.memory" (gt (int .Values.nameServers.heapMegabytes) 0) }}|a heap of {{ $heap }} MB and {{ $direct }} MB of direct memory with a limit of {{ $limit }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"nameServers":{"heapMegabytes":416}}"#),
            accepted(
                r#"{"nameServers":{"resources":{"requests":{"memory":"64Mi"},"limits":{"memory":"192Mi"}}}}"#,
            ),
            refused(
                r#"{"nameServers":{"heapMegabytes":417}}"#,
                &["nameServers.heapMegabytes"],
            ),
            refused(
                r#"{"nameServers":{"heapMegabytes":8}}"#,
                &["nameServers.heapMegabytes"],
            ),
            refused(
                r#"{"nameServers":{"resources":{"requests":{"memory":"64Mi"},"limits":{"memory":"128Mi"}}}}"#,
                &["nameServers.resources.limits.memory"],
            ),
        ],
    },
    Rule {
        id: "broker-memory-fits",
        allowed: "a heap of at least 32 MB; heap and direct memory together at most the memory limit less 160 MB",
        hint: "raise brokers.resources.limits.memory, or lower brokers.heapMegabytes or brokers.directMemoryMegabytes",
        check: |subject| {
            let brokers = &subject.values.brokers;
            let limit = &brokers.resources.limits.memory;
            let (Some(heap), Some(direct), Some(most)) =
                (brokers.heap(), brokers.direct_memory(), limit.mebibytes())
            else {
                return Vec::new();
            };
            let path = match (brokers.heap_megabytes, brokers.direct_memory_megabytes) {
                (0, 0) => "brokers.resources.limits.memory",
                (0, _) => "brokers.directMemoryMegabytes",
                _ => "brokers.heapMegabytes",
            };
            let wrong = heap < LEAST_HEAP || heap + direct + BROKER_MEMORY_BESIDE_HEAP > most;
            let found = format!(
                "a heap of {heap} MB and {direct} MB of direct memory with a limit of {}",
                limit.0
            );
            because(
                one_if(wrong, path, found),
                &[
                    "brokers.heapMegabytes",
                    "brokers.directMemoryMegabytes",
                    "brokers.resources.limits.memory",
                ],
            )
        },
        template: r#"{{- $limit := .Values.brokers.resources.limits.memory }}
{{- $heap := include "rocketmq.heap.brokers" . | int }}
{{- $direct := include "rocketmq.directMemory.brokers" . | int }}
{{- if or (lt $heap 32) (gt (add $heap $direct 160 | int) (include "rocketmq.mebibytes" $limit | int)) }}
{{ if gt (int .Values.brokers.heapMegabytes) 0 }}brokers.heapMegabytes{{ else if gt (int .Values.brokers.directMemoryMegabytes) 0 }}brokers.directMemoryMegabytes{{ else }}brokers.resources.limits.memory{{ end }}|a heap of {{ $heap }} MB and {{ $direct }} MB of direct memory with a limit of {{ $limit }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"brokers":{"heapMegabytes":1376,"directMemoryMegabytes":512}}"#),
            accepted(
                r#"{"brokers":{"resources":{"requests":{"memory":"256Mi"},"limits":{"memory":"512Mi"}}}}"#,
            ),
            refused(
                r#"{"brokers":{"heapMegabytes":4096}}"#,
                &["brokers.heapMegabytes"],
            ),
            refused(
                r#"{"brokers":{"heapMegabytes":16}}"#,
                &["brokers.heapMegabytes"],
            ),
            refused(
                r#"{"brokers":{"directMemoryMegabytes":2000}}"#,
                &["brokers.directMemoryMegabytes"],
            ),
            refused(
                r#"{"brokers":{"resources":{"requests":{"memory":"256Mi"},"limits":{"memory":"256Mi"}}}}"#,
                &["brokers.resources.limits.memory"],
            ),
        ],
    },
    Rule {
        id: "proxy-memory-fits",
        allowed: "a heap of at least 32 MB; heap and direct memory together at most the memory limit less 160 MB",
        hint: "raise proxy.resources.limits.memory or lower proxy.heapMegabytes",
        check: |subject| {
            let proxy = &subject.values.proxy;
            let limit = &proxy.resources.limits.memory;
            let (Some(heap), Some(direct), Some(most)) =
                (proxy.heap(), proxy.direct_memory(), limit.mebibytes())
            else {
                return Vec::new();
            };
            let path = match proxy.heap_megabytes {
                0 => "proxy.resources.limits.memory",
                _ => "proxy.heapMegabytes",
            };
            let wrong = heap < LEAST_HEAP || heap + 2 * direct + PROXY_MEMORY_BESIDE_HEAP > most;
            let found = format!(
                "a heap of {heap} MB and twice {direct} MB of direct memory with a limit of {}",
                limit.0
            );
            because(
                one_if(wrong, path, found),
                &["proxy.heapMegabytes", "proxy.resources.limits.memory"],
            )
        },
        template: r#"{{- $limit := .Values.proxy.resources.limits.memory }}
{{- $heap := include "rocketmq.heap.proxy" . | int }}
{{- $direct := include "rocketmq.directMemory.proxy" . | int }}
{{- if or (lt $heap 32) (gt (add $heap $direct $direct 160 | int) (include "rocketmq.mebibytes" $limit | int)) }}
{{ ternary "proxy.heapMegabytes" "proxy.resources.limits.memory" (gt (int .Values.proxy.heapMegabytes) 0) }}|a heap of {{ $heap }} MB and twice {{ $direct }} MB of direct memory with a limit of {{ $limit }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"proxy":{"enabled":true,"heapMegabytes":608}}"#),
            refused(
                r#"{"proxy":{"enabled":true,"heapMegabytes":609}}"#,
                &["proxy.heapMegabytes"],
            ),
            refused(
                r#"{"proxy":{"enabled":true,"resources":{"requests":{"memory":"64Mi"},"limits":{"memory":"256Mi"}}}}"#,
                &["proxy.resources.limits.memory"],
            ),
        ],
    },
    Rule {
        id: "proxy-serves-brokers-of-version-5",
        allowed: "brokers of this release with an image of version 5.0 or newer, and proxies with one of 5.1.1 or newer",
        hint: "set brokers.enabled to true and the tags to such versions, or proxy.enabled to false",
        check: |subject| {
            let values = subject.values;
            if !values.proxy.enabled {
                return Vec::new();
            }
            let without = one_if(!values.brokers.enabled, "proxy.enabled", "no brokers");
            let images = [
                ("proxy", &OLD_PROXIES[..], &values.proxy.image),
                // No proxy can serve brokers of version 4.
                ("brokers", &["4."][..], &values.brokers.image),
            ];
            let old = images.iter().flat_map(|(section, versions, image)| {
                let is_meant = *section == "proxy" || values.brokers.enabled;
                let is_old = versions.iter().any(|old| image.tag.starts_with(old));
                let path = format!("{section}.image.tag");
                one_if(is_meant && is_old, &path, &image.tag)
            });
            let violations = without.into_iter().chain(old).collect();
            because(violations, &["proxy.enabled", "brokers.enabled"])
        },
        template: r#"{{- if .Values.proxy.enabled }}
{{- if not .Values.brokers.enabled }}
proxy.enabled|no brokers
{{- end }}
{{- $tag := .Values.proxy.image.tag }}
{{- if or (hasPrefix "4." $tag) (hasPrefix "5.0." $tag) (hasPrefix "5.1.0" $tag) }}
proxy.image.tag|{{ $tag }}
{{- end }}
{{- if and .Values.brokers.enabled (hasPrefix "4." .Values.brokers.image.tag) }}
brokers.image.tag|{{ .Values.brokers.image.tag }}
{{- end }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"proxy":{"enabled":true,"image":{"tag":"5.1.1"}}}"#),
            refused(
                r#"{"proxy":{"enabled":true,"image":{"tag":"5.1.0"}}}"#,
                &["proxy.image.tag"],
            ),
            accepted(r#"{"proxy":{"image":{"tag":"4.9.7"}},"brokers":{"image":{"tag":"4.9.7"}}}"#),
            refused(
                r#"{"proxy":{"enabled":true},"brokers":{"image":{"tag":"4.9.7"}}}"#,
                &["brokers.image.tag"],
            ),
            refused(
                r#"{"proxy":{"enabled":true,"image":{"tag":"4.9.7"}},"brokers":{"enabled":false}}"#,
                &["proxy.enabled", "proxy.image.tag"],
            ),
        ],
    },
    Rule {
        id: "metrics-are-of-version-5-1",
        allowed: "brokers with an image of version 5.1 or newer",
        hint: "set metrics.enabled to false, or the tag to a version that serves metrics",
        check: |subject| {
            let values = subject.values;
            let tag = &values.brokers.image.tag;
            let is_old = ["4.", "5.0."].iter().any(|old| tag.starts_with(old));
            let is_meant = values.metrics.enabled && values.brokers.enabled;
            because(
                one_if(is_meant && is_old, "brokers.image.tag", tag),
                &["metrics.enabled"],
            )
        },
        template: r#"{{- if and .Values.metrics.enabled .Values.brokers.enabled }}
{{- $tag := .Values.brokers.image.tag }}
{{- if or (hasPrefix "4." $tag) (hasPrefix "5.0." $tag) }}
brokers.image.tag|{{ $tag }}
{{- end }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"brokers":{"image":{"tag":"4.9.7"}}}"#),
            refused(
                r#"{"metrics":{"enabled":true},"brokers":{"image":{"tag":"5.0.0"}}}"#,
                &["brokers.image.tag"],
            ),
        ],
    },
    Rule {
        id: "metrics-are-set-once",
        allowed: "no keys of metrics while metrics.enabled is true",
        hint: "remove the key, or set metrics.enabled to false to set up an exporter of another kind",
        check: |subject| {
            let values = subject.values;
            let is_set = |key: &str| values.metrics.enabled && METRICS_CONFIGURATION.contains(&key);
            because(keys_refused_to_all(values, is_set), &["metrics.enabled"])
        },
        template: r#"{{- range $key, $_ := .Values.<< section >>.configuration }}
{{- if and $.Values.metrics.enabled (has $key (list "metricsExporterType" "metricsPromExporterHost" "metricsPromExporterPort")) }}
<< section >>.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}"#,
        sections: &["brokers", "proxy"],
        examples: &[
            accepted(r#"{"brokers":{"configuration":{"metricsExporterType":"OTLP_GRPC"}}}"#),
            refused(
                r#"{"metrics":{"enabled":true},"brokers":{"configuration":{"metricsExporterType":"LOG"}}}"#,
                &["brokers.configuration.metricsExporterType"],
            ),
        ],
    },
    Rule {
        id: "node-port-is-one",
        allowed: "0, or a port from 30000 to 32767",
        hint: "set proxy.service.grpcNodePort to 0: the cluster then chooses one",
        check: |subject| {
            let service = &subject.values.proxy.service;
            let port = service.grpc_node_port;
            let wrong =
                service.kind == ServiceType::NodePort && port != 0 && port < FIRST_NODE_PORT;
            because(
                one_if(wrong, "proxy.service.grpcNodePort", port),
                &["proxy.service.type"],
            )
        },
        template: r#"{{- $port := int .Values.proxy.service.grpcNodePort }}
{{- if and (eq .Values.proxy.service.type "NodePort") (ne $port 0) (lt $port 30000) }}
proxy.service.grpcNodePort|{{ $port }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"proxy":{"enabled":true,"service":{"type":"NodePort","grpcNodePort":30000}}}"#,
            ),
            accepted(r#"{"proxy":{"enabled":true,"service":{"grpcNodePort":80}}}"#),
            refused(
                r#"{"proxy":{"enabled":true,"service":{"type":"NodePort","grpcNodePort":29999}}}"#,
                &["proxy.service.grpcNodePort"],
            ),
        ],
    },
    Rule {
        id: "node-ports-reach-the-last-broker",
        allowed: "from 30000, and so that the last broker's port is at most 32767",
        hint: "set outside.firstNodePort to 30000, or lower brokers.groups",
        check: |subject| {
            let values = subject.values;
            let first = values.outside.first_node_port;
            let last = values.outside.last_node_port(&values.brokers);
            let wrong = values.outside.node_ports
                && (first < FIRST_NODE_PORT || last > u32::from(LAST_NODE_PORT));
            let found = format!("{first} to {last}");
            because(
                one_if(wrong, "outside.firstNodePort", found),
                &["outside.nodePorts", "brokers.groups"],
            )
        },
        template: r#"{{- if .Values.outside.nodePorts }}
{{- $first := int .Values.outside.firstNodePort }}
{{- $last := include "rocketmq.lastNodePort" . | int }}
{{- if or (lt $first 30000) (gt $last 32767) }}
outside.firstNodePort|{{ $first }} to {{ $last }}
{{- end }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"outside":{"nodePorts":true,"firstNodePort":30000}}"#),
            accepted(r#"{"outside":{"firstNodePort":80}}"#),
            accepted(r#"{"outside":{"nodePorts":true,"firstNodePort":32727}}"#),
            accepted(
                r#"{"outside":{"nodePorts":true,"firstNodePort":32767},"brokers":{"enabled":false}}"#,
            ),
            refused(
                r#"{"outside":{"nodePorts":true,"firstNodePort":32728}}"#,
                &["outside.firstNodePort"],
            ),
            refused(
                r#"{"outside":{"nodePorts":true,"firstNodePort":29999}}"#,
                &["outside.firstNodePort"],
            ),
        ],
    },
    Rule {
        id: "node-ports-are-not-taken",
        allowed: "0, or a port outside of those from outside.firstNodePort to the last broker's",
        hint: "set proxy.service.grpcNodePort to 0: the cluster then chooses one",
        check: |subject| {
            let values = subject.values;
            let (outside, service) = (&values.outside, &values.proxy.service);
            let port = u32::from(service.grpc_node_port);
            let last = outside.last_node_port(&values.brokers);
            let wrong = outside.node_ports
                && values.proxy.enabled
                && service.kind == ServiceType::NodePort
                && (u32::from(outside.first_node_port)..=last).contains(&port);
            because(
                one_if(wrong, "proxy.service.grpcNodePort", port),
                &["outside.nodePorts", "outside.firstNodePort"],
            )
        },
        template: r#"{{- $port := int .Values.proxy.service.grpcNodePort }}
{{- if and .Values.outside.nodePorts .Values.proxy.enabled (eq .Values.proxy.service.type "NodePort") }}
{{- $last := include "rocketmq.lastNodePort" . | int }}
{{- if and (ge $port (int .Values.outside.firstNodePort)) (le $port $last) }}
proxy.service.grpcNodePort|{{ $port }}
{{- end }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"outside":{"nodePorts":true},"proxy":{"enabled":true,"service":{"type":"NodePort","grpcNodePort":30041}}}"#,
            ),
            accepted(
                r#"{"proxy":{"enabled":true,"service":{"type":"NodePort","grpcNodePort":30040}}}"#,
            ),
            refused(
                r#"{"outside":{"nodePorts":true},"proxy":{"enabled":true,"service":{"type":"NodePort","grpcNodePort":30040}}}"#,
                &["proxy.service.grpcNodePort"],
            ),
        ],
    },
    Rule {
        id: "proxy-grace-period-covers-its-stop",
        allowed: "0, or at least 60 seconds",
        hint: "set proxy.pod.terminationGracePeriodSeconds to 0: it is then derived",
        check: |subject| {
            let set = subject.values.proxy.pod.termination_grace_period_seconds;
            one_if(
                set != 0 && set < Proxy::stop_seconds(),
                "proxy.pod.terminationGracePeriodSeconds",
                set,
            )
        },
        template: r"{{- $set := int .Values.proxy.pod.terminationGracePeriodSeconds }}
{{- if and (ne $set 0) (lt $set 60) }}
proxy.pod.terminationGracePeriodSeconds|{{ $set }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"proxy":{"enabled":true,"pod":{"terminationGracePeriodSeconds":60}}}"#),
            refused(
                r#"{"proxy":{"enabled":true,"pod":{"terminationGracePeriodSeconds":59}}}"#,
                &["proxy.pod.terminationGracePeriodSeconds"],
            ),
        ],
    },
    Rule {
        id: "controller-memory-fits",
        allowed: "a heap of at least 32 MB; heap and direct memory together at most the memory limit less 96 MB",
        hint: "raise controllers.resources.limits.memory or lower controllers.heapMegabytes",
        check: |subject| {
            let controllers = &subject.values.controllers;
            heap_beside(
                "controllers",
                controllers.heap_megabytes,
                &controllers.resources,
                CONTROLLER_MEMORY_BESIDE_HEAP,
            )
        },
        template: r#"{{- $limit := .Values.controllers.resources.limits.memory }}
{{- $heap := include "rocketmq.heap.controllers" . | int }}
{{- $direct := include "rocketmq.directMemory.controllers" . | int }}
{{- if or (lt $heap 32) (gt (add $heap $direct 96 | int) (include "rocketmq.mebibytes" $limit | int)) }}
{{ ternary "controllers.heapMegabytes" "controllers.resources.limits.memory" (gt (int .Values.controllers.heapMegabytes) 0) }}|a heap of {{ $heap }} MB and {{ $direct }} MB of direct memory with a limit of {{ $limit }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"controllers":{"enabled":true,"heapMegabytes":384}}"#),
            refused(
                r#"{"controllers":{"enabled":true,"heapMegabytes":385}}"#,
                &["controllers.heapMegabytes"],
            ),
            refused(
                r#"{"controllers":{"enabled":true,"resources":{"requests":{"memory":"64Mi"},"limits":{"memory":"128Mi"}}}}"#,
                &["controllers.resources.limits.memory"],
            ),
        ],
    },
    Rule {
        id: "controllers-are-odd",
        allowed: "an odd number: 1, 3, 5 or 7",
        hint: "set controllers.count to 3: with one more than an odd number no more of them may be away",
        check: |subject| {
            let count = subject.values.controllers.count;
            one_if(count.is_multiple_of(2), "controllers.count", count)
        },
        template: r"{{- $count := int .Values.controllers.count }}
{{- if eq (mod $count 2) 0 }}
controllers.count|{{ $count }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"controllers":{"enabled":true,"count":5}}"#),
            accepted(r#"{"controllers":{"count":2}}"#),
            refused(
                r#"{"controllers":{"enabled":true,"count":2}}"#,
                &["controllers.count"],
            ),
        ],
    },
    Rule {
        id: "controllers-have-somebody-to-elect",
        allowed: "brokers of this release, with at least one replica per group",
        hint: "set brokers.enabled to true and brokers.replicasPerGroup to at least 1, or controllers.enabled to false",
        check: |subject| {
            let values = subject.values;
            let brokers = &values.brokers;
            let found = if !brokers.enabled {
                "no brokers"
            } else if brokers.replicas_per_group == 0 {
                "no replicas"
            } else {
                return Vec::new();
            };
            because(
                one_if(values.controllers.enabled, "controllers.enabled", found),
                &["brokers.enabled", "brokers.replicasPerGroup"],
            )
        },
        template: r"{{- if .Values.controllers.enabled }}
{{- if not .Values.brokers.enabled }}
controllers.enabled|no brokers
{{- else if eq (int .Values.brokers.replicasPerGroup) 0 }}
controllers.enabled|no replicas
{{- end }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"controllers":{"enabled":true}}"#),
            refused(
                r#"{"controllers":{"enabled":true},"brokers":{"enabled":false}}"#,
                &["controllers.enabled"],
            ),
            refused(
                r#"{"controllers":{"enabled":true},"brokers":{"replicasPerGroup":0}}"#,
                &["controllers.enabled"],
            ),
        ],
    },
    Rule {
        id: "controllers-are-of-version-5-2",
        allowed: "brokers and controllers with an image of version 5.2.0 or newer",
        hint: "set the tag to such a version, or controllers.enabled to false",
        check: |subject| {
            let values = subject.values;
            let old = [
                ("brokers", &values.brokers.image.tag),
                ("controllers", &values.controllers.image.tag),
            ]
            .into_iter()
            .flat_map(|(section, tag)| {
                let is_old = OLD_CONTROLLERS.iter().any(|old| tag.starts_with(old));
                let path = format!("{section}.image.tag");
                one_if(values.controllers.enabled && is_old, &path, tag)
            });
            because(old.collect(), &["controllers.enabled"])
        },
        template: r#"{{- $tag := .Values.<< section >>.image.tag }}
{{- if .Values.controllers.enabled }}
{{- range list "4." "5.0." "5.1." }}
{{- if hasPrefix . $tag }}
<< section >>.image.tag|{{ $tag }}
{{- end }}
{{- end }}
{{- end }}"#,
        sections: &["brokers", "controllers"],
        examples: &[
            accepted(r#"{"controllers":{"enabled":true},"brokers":{"image":{"tag":"5.2.0"}}}"#),
            accepted(r#"{"controllers":{"image":{"tag":"5.1.4"}}}"#),
            refused(
                r#"{"controllers":{"enabled":true,"image":{"tag":"5.1.4"}},"brokers":{"image":{"tag":"4.9.7"}}}"#,
                &["brokers.image.tag", "controllers.image.tag"],
            ),
        ],
    },
    Rule {
        id: "elected-brokers-keep-their-identity",
        allowed: "StorageClass or HostPath while controllers.enabled is true",
        hint: "set the mode to StorageClass: who one is, and what one has agreed to, must outlive the pod",
        check: |subject| {
            let values = subject.values;
            let lost = [
                ("brokers", &values.brokers.storage),
                ("controllers", &values.controllers.storage),
            ]
            .into_iter()
            .flat_map(|(section, storage)| {
                let wrong = values.controllers.enabled && storage.mode == StorageMode::EmptyDir;
                one_if(wrong, &format!("{section}.storage.mode"), "EmptyDir")
            });
            because(lost.collect(), &["controllers.enabled"])
        },
        template: r#"{{- if and .Values.controllers.enabled (eq .Values.<< section >>.storage.mode "EmptyDir") }}
<< section >>.storage.mode|EmptyDir
{{- end }}"#,
        sections: &["brokers", "controllers"],
        examples: &[
            accepted(r#"{"brokers":{"storage":{"mode":"EmptyDir"}}}"#),
            accepted(
                r#"{"controllers":{"enabled":true,"storage":{"mode":"HostPath","hostPath":"/srv"}}}"#,
            ),
            refused(
                r#"{"controllers":{"enabled":true,"storage":{"mode":"EmptyDir"}},"brokers":{"storage":{"mode":"EmptyDir"}}}"#,
                &["brokers.storage.mode", "controllers.storage.mode"],
            ),
        ],
    },
    Rule {
        id: "controllers-are-kept-like-brokers",
        allowed: "the same as brokers.storage.onUninstall",
        hint: "ids of brokers are on both sides, and either without the other elects nobody: set both to Retain or both to Delete",
        check: |subject| {
            let values = subject.values;
            let controllers = values.controllers.storage.on_uninstall;
            let wrong =
                values.controllers.enabled && controllers != values.brokers.storage.on_uninstall;
            because(
                one_if(
                    wrong,
                    "controllers.storage.onUninstall",
                    format!("{controllers:?}"),
                ),
                &["controllers.enabled", "brokers.storage.onUninstall"],
            )
        },
        template: r"{{- $kept := .Values.controllers.storage.onUninstall }}
{{- if and .Values.controllers.enabled (ne $kept .Values.brokers.storage.onUninstall) }}
controllers.storage.onUninstall|{{ $kept }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(
                r#"{"controllers":{"enabled":true,"storage":{"onUninstall":"Delete"}},"brokers":{"storage":{"onScaleIn":"Delete","onUninstall":"Delete"}}}"#,
            ),
            accepted(r#"{"controllers":{"storage":{"onUninstall":"Delete"}}}"#),
            refused(
                r#"{"controllers":{"enabled":true,"storage":{"onUninstall":"Delete"}}}"#,
                &["controllers.storage.onUninstall"],
            ),
        ],
    },
    Rule {
        id: "console-memory-fits",
        allowed: "a heap of at least 32 MB; heap and direct memory together at most the memory limit less 160 MB",
        hint: "raise console.resources.limits.memory or lower console.heapMegabytes",
        check: |subject| {
            let console = &subject.values.console;
            heap_beside(
                "console",
                console.heap_megabytes,
                &console.resources,
                CONSOLE_MEMORY_BESIDE_HEAP,
            )
        },
        template: r#"{{- $limit := .Values.console.resources.limits.memory }}
{{- $heap := include "rocketmq.heap.console" . | int }}
{{- $direct := include "rocketmq.directMemory.console" . | int }}
{{- if or (lt $heap 32) (gt (add $heap $direct 160 | int) (include "rocketmq.mebibytes" $limit | int)) }}
{{ ternary "console.heapMegabytes" "console.resources.limits.memory" (gt (int .Values.console.heapMegabytes) 0) }}|a heap of {{ $heap }} MB and {{ $direct }} MB of direct memory with a limit of {{ $limit }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"console":{"enabled":true,"usersSecretName":"people","heapMegabytes":554}}"#,
            ),
            refused(
                r#"{"console":{"enabled":true,"usersSecretName":"people","heapMegabytes":555}}"#,
                &["console.heapMegabytes"],
            ),
            refused(
                r#"{"console":{"enabled":true,"usersSecretName":"people","resources":{"requests":{"memory":"64Mi"},"limits":{"memory":"256Mi"}}}}"#,
                &["console.resources.limits.memory"],
            ),
        ],
    },
    shared::requests_are_within_limits(
        |subject| {
            let values = subject.values;
            let sections = [
                ("nameServers", &values.name_servers.resources),
                ("brokers", &values.brokers.resources),
                ("controllers", &values.controllers.resources),
                ("proxy", &values.proxy.resources),
                ("console", &values.console.resources),
                ("hook", &values.hook.resources),
            ];
            sections
                .iter()
                .flat_map(|(section, resources)| above_limits(section, resources))
                .collect()
        },
        &[
            "nameServers",
            "brokers",
            "controllers",
            "proxy",
            "console",
            "hook",
        ],
        &[
            accepted(
                r#"{"brokers":{"resources":{"requests":{"cpu":2,"memory":"2Gi"},"limits":{"cpu":"2000m"}}}}"#,
            ),
            refused(
                r#"{"brokers":{"resources":{"requests":{"cpu":3,"memory":"3Gi"},"limits":{"cpu":"2500m"}}}}"#,
                &[
                    "brokers.resources.requests.cpu",
                    "brokers.resources.requests.memory",
                ],
            ),
            refused(
                r#"{"hook":{"resources":{"requests":{"memory":"1Gi"}}}}"#,
                &["hook.resources.requests.memory"],
            ),
        ],
    ),
    Rule {
        id: "broker-volumes-are-kept-alike",
        allowed: "the same as brokers.storage.onUninstall",
        hint: "a broker that leaves is a StatefulSet that Helm deletes, as on uninstall: set both to Retain or both to Delete",
        check: |subject| {
            let storage = &subject.values.brokers.storage;
            let wrong = storage.on_scale_in != storage.on_uninstall;
            let found = format!("{:?}", storage.on_scale_in);
            because(
                one_if(wrong, "brokers.storage.onScaleIn", found),
                &["brokers.storage.onUninstall"],
            )
        },
        template: r"{{- if ne .Values.brokers.storage.onScaleIn .Values.brokers.storage.onUninstall }}
brokers.storage.onScaleIn|{{ .Values.brokers.storage.onScaleIn }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"brokers":{"storage":{"onScaleIn":"Delete","onUninstall":"Delete"}}}"#),
            refused(
                r#"{"brokers":{"storage":{"onScaleIn":"Delete"}}}"#,
                &["brokers.storage.onScaleIn"],
            ),
        ],
    },
    Rule {
        id: "commit-log-fits-volume",
        allowed: "files of at most a fifth of brokers.storage.size",
        hint: "raise brokers.storage.size or lower brokers.commitLogFileMegabytes",
        check: |subject| {
            let brokers = &subject.values.brokers;
            let Some(size) = brokers.storage.size.mebibytes() else {
                return Vec::new();
            };
            let file = u64::from(brokers.commit_log_file_megabytes);
            let wrong = brokers.storage.mode != StorageMode::HostPath && file * 5 > size;
            let found = format!("{file} MB on a volume of {}", brokers.storage.size.0);
            because(
                one_if(wrong, "brokers.commitLogFileMegabytes", found),
                &["brokers.storage.size"],
            )
        },
        template: r#"{{- $storage := .Values.brokers.storage }}
{{- if and (ne $storage.mode "HostPath") (gt (mul (int .Values.brokers.commitLogFileMegabytes) 5 | int) (include "rocketmq.mebibytes" $storage.size | int)) }}
brokers.commitLogFileMegabytes|{{ int .Values.brokers.commitLogFileMegabytes }} MB on a volume of {{ $storage.size }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"brokers":{"commitLogFileMegabytes":64,"storage":{"size":"320Mi"}}}"#),
            accepted(
                r#"{"brokers":{"storage":{"mode":"HostPath","hostPath":"/srv","size":"1Mi"}}}"#,
            ),
            refused(
                r#"{"brokers":{"storage":{"size":"4Gi"}}}"#,
                &["brokers.commitLogFileMegabytes"],
            ),
        ],
    },
    Rule {
        id: "synchronous-replication-has-replicas",
        allowed: "Synchronous with at least one replica per group, else Asynchronous",
        hint: "set brokers.replicasPerGroup to at least 1: without a replica every send would answer that no replica has it",
        check: |subject| {
            let brokers = &subject.values.brokers;
            let wrong =
                brokers.replication == Timing::Synchronous && brokers.replicas_per_group == 0;
            let found = "Synchronous without replicas";
            because(
                one_if(wrong, "brokers.replication", found),
                &["brokers.replicasPerGroup"],
            )
        },
        template: r#"{{- if and (eq .Values.brokers.replication "Synchronous") (eq (int .Values.brokers.replicasPerGroup) 0) }}
brokers.replication|Synchronous without replicas
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"brokers":{"replication":"Synchronous"}}"#),
            accepted(r#"{"brokers":{"replicasPerGroup":0}}"#),
            refused(
                r#"{"brokers":{"replication":"Synchronous","replicasPerGroup":0}}"#,
                &["brokers.replication"],
            ),
        ],
    },
    Rule {
        id: "source-group-exists",
        allowed: "less than brokers.groups",
        hint: "set brokers.newGroupsFrom to the number of a group, counted from 0",
        check: |subject| {
            let brokers = &subject.values.brokers;
            let (from, groups) = (brokers.new_groups_from, brokers.groups);
            let found = format!("{from} with {groups} groups");
            because(
                one_if(
                    brokers.enabled && from >= groups,
                    "brokers.newGroupsFrom",
                    &found,
                ),
                &["brokers.groups"],
            )
        },
        template: r"{{- if and .Values.brokers.enabled (ge (int .Values.brokers.newGroupsFrom) (int .Values.brokers.groups)) }}
brokers.newGroupsFrom|{{ int .Values.brokers.newGroupsFrom }} with {{ int .Values.brokers.groups }} groups
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"brokers":{"groups":3,"newGroupsFrom":2}}"#),
            accepted(r#"{"brokers":{"enabled":false,"groups":1,"newGroupsFrom":2}}"#),
            refused(
                r#"{"brokers":{"groups":3,"newGroupsFrom":3}}"#,
                &["brokers.newGroupsFrom"],
            ),
        ],
    },
    Rule {
        id: "grace-period-covers-drain",
        allowed: "0, or at least the clients' route refresh and 105 seconds",
        hint: "set brokers.pod.terminationGracePeriodSeconds to 0: it is then derived",
        check: |subject| {
            let brokers = &subject.values.brokers;
            let set = brokers.pod.termination_grace_period_seconds;
            let wrong = set != 0 && set < brokers.stop_seconds();
            because(
                one_if(wrong, "brokers.pod.terminationGracePeriodSeconds", set),
                &["brokers.clientRouteRefreshSeconds"],
            )
        },
        template: r"{{- $set := int .Values.brokers.pod.terminationGracePeriodSeconds }}
{{- if and (ne $set 0) (lt $set (add (int .Values.brokers.clientRouteRefreshSeconds) 105 | int)) }}
brokers.pod.terminationGracePeriodSeconds|{{ $set }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"brokers":{"pod":{"terminationGracePeriodSeconds":135}}}"#),
            refused(
                r#"{"brokers":{"pod":{"terminationGracePeriodSeconds":134}}}"#,
                &["brokers.pod.terminationGracePeriodSeconds"],
            ),
        ],
    },
    Rule {
        id: "deadline-covers-estimate",
        allowed: "0, or at least as long as a change takes by the longest estimate of the release's notes",
        hint: "set hook.deadlineSeconds to 0: it is then derived",
        check: |subject| {
            let set = subject.values.hook.deadline_seconds;
            let estimate = subject.values.removal_seconds();
            let found = format!("{set} s with an estimate of {estimate} s");
            because(
                one_if(set != 0 && set < estimate, "hook.deadlineSeconds", found),
                &[
                    "brokers.groups",
                    "brokers.replicasPerGroup",
                    "brokers.clientRouteRefreshSeconds",
                    "brokers.drainMinutes",
                ],
            )
        },
        template: r#"{{- $set := int .Values.hook.deadlineSeconds }}
{{- $estimate := include "rocketmq.removalSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $estimate) }}
hook.deadlineSeconds|{{ $set }} s with an estimate of {{ $estimate }} s
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"hook":{"deadlineSeconds":3360}}"#),
            accepted(r#"{"hook":{"deadlineSeconds":600},"brokers":{"enabled":false}}"#),
            accepted(
                r#"{"brokers":{"groups":32,"replicasPerGroup":4,"clientRouteRefreshSeconds":600}}"#,
            ),
            refused(
                r#"{"hook":{"deadlineSeconds":3359}}"#,
                &["hook.deadlineSeconds"],
            ),
            refused(
                r#"{"hook":{"deadlineSeconds":3600},"brokers":{"groups":10}}"#,
                &["hook.deadlineSeconds"],
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
        hint: "choose a shorter release name; one that contains rocketmq gets no suffix",
        check: |subject| {
            let Some(release) = subject.release else {
                return Vec::new();
            };
            let longest = longest_name(subject.values, release);
            one_if(
                longest.len() > LONGEST_STATEFUL_SET,
                "Release.Name",
                format!("{longest} with {} characters", longest.len()),
            )
        },
        template: r#"{{- $longest := "" }}
{{- if eq .Values.nameServers.source "Own" }}
{{- $longest = printf "%s-name-server" (include "rocketmq.fullName" .) }}
{{- end }}
{{- if .Values.brokers.enabled }}
{{- $of := dict "root" . "number" (int .Values.brokers.replicasPerGroup) }}
{{- $broker := printf "%s-broker-%d-%s" (include "rocketmq.fullName" .) (sub (int .Values.brokers.groups) 1) (include "rocketmq.brokerRole" $of) }}
{{- $longest = ternary $broker $longest (gt (len $broker) (len $longest)) }}
{{- end }}
{{- if gt (len $longest) 52 }}
Release.Name|{{ $longest }} with {{ len $longest }} characters
{{- end }}"#,
        sections: &[""],
        examples: &[
            named("twenty-four-characters-1", "{}", &[]),
            named("twenty-five-characters-12", "{}", &["Release.Name"]),
            named("rocketmq-of-thirty-three-letters1", "{}", &[]),
            named(
                "twenty-four-characters-1",
                r#"{"brokers":{"groups":11}}"#,
                &["Release.Name"],
            ),
            named(
                "twenty-five-characters-12",
                r#"{"brokers":{"replicasPerGroup":0}}"#,
                &[],
            ),
            named(
                "thirty-one-characters-123456789",
                r#"{"controllers":{"enabled":true}}"#,
                &[],
            ),
            named(
                "thirty-two-characters-1234567890",
                r#"{"controllers":{"enabled":true}}"#,
                &["Release.Name"],
            ),
            named(
                "name-servers-with-thirty-chars",
                r#"{"brokers":{"enabled":false}}"#,
                &[],
            ),
            named(
                "name-servers-with-more-than-thirty-chars",
                r#"{"brokers":{"enabled":false}}"#,
                &["Release.Name"],
            ),
        ],
    },
    Rule {
        id: "configuration-is-not-owned",
        allowed: "keys that the chart does not set itself",
        hint: "remove the key; what it sets has a field of its own or follows from the release",
        check: |subject| {
            let configuration = &subject.values.brokers.configuration;
            refused_keys("brokers", configuration, is_owned_key)
        },
        template: r#"{{- $owned := include "rocketmq.ownedConfiguration" . | splitList " " }}
{{- range $key, $_ := .Values.brokers.configuration }}
{{- if or (has $key $owned) (hasPrefix "storePath" $key) }}
brokers.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"brokers":{"configuration":{"autoCreateTopicEnable":true,"fileReservedTime":48}}}"#,
            ),
            refused(
                r#"{"brokers":{"configuration":{"namesrvAddr":"a:9876","brokerId":1,"fileReservedTime":48}}}"#,
                &[
                    "brokers.configuration.brokerId",
                    "brokers.configuration.namesrvAddr",
                ],
            ),
        ],
    },
    Rule {
        id: "proxy-configuration-is-not-owned",
        allowed: "keys that the chart neither sets itself nor leaves to the proxy",
        hint: "remove the key; what it sets has a field of its own or follows from the release",
        check: |subject| {
            refused_keys("proxy", &subject.values.proxy.configuration, |key| {
                OWNED_PROXY_CONFIGURATION.contains(&key)
            })
        },
        template: r#"{{- $owned := include "rocketmq.ownedProxyConfiguration" . | splitList " " }}
{{- range $key, $_ := .Values.proxy.configuration }}
{{- if has $key $owned }}
proxy.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(r#"{"proxy":{"enabled":true,"configuration":{"maxMessageSize":8388608}}}"#),
            refused(
                r#"{"proxy":{"enabled":true,"configuration":{"grpcServerPort":80,"maxMessageSize":1,"namesrvAddr":"a:1"}}}"#,
                &[
                    "proxy.configuration.grpcServerPort",
                    "proxy.configuration.namesrvAddr",
                ],
            ),
        ],
    },
    Rule {
        id: "access-control-has-credentials",
        allowed: "a Secret, with whose credentials servers and operations sign",
        hint: "name the Secret, or set accessControl.enforced to false",
        check: |subject| {
            let access = &subject.values.access_control;
            enforced_without(&access.secret_name, "accessControl", access.enforced)
        },
        template: r"{{- if and .Values.accessControl.enforced (empty .Values.accessControl.secretName) }}
accessControl.secretName|no Secret
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(r#"{"accessControl":{"secretName":"administrator","enforced":true}}"#),
            accepted(r#"{"accessControl":{"secretName":"administrator"}}"#),
            refused(
                r#"{"accessControl":{"enforced":true}}"#,
                &["accessControl.secretName"],
            ),
        ],
    },
    Rule {
        id: "access-control-is-of-version-4-or-5-3-3",
        allowed: "brokers with an image of version 4, or brokers and proxies with one of version 5.3.3 or newer",
        hint: "set the tag to such a version, or accessControl.secretName to nothing",
        check: |subject| {
            let values = subject.values;
            let signs = !values.access_control.secret_name.is_empty();
            let old = [
                ("brokers", values.brokers.enabled, &values.brokers.image.tag),
                ("proxy", values.proxy.enabled, &values.proxy.image.tag),
            ]
            .into_iter()
            .flat_map(|(section, is_there, tag)| {
                let is_old = OLD_ACCESS.iter().any(|old| tag.starts_with(old));
                let path = format!("{section}.image.tag");
                one_if(signs && is_there && is_old, &path, tag)
            });
            because(old.collect(), &["accessControl.secretName"])
        },
        template: r#"{{- $section := .Values.<< section >> }}
{{- if and .Values.accessControl.secretName $section.enabled }}
{{- range list "5.0." "5.1." "5.2." "5.3.0" "5.3.1" "5.3.2" }}
{{- if hasPrefix . $section.image.tag }}
<< section >>.image.tag|{{ $section.image.tag }}
{{- end }}
{{- end }}
{{- end }}"#,
        sections: &["brokers", "proxy"],
        examples: &[
            accepted(
                r#"{"accessControl":{"secretName":"administrator"},"brokers":{"image":{"tag":"5.3.3"}}}"#,
            ),
            accepted(r#"{"brokers":{"image":{"tag":"5.1.4"}}}"#),
            accepted(
                r#"{"accessControl":{"secretName":"administrator"},"brokers":{"image":{"tag":"4.9.7"},"replicasPerGroup":0}}"#,
            ),
            refused(
                r#"{"accessControl":{"secretName":"administrator"},"brokers":{"image":{"tag":"5.3.2"}}}"#,
                &["brokers.image.tag"],
            ),
            refused(
                r#"{"accessControl":{"secretName":"administrator"},"proxy":{"enabled":true,"image":{"tag":"5.1.4"}}}"#,
                &["proxy.image.tag"],
            ),
        ],
    },
    Rule {
        id: "access-control-of-version-4-has-no-replicas",
        allowed: "0: replicas of version 4 do not sign what they ask of their masters, which would refuse them",
        hint: "set brokers.replicasPerGroup to 0, brokers.image.tag to 5.3.3 or newer, or accessControl.secretName to nothing",
        check: |subject| {
            let (access, brokers) = (&subject.values.access_control, &subject.values.brokers);
            let has_replicas = brokers.enabled && brokers.replicas_per_group > 0;
            because(
                one_if(
                    has_replicas && access.reads_accounts(&brokers.image.tag),
                    "brokers.replicasPerGroup",
                    brokers.replicas_per_group,
                ),
                &["accessControl.secretName", "brokers.image.tag"],
            )
        },
        template: r#"{{- $brokers := .Values.brokers }}
{{- if and .Values.accessControl.secretName $brokers.enabled (hasPrefix "4." $brokers.image.tag) (gt (int $brokers.replicasPerGroup) 0) }}
brokers.replicasPerGroup|{{ int $brokers.replicasPerGroup }}
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(
                r#"{"accessControl":{"secretName":"administrator"},"brokers":{"image":{"tag":"4.5.0"},"replicasPerGroup":0}}"#,
            ),
            accepted(r#"{"brokers":{"image":{"tag":"4.9.7"},"replicasPerGroup":1}}"#),
            refused(
                r#"{"accessControl":{"secretName":"administrator"},"brokers":{"image":{"tag":"4.9.7"},"replicasPerGroup":2}}"#,
                &["brokers.replicasPerGroup"],
            ),
        ],
    },
    Rule {
        id: "access-control-is-set-once",
        allowed: "no keys of access control, which has fields of its own",
        hint: "remove the key; set accessControl.secretName and accessControl.enforced instead",
        check: |subject| {
            keys_refused_to_all(subject.values, |key| ACCESS_CONFIGURATION.contains(&key))
        },
        template: r#"{{- $access := include "rocketmq.accessConfiguration" . | splitList " " }}
{{- range $key, $_ := .Values.<< section >>.configuration }}
{{- if has $key $access }}
<< section >>.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}"#,
        sections: &["brokers", "proxy"],
        examples: &[
            accepted(r#"{"brokers":{"configuration":{"traceTopicEnable":true}}}"#),
            refused(
                r#"{"brokers":{"configuration":{"aclEnable":true,"authenticationEnabled":true}}}"#,
                &[
                    "brokers.configuration.aclEnable",
                    "brokers.configuration.authenticationEnabled",
                ],
            ),
            refused(
                r#"{"proxy":{"enabled":true,"configuration":{"innerClientAuthenticationCredentials":"{}"}}}"#,
                &["proxy.configuration.innerClientAuthenticationCredentials"],
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
            accepted(r#"{"tls":{"secretName":"certificates"}}"#),
            refused(r#"{"tls":{"enforced":true}}"#, &["tls.secretName"]),
        ],
    ),
    shared::labels_are_not_owned(
        |subject| {
            let values = subject.values;
            owned_labels(&[
                ("commonLabels", &values.common_labels),
                ("nameServers.pod.labels", &values.name_servers.pod.labels),
                ("brokers.pod.labels", &values.brokers.pod.labels),
                ("controllers.pod.labels", &values.controllers.pod.labels),
                ("proxy.pod.labels", &values.proxy.pod.labels),
                ("console.pod.labels", &values.console.pod.labels),
                (
                    "metrics.serviceMonitor.labels",
                    &values.metrics.service_monitor.labels,
                ),
                ("hook.labels", &values.hook.labels),
            ])
        },
        &[
            "commonLabels",
            "nameServers.pod.labels",
            "brokers.pod.labels",
            "controllers.pod.labels",
            "proxy.pod.labels",
            "console.pod.labels",
            "metrics.serviceMonitor.labels",
            "hook.labels",
        ],
        &[
            accepted(
                r#"{"commonLabels":{"team":"orders"},"brokers":{"pod":{"labels":{"a.b/c":"d"}}}}"#,
            ),
            refused(
                r#"{"commonLabels":{"midships/cluster":"x"},"hook":{"labels":{"app.kubernetes.io/name":"x"}}}"#,
                &[
                    "commonLabels.midships/cluster",
                    "hook.labels.app.kubernetes.io/name",
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
                    "nameServers.pod.annotations",
                    &values.name_servers.pod.annotations,
                ),
                ("brokers.pod.annotations", &values.brokers.pod.annotations),
                (
                    "controllers.pod.annotations",
                    &values.controllers.pod.annotations,
                ),
                ("proxy.pod.annotations", &values.proxy.pod.annotations),
                ("console.pod.annotations", &values.console.pod.annotations),
                (
                    "proxy.service.annotations",
                    &values.proxy.service.annotations,
                ),
                ("outside.annotations", &values.outside.annotations),
                ("hook.annotations", &values.hook.annotations),
            ])
        },
        &[
            "commonAnnotations",
            "nameServers.pod.annotations",
            "brokers.pod.annotations",
            "controllers.pod.annotations",
            "proxy.pod.annotations",
            "console.pod.annotations",
            "proxy.service.annotations",
            "outside.annotations",
            "hook.annotations",
        ],
        &[
            accepted(
                r#"{"commonAnnotations":{"argocd.argoproj.io/sync-wave":"1"},"hook":{"annotations":{"sidecar.istio.io/inject":"false"}}}"#,
            ),
            refused(
                r#"{"commonAnnotations":{"helm.sh/hook":"pre-install"},"brokers":{"pod":{"annotations":{"argocd.argoproj.io/hook-delete-policy":"x"}}}}"#,
                &[
                    "brokers.pod.annotations.argocd.argoproj.io/hook-delete-policy",
                    "commonAnnotations.helm.sh/hook",
                ],
            ),
        ],
    ),
    environment_is_distinct!(
        |subject| {
            in_pods(subject.values, |section, pod| {
                let is_owned =
                    |name: &str| section == "console" && CONSOLE_VARIABLES.contains(&name);
                repeated_variables(section, &pod.env, is_owned)
            })
        },
        "each name once, none that begins with MIDSHIPS_ or that the console has itself, and not both value and valueFrom",
        r#" (and (eq "<< section >>" "console") (has $variable.name (list "JAVA_OPTS" "SPRING_CONFIG_ADDITIONAL_LOCATION")))"#,
        &["nameServers", "brokers", "controllers", "proxy", "console"],
        &[
            accepted(r#"{"brokers":{"pod":{"env":[{"name":"TZ","value":"UTC"}]}}}"#),
            refused(
                r#"{"brokers":{"pod":{"env":[{"name":"TZ","value":"UTC"},{"name":"TZ","value":"CET"},{"name":"MIDSHIPS_ROLE","value":"x"}]}}}"#,
                &["brokers.pod.env[1]", "brokers.pod.env[2]"],
            ),
            refused(
                r#"{"console":{"enabled":true,"usersSecretName":"people","pod":{"env":[{"name":"JAVA_OPTS","value":"-Xmx1g"}]}}}"#,
                &["console.pod.env[0]"],
            ),
        ],
    ),
    volumes_are_distinct!(
        |subject| {
            in_pods(subject.values, |section, pod| {
                repeated_volumes(section, &pod.volumes, &OWNED_VOLUMES)
            })
        },
        [
            "certificates",
            "configuration",
            "credentials",
            "data",
            "home",
            "name-servers",
            "program",
            "scripts",
            "temporary",
            "users"
        ],
        &["nameServers", "brokers", "controllers", "proxy", "console"],
        &[
            accepted(r#"{"brokers":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}]}}}"#),
            refused(
                r#"{"nameServers":{"pod":{"volumes":[{"name":"data","emptyDir":{}}]}}}"#,
                &["nameServers.pod.volumes[0]"],
            ),
        ],
    ),
    mounted_volumes_exist!(
        |subject| {
            in_pods(subject.values, |section, pod| {
                mounts_of_nothing(section, &pod.volumes, &pod.volume_mounts)
            })
        },
        &["nameServers", "brokers", "controllers", "proxy", "console"],
        &[
            accepted(
                r#"{"brokers":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}],"volumeMounts":[{"name":"extra","mountPath":"/extra"}]}}}"#,
            ),
            refused(
                r#"{"brokers":{"pod":{"volumeMounts":[{"name":"extra","mountPath":"/extra"}]}}}"#,
                &["brokers.pod.volumeMounts[0]"],
            ),
        ],
    ),
    mounts_are_not_owned!(
        |subject| {
            in_pods(subject.values, |section, pod| {
                owned_mounts(section, &pod.volume_mounts, &OWNED_MOUNT_PATHS)
            })
        },
        ["/config/brokers", "/config/console", "/config/controller", "/config/credentials", "/config/proxy", "/config/tls", "/data", "/midships", "/scripts", "/tmp"; "/var/rocketmq"],
        &["nameServers", "brokers", "controllers", "proxy", "console"],
        &[
            accepted(
                r#"{"brokers":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}],"volumeMounts":[{"name":"extra","mountPath":"/data/extra"}]}}}"#,
            ),
            refused(
                r#"{"nameServers":{"pod":{"volumes":[{"name":"extra","emptyDir":{}}],"volumeMounts":[{"name":"extra","mountPath":"/tmp/"},{"name":"extra","mountPath":"/extra"},{"name":"extra","mountPath":"/config/brokers"}]}}}"#,
                &[
                    "nameServers.pod.volumeMounts[0]",
                    "nameServers.pod.volumeMounts[2]",
                ],
            ),
        ],
    ),
    shared::network_clients_select(
        |subject| clients_without_labels(&subject.values.network_policy),
        &[
            accepted(
                r#"{"networkPolicy":{"clients":[{"namespaces":{"team":"orders"}},{"pods":{"app":"shop"}}]}}"#,
            ),
            refused(
                r#"{"networkPolicy":{"clients":[{"pods":{"app":"shop"}},{}]}}"#,
                &["networkPolicy.clients[1]"],
            ),
        ],
    ),
];

/// What is wrong with the heap and the direct memory of servers of a section, which need so much memory beside: a heap as set, else half
/// of the memory limit, and a quarter of what it leaves.
fn heap_beside(section: &str, set: u32, resources: &Resources, beside: u64) -> Vec<Violation> {
    let limit = &resources.limits.memory;
    let (Some(heap), Some(most)) = (half_unless_set(set, resources), limit.mebibytes()) else {
        return Vec::new();
    };
    let direct = quarter_of_the_rest(heap, most);
    let paths = [
        format!("{section}.heapMegabytes"),
        format!("{section}.resources.limits.memory"),
    ];
    let path = if set == 0 { &paths[1] } else { &paths[0] };
    let wrong = heap < LEAST_HEAP || heap + direct + beside > most;
    let found = format!(
        "a heap of {heap} MB and {direct} MB of direct memory with a limit of {}",
        limit.0
    );
    because(one_if(wrong, path, found), &[&paths[0], &paths[1]])
}

/// A heap in MB: as set, else half of the memory limit.
fn half_unless_set(set: u32, resources: &Resources) -> Option<u64> {
    match set {
        0 => Some(resources.limits.memory.mebibytes()? / 2),
        set => Some(set.into()),
    }
}

/// A direct memory in MB: a quarter of what the heap leaves of the memory limit, rounded up.
fn quarter_of_the_rest(heap: u64, limit: u64) -> u64 {
    limit.saturating_sub(heap).div_ceil(4)
}

fn is_own_release(subject: &Subject<Values>, name: &str) -> bool {
    let namespace = &subject.values.name_servers.release.namespace;
    subject.release.is_some_and(|release| {
        release.name == name && (namespace.is_empty() || *namespace == release.namespace)
    })
}

fn longest_name(values: &Values, release: &Release) -> String {
    let names = Names {
        full_name: full_name(&release.name),
        namespace: release.namespace.clone(),
        cluster_domain: values.cluster_domain.clone(),
    };
    let brokers = &values.brokers;
    let mut longest = match values.name_servers.source {
        NameServerSource::Own => names.name_servers(),
        NameServerSource::Release | NameServerSource::Addresses => String::new(),
    };
    if brokers.enabled {
        let role = Role::of(brokers.replicas_per_group, values.controllers.enabled);
        let broker = names.broker(brokers.groups - 1, role);
        if broker.len() > longest.len() {
            longest = broker;
        }
    }
    longest
}

fn is_owned_key(key: &str) -> bool {
    key.starts_with("storePath") || OWNED_CONFIGURATION.contains(&key)
}

/// The keys of the configurations of brokers and proxies that are refused.
fn keys_refused_to_all(values: &Values, is_refused: impl Fn(&str) -> bool) -> Vec<Violation> {
    let mut violations = refused_keys("brokers", &values.brokers.configuration, &is_refused);
    violations.extend(refused_keys(
        "proxy",
        &values.proxy.configuration,
        is_refused,
    ));
    violations
}

fn in_pods<'a>(
    values: &'a Values,
    find: impl Fn(&str, &'a Pod) -> Vec<Violation>,
) -> Vec<Violation> {
    let mut violations = find("nameServers", &values.name_servers.pod);
    violations.extend(find("brokers", &values.brokers.pod));
    violations.extend(find("controllers", &values.controllers.pod));
    violations.extend(find("proxy", &values.proxy.pod));
    violations.extend(find("console", &values.console.pod));
    violations
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::check;
    use crate::rules::tests::lay_over;

    #[test]
    fn each_rule_names_the_paths_of_its_examples_and_no_other_rule_does() {
        crate::rules::tests::examples_hold::<Values>();
    }

    #[test]
    fn what_does_not_matter_breaks_no_rule_and_what_matters_is_not_left_empty() {
        let description = crate::rocketmq::description().unwrap();
        for (given, expected) in [
            (
                r#"{"brokers":{"enabled":false,"heapMegabytes":9000}}"#,
                vec![],
            ),
            (
                r#"{"brokers":{"storage":{"mode":"EmptyDir","onScaleIn":"Delete"}}}"#,
                vec![],
            ),
            (
                r#"{"brokers":{"storage":{"mode":"EmptyDir","className":"fast","hostPath":"/srv"}}}"#,
                vec![],
            ),
            (
                r#"{"nameServers":{"source":"Addresses"},"brokers":{"storage":{"mode":"HostPath"}}}"#,
                vec![
                    "brokers.storage.hostPath: found nothing; allowed: a value, while brokers.enabled == true && \
                     brokers.storage.mode == HostPath; fill in the field, or change brokers.storage.mode",
                    "nameServers.addresses: found nothing; allowed: a value, while nameServers.source == Addresses; \
                     fill in the field, or change nameServers.source",
                ],
            ),
        ] {
            let mut values = serde_json::to_value(Values::default()).unwrap();
            lay_over(&mut values, serde_json::from_str(given).unwrap());
            let subject = Subject {
                values: &serde_json::from_value(values).unwrap(),
                release: None,
            };
            let findings = check(RULES, &subject, &description).unwrap();
            let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{given}");
        }
    }

    #[test]
    fn owned_names_are_sorted() {
        assert!(OWNED_CONFIGURATION.is_sorted_by_key(|key| key.to_lowercase()));
        assert!(ACCESS_CONFIGURATION.is_sorted());
        assert!(OWNED_MOUNT_PATHS.is_sorted());
        assert!(OWNED_VOLUMES.is_sorted());
    }
}
