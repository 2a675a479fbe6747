{{/* Names, labels and sizes that several templates share. */}}

<% include "shared/names" %>
{{/* What the version implies. */}}
{{- define "redis.implied" -}}
<% for version in versions %>
{{- if eq .Values.version "<< version.name >>" }}
repository: << version.repository >>
tag: "<< version.tag >>"
hasTls: << version.hasTls >>
hasThreads: << version.hasThreads >>
hasLazyDeletes: << version.hasLazyDeletes >>
hasLazyFlushes: << version.hasLazyFlushes >>
{{- end }}
<% endfor %>
{{- end }}

{{/* The image of the server: the official one unless something is set. */}}
{{- define "redis.serverImage" -}}
{{- $implied := include "redis.implied" . | fromYaml }}
{{- $image := .Values.server.image }}
{{- include "redis.image" (dict "root" . "image" (dict "repository" (default $implied.repository $image.repository) "tag" (default $implied.tag $image.tag))) }}
{{- end }}

{{/* Memory for data in MB. */}}
{{- define "redis.dataMegabytes" -}}
{{- $percent := default (ternary << memoryPercent >> << memoryPercentOfWriters >> (eq .Values.persistence.mode "None")) (int .Values.memory.percent) }}
{{- div (mul (include "redis.mebibytes" .Values.server.resources.limits.memory | int) $percent) 100 }}
{{- end }}

{{/* Seconds that the server may take to stop, unless a field says otherwise. */}}
{{- define "redis.stopSeconds" -}}
{{- add << stop >> (div (include "redis.mebibytes" .Values.server.resources.limits.memory | int) << megabytesASecond >>) }}
{{- end }}

{{/* Seconds that an operation takes at most, as an estimate: the server stops and starts once. */}}
{{- define "redis.estimateSeconds" -}}
{{- add << operationSeconds >> (include "redis.stopSeconds" . | int) (int .Values.server.pod.startupSeconds) }}
{{- end }}

{{/* Seconds that a hook Job may run. */}}
{{- define "redis.deadlineSeconds" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- if $set }}{{ $set }}{{ else }}{{ max << leastDeadline >> (add (include "redis.estimateSeconds" . | int) << deadlineMargin >>) }}{{ end }}
{{- end }}

{{/* The Secret with the password; nothing where there is none. */}}
{{- define "redis.passwordSecret" -}}
{{- if eq .Values.authentication.source "Generated" }}{{ include "redis.fullName" . }}-password{{ else if eq .Values.authentication.source "Secret" }}{{ .Values.authentication.secretName }}{{ end }}
{{- end }}

{{/* The key in it. */}}
{{- define "redis.passwordKey" -}}
{{- if eq .Values.authentication.source "Secret" }}{{ .Values.authentication.secretKey }}{{ else }}<< passwordKey >>{{ end }}
{{- end }}

{{/* Whether there are snapshots, and whether there is an append-only file: text that is empty where not. */}}
{{- define "redis.hasSnapshots" -}}
{{- if has .Values.persistence.mode (list "Snapshots" "Both") }}yes{{ end }}
{{- end }}

{{- define "redis.hasAppendOnlyFile" -}}
{{- if has .Values.persistence.mode (list "AppendOnly" "Both") }}yes{{ end }}
{{- end }}
