{{/* What the schema cannot say: each rule writes a line `path|found` for what it refuses. */}}

{{- define "nfs-storage.rule.mount-options-are-distinct" -}}
{{- $seen := dict }}
{{- range $index, $option := .Values.nfs.mountOptions }}
{{- $name := splitList "=" $option | first }}
{{- if hasKey $seen $name }}
nfs.mountOptions[{{ $index }}]|{{ $option }}
{{- end }}
{{- $_ := set $seen $name 1 }}
{{- end }}
{{- end }}

{{- define "nfs-storage.rule.nested-directories-are-not-deleted" -}}
{{- $class := .Values.storageClass }}
{{- if and (eq $class.reclaimPolicy "Delete") (eq $class.onDelete "Delete") (contains "/" $class.pathPattern) }}
storageClass.pathPattern|{{ $class.pathPattern }}
{{- end }}
{{- end }}

{{- define "nfs-storage.rule.archives-have-names-of-their-own" -}}
{{- $class := .Values.storageClass }}
{{- if and (eq $class.reclaimPolicy "Delete") (eq $class.onDelete "Archive") $class.pathPattern }}
storageClass.pathPattern|{{ $class.pathPattern }}
{{- end }}
{{- end }}

{{- define "nfs-storage.rule.requests-are-within-limits.provisioner" -}}
{{- $resources := .Values.provisioner.resources }}
{{- if gt (include "nfs-storage.mebibytes" $resources.requests.memory | int) (include "nfs-storage.mebibytes" $resources.limits.memory | int) }}
provisioner.resources.requests.memory|{{ $resources.requests.memory }} with a limit of {{ $resources.limits.memory }}
{{- end }}
{{- if and $resources.requests.cpu $resources.limits.cpu }}
{{- if gt (include "nfs-storage.thousandths" $resources.requests.cpu | int) (include "nfs-storage.thousandths" $resources.limits.cpu | int) }}
provisioner.resources.requests.cpu|{{ $resources.requests.cpu }} with a limit of {{ $resources.limits.cpu }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nfs-storage.rule.labels-are-not-owned.commonLabels" -}}
{{- range $key, $_ := .Values.commonLabels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
commonLabels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nfs-storage.rule.labels-are-not-owned.provisioner.pod.labels" -}}
{{- range $key, $_ := .Values.provisioner.pod.labels }}
{{- if regexMatch "^(app\\.kubernetes\\.io/(name|instance|managed-by)$|helm\\.sh/|midships/)" $key }}
provisioner.pod.labels.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nfs-storage.rule.annotations-are-not-hooks.commonAnnotations" -}}
{{- range $key, $_ := .Values.commonAnnotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
commonAnnotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nfs-storage.rule.annotations-are-not-hooks.provisioner.pod.annotations" -}}
{{- range $key, $_ := .Values.provisioner.pod.annotations }}
{{- if or (hasPrefix "helm.sh/" $key) (hasPrefix "argocd.argoproj.io/hook" $key) }}
provisioner.pod.annotations.{{ $key }}|{{ $key }}
{{- end }}
{{- end }}
{{- end }}

{{- define "nfs-storage.rule.names-fit" -}}
{{- $name := include "nfs-storage.fullName" . }}
{{- if gt (len $name) 63 }}
Release.Name|{{ $name }} with {{ len $name }} characters
{{- end }}
{{- end }}

{{/* Everything that is refused, at once. What does not matter with these values is not looked at. */}}
{{- define "nfs-storage.refuse" -}}
{{- $findings := list }}
{{- $hidden := list }}
{{- if not (and true (has (toString .Values.storageClass.reclaimPolicy) (list "Delete"))) }}
{{- $hidden = append $hidden "storageClass.onDelete" }}
{{- end }}
{{- if and (and true ) (empty .Values.nfs.server) }}
{{- $findings = append $findings "nfs.server: found nothing; allowed: a value; fill in the field" }}
{{- end }}
{{- if and (and true ) (empty .Values.nfs.path) }}
{{- $findings = append $findings "nfs.path: found nothing; allowed: a value; fill in the field" }}
{{- end }}
{{- $violations := list }}
{{- range $line := splitList "\n" (include "nfs-storage.rule.mount-options-are-distinct" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: each option once; remove the option that is named again")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "nfs-storage.rule.nested-directories-are-not-deleted" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a pattern without slashes, while storageClass.onDelete is Delete; use a pattern without slashes, or set storageClass.onDelete to Retain: the provisioner looks for a directory right below the export, by the last part of its path, and would delete another one")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "nfs-storage.rule.archives-have-names-of-their-own" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: no pattern, while storageClass.onDelete is Archive; remove the pattern, or set storageClass.onDelete to Retain: the archive of a claim that is made and deleted again would have the name of the first one, and the provisioner would fail")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "nfs-storage.rule.requests-are-within-limits.provisioner" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: at most the limit of the same resource; lower the request or raise the limit")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "nfs-storage.rule.labels-are-not-owned.commonLabels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "nfs-storage.rule.labels-are-not-owned.provisioner.pod.labels" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys outside app.kubernetes.io/name, instance and managed-by, helm.sh/ and midships/; remove the label; the chart sets it")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "nfs-storage.rule.annotations-are-not-hooks.commonAnnotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "nfs-storage.rule.annotations-are-not-hooks.provisioner.pod.annotations" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: keys that do not begin with helm.sh/ or argocd.argoproj.io/hook; remove the annotation: the object would be taken for a hook")) }}
{{- end }}
{{- end }}
{{- range $line := splitList "\n" (include "nfs-storage.rule.names-fit" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 "; allowed: a full name of at most 63 characters; choose a shorter release name; one that contains nfs-storage gets no suffix")) }}
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
