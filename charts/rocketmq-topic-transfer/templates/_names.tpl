{{/* Names, labels and durations that several templates share. */}}

{{/* The name from which all others are made. The chart's name is written out: as a subchart it may have an alias. */}}
{{- define "rocketmq-topic-transfer.fullName" -}}
{{- if contains "rocketmq-topic-transfer" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-rocketmq-topic-transfer{{ end }}
{{- end }}

{{/* Labels of pods, the same for the life of a release. Argo CD rewrites the instance on objects, so no selector uses it. */}}
{{- define "rocketmq-topic-transfer.podLabels" -}}
app.kubernetes.io/name: rocketmq-topic-transfer
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
midships/cluster: {{ include "rocketmq-topic-transfer.fullName" . }}
{{- end }}

{{/* Labels of objects. */}}
{{- define "rocketmq-topic-transfer.labels" -}}
{{ include "rocketmq-topic-transfer.podLabels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image: takes a dict of the root and the image's values. A repository that names its registry stands as it is. */}}
{{- define "rocketmq-topic-transfer.image" -}}
{{- $first := .image.repository | splitList "/" | first }}
{{- $named := and (contains "/" .image.repository) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) }}
{{- if and .root.Values.imageRegistry (not $named) }}{{ .root.Values.imageRegistry }}/{{ end }}{{ .image.repository }}:{{ .image.tag }}
{{- end }}

{{/* CPU and memory of a container. Empty amounts are left out. */}}
{{- define "rocketmq-topic-transfer.resources" -}}
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
{{- define "rocketmq-topic-transfer.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int }}
{{- if hasSuffix "Ti" . }}{{ mul $number 1048576 }}{{ else if hasSuffix "Gi" . }}{{ mul $number 1024 }}{{ else }}{{ $number }}{{ end }}
{{- end }}

{{/* An amount of CPU in thousandths of a core. */}}
{{- define "rocketmq-topic-transfer.thousandths" -}}
{{- $text := toString . }}
{{- if hasSuffix "m" $text }}{{ trimSuffix "m" $text }}{{ else }}{{ mul (int $text) 1000 }}{{ end }}
{{- end }}

{{/* Seconds that a transfer takes at most, or one that fails with its undoing, as an estimate. */}}
{{- define "rocketmq-topic-transfer.estimateSeconds" -}}
{{ add 1200 (mul 10 (int .Values.clientRouteRefreshSeconds)) (mul 120 (int .Values.drainMinutes)) }}
{{- end }}

{{/* Seconds that the Job may run. */}}
{{- define "rocketmq-topic-transfer.deadlineSeconds" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- if $set }}{{ $set }}{{ else }}{{ add (include "rocketmq-topic-transfer.estimateSeconds" . | int) 600 }}{{ end }}
{{- end }}
