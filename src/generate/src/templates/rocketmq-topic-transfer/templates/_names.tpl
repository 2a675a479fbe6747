{{/* Names, labels and durations that several templates share. */}}

<% include "shared/names" %>
{{/* Seconds that a transfer takes at most, or one that fails with its undoing, as an estimate. */}}
{{- define "rocketmq-topic-transfer.estimateSeconds" -}}
{{ add << transferSeconds >> (mul << looksAtRoutes >> (int .Values.clientRouteRefreshSeconds)) (mul 120 (int .Values.drainMinutes)) }}
{{- end }}

{{/* Seconds that the Job may run. */}}
{{- define "rocketmq-topic-transfer.deadlineSeconds" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- if $set }}{{ $set }}{{ else }}{{ add (include "rocketmq-topic-transfer.estimateSeconds" . | int) << deadlineMargin >> }}{{ end }}
{{- end }}
