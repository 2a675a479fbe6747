{{/* What the schema cannot say: each rule writes a line `path|found` for what it refuses. */}}

{{- define "rocketmq-topic-transfer.rule.sides-are-named.source" -}}
{{- if not (or .Values.source.release .Values.source.cluster) }}
source.release|nothing
{{- end }}
{{- end }}

{{- define "rocketmq-topic-transfer.rule.sides-are-named.target" -}}
{{- if not (or .Values.target.release .Values.target.cluster) }}
target.release|nothing
{{- end }}
{{- end }}

{{- define "rocketmq-topic-transfer.rule.name-servers-are-found" -}}
{{- if not (or .Values.source.release .Values.nameServers.addresses) }}
nameServers.addresses|none
{{- end }}
{{- end }}

{{- define "rocketmq-topic-transfer.rule.sides-differ" -}}
{{- $named := or .Values.source.release .Values.source.cluster }}
{{- if and $named (eq (toJson .Values.source) (toJson .Values.target)) }}
target.release|{{ .Values.target.release }}
{{- end }}
{{- end }}

{{- define "rocketmq-topic-transfer.rule.deadline-covers-estimate" -}}
{{- $set := int .Values.hook.deadlineSeconds }}
{{- $estimate := include "rocketmq-topic-transfer.estimateSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $estimate) }}
hook.deadlineSeconds|{{ $set }} s with an estimate of {{ $estimate }} s
{{- end }}
{{- end }}

{{- define "rocketmq-topic-transfer.rule.requests-are-within-limits.hook" -}}
{{- $resources := .Values.hook.resources }}
{{- if gt (include "rocketmq-topic-transfer.mebibytes" $resources.requests.memory | int) (include "rocketmq-topic-transfer.mebibytes" $resources.limits.memory | int) }}
hook.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "rocketmq-topic-transfer.thousandths" $resources.requests.cpu | int) (include "rocketmq-topic-transfer.thousandths" $resources.limits.cpu | int) }}
hook.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq-topic-transfer.rule.labels-are-not-owned.commonLabels" -}}
{{- range $key, $_ := .Values.commonLabels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
commonLabels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq-topic-transfer.rule.labels-are-not-owned.hook.labels" -}}
{{- range $key, $_ := .Values.hook.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
hook.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq-topic-transfer.rule.annotations-are-not-hooks.commonAnnotations" -}}
{{- range $key, $_ := .Values.commonAnnotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
commonAnnotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq-topic-transfer.rule.annotations-are-not-hooks.hook.annotations" -}}
{{- range $key, $_ := .Values.hook.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
hook.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "rocketmq-topic-transfer.rule.names-fit" -}}
{{- $name := include "rocketmq-topic-transfer.fullName" . }}
{{- if gt (len $name) 63 }}
Release.Name|{{ $name }} with {{ len $name }} characters
{{- end }}
{{- end }}

{{/* Everything that is refused, at once. What does not matter with these values is not looked at. */}}
{{- define "rocketmq-topic-transfer.refuse" -}}
{{- $findings := list }}
{{- $hidden := list }}
{{- if and (and true ) (empty .Values.topic) }}
{{- $findings = append $findings "topic: found nothing; allowed: a value; fill in the field" }}
{{- end }}
{{- $violations := list }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.sides-are-named.source" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a release or a cluster; set release to a release of the chart rocketmq, or cluster to the name that its brokers register")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.sides-are-named.target" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a release or a cluster; set release to a release of the chart rocketmq, or cluster to the name that its brokers register")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.name-servers-are-found" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at least one address while source.release is empty; name a name server that both sides use, such as shop-rocketmq-name-server-0.shop-rocketmq-name-server:9876")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.sides-differ" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: another release, cluster or groups than those of the source; name the release, the cluster or the groups that the topic goes to")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.deadline-covers-estimate" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: 0, or at least as long as a transfer takes by the estimate of the release's notes; set hook.deadlineSeconds to 0: it is then derived")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.requests-are-within-limits.hook" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.labels-are-not-owned.commonLabels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.labels-are-not-owned.hook.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.annotations-are-not-hooks.commonAnnotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.annotations-are-not-hooks.hook.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "rocketmq-topic-transfer.rule.names-fit" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a full name of at most 63 characters; choose a shorter release name; one that contains rocketmq-topic-transfer gets no suffix")) }}
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
