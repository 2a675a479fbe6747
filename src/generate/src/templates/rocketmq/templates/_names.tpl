{{/* Names, labels and sizes that several templates share. */}}

<% include "shared/names" %>
<% for section, name in [("nameServers", "name server"), ("controllers", "controller"), ("console", "console")] %>
{{/* The heap of a << name >> in MB. */}}
{{- define "rocketmq.heap.<< section >>" -}}
{{- $set := int .Values.<< section >>.heapMegabytes }}
{{- if $set }}{{ $set }}{{ else }}{{ div (include "rocketmq.mebibytes" .Values.<< section >>.resources.limits.memory | int) 2 }}{{ end }}
{{- end }}

{{/* The direct memory of a << name >> in MB: a quarter of what the heap leaves, rounded up. */}}
{{- define "rocketmq.directMemory.<< section >>" -}}
{{- $rest := sub (include "rocketmq.mebibytes" .Values.<< section >>.resources.limits.memory | int) (include "rocketmq.heap.<< section >>" . | int) }}
{{- div (add (max $rest 0) 3) 4 }}
{{- end }}

<% endfor %>
<% for section, name in [("brokers", "broker"), ("proxy", "proxy")] %>
{{/* The heap of a << name >> in MB. */}}
{{- define "rocketmq.heap.<< section >>" -}}
{{- $set := int .Values.<< section >>.heapMegabytes }}
{{- if $set }}{{ $set }}{{ else }}{{ div (mul (include "rocketmq.mebibytes" .Values.<< section >>.resources.limits.memory | int) 2) 5 }}{{ end }}
{{- end }}

<% endfor %>
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
{{ add (int .Values.brokers.clientRouteRefreshSeconds) << drainMargin >> }}
{{- end }}

{{/* Seconds that an operation takes at most, as an estimate: every broker is restarted, one at a time. */}}
{{- define "rocketmq.estimateSeconds" -}}
{{- $restart := mul (div (add (mul (int .Values.brokers.clientRouteRefreshSeconds) 3) << restartSeconds + 59 >>) 60) 60 }}
{{- $brokers := mul (int .Values.brokers.groups) (add (int .Values.brokers.replicasPerGroup) 1) }}
{{- add << operationSeconds >> (ternary (mul $brokers $restart) 0 .Values.brokers.enabled) }}
{{- end }}

{{/* The same when groups leave, whose consumers have their time before. */}}
{{- define "rocketmq.removalSeconds" -}}
{{- add (include "rocketmq.estimateSeconds" . | int) (ternary (mul (int .Values.brokers.drainMinutes) 60) 0 .Values.brokers.enabled) }}
{{- end }}

{{/* Seconds that a hook Job may run. */}}
{{- define "rocketmq.deadlineSeconds" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- if $set }}{{ $set }}{{ else }}{{ max << leastDeadline >> (add (include "rocketmq.removalSeconds" . | int) << deadlineMargin >>) }}{{ end }}
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
{{- add (int $outside.firstNodePort) (mul << nodePortsOfBroker >> (add (mul (int .group) << mostReplicas + 1 >>) (int .number) 1)) }}
{{- else }}
{{- print << brokerPort >> }}
{{- end }}
{{- end }}

{{/* The last port of nodes that name servers and brokers have, whatever the replicas are. */}}
{{- define "rocketmq.lastNodePort" -}}
{{- if .Values.brokers.enabled }}
{{- include "rocketmq.brokerPort" (dict "root" . "group" (sub (int .Values.brokers.groups) 1) "number" << mostReplicas >>) }}
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
{{- $service = printf "%s-name-server" (ternary $other.name (printf "%s-<< chart >>" $other.name) (contains "<< chart >>" $other.name)) }}
{{- $namespace = default .Release.Namespace $other.namespace }}
{{- $count = int $other.count }}
{{- end }}
{{- range $number := until $count }}
{{- $addresses = append $addresses (printf "%s-%d.%s.%s.svc.%s:<< nameServerPort >>" $service $number $service $namespace $.Values.clusterDomain) }}
{{- end }}
{{- end }}
{{- join ";" $addresses }}
{{- end }}
