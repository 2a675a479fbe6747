{{/* Names, labels and sizes that several templates share. */}}

{{/* The name from which all others are made. The chart's name is written out: as a subchart it may have an alias. */}}
{{- define "nfs-storage.fullName" -}}
{{- if contains "nfs-storage" .Release.Name }}{{ .Release.Name }}{{ else }}{{ .Release.Name }}-nfs-storage{{ end }}
{{- end }}

{{/* Labels of pods, the same for the life of a release. Argo CD rewrites the instance on objects, so no selector uses it. */}}
{{- define "nfs-storage.podLabels" -}}
app.kubernetes.io/name: nfs-storage
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
midships/cluster: {{ include "nfs-storage.fullName" . }}
{{- end }}

{{/* Labels of objects. */}}
{{- define "nfs-storage.labels" -}}
{{ include "nfs-storage.podLabels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* An image: takes a dict of the root and the image's values. A repository that names its registry stands as it is. */}}
{{- define "nfs-storage.image" -}}
{{- $first := .image.repository | splitList "/" | first }}
{{- $named := and (contains "/" .image.repository) (or (contains "." $first) (contains ":" $first) (eq $first "localhost")) }}
{{- if and .root.Values.imageRegistry (not $named) }}{{ .root.Values.imageRegistry }}/{{ end }}{{ .image.repository }}:{{ .image.tag }}
{{- end }}

{{/* CPU and memory of a container. Empty amounts are left out. */}}
{{- define "nfs-storage.resources" -}}
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
{{- define "nfs-storage.mebibytes" -}}
{{- $number := regexFind "^[0-9]+" . | int }}
{{- if hasSuffix "Ti" . }}{{ mul $number 1048576 }}{{ else if hasSuffix "Gi" . }}{{ mul $number 1024 }}{{ else }}{{ $number }}{{ end }}
{{- end }}

{{/* An amount of CPU in thousandths of a core. */}}
{{- define "nfs-storage.thousandths" -}}
{{- $text := toString . }}
{{- if hasSuffix "m" $text }}{{ trimSuffix "m" $text }}{{ else }}{{ mul (int $text) 1000 }}{{ end }}
{{- end }}

{{/* The name of objects of the whole cluster, of which two releases in different namespaces have one each. */}}
{{- define "nfs-storage.clusterName" -}}
{{ .Release.Namespace }}-{{ include "nfs-storage.fullName" . }}
{{- end }}

{{/* The name of the storage class. */}}
{{- define "nfs-storage.className" -}}
{{ default (include "nfs-storage.fullName" .) .Values.storageClass.name }}
{{- end }}

{{/* The name by which the storage class names its provisioner: of this release, and of no other one in the cluster. It is short,
     because the name of the lock is made of it, which has to be that of a Service. */}}
{{- define "nfs-storage.provisionerName" -}}
nfs-storage/{{ printf "%s/%s" .Release.Namespace (include "nfs-storage.fullName" .) | sha256sum | trunc 16 }}
{{- end }}

{{/* The name of the lock, as the provisioner makes it of its own name. */}}
{{- define "nfs-storage.lockName" -}}
{{ include "nfs-storage.provisionerName" . | replace "/" "-" }}
{{- end }}
