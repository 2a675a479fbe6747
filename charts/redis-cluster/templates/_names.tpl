{{/* Names, labels and sizes that several templates share. */}}

{{/* The name from which all others are made. The chart's name is written out: as a subchart it may have an alias. */}}
{{- define "redis-cluster.fullName" -}}
{{- if contains "redis-cluster" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-redis-cluster{{ end }}
{{- end }}

{{/* Labels of pods, the same for the life of a release. Argo CD rewrites the instance on objects, so no selector uses it. */}}
{{- define "redis-cluster.podLabels" -}}
app.kubernetes.io/name: redis-cluster
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
midships/cluster: {{ include "redis-cluster.fullName" . }}
{{- end }}

{{/* Labels of objects. */}}
{{- define "redis-cluster.labels" -}}
{{ include "redis-cluster.podLabels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image: takes a dict of the root and the image's values. A repository that names its registry stands as it is. */}}
{{- define "redis-cluster.image" -}}
{{- $first := .image.repository | splitList "/" | first }}
{{- $named := and (contains "/" .image.repository) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) }}
{{- if and .root.Values.imageRegistry (not $named) }}{{ .root.Values.imageRegistry }}/{{ end }}{{ .image.repository }}:{{ .image.tag }}
{{- end }}

{{/* CPU and memory of a container. Empty amounts are left out. */}}
{{- define "redis-cluster.resources" -}}
requests:
  {{- with .requests.cpu }}
  cpu: {{ . | quote }}
  {{- end }}
  memory: {{ .requests.memory }}
limits:
  {{- with .limits.cpu }}
  cpu: {{ . | quote }}
  {{- end }}
  memory: {{ .limits.memory }}
{{- end }}

{{/* An amount of memory in mebibytes. */}}
{{- define "redis-cluster.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int }}
{{- if hasSuffix "Ti" . }}{{ mul $number 1048576 }}{{ else if hasSuffix "Gi" . }}{{ mul $number 1024 }}{{ else }}{{ $number }}{{ end }}
{{- end }}

{{/* An amount of CPU in thousandths of a core. */}}
{{- define "redis-cluster.thousandths" -}}
{{- $text := toString . }}
{{- if hasSuffix "m" $text }}{{ trimSuffix "m" $text }}{{ else }}{{ mul (int $text) 1000 }}{{ end }}
{{- end }}

{{/* What the version implies. */}}
{{- define "redis-cluster.implied" -}}
{{- if eq .Values.version "Redis 5.0.6" }}
repository: library/redis
tag: "5.0.6"
hasTls: False
hasThreads: False
hasLazyDeletes: False
hasLazyFlushes: False
hasHostnames: False
hasSentinelNames: False
announcesTlsPort: False
{{- end }}
{{- if eq .Values.version "Redis 6.0" }}
repository: library/redis
tag: "6.0"
hasTls: True
hasThreads: True
hasLazyDeletes: True
hasLazyFlushes: False
hasHostnames: False
hasSentinelNames: False
announcesTlsPort: False
{{- end }}
{{- if eq .Values.version "Redis 6.2" }}
repository: library/redis
tag: "6.2"
hasTls: True
hasThreads: True
hasLazyDeletes: True
hasLazyFlushes: True
hasHostnames: False
hasSentinelNames: True
announcesTlsPort: True
{{- end }}
{{- if eq .Values.version "Redis 7.0" }}
repository: library/redis
tag: "7.0"
hasTls: True
hasThreads: True
hasLazyDeletes: True
hasLazyFlushes: True
hasHostnames: True
hasSentinelNames: True
announcesTlsPort: True
{{- end }}
{{- if eq .Values.version "Redis 8.0" }}
repository: library/redis
tag: "8.0"
hasTls: True
hasThreads: True
hasLazyDeletes: True
hasLazyFlushes: True
hasHostnames: True
hasSentinelNames: True
announcesTlsPort: True
{{- end }}
{{- if eq .Values.version "Valkey 8.1" }}
repository: valkey/valkey
tag: "8.1"
hasTls: True
hasThreads: True
hasLazyDeletes: True
hasLazyFlushes: True
hasHostnames: True
hasSentinelNames: True
announcesTlsPort: True
{{- end }}
{{- if eq .Values.version "Valkey 9.1" }}
repository: valkey/valkey
tag: "9.1"
hasTls: True
hasThreads: True
hasLazyDeletes: True
hasLazyFlushes: True
hasHostnames: True
hasSentinelNames: True
announcesTlsPort: True
{{- end }}
{{- end }}

{{/* The image of the server: the official one unless something is set. */}}
{{- define "redis-cluster.serverImage" -}}
{{- $implied := include "redis-cluster.implied" . | fromYaml }}
{{- $image := .Values.server.image }}
{{- include "redis-cluster.image" (dict "root" . "image" (dict "repository" (default $implied.repository $image.repository) "tag" (default $implied.tag $image.tag))) }}
{{- end }}

{{/* Memory for data in MB. */}}
{{- define "redis-cluster.dataMegabytes" -}}
{{- $percent := default (ternary 75 60 (eq .Values.persistence.mode "None")) (int .Values.memory.percent) }}
{{- div (mul (include "redis-cluster.mebibytes" .Values.server.resources.limits.memory | int) $percent) 100 }}
{{- end }}

{{/* Seconds that the server may take to stop, unless a field says otherwise. */}}
{{- define "redis-cluster.stopSeconds" -}}
{{- add 60 (div (include "redis-cluster.mebibytes" .Values.server.resources.limits.memory | int) 32) }}
{{- end }}

{{/* Seconds that an operation takes at most, as an estimate: all servers restart, one after the other, and shards, each beside the
     others, send away what they have. */}}
{{- define "redis-cluster.estimateSeconds" -}}
{{- $servers := mul (int .Values.shards.count) (add (int .Values.shards.replicasPerShard) 1) }}
{{- $restart := add (include "redis-cluster.stopSeconds" . | int) (int .Values.server.pod.startupSeconds) }}
{{- add 600 (mul $servers $restart) (div (include "redis-cluster.dataMegabytes" . | int) 4) }}
{{- end }}

{{/* The name of a server behind that of its pod: of the Service of all servers. */}}
{{- define "redis-cluster.servers" -}}
{{ include "redis-cluster.fullName" . }}-servers.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{/* The settings by which servers announce ports of nodes, each with that of the first server. Of old ones, clients learn one port. */}}
{{- define "redis-cluster.announced" -}}
{{- $outside := .Values.outside }}
{{- $hasTls := not (empty .Values.tls.secretName) }}
{{- $isApart := (include "redis-cluster.implied" . | fromYaml).announcesTlsPort }}
{{- $announced := list (printf "cluster-announce-bus-port=%d" (int $outside.firstBusNodePort)) }}
{{- if and $hasTls $isApart }}
{{- $announced = append $announced (printf "cluster-announce-tls-port=%d" (int $outside.firstTlsNodePort)) }}
{{- else if $hasTls }}
{{- $announced = append $announced (printf "cluster-announce-port=%d" (int $outside.firstTlsNodePort)) }}
{{- end }}
{{- if and (not .Values.tls.enforced) (or $isApart (not $hasTls)) }}
{{- $announced = append $announced (printf "cluster-announce-port=%d" (int $outside.firstNodePort)) }}
{{- end }}
{{- join " " $announced }}
{{- end }}

{{/* The port at which servers speak to each other. */}}
{{- define "redis-cluster.busPort" -}}
{{ ternary 16379 16380 (empty .Values.tls.secretName) }}
{{- end }}

{{/* Seconds that a hook Job may run. */}}
{{- define "redis-cluster.deadlineSeconds" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- if $set }}{{ $set }}{{ else }}{{ max 3600 (add (include "redis-cluster.estimateSeconds" . | int) 600) }}{{ end }}
{{- end }}

{{/* The Secret with the password; nothing where there is none. */}}
{{- define "redis-cluster.passwordSecret" -}}
{{- if eq .Values.authentication.source "Generated" }}{{ include "redis-cluster.fullName" . }}-password{{ else if eq .Values.authentication.source "Secret" }}{{ .Values.authentication.secretName }}{{ end }}
{{- end }}

{{/* The key in it. */}}
{{- define "redis-cluster.passwordKey" -}}
{{- if eq .Values.authentication.source "Secret" }}{{ .Values.authentication.secretKey }}{{ else }}password{{ end }}
{{- end }}

{{/* Whether there are snapshots, and whether there is an append-only file: text that is empty where not. */}}
{{- define "redis-cluster.hasSnapshots" -}}
{{- if has .Values.persistence.mode (list "Snapshots" "Both") }}yes{{ end }}
{{- end }}

{{- define "redis-cluster.hasAppendOnlyFile" -}}
{{- if has .Values.persistence.mode (list "AppendOnly" "Both") }}yes{{ end }}
{{- end }}
