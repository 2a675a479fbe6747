{{/* What the schema cannot say: each rule writes a line `path|found` for what it refuses. */}}

{{- define "redis-sentinel.ownedConfiguration" -}}
acl-pubsub-default aclfile activedefrag always-show-logo aof-load-truncated aof-use-rdb-preamble appenddirname appendfilename appendfsync appendonly auto-aof-rewrite-min-size auto-aof-rewrite-percentage bind bind-source-addr daemonize databases dbfilename dir enable-protected-configs include io-threads latency-monitor-threshold logfile masterauth masteruser maxclients maxmemory maxmemory-policy min-replicas-max-lag min-replicas-to-write min-slaves-max-lag min-slaves-to-write notify-keyspace-events pidfile port primaryauth primaryuser protected-mode rename-command replica-priority replicaof requirepass save shutdown-on-sigint shutdown-on-sigterm slaveof slowlog-log-slower-than slowlog-max-len supervised tcp-keepalive timeout unixsocket unixsocketgroup unixsocketperm user watchdog-period
{{- end }}

{{- define "redis-sentinel.ownedPrefixes" -}}
cluster- hash-max- lazyfree- loadmodule rdma- replica-announce replica-lazy- sentinel slave- syslog- tls- zset-max-
{{- end }}

{{- define "redis-sentinel.rule.sentinels-are-odd" -}}
{{- $count := int .Values.sentinels.count }}
{{- if eq (mod $count 2) 0 }}
sentinels.count|{{ $count }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.quorum-is-of-sentinels" -}}
{{- if gt (int .Values.sentinels.quorum) (int .Values.sentinels.count) }}
sentinels.quorum|{{ int .Values.sentinels.quorum }} of {{ int .Values.sentinels.count }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.replicas-for-a-write-exist" -}}
{{- if gt (int .Values.servers.minReplicas) (int .Values.servers.replicas) }}
servers.minReplicas|{{ int .Values.servers.minReplicas }} of {{ int .Values.servers.replicas }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.strict-anti-affinity-has-nodes" -}}
{{- $label := "kubernetes.io/hostname" }}
{{- if and (eq .Values.servers.antiAffinity "Hard") (hasKey .Values.server.pod.nodeSelector $label) }}
servers.antiAffinity|Hard on the node {{ get .Values.server.pod.nodeSelector $label }}
{{- end }}
{{- if and (eq .Values.sentinels.pod.antiAffinity "Hard") (hasKey .Values.sentinels.pod.nodeSelector $label) }}
sentinels.pod.antiAffinity|Hard on the node {{ get .Values.sentinels.pod.nodeSelector $label }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.sentinels-remember" -}}
{{- if eq .Values.sentinels.storage.mode "EmptyDir" }}
sentinels.storage.mode|EmptyDir
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.memory-fits" -}}
{{- $limit := .Values.server.resources.limits.memory }}
{{- $data := include "redis-sentinel.dataMegabytes" . | int }}
{{- if or (lt $data 16) (gt (add $data 24 | int) (include "redis-sentinel.mebibytes" $limit | int)) }}
{{ ternary "memory.percent" "server.resources.limits.memory" (gt (int .Values.memory.percent) 0) }}|{{ $data }} MB for data with a limit of {{ $limit }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.volume-holds-data" -}}
{{- $size := .Values.persistence.storage.size }}
{{- $data := include "redis-sentinel.dataMegabytes" . | int }}
{{- $copies := get (dict "None" 0 "Snapshots" 2 "AppendOnly" 3 "Both" 3) .Values.persistence.mode }}
{{- if gt (mul $data $copies | int) (include "redis-sentinel.mebibytes" $size | int) }}
persistence.storage.size|{{ $size }} with {{ $data }} MB of memory for data
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.grace-period-covers-stop" -}}
{{- $set := int .Values.server.pod.terminationGracePeriodSeconds }}
{{- $needed := include "redis-sentinel.stopSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $needed) }}
server.pod.terminationGracePeriodSeconds|{{ $set }} s of {{ $needed }} s
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.deadline-covers-estimate" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- $estimate := include "redis-sentinel.estimateSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $estimate) }}
hook.deadlineSeconds|{{ $set }} s with an estimate of {{ $estimate }} s
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.threads-are-of-version-6" -}}
{{- $threads := int .Values.tuning.threads }}
{{- if and (gt $threads 1) (not (include "redis-sentinel.implied" . | fromYaml).hasThreads) }}
tuning.threads|{{ $threads }} with {{ .Values.version }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.tls-is-of-version-6" -}}
{{- if and .Values.tls.secretName (not (include "redis-sentinel.implied" . | fromYaml).hasTls) }}
tls.secretName|a Secret with {{ .Values.version }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.tls-has-certificates" -}}
{{- if and .Values.tls.enforced (empty .Values.tls.secretName) }}
tls.secretName|no Secret
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.configuration-is-not-owned" -}}
{{- $owned := include "redis-sentinel.ownedConfiguration" . | splitList " " }}
{{- $prefixes := include "redis-sentinel.ownedPrefixes" . | splitList " " }}
{{- range $key, $_ := .Values.tuning.configuration }}
{{- $wrong := has $key $owned }}
{{- range $prefix := $prefixes }}
{{- $wrong = or $wrong (hasPrefix $prefix $key) }}
{{- end }}
{{- if $wrong }}
tuning.configuration.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.release-name-makes-services" -}}
{{- if not (regexMatch "^[a-z][a-z0-9-]*$" .Release.Name) }}
Release.Name|{{ .Release.Name }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.names-fit" -}}
{{- $name := printf "%s-sentinel" (include "redis-sentinel.fullName" .) }}
{{- if gt (len $name) 52 }}
Release.Name|{{ $name }} with {{ len $name }} characters
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.node-ports-are-ports-of-nodes.nodePort" -}}
{{- $port := int .Values.haproxy.service.nodePort }}
{{- if and .Values.haproxy.enabled (eq .Values.haproxy.service.type "NodePort") (ne $port 0) (lt $port 30000) }}
haproxy.service.nodePort|{{ $port }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.node-ports-are-ports-of-nodes.tlsNodePort" -}}
{{- $port := int .Values.haproxy.service.tlsNodePort }}
{{- if and .Values.haproxy.enabled (eq .Values.haproxy.service.type "NodePort") (ne $port 0) (lt $port 30000) }}
haproxy.service.tlsNodePort|{{ $port }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.node-ports-are-ports-of-nodes.readNodePort" -}}
{{- $port := int .Values.haproxy.service.readNodePort }}
{{- if and .Values.haproxy.enabled (eq .Values.haproxy.service.type "NodePort") (ne $port 0) (lt $port 30000) }}
haproxy.service.readNodePort|{{ $port }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.node-ports-are-ports-of-nodes.readTlsNodePort" -}}
{{- $port := int .Values.haproxy.service.readTlsNodePort }}
{{- if and .Values.haproxy.enabled (eq .Values.haproxy.service.type "NodePort") (ne $port 0) (lt $port 30000) }}
haproxy.service.readTlsNodePort|{{ $port }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.node-ports-differ.tlsNodePort" -}}
{{- $service := .Values.haproxy.service }}
{{- $port := int $service.tlsNodePort }}
{{- $taken := false }}
{{- range $other := list "nodePort" "tlsNodePort" "readNodePort" "readTlsNodePort" | join " " | splitList "tlsNodePort" | first | trim | splitList " " }}
{{- if and $other (eq $port (int (get $service $other))) }}
{{- $taken = true }}
{{- end }}
{{- end }}
{{- if and .Values.haproxy.enabled (eq $service.type "NodePort") (ne $port 0) $taken }}
haproxy.service.tlsNodePort|{{ $port }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.node-ports-differ.readNodePort" -}}
{{- $service := .Values.haproxy.service }}
{{- $port := int $service.readNodePort }}
{{- $taken := false }}
{{- range $other := list "nodePort" "tlsNodePort" "readNodePort" "readTlsNodePort" | join " " | splitList "readNodePort" | first | trim | splitList " " }}
{{- if and $other (eq $port (int (get $service $other))) }}
{{- $taken = true }}
{{- end }}
{{- end }}
{{- if and .Values.haproxy.enabled (eq $service.type "NodePort") (ne $port 0) $taken }}
haproxy.service.readNodePort|{{ $port }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.node-ports-differ.readTlsNodePort" -}}
{{- $service := .Values.haproxy.service }}
{{- $port := int $service.readTlsNodePort }}
{{- $taken := false }}
{{- range $other := list "nodePort" "tlsNodePort" "readNodePort" "readTlsNodePort" | join " " | splitList "readTlsNodePort" | first | trim | splitList " " }}
{{- if and $other (eq $port (int (get $service $other))) }}
{{- $taken = true }}
{{- end }}
{{- end }}
{{- if and .Values.haproxy.enabled (eq $service.type "NodePort") (ne $port 0) $taken }}
haproxy.service.readTlsNodePort|{{ $port }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.requests-are-within-limits.server" -}}
{{- $resources := .Values.server.resources }}
{{- if gt (include "redis-sentinel.mebibytes" $resources.requests.memory | int) (include "redis-sentinel.mebibytes" $resources.limits.memory | int) }}
server.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "redis-sentinel.thousandths" $resources.requests.cpu | int) (include "redis-sentinel.thousandths" $resources.limits.cpu | int) }}
server.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.requests-are-within-limits.sentinels" -}}
{{- $resources := .Values.sentinels.resources }}
{{- if gt (include "redis-sentinel.mebibytes" $resources.requests.memory | int) (include "redis-sentinel.mebibytes" $resources.limits.memory | int) }}
sentinels.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "redis-sentinel.thousandths" $resources.requests.cpu | int) (include "redis-sentinel.thousandths" $resources.limits.cpu | int) }}
sentinels.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.requests-are-within-limits.haproxy" -}}
{{- $resources := .Values.haproxy.resources }}
{{- if gt (include "redis-sentinel.mebibytes" $resources.requests.memory | int) (include "redis-sentinel.mebibytes" $resources.limits.memory | int) }}
haproxy.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "redis-sentinel.thousandths" $resources.requests.cpu | int) (include "redis-sentinel.thousandths" $resources.limits.cpu | int) }}
haproxy.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.requests-are-within-limits.metrics" -}}
{{- $resources := .Values.metrics.resources }}
{{- if gt (include "redis-sentinel.mebibytes" $resources.requests.memory | int) (include "redis-sentinel.mebibytes" $resources.limits.memory | int) }}
metrics.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "redis-sentinel.thousandths" $resources.requests.cpu | int) (include "redis-sentinel.thousandths" $resources.limits.cpu | int) }}
metrics.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.requests-are-within-limits.hook" -}}
{{- $resources := .Values.hook.resources }}
{{- if gt (include "redis-sentinel.mebibytes" $resources.requests.memory | int) (include "redis-sentinel.mebibytes" $resources.limits.memory | int) }}
hook.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "redis-sentinel.thousandths" $resources.requests.cpu | int) (include "redis-sentinel.thousandths" $resources.limits.cpu | int) }}
hook.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.labels-are-not-owned.commonLabels" -}}
{{- range $key, $_ := .Values.commonLabels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
commonLabels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.labels-are-not-owned.server.pod.labels" -}}
{{- range $key, $_ := .Values.server.pod.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
server.pod.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.labels-are-not-owned.sentinels.pod.labels" -}}
{{- range $key, $_ := .Values.sentinels.pod.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
sentinels.pod.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.labels-are-not-owned.haproxy.pod.labels" -}}
{{- range $key, $_ := .Values.haproxy.pod.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
haproxy.pod.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.labels-are-not-owned.metrics.serviceMonitor.labels" -}}
{{- range $key, $_ := .Values.metrics.serviceMonitor.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
metrics.serviceMonitor.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.labels-are-not-owned.hook.labels" -}}
{{- range $key, $_ := .Values.hook.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
hook.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.annotations-are-not-hooks.commonAnnotations" -}}
{{- range $key, $_ := .Values.commonAnnotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
commonAnnotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.annotations-are-not-hooks.server.pod.annotations" -}}
{{- range $key, $_ := .Values.server.pod.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
server.pod.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.annotations-are-not-hooks.sentinels.pod.annotations" -}}
{{- range $key, $_ := .Values.sentinels.pod.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
sentinels.pod.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.annotations-are-not-hooks.haproxy.pod.annotations" -}}
{{- range $key, $_ := .Values.haproxy.pod.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
haproxy.pod.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.annotations-are-not-hooks.haproxy.service.annotations" -}}
{{- range $key, $_ := .Values.haproxy.service.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
haproxy.service.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.annotations-are-not-hooks.hook.annotations" -}}
{{- range $key, $_ := .Values.hook.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
hook.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.environment-is-distinct.server" -}}
{{- $seen := dict }}
{{- range $index, $variable := .Values.server.pod.env }}
{{- if or (hasKey $seen $variable.name) (hasPrefix "MIDSHIPS_" $variable.name) (and (hasKey $variable "value") (hasKey $variable "valueFrom")) }}
server.pod.env[{{ $index }}]|{{ $variable.name }}
{{- end }}
{{- $_ := set $seen $variable.name true }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.volumes-are-distinct.server" -}}
{{- $seen := dict "certificates" 1 "configuration" 1 "data" 1 "password" 1 "run" 1 "scripts" 1 "temporary" 1 }}
{{- range $index, $volume := .Values.server.pod.volumes }}
{{- if hasKey $seen $volume.name }}
server.pod.volumes[{{ $index }}]|{{ $volume.name }}
{{- end }}
{{- $_ := set $seen $volume.name 1 }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.mounted-volumes-exist.server" -}}
{{- $known := dict }}
{{- range .Values.server.pod.volumes }}
{{- $_ := set $known .name 1 }}
{{- end }}
{{- range $index, $mount := .Values.server.pod.volumeMounts }}
{{- if not (hasKey $known $mount.name) }}
server.pod.volumeMounts[{{ $index }}]|{{ $mount.name }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.mounts-are-not-owned.server" -}}
{{- $owned := list "/config/password" "/config/server" "/config/tls" "/data" "/run/redis" "/scripts" "/tmp" }}
{{- range $index, $mount := .Values.server.pod.volumeMounts }}
{{- if has (regexReplaceAll "/+$" (get $mount "mountPath" | toString) "") $owned }}
server.pod.volumeMounts[{{ $index }}]|{{ $mount.mountPath }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-sentinel.rule.network-clients-select" -}}
{{- range $index, $client := .Values.networkPolicy.clients }}
{{- if and (empty $client.namespaces) (empty $client.pods) }}
networkPolicy.clients[{{ $index }}]|no labels
{{- end }}
{{- end }}
{{- end }}

{{/* Everything that is refused, at once. What does not matter with these values is not looked at. */}}
{{- define "redis-sentinel.refuse" -}}
{{- $findings := list }}
{{- $hidden := list }}
{{- if not (and true (has (toString .Values.sentinels.storage.mode) (list "EmptyDir" "StorageClass"))) }}
{{- $hidden = append $hidden "sentinels.storage.size" }}
{{- end }}
{{- if not (and true (has (toString .Values.sentinels.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "sentinels.storage.className" }}
{{- end }}
{{- if not (and true (has (toString .Values.sentinels.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "sentinels.storage.accessMode" }}
{{- end }}
{{- if not (and true (has (toString .Values.sentinels.storage.mode) (list "HostPath"))) }}
{{- $hidden = append $hidden "sentinels.storage.hostPath" }}
{{- end }}
{{- if not (and true (has (toString .Values.sentinels.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "sentinels.storage.onScaleIn" }}
{{- end }}
{{- if not (and true (has (toString .Values.sentinels.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "sentinels.storage.onUninstall" }}
{{- end }}
{{- if not (and true (has (toString .Values.persistence.mode) (list "Snapshots" "Both"))) }}
{{- $hidden = append $hidden "persistence.savePoints" }}
{{- end }}
{{- if not (and true (has (toString .Values.persistence.mode) (list "AppendOnly" "Both"))) }}
{{- $hidden = append $hidden "persistence.flush" }}
{{- end }}
{{- if not (and true (has (toString .Values.persistence.mode) (list "AppendOnly" "Both"))) }}
{{- $hidden = append $hidden "persistence.rewritePercent" }}
{{- end }}
{{- if not (and true (has (toString .Values.persistence.mode) (list "AppendOnly" "Both"))) }}
{{- $hidden = append $hidden "persistence.rewriteLeastMegabytes" }}
{{- end }}
{{- if not (and true (has (toString .Values.persistence.storage.mode) (list "EmptyDir" "StorageClass"))) }}
{{- $hidden = append $hidden "persistence.storage.size" }}
{{- end }}
{{- if not (and true (has (toString .Values.persistence.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "persistence.storage.className" }}
{{- end }}
{{- if not (and true (has (toString .Values.persistence.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "persistence.storage.accessMode" }}
{{- end }}
{{- if not (and true (has (toString .Values.persistence.storage.mode) (list "HostPath"))) }}
{{- $hidden = append $hidden "persistence.storage.hostPath" }}
{{- end }}
{{- if not (and true (has (toString .Values.persistence.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "persistence.storage.onScaleIn" }}
{{- end }}
{{- if not (and true (has (toString .Values.persistence.storage.mode) (list "StorageClass"))) }}
{{- $hidden = append $hidden "persistence.storage.onUninstall" }}
{{- end }}
{{- if not (and true (has (toString .Values.authentication.source) (list "Secret"))) }}
{{- $hidden = append $hidden "authentication.secretName" }}
{{- end }}
{{- if not (and true (has (toString .Values.authentication.source) (list "Secret"))) }}
{{- $hidden = append $hidden "authentication.secretKey" }}
{{- end }}
{{- if not (and true (has (toString .Values.networkPolicy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "networkPolicy.clients" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "haproxy.replicas" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "haproxy.maxConnections" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "haproxy.service" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true")) (has (toString .Values.haproxy.service.type) (list "NodePort"))) }}
{{- $hidden = append $hidden "haproxy.service.nodePort" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true")) (has (toString .Values.haproxy.service.type) (list "NodePort"))) }}
{{- $hidden = append $hidden "haproxy.service.tlsNodePort" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true")) (has (toString .Values.haproxy.service.type) (list "NodePort"))) }}
{{- $hidden = append $hidden "haproxy.service.readNodePort" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true")) (has (toString .Values.haproxy.service.type) (list "NodePort"))) }}
{{- $hidden = append $hidden "haproxy.service.readTlsNodePort" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true")) (has (toString .Values.haproxy.service.type) (list "LoadBalancer"))) }}
{{- $hidden = append $hidden "haproxy.service.loadBalancerClass" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true")) (has (toString .Values.haproxy.service.type) (list "LoadBalancer"))) }}
{{- $hidden = append $hidden "haproxy.service.sourceRanges" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "haproxy.image" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "haproxy.resources" }}
{{- end }}
{{- if not (and true (has (toString .Values.haproxy.enabled) (list "true"))) }}
{{- $hidden = append $hidden "haproxy.pod" }}
{{- end }}
{{- if not (and true (has (toString .Values.metrics.enabled) (list "true"))) }}
{{- $hidden = append $hidden "metrics.image" }}
{{- end }}
{{- if not (and true (has (toString .Values.metrics.enabled) (list "true"))) }}
{{- $hidden = append $hidden "metrics.resources" }}
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
{{- if and (and true (has (toString .Values.sentinels.storage.mode) (list "HostPath"))) (empty .Values.sentinels.storage.hostPath) }}
{{- $findings = append $findings "sentinels.storage.hostPath: found nothing; allowed: a value, while sentinels.storage.mode == HostPath; fill in the field, or change sentinels.storage.mode" }}
{{- end }}
{{- if and (and true (has (toString .Values.persistence.mode) (list "Snapshots" "Both"))) (empty .Values.persistence.savePoints) }}
{{- $findings = append $findings "persistence.savePoints: found nothing; allowed: a value, while persistence.mode in [Snapshots, Both]; fill in the field, or change persistence.mode" }}
{{- end }}
{{- if and (and true (has (toString .Values.persistence.storage.mode) (list "HostPath"))) (empty .Values.persistence.storage.hostPath) }}
{{- $findings = append $findings "persistence.storage.hostPath: found nothing; allowed: a value, while persistence.storage.mode == HostPath; fill in the field, or change persistence.storage.mode" }}
{{- end }}
{{- if and (and true (has (toString .Values.authentication.source) (list "Secret"))) (empty .Values.authentication.secretName) }}
{{- $findings = append $findings "authentication.secretName: found nothing; allowed: a value, while authentication.source == Secret; fill in the field, or change authentication.source" }}
{{- end }}
{{- $violations := list }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.sentinels-are-odd" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: an odd number; add or remove one: an even number bears no more losses than one less")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.quorum-is-of-sentinels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or at most as many as there are Sentinels; set sentinels.quorum to 0: it is then most of them")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.replicas-for-a-write-exist" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most as many as there are replicas; lower servers.minReplicas or raise servers.replicas; with as many as there are, writes are refused while one restarts")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.strict-anti-affinity-has-nodes" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: Soft or None, where a node selector names one node; choose Soft, or a node selector that more nodes have: all pods but one would not be started")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.sentinels-remember" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: StorageClass or HostPath: for whom a Sentinel has voted must outlive its pod; set sentinels.storage.mode to StorageClass; the smallest volume will do")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.memory-fits" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at least 16 MB for data, and at most the memory limit less 24 MB; raise server.resources.limits.memory or change memory.percent")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.volume-holds-data" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: twice the memory for data with snapshots, three times with an append-only file, which is there twice while it is written anew; raise persistence.storage.size or lower memory.percent")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.grace-period-covers-stop" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or at least a minute and a second for each 32 MB of the memory limit; set server.pod.terminationGracePeriodSeconds to 0: it is then derived. Who is killed while it writes loses data")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.deadline-covers-estimate" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or at least as long as a change takes by the estimate of the release's notes; set hook.deadlineSeconds to 0: it is then derived")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.threads-are-of-version-6" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 1, or version 6.0 or newer; set tuning.threads to 1")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.tls-is-of-version-6" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: no Secret, or version 6.0 or newer; choose a newer version, or leave tls.secretName empty")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.tls-has-certificates" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a Secret, with whose certificate servers speak TLS; name the Secret, or set tls.enforced to false")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.configuration-is-not-owned" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that the chart does not set itself; remove the key; what it sets has a field of its own or follows from the release")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.release-name-makes-services" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: lower-case letters, digits and dashes, beginning with a letter; choose another release name: Services cannot be named after this one")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.names-fit" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: StatefulSets with names of at most 52 characters; choose a shorter release name; one that contains redis-sentinel gets no suffix")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.node-ports-are-ports-of-nodes.nodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or a port from 30000 to 32767; set it to 0: the cluster then chooses one")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.node-ports-are-ports-of-nodes.tlsNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or a port from 30000 to 32767; set it to 0: the cluster then chooses one")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.node-ports-are-ports-of-nodes.readNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or a port from 30000 to 32767; set it to 0: the cluster then chooses one")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.node-ports-are-ports-of-nodes.readTlsNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or a port from 30000 to 32767; set it to 0: the cluster then chooses one")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.node-ports-differ.tlsNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or a port that no other field of haproxy.service names; choose another port, or set one of them to 0")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.node-ports-differ.readNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or a port that no other field of haproxy.service names; choose another port, or set one of them to 0")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.node-ports-differ.readTlsNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or a port that no other field of haproxy.service names; choose another port, or set one of them to 0")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.requests-are-within-limits.server" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.requests-are-within-limits.sentinels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.requests-are-within-limits.haproxy" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.requests-are-within-limits.metrics" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.requests-are-within-limits.hook" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.labels-are-not-owned.commonLabels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.labels-are-not-owned.server.pod.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.labels-are-not-owned.sentinels.pod.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.labels-are-not-owned.haproxy.pod.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.labels-are-not-owned.metrics.serviceMonitor.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.labels-are-not-owned.hook.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.annotations-are-not-hooks.commonAnnotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.annotations-are-not-hooks.server.pod.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.annotations-are-not-hooks.sentinels.pod.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.annotations-are-not-hooks.haproxy.pod.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.annotations-are-not-hooks.haproxy.service.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.annotations-are-not-hooks.hook.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.environment-is-distinct.server" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none that begins with MIDSHIPS_, and not both value and valueFrom; remove or rename the variable")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.volumes-are-distinct.server" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none of certificates, configuration, data, password, run, scripts, temporary; rename the volume and its mounts")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.mounted-volumes-exist.server" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the name of one of the pod's additional volumes; add the volume to pod.volumes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.mounts-are-not-owned.server" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: directories other than /config/password, /config/server, /config/tls, /data, /run/redis, /scripts and /tmp; mount the volume elsewhere; the chart has a volume of its own there")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-sentinel.rule.network-clients-select" .) }}
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
