{{/* What the schema cannot say: each rule writes a line `path|found` for what it refuses. */}}

{{- define "redis-cluster.ownedConfiguration" -}}
acl-pubsub-default aclfile activedefrag always-show-logo aof-load-truncated aof-use-rdb-preamble appenddirname appendfilename appendfsync appendonly auto-aof-rewrite-min-size auto-aof-rewrite-percentage bind bind-source-addr daemonize databases dbfilename dir enable-protected-configs include io-threads latency-monitor-threshold logfile masterauth masteruser maxclients maxmemory maxmemory-policy min-replicas-max-lag min-replicas-to-write min-slaves-max-lag min-slaves-to-write notify-keyspace-events pidfile port primaryauth primaryuser protected-mode rename-command replica-priority replicaof requirepass save shutdown-on-sigint shutdown-on-sigterm slaveof slowlog-log-slower-than slowlog-max-len supervised tcp-keepalive timeout unixsocket unixsocketgroup unixsocketperm user watchdog-period
{{- end }}

{{- define "redis-cluster.ownedPrefixes" -}}
cluster- hash-max- lazyfree- loadmodule rdma- replica-announce replica-lazy- sentinel slave- syslog- tls- zset-max-
{{- end }}

{{- define "redis-cluster.rule.servers-know-themselves" -}}
{{- if eq .Values.persistence.storage.mode "EmptyDir" }}
persistence.storage.mode|EmptyDir
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.volumes-are-kept-alike" -}}
{{- $storage := .Values.persistence.storage }}
{{- if and (eq $storage.mode "StorageClass") (ne $storage.onScaleIn $storage.onUninstall) }}
persistence.storage.onScaleIn|{{ $storage.onScaleIn }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.cluster-has-one-database" -}}
{{- $databases := int .Values.tuning.databases }}
{{- if ne $databases 1 }}
tuning.databases|{{ $databases }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.memory-fits" -}}
{{- $limit := .Values.server.resources.limits.memory }}
{{- $data := include "redis-cluster.dataMegabytes" . | int }}
{{- if or (lt $data 16) (gt (add $data 24 | int) (include "redis-cluster.mebibytes" $limit | int)) }}
{{ ternary "memory.percent" "server.resources.limits.memory" (gt (int .Values.memory.percent) 0) }}|{{ $data }} MB for data with a limit of {{ $limit }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.volume-holds-data" -}}
{{- $size := .Values.persistence.storage.size }}
{{- $data := include "redis-cluster.dataMegabytes" . | int }}
{{- $copies := get (dict "None" 0 "Snapshots" 2 "AppendOnly" 3 "Both" 3) .Values.persistence.mode }}
{{- if gt (mul $data $copies | int) (include "redis-cluster.mebibytes" $size | int) }}
persistence.storage.size|{{ $size }} with {{ $data }} MB of memory for data
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.grace-period-covers-stop" -}}
{{- $set := int .Values.server.pod.terminationGracePeriodSeconds }}
{{- $needed := include "redis-cluster.stopSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $needed) }}
server.pod.terminationGracePeriodSeconds|{{ $set }} s of {{ $needed }} s
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.deadline-covers-estimate" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- $estimate := include "redis-cluster.estimateSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $estimate) }}
hook.deadlineSeconds|{{ $set }} s with an estimate of {{ $estimate }} s
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.threads-are-of-version-6" -}}
{{- $threads := int .Values.tuning.threads }}
{{- if and (gt $threads 1) (not (include "redis-cluster.implied" . | fromYaml).hasThreads) }}
tuning.threads|{{ $threads }} with {{ .Values.version }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.tls-is-of-version-6" -}}
{{- if and .Values.tls.secretName (not (include "redis-cluster.implied" . | fromYaml).hasTls) }}
tls.secretName|a Secret with {{ .Values.version }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.tls-has-certificates" -}}
{{- if and .Values.tls.enforced (empty .Values.tls.secretName) }}
tls.secretName|no Secret
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.node-ports-reach-the-last-server.firstNodePort" -}}
{{- $kind := "firstNodePort" }}
{{- $first := get .Values.outside $kind | int }}
{{- $last := add $first (mul 5 (sub (int .Values.shards.count) 1)) (int .Values.shards.replicasPerShard) | int }}
{{- $isUsed := or (eq $kind "firstBusNodePort") (and (eq $kind "firstNodePort") (not .Values.tls.enforced)) (and (eq $kind "firstTlsNodePort") (not (empty .Values.tls.secretName))) }}
{{- if and .Values.outside.nodePorts $isUsed (gt $last 32767) }}
outside.firstNodePort|{{ $first }} to {{ $last }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.node-ports-reach-the-last-server.firstTlsNodePort" -}}
{{- $kind := "firstTlsNodePort" }}
{{- $first := get .Values.outside $kind | int }}
{{- $last := add $first (mul 5 (sub (int .Values.shards.count) 1)) (int .Values.shards.replicasPerShard) | int }}
{{- $isUsed := or (eq $kind "firstBusNodePort") (and (eq $kind "firstNodePort") (not .Values.tls.enforced)) (and (eq $kind "firstTlsNodePort") (not (empty .Values.tls.secretName))) }}
{{- if and .Values.outside.nodePorts $isUsed (gt $last 32767) }}
outside.firstTlsNodePort|{{ $first }} to {{ $last }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.node-ports-reach-the-last-server.firstBusNodePort" -}}
{{- $kind := "firstBusNodePort" }}
{{- $first := get .Values.outside $kind | int }}
{{- $last := add $first (mul 5 (sub (int .Values.shards.count) 1)) (int .Values.shards.replicasPerShard) | int }}
{{- $isUsed := or (eq $kind "firstBusNodePort") (and (eq $kind "firstNodePort") (not .Values.tls.enforced)) (and (eq $kind "firstTlsNodePort") (not (empty .Values.tls.secretName))) }}
{{- if and .Values.outside.nodePorts $isUsed (gt $last 32767) }}
outside.firstBusNodePort|{{ $first }} to {{ $last }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.node-ports-of-servers-differ.firstTlsNodePort" -}}
{{- $kind := "firstTlsNodePort" }}
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
outside.firstTlsNodePort|{{ $first }} to {{ add $first $above }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.node-ports-of-servers-differ.firstBusNodePort" -}}
{{- $kind := "firstBusNodePort" }}
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
outside.firstBusNodePort|{{ $first }} to {{ add $first $above }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.configuration-is-not-owned" -}}
{{- $owned := include "redis-cluster.ownedConfiguration" . | splitList " " }}
{{- $prefixes := include "redis-cluster.ownedPrefixes" . | splitList " " }}
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

{{- define "redis-cluster.rule.release-name-makes-services" -}}
{{- if not (regexMatch "^[a-z][a-z0-9-]*$" .Release.Name) }}
Release.Name|{{ .Release.Name }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.names-fit" -}}
{{- $name := printf "%s-shard-63" (include "redis-cluster.fullName" .) }}
{{- if gt (len $name) 52 }}
Release.Name|{{ $name }} with {{ len $name }} characters
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.requests-are-within-limits.server" -}}
{{- $resources := .Values.server.resources }}
{{- if gt (include "redis-cluster.mebibytes" $resources.requests.memory | int) (include "redis-cluster.mebibytes" $resources.limits.memory | int) }}
server.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "redis-cluster.thousandths" $resources.requests.cpu | int) (include "redis-cluster.thousandths" $resources.limits.cpu | int) }}
server.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.requests-are-within-limits.metrics" -}}
{{- $resources := .Values.metrics.resources }}
{{- if gt (include "redis-cluster.mebibytes" $resources.requests.memory | int) (include "redis-cluster.mebibytes" $resources.limits.memory | int) }}
metrics.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "redis-cluster.thousandths" $resources.requests.cpu | int) (include "redis-cluster.thousandths" $resources.limits.cpu | int) }}
metrics.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.requests-are-within-limits.hook" -}}
{{- $resources := .Values.hook.resources }}
{{- if gt (include "redis-cluster.mebibytes" $resources.requests.memory | int) (include "redis-cluster.mebibytes" $resources.limits.memory | int) }}
hook.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "redis-cluster.thousandths" $resources.requests.cpu | int) (include "redis-cluster.thousandths" $resources.limits.cpu | int) }}
hook.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.labels-are-not-owned.commonLabels" -}}
{{- range $key, $_ := .Values.commonLabels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
commonLabels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.labels-are-not-owned.server.pod.labels" -}}
{{- range $key, $_ := .Values.server.pod.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
server.pod.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.labels-are-not-owned.metrics.serviceMonitor.labels" -}}
{{- range $key, $_ := .Values.metrics.serviceMonitor.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
metrics.serviceMonitor.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.labels-are-not-owned.hook.labels" -}}
{{- range $key, $_ := .Values.hook.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
hook.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.annotations-are-not-hooks.commonAnnotations" -}}
{{- range $key, $_ := .Values.commonAnnotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
commonAnnotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.annotations-are-not-hooks.server.pod.annotations" -}}
{{- range $key, $_ := .Values.server.pod.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
server.pod.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.annotations-are-not-hooks.outside.annotations" -}}
{{- range $key, $_ := .Values.outside.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
outside.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.annotations-are-not-hooks.hook.annotations" -}}
{{- range $key, $_ := .Values.hook.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
hook.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.environment-is-distinct.server" -}}
{{- $seen := dict }}
{{- range $index, $variable := .Values.server.pod.env }}
{{- if or (hasKey $seen $variable.name) (hasPrefix "MIDSHIPS_" $variable.name) (and (hasKey $variable "value") (hasKey $variable "valueFrom")) }}
server.pod.env[{{ $index }}]|{{ $variable.name }}
{{- end }}
{{- $_ := set $seen $variable.name true }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.volumes-are-distinct.server" -}}
{{- $seen := dict "certificates" 1 "configuration" 1 "data" 1 "password" 1 "run" 1 "scripts" 1 "temporary" 1 }}
{{- range $index, $volume := .Values.server.pod.volumes }}
{{- if hasKey $seen $volume.name }}
server.pod.volumes[{{ $index }}]|{{ $volume.name }}
{{- end }}
{{- $_ := set $seen $volume.name 1 }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.mounted-volumes-exist.server" -}}
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

{{- define "redis-cluster.rule.mounts-are-not-owned.server" -}}
{{- $owned := list "/config/password" "/config/server" "/config/tls" "/data" "/run/redis" "/scripts" "/tmp" }}
{{- range $index, $mount := .Values.server.pod.volumeMounts }}
{{- if has (regexReplaceAll "/+$" (get $mount "mountPath" | toString) "") $owned }}
server.pod.volumeMounts[{{ $index }}]|{{ $mount.mountPath }}
{{- end }}
{{- end }}
{{- end }}

{{- define "redis-cluster.rule.network-clients-select" -}}
{{- range $index, $client := .Values.networkPolicy.clients }}
{{- if and (empty $client.namespaces) (empty $client.pods) }}
networkPolicy.clients[{{ $index }}]|no labels
{{- end }}
{{- end }}
{{- end }}

{{/* Everything that is refused, at once. What does not matter with these values is not looked at. */}}
{{- define "redis-cluster.refuse" -}}
{{- $findings := list }}
{{- $hidden := list }}
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
{{- if not (and true (has (toString .Values.outside.nodePorts) (list "true"))) }}
{{- $hidden = append $hidden "outside.firstNodePort" }}
{{- end }}
{{- if not (and true (has (toString .Values.outside.nodePorts) (list "true"))) }}
{{- $hidden = append $hidden "outside.firstTlsNodePort" }}
{{- end }}
{{- if not (and true (has (toString .Values.outside.nodePorts) (list "true"))) }}
{{- $hidden = append $hidden "outside.firstBusNodePort" }}
{{- end }}
{{- if not (and true (has (toString .Values.outside.nodePorts) (list "true"))) }}
{{- $hidden = append $hidden "outside.annotations" }}
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
{{- range $line := splitList "\n" (include "redis-cluster.rule.servers-know-themselves" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: StorageClass or HostPath: the file by which a server knows who it is must outlive its pod; set persistence.storage.mode to StorageClass; where no data are kept, a small persistence.storage.size will do")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.volumes-are-kept-alike" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the same as persistence.storage.onUninstall; set both alike: for Kubernetes a shard that leaves is a StatefulSet that is deleted, as in an uninstall")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.cluster-has-one-database" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 1; remove tuning.databases: in a cluster there is the database 0 alone")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.memory-fits" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at least 16 MB for data, and at most the memory limit less 24 MB; raise server.resources.limits.memory or change memory.percent")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.volume-holds-data" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: twice the memory for data with snapshots, three times with an append-only file, which is there twice while it is written anew; raise persistence.storage.size or lower memory.percent")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.grace-period-covers-stop" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or at least a minute and a second for each 32 MB of the memory limit; set server.pod.terminationGracePeriodSeconds to 0: it is then derived. Who is killed while it writes loses data")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.deadline-covers-estimate" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or at least as long as a change takes by the estimate of the release's notes; set hook.deadlineSeconds to 0: it is then derived")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.threads-are-of-version-6" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 1, or version 6.0 or newer; set tuning.threads to 1")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.tls-is-of-version-6" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: no Secret, or version 6.0 or newer; choose a newer version, or leave tls.secretName empty")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.tls-has-certificates" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a Secret, with whose certificate servers speak TLS; name the Secret, or set tls.enforced to false")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.node-ports-reach-the-last-server.firstNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a port from which that of the last server is at most 32767: each shard has five; set it to a lower port, or lower shards.count")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.node-ports-reach-the-last-server.firstTlsNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a port from which that of the last server is at most 32767: each shard has five; set it to a lower port, or lower shards.count")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.node-ports-reach-the-last-server.firstBusNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a port from which that of the last server is at most 32767: each shard has five; set it to a lower port, or lower shards.count")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.node-ports-of-servers-differ.firstTlsNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a port from which those of all servers are free of the other kinds: each shard has five of each kind; set outside.firstNodePort, outside.firstTlsNodePort and outside.firstBusNodePort further apart")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.node-ports-of-servers-differ.firstBusNodePort" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a port from which those of all servers are free of the other kinds: each shard has five of each kind; set outside.firstNodePort, outside.firstTlsNodePort and outside.firstBusNodePort further apart")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.configuration-is-not-owned" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that the chart does not set itself; remove the key; what it sets has a field of its own or follows from the release")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.release-name-makes-services" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: lower-case letters, digits and dashes, beginning with a letter; choose another release name: Services cannot be named after this one")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.names-fit" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: StatefulSets with names of at most 52 characters; choose a shorter release name; one that contains redis-cluster gets no suffix")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.requests-are-within-limits.server" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.requests-are-within-limits.metrics" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.requests-are-within-limits.hook" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.labels-are-not-owned.commonLabels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.labels-are-not-owned.server.pod.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.labels-are-not-owned.metrics.serviceMonitor.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.labels-are-not-owned.hook.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.annotations-are-not-hooks.commonAnnotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.annotations-are-not-hooks.server.pod.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.annotations-are-not-hooks.outside.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.annotations-are-not-hooks.hook.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.environment-is-distinct.server" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none that begins with MIDSHIPS_, and not both value and valueFrom; remove or rename the variable")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.volumes-are-distinct.server" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each name once, none of certificates, configuration, data, password, run, scripts, temporary; rename the volume and its mounts")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.mounted-volumes-exist.server" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: the name of one of the pod's additional volumes; add the volume to pod.volumes")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.mounts-are-not-owned.server" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: directories other than /config/password, /config/server, /config/tls, /data, /run/redis, /scripts and /tmp; mount the volume elsewhere; the chart has a volume of its own there")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "redis-cluster.rule.network-clients-select" .) }}
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
