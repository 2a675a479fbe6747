{{/* Names, labels and sizes that several templates share. */}}

{{/* The name from which all others are made. The chart's name is written out: as a subchart it may have an alias. */}}
{{- define "rocketmq.fullName" -}}
{{- if contains "rocketmq" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-rocketmq{{ end }}
{{- end }}

{{/* Labels of pods, the same for the life of a release. Argo CD rewrites the instance on objects, so no selector uses it. */}}
{{- define "rocketmq.podLabels" -}}
app.kubernetes.io/name: rocketmq
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
midships/cluster: {{ include "rocketmq.fullName" . }}
{{- end }}

{{/* Labels of objects. */}}
{{- define "rocketmq.labels" -}}
{{ include "rocketmq.podLabels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image: takes a dict of the root and the image's values. A repository that names its registry stands as it is. */}}
{{- define "rocketmq.image" -}}
{{- $first := .image.repository | splitList "/" | first }}
{{- $named := and (contains "/" .image.repository) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) }}
{{- if and .root.Values.imageRegistry (not $named) }}{{ .root.Values.imageRegistry }}/{{ end }}{{ .image.repository }}:{{ .image.tag }}
{{- end }}

{{/* CPU and memory of a container. Empty amounts are left out. */}}
{{- define "rocketmq.resources" -}}
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
{{- define "rocketmq.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int }}
{{- if hasSuffix "Ti" . }}{{ mul $number 1048576 }}{{ else if hasSuffix "Gi" . }}{{ mul $number 1024 }}{{ else }}{{ $number }}{{ end }}
{{- end }}

{{/* An amount of CPU in thousandths of a core. */}}
{{- define "rocketmq.thousandths" -}}
{{- $text := toString . }}
{{- if hasSuffix "m" $text }}{{ trimSuffix "m" $text }}{{ else }}{{ mul (int $text) 1000 }}{{ end }}
{{- end }}

{{/* The heap of a name server in MB. */}}
{{- define "rocketmq.heap.nameServers" -}}
{{- $set := int .Values.nameServers.heapMegabytes }}
{{- if $set }}{{ $set }}{{ else }}{{ div (include "rocketmq.mebibytes" .Values.nameServers.resources.limits.memory | int) 2 }}{{ end }}
{{- end }}

{{/* The direct memory of a name server in MB: a quarter of what the heap leaves, rounded up. */}}
{{- define "rocketmq.directMemory.nameServers" -}}
{{- $rest := sub (include "rocketmq.mebibytes" .Values.nameServers.resources.limits.memory | int) (include "rocketmq.heap.nameServers" . | int) }}
{{- div (add (max $rest 0) 3) 4 }}
{{- end }}

{{/* The heap of a controller in MB. */}}
{{- define "rocketmq.heap.controllers" -}}
{{- $set := int .Values.controllers.heapMegabytes }}
{{- if $set }}{{ $set }}{{ else }}{{ div (include "rocketmq.mebibytes" .Values.controllers.resources.limits.memory | int) 2 }}{{ end }}
{{- end }}

{{/* The direct memory of a controller in MB: a quarter of what the heap leaves, rounded up. */}}
{{- define "rocketmq.directMemory.controllers" -}}
{{- $rest := sub (include "rocketmq.mebibytes" .Values.controllers.resources.limits.memory | int) (include "rocketmq.heap.controllers" . | int) }}
{{- div (add (max $rest 0) 3) 4 }}
{{- end }}

{{/* The heap of a console in MB. */}}
{{- define "rocketmq.heap.console" -}}
{{- $set := int .Values.console.heapMegabytes }}
{{- if $set }}{{ $set }}{{ else }}{{ div (include "rocketmq.mebibytes" .Values.console.resources.limits.memory | int) 2 }}{{ end }}
{{- end }}

{{/* The direct memory of a console in MB: a quarter of what the heap leaves, rounded up. */}}
{{- define "rocketmq.directMemory.console" -}}
{{- $rest := sub (include "rocketmq.mebibytes" .Values.console.resources.limits.memory | int) (include "rocketmq.heap.console" . | int) }}
{{- div (add (max $rest 0) 3) 4 }}
{{- end }}

{{/* The heap of a broker in MB. */}}
{{- define "rocketmq.heap.brokers" -}}
{{- $set := int .Values.brokers.heapMegabytes }}
{{- if $set }}{{ $set }}{{ else }}{{ div (mul (include "rocketmq.mebibytes" .Values.brokers.resources.limits.memory | int) 2) 5 }}{{ end }}
{{- end }}

{{/* The heap of a proxy in MB. */}}
{{- define "rocketmq.heap.proxy" -}}
{{- $set := int .Values.proxy.heapMegabytes }}
{{- if $set }}{{ $set }}{{ else }}{{ div (mul (include "rocketmq.mebibytes" .Values.proxy.resources.limits.memory | int) 2) 5 }}{{ end }}
{{- end }}

{{/* The direct memory of a broker in MB. */}}
{{- define "rocketmq.directMemory.brokers" -}}
{{- $set := int .Values.brokers.directMemoryMegabytes }}
{{- if $set }}{{ $set }}{{ else }}{{ div (include "rocketmq.mebibytes" .Values.brokers.resources.limits.memory | int) 4 }}{{ end }}
{{- end }}

{{/* The direct memory in MB of each of the two servers in a proxy. */}}
{{- define "rocketmq.directMemory.proxy" -}}
{{ div (include "rocketmq.mebibytes" .Values.proxy.resources.limits.memory | int) 8 }}
{{- end }}

{{/* Seconds that a broker's drain waits. */}}
{{- define "rocketmq.drainSeconds" -}}
{{ add (int .Values.brokers.clientRouteRefreshSeconds) 15 }}
{{- end }}

{{/* Seconds that an operation takes at most, as an estimate: every broker is restarted, one at a time. */}}
{{- define "rocketmq.estimateSeconds" -}}
{{- $restart := mul (div (add (mul (int .Values.brokers.clientRouteRefreshSeconds) 3) 179) 60) 60 }}
{{- $brokers := mul (int .Values.brokers.groups) (add (int .Values.brokers.replicasPerGroup) 1) }}
{{- add 600 (ternary (mul $brokers $restart) 0 .Values.brokers.enabled) }}
{{- end }}

{{/* The same when groups leave, whose consumers have their time before. */}}
{{- define "rocketmq.removalSeconds" -}}
{{- add (include "rocketmq.estimateSeconds" . | int) (ternary (mul (int .Values.brokers.drainMinutes) 60) 0 .Values.brokers.enabled) }}
{{- end }}

{{/* Seconds that a hook Job may run. */}}
{{- define "rocketmq.deadlineSeconds" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- if $set }}{{ $set }}{{ else }}{{ max 3600 (add (include "rocketmq.removalSeconds" . | int) 600) }}{{ end }}
{{- end }}

{{/* Who a broker is within its group, as names say it: takes a dict of the root and the number in it. Where masters are elected, a
     name says no more than the number. */}}
{{- define "rocketmq.brokerRole" -}}
{{- if .root.Values.controllers.enabled }}{{ .number }}{{ else if eq .number 0 }}master{{ else }}replica-{{ .number }}{{ end }}
{{- end }}

{{/* The same as a label, and the label of a broker's Services and pod. */}}
{{- define "rocketmq.brokerLabel" -}}
{{- if .root.Values.controllers.enabled }}midships/number: {{ .number | quote }}{{ else }}midships/role: {{ include "rocketmq.brokerRole" . }}{{ end }}
{{- end }}

{{/* The DNS name that a broker registers, of a Service of its own: takes a dict of the root, the group and the role. */}}
{{- define "rocketmq.brokerHost" -}}
{{ include "rocketmq.fullName" .root }}-broker-{{ .group }}-{{ .role }}.{{ .root.Release.Namespace }}.svc.{{ .root.Values.clusterDomain }}
{{- end }}

{{/* The port at which a broker listens, and which it registers: takes a dict of the root, the group and the number in it. */}}
{{- define "rocketmq.brokerPort" -}}
{{- $outside := .root.Values.outside }}
{{- if $outside.nodePorts }}
{{- add (int $outside.firstNodePort) (mul 4 (add (mul (int .group) 5) (int .number) 1)) }}
{{- else }}
{{- print 10911 }}
{{- end }}
{{- end }}

{{/* The last port of nodes that name servers and brokers have, whatever the replicas are. */}}
{{- define "rocketmq.lastNodePort" -}}
{{- if .Values.brokers.enabled }}
{{- include "rocketmq.brokerPort" (dict "root" . "group" (sub (int .Values.brokers.groups) 1) "number" 4) }}
{{- else }}
{{- int .Values.outside.firstNodePort }}
{{- end }}
{{- end }}

{{/* The DNS name of the proxies. */}}
{{- define "rocketmq.proxyHost" -}}
{{ include "rocketmq.fullName" . }}-proxy.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}
{{- end }}

{{/* The name of the cluster that brokers register. */}}
{{- define "rocketmq.clusterName" -}}
{{ default (include "rocketmq.fullName" .) .Values.brokers.clusterName }}
{{- end }}

{{/* The name server list that brokers read, joined by semicolons. */}}
{{- define "rocketmq.nameServerList" -}}
{{- $addresses := list }}
{{- if eq .Values.nameServers.source "Addresses" }}
{{- $addresses = .Values.nameServers.addresses }}
{{- else }}
{{- $service := printf "%s-name-server" (include "rocketmq.fullName" .) }}
{{- $namespace := .Release.Namespace }}
{{- $count := int .Values.nameServers.count }}
{{- if eq .Values.nameServers.source "Release" }}
{{- $other := .Values.nameServers.release }}
{{- $service = printf "%s-name-server" (ternary $other.name (printf "%s-rocketmq" $other.name) (contains "rocketmq" $other.name)) }}
{{- $namespace = default .Release.Namespace $other.namespace }}
{{- $count = int $other.count }}
{{- end }}
{{- range $number := until $count }}
{{- $addresses = append $addresses (printf "%s-%d.%s.%s.svc.%s:9876" $service $number $service $namespace $.Values.clusterDomain) }}
{{- end }}
{{- end }}
{{- join ";" $addresses }}
{{- end }}
