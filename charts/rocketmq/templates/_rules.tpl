{{/* What the schema cannot say: each rule writes a line `path|found` for what it refuses. */}}

{{- define "rocketmq.ownedConfiguration" -}}
allAckInSyncStateSet bindAddress brokerClusterName brokerId brokerIP1 brokerIP2 brokerName brokerPermission brokerRole controllerAddr enableControllerMode enableDLegerCommitLog enableShutdownGracefully fastListenPort fetchNamesrvAddrByAddressServer fetchNameSrvAddrByDnsLookup flushDiskType haListenPort haMasterAddress listenPort mappedFileSizeCommitLog mappedFileSizeTimerLog maxHashSlotNum maxIndexNum namesrvAddr registerNameServerPeriod rocketmqHome shutdownWaitTimeSeconds timerWheelEnable updateNameServerAddrPeriod useTLS
{{- end }}

{{- define "rocketmq.ownedProxyConfiguration" -}}
brokerConfigPath enableAclRpcHookForClusterMode grpcServerPort grpcShutdownTimeSeconds heartbeatSyncerTopicClusterName localServeAddr namesrvAddr namesrvDomain namesrvDomainSubgroup proxyClusterName proxyMode proxyName remotingAccessAddr remotingListenPort rocketMQClusterName rocketmqHome tlsCertPath tlsKeyPath tlsTestModeEnable useEndpointPortFromRequest
{{- end }}

{{- define "rocketmq.accessConfiguration" -}}
aclEnable authConfigPath authenticationEnabled authenticationMetadataProvider authenticationProvider authorizationEnabled authorizationMetadataProvider authorizationProvider enableACL initAuthenticationUser innerClientAuthenticationCredentials migrateAuthFromV1Enabled
{{- end }}

{{- define "rocketmq.rule.something-is-installed" -}}
{{- if and (not .Values.brokers.enabled) (ne .Values.nameServers.source "Own") }}
brokers.enabled|false without own name servers
{{- end }}
{{- end }}

{{- define "rocketmq.rule.other-release-is-another" -}}
{{- $other := .Values.nameServers.release }}
{{- if and (eq $other.name .Release.Name) (eq (default .Release.Namespace $other.namespace) .Release.Namespace) }}
nameServers.release.name|this release itself
{{- end }}
{{- end }}

{{- define "rocketmq.rule.addresses-are-distinct" -}}
{{- $seen := dict }}
{{- range $index, $address := .Values.nameServers.addresses }}
{{- if hasKey $seen (lower $address) }}
nameServers.addresses[{{ $index }}]|{{ $address }}
{{- end }}
{{- $_ := set $seen (lower $address) true }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.key-value-namespaces-are-additional" -}}
{{- range $index, $namespace := .Values.nameServers.keyValueNamespaces }}
{{- if eq $namespace "ORDER_TOPIC_CONFIG" }}
nameServers.keyValueNamespaces[{{ $index }}]|{{ $namespace }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.name-server-heap-fits" -}}
{{- $limit := .Values.nameServers.resources.limits.memory }}
{{- $heap := include "rocketmq.heap.nameServers" . | int }}
{{- $direct := include "rocketmq.directMemory.nameServers" . | int }}
{{- if or (lt $heap 32) (gt (add $heap $direct 72 | int) (include "rocketmq.mebibytes" $limit | int)) }}
{{ ternary "nameServers.heapMegabytes" "nameServers.resources.limits.memory" (gt (int .Values.nameServers.heapMegabytes) 0) }}|a heap of {{ $heap }} MB and {{ $direct }} MB of direct memory with a limit of {{ $limit }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.broker-memory-fits" -}}
{{- $limit := .Values.brokers.resources.limits.memory }}
{{- $heap := include "rocketmq.heap.brokers" . | int }}
{{- $direct := include "rocketmq.directMemory.brokers" . | int }}
{{- if or (lt $heap 32) (gt (add $heap $direct 160 | int) (include "rocketmq.mebibytes" $limit | int)) }}
{{ if gt (int .Values.brokers.heapMegabytes) 0 }}brokers.heapMegabytes{{ else if gt (int .Values.brokers.directMemoryMegabytes) 0 }}brokers.directMemoryMegabytes{{ else }}brokers.resources.limits.memory{{ end }}|a heap of {{ $heap }} MB and {{ $direct }} MB of direct memory with a limit of {{ $limit }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.proxy-memory-fits" -}}
{{- $limit := .Values.proxy.resources.limits.memory }}
{{- $heap := include "rocketmq.heap.proxy" . | int }}
{{- $direct := include "rocketmq.directMemory.proxy" . | int }}
{{- if or (lt $heap 32) (gt (add $heap $direct $direct 160 | int) (include "rocketmq.mebibytes" $limit | int)) }}
{{ ternary "proxy.heapMegabytes" "proxy.resources.limits.memory" (gt (int .Values.proxy.heapMegabytes) 0) }}|a heap of {{ $heap }} MB and twice {{ $direct }} MB of direct memory with a limit of {{ $limit }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.proxy-serves-brokers-of-version-5" -}}
{{- if .Values.proxy.enabled }}
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
{{- end }}
{{- end }}

{{- define "rocketmq.rule.metrics-are-of-version-5-1" -}}
{{- if and .Values.metrics.enabled .Values.brokers.enabled }}
{{- $tag := .Values.brokers.image.tag }}
{{- if or (hasPrefix "4." $tag) (hasPrefix "5.0." $tag) }}
brokers.image.tag|{{ $tag }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.metrics-are-set-once.brokers" -}}
{{- range $key, $_ := .Values.brokers.configuration }}
{{- if and $.Values.metrics.enabled (has $key (list "metricsExporterType" "metricsPromExporterHost" "metricsPromExporterPort")) }}
brokers.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.metrics-are-set-once.proxy" -}}
{{- range $key, $_ := .Values.proxy.configuration }}
{{- if and $.Values.metrics.enabled (has $key (list "metricsExporterType" "metricsPromExporterHost" "metricsPromExporterPort")) }}
proxy.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.node-port-is-one" -}}
{{- $port := int .Values.proxy.service.grpcNodePort }}
{{- if and (eq .Values.proxy.service.type "NodePort") (ne $port 0) (lt $port 30000) }}
proxy.service.grpcNodePort|{{ $port }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.node-ports-reach-the-last-broker" -}}
{{- if .Values.outside.nodePorts }}
{{- $first := int .Values.outside.firstNodePort }}
{{- $last := include "rocketmq.lastNodePort" . | int }}
{{- if or (lt $first 30000) (gt $last 32767) }}
outside.firstNodePort|{{ $first }} to {{ $last }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.node-ports-are-not-taken" -}}
{{- $port := int .Values.proxy.service.grpcNodePort }}
{{- if and .Values.outside.nodePorts .Values.proxy.enabled (eq .Values.proxy.service.type "NodePort") }}
{{- $last := include "rocketmq.lastNodePort" . | int }}
{{- if and (ge $port (int .Values.outside.firstNodePort)) (le $port $last) }}
proxy.service.grpcNodePort|{{ $port }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.proxy-grace-period-covers-its-stop" -}}
{{- $set := int .Values.proxy.pod.terminationGracePeriodSeconds }}
{{- if and (ne $set 0) (lt $set 60) }}
proxy.pod.terminationGracePeriodSeconds|{{ $set }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.controller-memory-fits" -}}
{{- $limit := .Values.controllers.resources.limits.memory }}
{{- $heap := include "rocketmq.heap.controllers" . | int }}
{{- $direct := include "rocketmq.directMemory.controllers" . | int }}
{{- if or (lt $heap 32) (gt (add $heap $direct 96 | int) (include "rocketmq.mebibytes" $limit | int)) }}
{{ ternary "controllers.heapMegabytes" "controllers.resources.limits.memory" (gt (int .Values.controllers.heapMegabytes) 0) }}|a heap of {{ $heap }} MB and {{ $direct }} MB of direct memory with a limit of {{ $limit }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.controllers-are-odd" -}}
{{- $count := int .Values.controllers.count }}
{{- if eq (mod $count 2) 0 }}
controllers.count|{{ $count }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.controllers-have-somebody-to-elect" -}}
{{- if .Values.controllers.enabled }}
{{- if not .Values.brokers.enabled }}
controllers.enabled|no brokers
{{- else if eq (int .Values.brokers.replicasPerGroup) 0 }}
controllers.enabled|no replicas
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.controllers-are-of-version-5-2.brokers" -}}
{{- $tag := .Values.brokers.image.tag }}
{{- if .Values.controllers.enabled }}
{{- range list "4." "5.0." "5.1." }}
{{- if hasPrefix . $tag }}
brokers.image.tag|{{ $tag }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.controllers-are-of-version-5-2.controllers" -}}
{{- $tag := .Values.controllers.image.tag }}
{{- if .Values.controllers.enabled }}
{{- range list "4." "5.0." "5.1." }}
{{- if hasPrefix . $tag }}
controllers.image.tag|{{ $tag }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.elected-brokers-keep-their-identity.brokers" -}}
{{- if and .Values.controllers.enabled (eq .Values.brokers.storage.mode "EmptyDir") }}
brokers.storage.mode|EmptyDir
{{- end }}
{{- end }}

{{- define "rocketmq.rule.elected-brokers-keep-their-identity.controllers" -}}
{{- if and .Values.controllers.enabled (eq .Values.controllers.storage.mode "EmptyDir") }}
controllers.storage.mode|EmptyDir
{{- end }}
{{- end }}

{{- define "rocketmq.rule.controllers-are-kept-like-brokers" -}}
{{- $kept := .Values.controllers.storage.onUninstall }}
{{- if and .Values.controllers.enabled (ne $kept .Values.brokers.storage.onUninstall) }}
controllers.storage.onUninstall|{{ $kept }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.console-memory-fits" -}}
{{- $limit := .Values.console.resources.limits.memory }}
{{- $heap := include "rocketmq.heap.console" . | int }}
{{- $direct := include "rocketmq.directMemory.console" . | int }}
{{- if or (lt $heap 32) (gt (add $heap $direct 160 | int) (include "rocketmq.mebibytes" $limit | int)) }}
{{ ternary "console.heapMegabytes" "console.resources.limits.memory" (gt (int .Values.console.heapMegabytes) 0) }}|a heap of {{ $heap }} MB and {{ $direct }} MB of direct memory with a limit of {{ $limit }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.requests-are-within-limits.nameServers" -}}
{{- $resources := .Values.nameServers.resources }}
{{- if gt (include "rocketmq.mebibytes" $resources.requests.memory | int) (include "rocketmq.mebibytes" $resources.limits.memory | int) }}
nameServers.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "rocketmq.thousandths" $resources.requests.cpu | int) (include "rocketmq.thousandths" $resources.limits.cpu | int) }}
nameServers.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.requests-are-within-limits.brokers" -}}
{{- $resources := .Values.brokers.resources }}
{{- if gt (include "rocketmq.mebibytes" $resources.requests.memory | int) (include "rocketmq.mebibytes" $resources.limits.memory | int) }}
brokers.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "rocketmq.thousandths" $resources.requests.cpu | int) (include "rocketmq.thousandths" $resources.limits.cpu | int) }}
brokers.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.requests-are-within-limits.controllers" -}}
{{- $resources := .Values.controllers.resources }}
{{- if gt (include "rocketmq.mebibytes" $resources.requests.memory | int) (include "rocketmq.mebibytes" $resources.limits.memory | int) }}
controllers.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "rocketmq.thousandths" $resources.requests.cpu | int) (include "rocketmq.thousandths" $resources.limits.cpu | int) }}
controllers.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.requests-are-within-limits.proxy" -}}
{{- $resources := .Values.proxy.resources }}
{{- if gt (include "rocketmq.mebibytes" $resources.requests.memory | int) (include "rocketmq.mebibytes" $resources.limits.memory | int) }}
proxy.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "rocketmq.thousandths" $resources.requests.cpu | int) (include "rocketmq.thousandths" $resources.limits.cpu | int) }}
proxy.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.requests-are-within-limits.console" -}}
{{- $resources := .Values.console.resources }}
{{- if gt (include "rocketmq.mebibytes" $resources.requests.memory | int) (include "rocketmq.mebibytes" $resources.limits.memory | int) }}
console.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "rocketmq.thousandths" $resources.requests.cpu | int) (include "rocketmq.thousandths" $resources.limits.cpu | int) }}
console.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.requests-are-within-limits.hook" -}}
{{- $resources := .Values.hook.resources }}
{{- if gt (include "rocketmq.mebibytes" $resources.requests.memory | int) (include "rocketmq.mebibytes" $resources.limits.memory | int) }}
hook.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "rocketmq.thousandths" $resources.requests.cpu | int) (include "rocketmq.thousandths" $resources.limits.cpu | int) }}
hook.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.broker-volumes-are-kept-alike" -}}
{{- if ne .Values.brokers.storage.onScaleIn .Values.brokers.storage.onUninstall }}
brokers.storage.onScaleIn|{{ .Values.brokers.storage.onScaleIn }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.commit-log-fits-volume" -}}
{{- $storage := .Values.brokers.storage }}
{{- if and (ne $storage.mode "HostPath") (gt (mul (int .Values.brokers.commitLogFileMegabytes) 5 | int) (include "rocketmq.mebibytes" $storage.size | int)) }}
brokers.commitLogFileMegabytes|{{ int .Values.brokers.commitLogFileMegabytes }} MB on a volume of {{ $storage.size }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.synchronous-replication-has-replicas" -}}
{{- if and (eq .Values.brokers.replication "Synchronous") (eq (int .Values.brokers.replicasPerGroup) 0) }}
brokers.replication|Synchronous without replicas
{{- end }}
{{- end }}

{{- define "rocketmq.rule.source-group-exists" -}}
{{- if and .Values.brokers.enabled (ge (int .Values.brokers.newGroupsFrom) (int .Values.brokers.groups)) }}
brokers.newGroupsFrom|{{ int .Values.brokers.newGroupsFrom }} with {{ int .Values.brokers.groups }} groups
{{- end }}
{{- end }}

{{- define "rocketmq.rule.grace-period-covers-drain" -}}
{{- $set := int .Values.brokers.pod.terminationGracePeriodSeconds }}
{{- if and (ne $set 0) (lt $set (add (int .Values.brokers.clientRouteRefreshSeconds) 105 | int)) }}
brokers.pod.terminationGracePeriodSeconds|{{ $set }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.deadline-covers-estimate" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- $estimate := include "rocketmq.removalSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $estimate) }}
hook.deadlineSeconds|{{ $set }} s with an estimate of {{ $estimate }} s
{{- end }}
{{- end }}

{{- define "rocketmq.rule.release-name-makes-services" -}}
{{- if not (regexMatch "^[a-z][a-z0-9-]*$" .Release.Name) }}
Release.Name|{{ .Release.Name }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.names-fit" -}}
{{- $longest := "" }}
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
{{- end }}
{{- end }}

{{- define "rocketmq.rule.configuration-is-not-owned" -}}
{{- $owned := include "rocketmq.ownedConfiguration" . | splitList " " }}
{{- range $key, $_ := .Values.brokers.configuration }}
{{- if or (has $key $owned) (hasPrefix "storePath" $key) }}
brokers.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.proxy-configuration-is-not-owned" -}}
{{- $owned := include "rocketmq.ownedProxyConfiguration" . | splitList " " }}
{{- range $key, $_ := .Values.proxy.configuration }}
{{- if has $key $owned }}
proxy.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.access-control-has-credentials" -}}
{{- if and .Values.accessControl.enforced (empty .Values.accessControl.secretName) }}
accessControl.secretName|no Secret
{{- end }}
{{- end }}

{{- define "rocketmq.rule.access-control-is-of-version-4-or-5-3-3.brokers" -}}
{{- $section := .Values.brokers }}
{{- if and .Values.accessControl.secretName $section.enabled }}
{{- range list "5.0." "5.1." "5.2." "5.3.0" "5.3.1" "5.3.2" }}
{{- if hasPrefix . $section.image.tag }}
brokers.image.tag|{{ $section.image.tag }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.access-control-is-of-version-4-or-5-3-3.proxy" -}}
{{- $section := .Values.proxy }}
{{- if and .Values.accessControl.secretName $section.enabled }}
{{- range list "5.0." "5.1." "5.2." "5.3.0" "5.3.1" "5.3.2" }}
{{- if hasPrefix . $section.image.tag }}
proxy.image.tag|{{ $section.image.tag }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.access-control-of-version-4-has-no-replicas" -}}
{{- $brokers := .Values.brokers }}
{{- if and .Values.accessControl.secretName $brokers.enabled (hasPrefix "4." $brokers.image.tag) (gt (int $brokers.replicasPerGroup) 0) }}
brokers.replicasPerGroup|{{ int $brokers.replicasPerGroup }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.access-control-is-set-once.brokers" -}}
{{- $access := include "rocketmq.accessConfiguration" . | splitList " " }}
{{- range $key, $_ := .Values.brokers.configuration }}
{{- if has $key $access }}
brokers.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.access-control-is-set-once.proxy" -}}
{{- $access := include "rocketmq.accessConfiguration" . | splitList " " }}
{{- range $key, $_ := .Values.proxy.configuration }}
{{- if has $key $access }}
proxy.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.tls-has-certificates" -}}
{{- if and .Values.tls.enforced (empty .Values.tls.secretName) }}
tls.secretName|no Secret
{{- end }}
{{- end }}

{{- define "rocketmq.rule.labels-are-not-owned.commonLabels" -}}
{{- range $key, $_ := .Values.commonLabels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
commonLabels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.labels-are-not-owned.nameServers.pod.labels" -}}
{{- range $key, $_ := .Values.nameServers.pod.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
nameServers.pod.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.labels-are-not-owned.brokers.pod.labels" -}}
{{- range $key, $_ := .Values.brokers.pod.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
brokers.pod.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.labels-are-not-owned.controllers.pod.labels" -}}
{{- range $key, $_ := .Values.controllers.pod.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
controllers.pod.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.labels-are-not-owned.proxy.pod.labels" -}}
{{- range $key, $_ := .Values.proxy.pod.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
proxy.pod.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.labels-are-not-owned.console.pod.labels" -}}
{{- range $key, $_ := .Values.console.pod.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
console.pod.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.labels-are-not-owned.metrics.serviceMonitor.labels" -}}
{{- range $key, $_ := .Values.metrics.serviceMonitor.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
metrics.serviceMonitor.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.labels-are-not-owned.hook.labels" -}}
{{- range $key, $_ := .Values.hook.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
hook.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.annotations-are-not-hooks.commonAnnotations" -}}
{{- range $key, $_ := .Values.commonAnnotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
commonAnnotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.annotations-are-not-hooks.nameServers.pod.annotations" -}}
{{- range $key, $_ := .Values.nameServers.pod.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
nameServers.pod.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.annotations-are-not-hooks.brokers.pod.annotations" -}}
{{- range $key, $_ := .Values.brokers.pod.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
brokers.pod.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.annotations-are-not-hooks.controllers.pod.annotations" -}}
{{- range $key, $_ := .Values.controllers.pod.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
controllers.pod.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.annotations-are-not-hooks.proxy.pod.annotations" -}}
{{- range $key, $_ := .Values.proxy.pod.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
proxy.pod.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.annotations-are-not-hooks.console.pod.annotations" -}}
{{- range $key, $_ := .Values.console.pod.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
console.pod.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.annotations-are-not-hooks.proxy.service.annotations" -}}
{{- range $key, $_ := .Values.proxy.service.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
proxy.service.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.annotations-are-not-hooks.outside.annotations" -}}
{{- range $key, $_ := .Values.outside.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
outside.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.annotations-are-not-hooks.hook.annotations" -}}
{{- range $key, $_ := .Values.hook.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
hook.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.environment-is-distinct.nameServers" -}}
{{- $seen := dict }}
{{- range $index, $variable := .Values.nameServers.pod.env }}
{{- if or (hasKey $seen $variable.name) (hasPrefix "MIDSHIPS_" $variable.name) (and (eq "nameServers" "console") (has $variable.name (list "JAVA_OPTS" "SPRING_CONFIG_ADDITIONAL_LOCATION"))) (and (hasKey $variable "value") (hasKey $variable "valueFrom")) }}
nameServers.pod.env[{{ $index }}]|{{ $variable.name }}
{{- end }}
{{- $_ := set $seen $variable.name true }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.environment-is-distinct.brokers" -}}
{{- $seen := dict }}
{{- range $index, $variable := .Values.brokers.pod.env }}
{{- if or (hasKey $seen $variable.name) (hasPrefix "MIDSHIPS_" $variable.name) (and (eq "brokers" "console") (has $variable.name (list "JAVA_OPTS" "SPRING_CONFIG_ADDITIONAL_LOCATION"))) (and (hasKey $variable "value") (hasKey $variable "valueFrom")) }}
brokers.pod.env[{{ $index }}]|{{ $variable.name }}
{{- end }}
{{- $_ := set $seen $variable.name true }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.environment-is-distinct.controllers" -}}
{{- $seen := dict }}
{{- range $index, $variable := .Values.controllers.pod.env }}
{{- if or (hasKey $seen $variable.name) (hasPrefix "MIDSHIPS_" $variable.name) (and (eq "controllers" "console") (has $variable.name (list "JAVA_OPTS" "SPRING_CONFIG_ADDITIONAL_LOCATION"))) (and (hasKey $variable "value") (hasKey $variable "valueFrom")) }}
controllers.pod.env[{{ $index }}]|{{ $variable.name }}
{{- end }}
{{- $_ := set $seen $variable.name true }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.environment-is-distinct.proxy" -}}
{{- $seen := dict }}
{{- range $index, $variable := .Values.proxy.pod.env }}
{{- if or (hasKey $seen $variable.name) (hasPrefix "MIDSHIPS_" $variable.name) (and (eq "proxy" "console") (has $variable.name (list "JAVA_OPTS" "SPRING_CONFIG_ADDITIONAL_LOCATION"))) (and (hasKey $variable "value") (hasKey $variable "valueFrom")) }}
proxy.pod.env[{{ $index }}]|{{ $variable.name }}
{{- end }}
{{- $_ := set $seen $variable.name true }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.environment-is-distinct.console" -}}
{{- $seen := dict }}
{{- range $index, $variable := .Values.console.pod.env }}
{{- if or (hasKey $seen $variable.name) (hasPrefix "MIDSHIPS_" $variable.name) (and (eq "console" "console") (has $variable.name (list "JAVA_OPTS" "SPRING_CONFIG_ADDITIONAL_LOCATION"))) (and (hasKey $variable "value") (hasKey $variable "valueFrom")) }}
console.pod.env[{{ $index }}]|{{ $variable.name }}
{{- end }}
{{- $_ := set $seen $variable.name true }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.volumes-are-distinct.nameServers" -}}
{{- $seen := dict "certificates" 1 "configuration" 1 "credentials" 1 "data" 1 "home" 1 "name-servers" 1 "program" 1 "scripts" 1 "temporary" 1 "users" 1 }}
{{- range $index, $volume := .Values.nameServers.pod.volumes }}
{{- if hasKey $seen $volume.name }}
nameServers.pod.volumes[{{ $index }}]|{{ $volume.name }}
{{- end }}
{{- $_ := set $seen $volume.name 1 }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.volumes-are-distinct.brokers" -}}
{{- $seen := dict "certificates" 1 "configuration" 1 "credentials" 1 "data" 1 "home" 1 "name-servers" 1 "program" 1 "scripts" 1 "temporary" 1 "users" 1 }}
{{- range $index, $volume := .Values.brokers.pod.volumes }}
{{- if hasKey $seen $volume.name }}
brokers.pod.volumes[{{ $index }}]|{{ $volume.name }}
{{- end }}
{{- $_ := set $seen $volume.name 1 }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.volumes-are-distinct.controllers" -}}
{{- $seen := dict "certificates" 1 "configuration" 1 "credentials" 1 "data" 1 "home" 1 "name-servers" 1 "program" 1 "scripts" 1 "temporary" 1 "users" 1 }}
{{- range $index, $volume := .Values.controllers.pod.volumes }}
{{- if hasKey $seen $volume.name }}
controllers.pod.volumes[{{ $index }}]|{{ $volume.name }}
{{- end }}
{{- $_ := set $seen $volume.name 1 }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.volumes-are-distinct.proxy" -}}
{{- $seen := dict "certificates" 1 "configuration" 1 "credentials" 1 "data" 1 "home" 1 "name-servers" 1 "program" 1 "scripts" 1 "temporary" 1 "users" 1 }}
{{- range $index, $volume := .Values.proxy.pod.volumes }}
{{- if hasKey $seen $volume.name }}
proxy.pod.volumes[{{ $index }}]|{{ $volume.name }}
{{- end }}
{{- $_ := set $seen $volume.name 1 }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.volumes-are-distinct.console" -}}
{{- $seen := dict "certificates" 1 "configuration" 1 "credentials" 1 "data" 1 "home" 1 "name-servers" 1 "program" 1 "scripts" 1 "temporary" 1 "users" 1 }}
{{- range $index, $volume := .Values.console.pod.volumes }}
{{- if hasKey $seen $volume.name }}
console.pod.volumes[{{ $index }}]|{{ $volume.name }}
{{- end }}
{{- $_ := set $seen $volume.name 1 }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.mounted-volumes-exist.nameServers" -}}
{{- $known := dict }}
{{- range .Values.nameServers.pod.volumes }}
{{- $_ := set $known .name 1 }}
{{- end }}
{{- range $index, $mount := .Values.nameServers.pod.volumeMounts }}
{{- if not (hasKey $known $mount.name) }}
nameServers.pod.volumeMounts[{{ $index }}]|{{ $mount.name }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.mounted-volumes-exist.brokers" -}}
{{- $known := dict }}
{{- range .Values.brokers.pod.volumes }}
{{- $_ := set $known .name 1 }}
{{- end }}
{{- range $index, $mount := .Values.brokers.pod.volumeMounts }}
{{- if not (hasKey $known $mount.name) }}
brokers.pod.volumeMounts[{{ $index }}]|{{ $mount.name }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.mounted-volumes-exist.controllers" -}}
{{- $known := dict }}
{{- range .Values.controllers.pod.volumes }}
{{- $_ := set $known .name 1 }}
{{- end }}
{{- range $index, $mount := .Values.controllers.pod.volumeMounts }}
{{- if not (hasKey $known $mount.name) }}
controllers.pod.volumeMounts[{{ $index }}]|{{ $mount.name }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.mounted-volumes-exist.proxy" -}}
{{- $known := dict }}
{{- range .Values.proxy.pod.volumes }}
{{- $_ := set $known .name 1 }}
{{- end }}
{{- range $index, $mount := .Values.proxy.pod.volumeMounts }}
{{- if not (hasKey $known $mount.name) }}
proxy.pod.volumeMounts[{{ $index }}]|{{ $mount.name }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.mounted-volumes-exist.console" -}}
{{- $known := dict }}
{{- range .Values.console.pod.volumes }}
{{- $_ := set $known .name 1 }}
{{- end }}
{{- range $index, $mount := .Values.console.pod.volumeMounts }}
{{- if not (hasKey $known $mount.name) }}
console.pod.volumeMounts[{{ $index }}]|{{ $mount.name }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.mounts-are-not-owned.nameServers" -}}
{{- $owned := list "/config/brokers" "/config/console" "/config/controller" "/config/credentials" "/config/proxy" "/config/tls" "/data" "/midships" "/scripts" "/tmp" "/var/rocketmq" }}
{{- range $index, $mount := .Values.nameServers.pod.volumeMounts }}
{{- if has (regexReplaceAll "/+$" (get $mount "mountPath" | toString) "") $owned }}
nameServers.pod.volumeMounts[{{ $index }}]|{{ $mount.mountPath }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.mounts-are-not-owned.brokers" -}}
{{- $owned := list "/config/brokers" "/config/console" "/config/controller" "/config/credentials" "/config/proxy" "/config/tls" "/data" "/midships" "/scripts" "/tmp" "/var/rocketmq" }}
{{- range $index, $mount := .Values.brokers.pod.volumeMounts }}
{{- if has (regexReplaceAll "/+$" (get $mount "mountPath" | toString) "") $owned }}
brokers.pod.volumeMounts[{{ $index }}]|{{ $mount.mountPath }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.mounts-are-not-owned.controllers" -}}
{{- $owned := list "/config/brokers" "/config/console" "/config/controller" "/config/credentials" "/config/proxy" "/config/tls" "/data" "/midships" "/scripts" "/tmp" "/var/rocketmq" }}
{{- range $index, $mount := .Values.controllers.pod.volumeMounts }}
{{- if has (regexReplaceAll "/+$" (get $mount "mountPath" | toString) "") $owned }}
controllers.pod.volumeMounts[{{ $index }}]|{{ $mount.mountPath }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.mounts-are-not-owned.proxy" -}}
{{- $owned := list "/config/brokers" "/config/console" "/config/controller" "/config/credentials" "/config/proxy" "/config/tls" "/data" "/midships" "/scripts" "/tmp" "/var/rocketmq" }}
{{- range $index, $mount := .Values.proxy.pod.volumeMounts }}
{{- if has (regexReplaceAll "/+$" (get $mount "mountPath" | toString) "") $owned }}
proxy.pod.volumeMounts[{{ $index }}]|{{ $mount.mountPath }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.mounts-are-not-owned.console" -}}
{{- $owned := list "/config/brokers" "/config/console" "/config/controller" "/config/credentials" "/config/proxy" "/config/tls" "/data" "/midships" "/scripts" "/tmp" "/var/rocketmq" }}
{{- range $index, $mount := .Values.console.pod.volumeMounts }}
{{- if has (regexReplaceAll "/+$" (get $mount "mountPath" | toString) "") $owned }}
console.pod.volumeMounts[{{ $index }}]|{{ $mount.mountPath }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq.rule.network-clients-select" -}}
{{- range $index, $client := .Values.networkPolicy.clients }}
{{- if and (empty $client.namespaces) (empty $client.pods) }}
networkPolicy.clients[{{ $index }}]|no labels
{{- end }}
{{- end }}
{{- end }}

{{/* Everything that is refused, at once. What does not matter with these values is not looked at. */}}
{{- define "rocketmq.refuse" -}}
{{- $findings := list }}
{{- $hidden := list }}
{{- if not (and true (has (toString .Values.networkPolicy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "networkPolicy.clients" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own"))) }}
{{- $hidden = append $hidden "nameServers.count" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Release"))) }}
{{- $hidden = append $hidden "nameServers.release" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Addresses"))) }}
{{- $hidden = append $hidden "nameServers.addresses" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own"))) }}
{{- $hidden = append $hidden "nameServers.image" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own"))) }}
{{- $hidden = append $hidden "nameServers.resources" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own"))) }}
{{- $hidden = append $hidden "nameServers.heapMegabytes" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own"))) }}
{{- $hidden = append $hidden "nameServers.storage" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own")) (has (toString .Values.nameServers.storage.mode) (list "EmptyDir" "StorageClass"))) }}
{{- $hidden = append $hidden "nameServers.storage.size" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own")) (has (toString .Values.nameServers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "nameServers.storage.className" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own")) (has (toString .Values.nameServers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "nameServers.storage.accessMode" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own")) (has (toString .Values.nameServers.storage.mode) (list "HostPath"))) }}
{{- $hidden = append $hidden "nameServers.storage.hostPath" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own")) (has (toString .Values.nameServers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "nameServers.storage.onScaleIn" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own")) (has (toString .Values.nameServers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "nameServers.storage.onUninstall" }}
{{- end }}
{{- if not (and true (has (toString .Values.nameServers.source) (list "Own"))) }}
{{- $hidden = append $hidden "nameServers.pod" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.clusterName" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.groups" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.replicasPerGroup" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.replication" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.flush" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.allowRestart" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.newGroupsFrom" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.orderedTopics" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.keptVolumes" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.drainMinutes" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.discardDeadLetters" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.clientRouteRefreshSeconds" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.commitLogFileMegabytes" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.configuration" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.image" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.resources" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.heapMegabytes" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.directMemoryMegabytes" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.storage" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true")) (has (toString .Values.brokers.storage.mode) (list "EmptyDir" "StorageClass"))) }}
{{- $hidden = append $hidden "brokers.storage.size" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true")) (has (toString .Values.brokers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "brokers.storage.className" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true")) (has (toString .Values.brokers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "brokers.storage.accessMode" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true")) (has (toString .Values.brokers.storage.mode) (list "HostPath"))) }}
{{- $hidden = append $hidden "brokers.storage.hostPath" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true")) (has (toString .Values.brokers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "brokers.storage.onScaleIn" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true")) (has (toString .Values.brokers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "brokers.storage.onUninstall" }}
{{- end }}
{{- if not (and true (has (toString .Values.brokers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "brokers.pod" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "controllers.count" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "controllers.consensus" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "controllers.image" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "controllers.resources" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "controllers.heapMegabytes" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "controllers.storage" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true")) (has (toString .Values.controllers.storage.mode) (list "EmptyDir" "StorageClass"))) }}
{{- $hidden = append $hidden "controllers.storage.size" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true")) (has (toString .Values.controllers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "controllers.storage.className" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true")) (has (toString .Values.controllers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "controllers.storage.accessMode" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true")) (has (toString .Values.controllers.storage.mode) (list "HostPath"))) }}
{{- $hidden = append $hidden "controllers.storage.hostPath" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true")) (has (toString .Values.controllers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "controllers.storage.onScaleIn" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true")) (has (toString .Values.controllers.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "controllers.storage.onUninstall" }}
{{- end }}
{{- if not (and true (has (toString .Values.controllers.enabled) (list "true"))) }}
{{- $hidden = append $hidden "controllers.pod" }}
{{- end }}
{{- if not (and true (has (toString .Values.proxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "proxy.replicas" }}
{{- end }}
{{- if not (and true (has (toString .Values.proxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "proxy.configuration" }}
{{- end }}
{{- if not (and true (has (toString .Values.proxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "proxy.service" }}
{{- end }}
{{- if not (and true (has (toString .Values.proxy.enabled) (list "true")) (has (toString .Values.proxy.service.type) (list "NodePort"))) }}
{{- $hidden = append $hidden "proxy.service.grpcNodePort" }}
{{- end }}
{{- if not (and true (has (toString .Values.proxy.enabled) (list "true")) (has (toString .Values.proxy.service.type) (list "LoadBalancer"))) }}
{{- $hidden = append $hidden "proxy.service.loadBalancerClass" }}
{{- end }}
{{- if not (and true (has (toString .Values.proxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "proxy.remotingHost" }}
{{- end }}
{{- if not (and true (has (toString .Values.proxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "proxy.image" }}
{{- end }}
{{- if not (and true (has (toString .Values.proxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "proxy.resources" }}
{{- end }}
{{- if not (and true (has (toString .Values.proxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "proxy.heapMegabytes" }}
{{- end }}
{{- if not (and true (has (toString .Values.proxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "proxy.pod" }}
{{- end }}
{{- if not (and true (has (toString .Values.console.enabled) (list "true"))) }}
{{- $hidden = append $hidden "console.usersSecretName" }}
{{- end }}
{{- if not (and true (has (toString .Values.console.enabled) (list "true"))) }}
{{- $hidden = append $hidden "console.image" }}
{{- end }}
{{- if not (and true (has (toString .Values.console.enabled) (list "true"))) }}
{{- $hidden = append $hidden "console.resources" }}
{{- end }}
{{- if not (and true (has (toString .Values.console.enabled) (list "true"))) }}
{{- $hidden = append $hidden "console.heapMegabytes" }}
{{- end }}
{{- if not (and true (has (toString .Values.console.enabled) (list "true"))) }}
{{- $hidden = append $hidden "console.pod" }}
{{- end }}
{{- if not (and true (has (toString .Values.outside.loadBalancers) (list "true"))) }}
{{- $hidden = append $hidden "outside.loadBalancerClass" }}
{{- end }}
{{- if not (and true (has (toString .Values.outside.loadBalancers) (list "true"))) }}
{{- $hidden = append $hidden "outside.sourceRanges" }}
{{- end }}
{{- if not (and true (has (toString .Values.outside.nodePorts) (list "true"))) }}
{{- $hidden = append $hidden "outside.firstNodePort" }}
{{- end }}
{{- if not (and true (has (toString .Values.metrics.enabled) (list "true"))) }}
{{- $hidden = append $hidden "metrics.serviceMonitor" }}
{{- end }}
{{- if not (and true (has (toString .Values.metrics.enabled) (list "true")) (has (toString .Values.metrics.serviceMonitor.enabled) (list "true"))) }}
{{- $hidden = append $hidden "metrics.serviceMonitor.intervalSeconds" }}
{{- end }}
{{- if not (and true (has (toString .Values.metrics.enabled) (list "true")) (has (toString .Values.metrics.serviceMonitor.enabled) (list "true"))) }}
{{- $hidden = append $hidden "metrics.serviceMonitor.labels" }}
{{- end }}
{{- if and (and true (has (toString .Values.nameServers.source) (list "Release"))) (empty .Values.nameServers.release.name) }}
{{- $findings = append $findings "nameServers.release.name: found nothing; allowed: a value, while nameServers.source == Release; fill in the field, or change nameServers.source" }}
{{- end }}
{{- if and (and true (has (toString .Values.nameServers.source) (list "Addresses"))) (empty .Values.nameServers.addresses) }}
{{- $findings = append $findings "nameServers.addresses: found nothing; allowed: a value, while nameServers.source == Addresses; fill in the field, or change nameServers.source" }}
{{- end }}
{{- if and (and true (has (toString .Values.nameServers.source) (list "Own")) (has (toString .Values.nameServers.storage.mode) (list "HostPath"))) (empty .Values.nameServers.storage.hostPath) }}
{{- $findings = append $findings "nameServers.storage.hostPath: found nothing; allowed: a value, while nameServers.source == Own && nameServers.storage.mode == HostPath; fill in the field, or change nameServers.storage.mode" }}
{{- end }}
{{- if and (and true (has (toString .Values.brokers.enabled) (list "true")) (has (toString .Values.brokers.storage.mode) (list "HostPath"))) (empty .Values.brokers.storage.hostPath) }}
{{- $findings = append $findings "brokers.storage.hostPath: found nothing; allowed: a value, while brokers.enabled == true && brokers.storage.mode == HostPath; fill in the field, or change brokers.storage.mode" }}
{{- end }}
{{- if and (and true (has (toString .Values.controllers.enabled) (list "true")) (has (toString .Values.controllers.storage.mode) (list "HostPath"))) (empty .Values.controllers.storage.hostPath) }}
{{- $findings = append $findings "controllers.storage.hostPath: found nothing; allowed: a value, while controllers.enabled == true && controllers.storage.mode == HostPath; fill in the field, or change controllers.storage.mode" }}
{{- end }}
{{- if and (and true (has (toString .Values.console.enabled) (list "true"))) (empty .Values.console.usersSecretName) }}
{{- $findings = append $findings "console.usersSecretName: found nothing; allowed: a value, while console.enabled == true; fill in the field, or change console.enabled" }}
{{- end }}
{{- $violations := list }}
{{- range $line := splitList "\n" (include "rocketmq.rule.something-is-installed" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: name servers, brokers or both; set brokers.enabled to true, or nameServers.source to Own")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.other-release-is-another" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the name of another release; name the release that has the name servers, or set nameServers.source to Own")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.addresses-are-distinct" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name server once, in capitals or not; remove the address that is named again")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.key-value-namespaces-are-additional" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: namespaces other than ORDER_TOPIC_CONFIG; remove the entry: the order configuration is always copied")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.name-server-heap-fits" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a heap of at least 32 MB; heap and direct memory together at most the memory limit less 72 MB; raise nameServers.resources.limits.memory or lower nameServers.heapMegabytes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.broker-memory-fits" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a heap of at least 32 MB; heap and direct memory together at most the memory limit less 160 MB; raise brokers.resources.limits.memory, or lower brokers.heapMegabytes or brokers.directMemoryMegabytes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.proxy-memory-fits" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a heap of at least 32 MB; heap and direct memory together at most the memory limit less 160 MB; raise proxy.resources.limits.memory or lower proxy.heapMegabytes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.proxy-serves-brokers-of-version-5" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: brokers of this release with an image of version 5.0 or newer, and proxies with one of 5.1.1 or newer; set brokers.enabled to true and the tags to such versions, or proxy.enabled to false")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.metrics-are-of-version-5-1" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: brokers with an image of version 5.1 or newer; set metrics.enabled to false, or the tag to a version that serves metrics")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.metrics-are-set-once.brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: no keys of metrics while metrics.enabled is true; remove the key, or set metrics.enabled to false to set up an exporter of another kind")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.metrics-are-set-once.proxy" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: no keys of metrics while metrics.enabled is true; remove the key, or set metrics.enabled to false to set up an exporter of another kind")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.node-port-is-one" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or a port from 30000 to 32767; set proxy.service.grpcNodePort to 0: the cluster then chooses one")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.node-ports-reach-the-last-broker" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: from 30000, and so that the last broker's port is at most 32767; set outside.firstNodePort to 30000, or lower brokers.groups")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.node-ports-are-not-taken" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or a port outside of those from outside.firstNodePort to the last broker's; set proxy.service.grpcNodePort to 0: the cluster then chooses one")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.proxy-grace-period-covers-its-stop" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or at least 60 seconds; set proxy.pod.terminationGracePeriodSeconds to 0: it is then derived")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.controller-memory-fits" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a heap of at least 32 MB; heap and direct memory together at most the memory limit less 96 MB; raise controllers.resources.limits.memory or lower controllers.heapMegabytes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.controllers-are-odd" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: an odd number: 1, 3, 5 or 7; set controllers.count to 3: with one more than an odd number no more of them may be away")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.controllers-have-somebody-to-elect" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: brokers of this release, with at least one replica per group; set brokers.enabled to true and brokers.replicasPerGroup to at least 1, or controllers.enabled to false")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.controllers-are-of-version-5-2.brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: brokers and controllers with an image of version 5.2.0 or newer; set the tag to such a version, or controllers.enabled to false")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.controllers-are-of-version-5-2.controllers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: brokers and controllers with an image of version 5.2.0 or newer; set the tag to such a version, or controllers.enabled to false")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.elected-brokers-keep-their-identity.brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: StorageClass or HostPath while controllers.enabled is true; set the mode to StorageClass: who one is, and what one has agreed to, must outlive the pod")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.elected-brokers-keep-their-identity.controllers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: StorageClass or HostPath while controllers.enabled is true; set the mode to StorageClass: who one is, and what one has agreed to, must outlive the pod")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.controllers-are-kept-like-brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the same as brokers.storage.onUninstall; ids of brokers are on both sides, and either without the other elects nobody: set both to Retain or both to Delete")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.console-memory-fits" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a heap of at least 32 MB; heap and direct memory together at most the memory limit less 160 MB; raise console.resources.limits.memory or lower console.heapMegabytes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.requests-are-within-limits.nameServers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.requests-are-within-limits.brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.requests-are-within-limits.controllers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.requests-are-within-limits.proxy" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.requests-are-within-limits.console" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.requests-are-within-limits.hook" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.broker-volumes-are-kept-alike" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the same as brokers.storage.onUninstall; a broker that leaves is a StatefulSet that Helm deletes, as on uninstall: set both to Retain or both to Delete")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.commit-log-fits-volume" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: files of at most a fifth of brokers.storage.size; raise brokers.storage.size or lower brokers.commitLogFileMegabytes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.synchronous-replication-has-replicas" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: Synchronous with at least one replica per group, else Asynchronous; set brokers.replicasPerGroup to at least 1: without a replica every send would answer that no replica has it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.source-group-exists" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: less than brokers.groups; set brokers.newGroupsFrom to the number of a group, counted from 0")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.grace-period-covers-drain" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or at least the clients' route refresh and 105 seconds; set brokers.pod.terminationGracePeriodSeconds to 0: it is then derived")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.deadline-covers-estimate" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or at least as long as a change takes by the longest estimate of the release's notes; set hook.deadlineSeconds to 0: it is then derived")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.release-name-makes-services" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: lower-case letters, digits and dashes, beginning with a letter; choose another release name: Services cannot be named after this one")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.names-fit" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: StatefulSets with names of at most 52 characters; choose a shorter release name; one that contains rocketmq gets no suffix")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.configuration-is-not-owned" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that the chart does not set itself; remove the key; what it sets has a field of its own or follows from the release")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.proxy-configuration-is-not-owned" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that the chart neither sets itself nor leaves to the proxy; remove the key; what it sets has a field of its own or follows from the release")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.access-control-has-credentials" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a Secret, with whose credentials servers and operations sign; name the Secret, or set accessControl.enforced to false")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.access-control-is-of-version-4-or-5-3-3.brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: brokers with an image of version 4, or brokers and proxies with one of version 5.3.3 or newer; set the tag to such a version, or accessControl.secretName to nothing")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.access-control-is-of-version-4-or-5-3-3.proxy" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: brokers with an image of version 4, or brokers and proxies with one of version 5.3.3 or newer; set the tag to such a version, or accessControl.secretName to nothing")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.access-control-of-version-4-has-no-replicas" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0: replicas of version 4 do not sign what they ask of their masters, which would refuse them; set brokers.replicasPerGroup to 0, brokers.image.tag to 5.3.3 or newer, or accessControl.secretName to nothing")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.access-control-is-set-once.brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: no keys of access control, which has fields of its own; remove the key; set accessControl.secretName and accessControl.enforced instead")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.access-control-is-set-once.proxy" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: no keys of access control, which has fields of its own; remove the key; set accessControl.secretName and accessControl.enforced instead")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.tls-has-certificates" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a Secret, with whose certificate servers speak TLS; name the Secret, or set tls.enforced to false")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.labels-are-not-owned.commonLabels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.labels-are-not-owned.nameServers.pod.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.labels-are-not-owned.brokers.pod.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.labels-are-not-owned.controllers.pod.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.labels-are-not-owned.proxy.pod.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.labels-are-not-owned.console.pod.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.labels-are-not-owned.metrics.serviceMonitor.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.labels-are-not-owned.hook.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.annotations-are-not-hooks.commonAnnotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.annotations-are-not-hooks.nameServers.pod.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.annotations-are-not-hooks.brokers.pod.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.annotations-are-not-hooks.controllers.pod.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.annotations-are-not-hooks.proxy.pod.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.annotations-are-not-hooks.console.pod.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.annotations-are-not-hooks.proxy.service.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.annotations-are-not-hooks.outside.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.annotations-are-not-hooks.hook.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.environment-is-distinct.nameServers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none that begins with MIDSHIPS_ or that the console has itself, and not both value and valueFrom; remove or rename the variable")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.environment-is-distinct.brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none that begins with MIDSHIPS_ or that the console has itself, and not both value and valueFrom; remove or rename the variable")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.environment-is-distinct.controllers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none that begins with MIDSHIPS_ or that the console has itself, and not both value and valueFrom; remove or rename the variable")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.environment-is-distinct.proxy" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none that begins with MIDSHIPS_ or that the console has itself, and not both value and valueFrom; remove or rename the variable")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.environment-is-distinct.console" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none that begins with MIDSHIPS_ or that the console has itself, and not both value and valueFrom; remove or rename the variable")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.volumes-are-distinct.nameServers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none of certificates, configuration, credentials, data, home, name-servers, program, scripts, temporary, users; rename the volume and its mounts")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.volumes-are-distinct.brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none of certificates, configuration, credentials, data, home, name-servers, program, scripts, temporary, users; rename the volume and its mounts")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.volumes-are-distinct.controllers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none of certificates, configuration, credentials, data, home, name-servers, program, scripts, temporary, users; rename the volume and its mounts")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.volumes-are-distinct.proxy" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none of certificates, configuration, credentials, data, home, name-servers, program, scripts, temporary, users; rename the volume and its mounts")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.volumes-are-distinct.console" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none of certificates, configuration, credentials, data, home, name-servers, program, scripts, temporary, users; rename the volume and its mounts")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.mounted-volumes-exist.nameServers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the name of one of the pod's additional volumes; add the volume to pod.volumes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.mounted-volumes-exist.brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the name of one of the pod's additional volumes; add the volume to pod.volumes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.mounted-volumes-exist.controllers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the name of one of the pod's additional volumes; add the volume to pod.volumes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.mounted-volumes-exist.proxy" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the name of one of the pod's additional volumes; add the volume to pod.volumes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.mounted-volumes-exist.console" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the name of one of the pod's additional volumes; add the volume to pod.volumes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.mounts-are-not-owned.nameServers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: directories other than /config/brokers, /config/console, /config/controller, /config/credentials, /config/proxy, /config/tls, /data, /midships, /scripts, /tmp and /var/rocketmq; mount the volume elsewhere; the chart has a volume of its own there")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.mounts-are-not-owned.brokers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: directories other than /config/brokers, /config/console, /config/controller, /config/credentials, /config/proxy, /config/tls, /data, /midships, /scripts, /tmp and /var/rocketmq; mount the volume elsewhere; the chart has a volume of its own there")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.mounts-are-not-owned.controllers" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: directories other than /config/brokers, /config/console, /config/controller, /config/credentials, /config/proxy, /config/tls, /data, /midships, /scripts, /tmp and /var/rocketmq; mount the volume elsewhere; the chart has a volume of its own there")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.mounts-are-not-owned.proxy" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: directories other than /config/brokers, /config/console, /config/controller, /config/credentials, /config/proxy, /config/tls, /data, /midships, /scripts, /tmp and /var/rocketmq; mount the volume elsewhere; the chart has a volume of its own there")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.mounts-are-not-owned.console" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: directories other than /config/brokers, /config/console, /config/controller, /config/credentials, /config/proxy, /config/tls, /data, /midships, /scripts, /tmp and /var/rocketmq; mount the volume elsewhere; the chart has a volume of its own there")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq.rule.network-clients-select" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: labels of namespaces, of pods or of both; name labels, or remove the entry; an empty list lets all pods of the cluster connect")) }}
{{- end }}
{{- end }}
{{- range $violation := $violations }}
{{- $path := first $violation }}
{{- $matters := true }}
{{- range $place := $hidden }}
{{- if or (eq $path $place) (hasPrefix (print $place ".") $path) (hasPrefix (print $place "[") $path) }}
{{- $matters = false }}
{{- end }}
{{- end }}
{{- if $matters }}
{{- $findings = append $findings (last $violation) }}
{{- end }}
{{- end }}
{{- if $findings }}
{{- fail (printf "the values are refused:\n%s" (join "\n" (sortAlpha $findings))) }}
{{- end }}
{{- end }}
