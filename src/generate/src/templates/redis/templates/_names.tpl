{{/* Names, labels and sizes that several templates share. */}}

<% include "shared/names" %>
{{/* What the version implies. */}}
{{- define "<< chart >>.implied" -}}
<% for version in versions %>
{{- if eq .Values.version "<< version.name >>" }}
repository: << version.repository >>
tag: "<< version.tag >>"
hasTls: << version.hasTls >>
hasThreads: << version.hasThreads >>
hasLazyDeletes: << version.hasLazyDeletes >>
hasLazyFlushes: << version.hasLazyFlushes >>
hasHostnames: << version.hasHostnames >>
hasSentinelNames: << version.hasSentinelNames >>
announcesTlsPort: << version.announcesTlsPort >>
{{- end }}
<% endfor %>
{{- end }}

{{/* The image of the server: the official one unless something is set. */}}
{{- define "<< chart >>.serverImage" -}}
{{- $implied := include "<< chart >>.implied" . | fromYaml }}
{{- $image := .Values.server.image }}
{{- include "<< chart >>.image" (dict "root" . "image" (dict "repository" (default $implied.repository $image.repository) "tag" (default $implied.tag $image.tag))) }}
{{- end }}

{{/* Memory for data in MB. */}}
{{- define "<< chart >>.dataMegabytes" -}}
{{- $percent := default (ternary << memoryPercent >> << memoryPercentOfWriters >> (eq .Values.persistence.mode "None")) (int .Values.memory.percent) }}
{{- div (mul (include "<< chart >>.mebibytes" .Values.server.resources.limits.memory | int) $percent) 100 }}
{{- end }}

{{/* Seconds that the server may take to stop, unless a field says otherwise. */}}
{{- define "<< chart >>.stopSeconds" -}}
{{- add << stop >> (div (include "<< chart >>.mebibytes" .Values.server.resources.limits.memory | int) << megabytesASecond >>) }}
{{- end }}

<% if isCluster %>
{{/* Seconds that an operation takes at most, as an estimate: all servers restart, one after the other, and shards, each beside the
     others, send away what they have. */}}
{{- define "<< chart >>.estimateSeconds" -}}
{{- $servers := mul (int .Values.shards.count) (add (int .Values.shards.replicasPerShard) 1) }}
{{- $restart := add (include "<< chart >>.stopSeconds" . | int) (int .Values.server.pod.startupSeconds) }}
{{- add << operationSeconds >> (mul $servers $restart) (div (include "<< chart >>.dataMegabytes" . | int) << megabytesMovedASecond >>) }}
{{- end }}

{{/* The name of a server behind that of its pod: of the Service of all servers. */}}
{{- define "<< chart >>.servers" -}}
{{ include "<< chart >>.fullName" . }}-servers.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{/* The settings by which servers announce ports of nodes, each with that of the first server. Of old ones, clients learn one port. */}}
{{- define "<< chart >>.announced" -}}
{{- $outside := .Values.outside }}
{{- $hasTls := not (empty .Values.tls.secretName) }}
{{- $isApart := (include "<< chart >>.implied" . | fromYaml).announcesTlsPort }}
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
{{- define "<< chart >>.busPort" -}}
{{ ternary << port + busAbove >> << tlsPort + busAbove >> (empty .Values.tls.secretName) }}
{{- end }}
<% elif isSentinel %>
{{/* Seconds that an operation takes at most, as an estimate: all servers restart, one after the other, and all Sentinels. */}}
{{- define "<< chart >>.estimateSeconds" -}}
{{- $restart := add (include "<< chart >>.stopSeconds" . | int) (int .Values.server.pod.startupSeconds) }}
{{- add << operationSeconds >> (mul (add (int .Values.servers.replicas) 1) $restart) (mul (int .Values.sentinels.count) << sentinelRestart >>) }}
{{- end }}

{{/* How many Sentinels must miss the master. */}}
{{- define "<< chart >>.quorum" -}}
{{ default (add (div (int .Values.sentinels.count) 2) 1) (int .Values.sentinels.quorum) }}
{{- end }}
<% else %>
{{/* Seconds that an operation takes at most, as an estimate: the server stops and starts once. */}}
{{- define "<< chart >>.estimateSeconds" -}}
{{- add << operationSeconds >> (include "<< chart >>.stopSeconds" . | int) (int .Values.server.pod.startupSeconds) }}
{{- end }}
<% endif %>

{{/* Seconds that a hook Job may run. */}}
{{- define "<< chart >>.deadlineSeconds" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- if $set }}{{ $set }}{{ else }}{{ max << leastDeadline >> (add (include "<< chart >>.estimateSeconds" . | int) << deadlineMargin >>) }}{{ end }}
{{- end }}

{{/* The Secret with the password; nothing where there is none. */}}
{{- define "<< chart >>.passwordSecret" -}}
{{- if eq .Values.authentication.source "Generated" }}{{ include "<< chart >>.fullName" . }}-password{{ else if eq .Values.authentication.source "Secret" }}{{ .Values.authentication.secretName }}{{ end }}
{{- end }}

{{/* The key in it. */}}
{{- define "<< chart >>.passwordKey" -}}
{{- if eq .Values.authentication.source "Secret" }}{{ .Values.authentication.secretKey }}{{ else }}<< passwordKey >>{{ end }}
{{- end }}

{{/* Whether there are snapshots, and whether there is an append-only file: text that is empty where not. */}}
{{- define "<< chart >>.hasSnapshots" -}}
{{- if has .Values.persistence.mode (list "Snapshots" "Both") }}yes{{ end }}
{{- end }}

{{- define "<< chart >>.hasAppendOnlyFile" -}}
{{- if has .Values.persistence.mode (list "AppendOnly" "Both") }}yes{{ end }}
{{- end }}
