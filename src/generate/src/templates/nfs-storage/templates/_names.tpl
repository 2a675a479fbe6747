{{/* Names, labels and sizes that several templates share. */}}

<% include "shared/names" %>
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
<< chart >>/{{ printf "%s/%s" .Release.Namespace (include "nfs-storage.fullName" .) | sha256sum | trunc 16 }}
{{- end }}

{{/* The name of the lock, as the provisioner makes it of its own name. */}}
{{- define "nfs-storage.lockName" -}}
{{ include "nfs-storage.provisionerName" . | replace "/" "-" }}
{{- end }}
