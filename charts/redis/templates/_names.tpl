{{/* Names, labels and sizes that several templates share. */}}

{{/* The name from which all others are made. The chart's name is written out: as a subchart it may have an alias. */}}
{{- define "redis.fullName" -}}
{{- if contains "redis" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-redis{{ end }}
{{- end }}

{{/* Labels of pods, the same for the life of a release. Argo CD rewrites the instance on objects, so no selector uses it. */}}
{{- define "redis.podLabels" -}}
app.kubernetes.io/name: redis
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
midships/cluster: {{ include "redis.fullName" . }}
{{- end }}

{{/* Labels of objects. */}}
{{- define "redis.labels" -}}
{{ include "redis.podLabels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image: takes a dict of the root and the image's values. A repository that names its registry stands as it is. */}}
{{- define "redis.image" -}}
{{- $first := .image.repository | splitList "/" | first }}
{{- $named := and (contains "/" .image.repository) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) }}
{{- if and .root.Values.imageRegistry (not $named) }}{{ .root.Values.imageRegistry }}/{{ end }}{{ .image.repository }}:{{ .image.tag }}
{{- end }}

{{/* CPU and memory of a container. Empty amounts are left out. */}}
{{- define "redis.resources" -}}
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
{{- define "redis.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int }}
{{- if hasSuffix "Ti" . }}{{ mul $number 1048576 }}{{ else if hasSuffix "Gi" . }}{{ mul $number 1024 }}{{ else }}{{ $number }}{{ end }}
{{- end }}

{{/* An amount of CPU in thousandths of a core. */}}
{{- define "redis.thousandths" -}}
{{- $text := toString . }}
{{- if hasSuffix "m" $text }}{{ trimSuffix "m" $text }}{{ else }}{{ mul (int $text) 1000 }}{{ end }}
{{- end }}

{{/* What the version implies. */}}
{{- define "redis.implied" -}}
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
{{- define "redis.serverImage" -}}
{{- $implied := include "redis.implied" . | fromYaml }}
{{- $image := .Values.server.image }}
{{- include "redis.image" (dict "root" . "image" (dict "repository" (default $implied.repository $image.repository) "tag" (default $implied.tag $image.tag))) }}
{{- end }}

{{/* Memory for data in MB. */}}
{{- define "redis.dataMegabytes" -}}
{{- $percent := default (ternary 75 60 (eq .Values.persistence.mode "None")) (int .Values.memory.percent) }}
{{- div (mul (include "redis.mebibytes" .Values.server.resources.limits.memory | int) $percent) 100 }}
{{- end }}

{{/* Seconds that the server may take to stop, unless a field says otherwise. */}}
{{- define "redis.stopSeconds" -}}
{{- add 60 (div (include "redis.mebibytes" .Values.server.resources.limits.memory | int) 32) }}
{{- end }}

{{/* Seconds that an operation takes at most, as an estimate: the server stops and starts once. */}}
{{- define "redis.estimateSeconds" -}}
{{- add 600 (include "redis.stopSeconds" . | int) (int .Values.server.pod.startupSeconds) }}
{{- end }}

{{/* Seconds that a hook Job may run. */}}
{{- define "redis.deadlineSeconds" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- if $set }}{{ $set }}{{ else }}{{ max 3600 (add (include "redis.estimateSeconds" . | int) 600) }}{{ end }}
{{- end }}

{{/* The Secret with the password; nothing where there is none. */}}
{{- define "redis.passwordSecret" -}}
{{- if eq .Values.authentication.source "Generated" }}{{ include "redis.fullName" . }}-password{{ else if eq .Values.authentication.source "Secret" }}{{ .Values.authentication.secretName }}{{ end }}
{{- end }}

{{/* The key in it. */}}
{{- define "redis.passwordKey" -}}
{{- if eq .Values.authentication.source "Secret" }}{{ .Values.authentication.secretKey }}{{ else }}password{{ end }}
{{- end }}

{{/* Whether there are snapshots, and whether there is an append-only file: text that is empty where not. */}}
{{- define "redis.hasSnapshots" -}}
{{- if has .Values.persistence.mode (list "Snapshots" "Both") }}yes{{ end }}
{{- end }}

{{- define "redis.hasAppendOnlyFile" -}}
{{- if has .Values.persistence.mode (list "AppendOnly" "Both") }}yes{{ end }}
{{- end }}
