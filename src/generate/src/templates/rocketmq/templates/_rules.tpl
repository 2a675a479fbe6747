{{/* What the schema cannot say: each rule writes a line `path|found` for what it refuses. */}}

{{- define "rocketmq.ownedConfiguration" -}}
<< ownedConfiguration >>
{{- end }}

{{- define "rocketmq.ownedProxyConfiguration" -}}
<< ownedProxyConfiguration >>
{{- end }}

{{- define "rocketmq.accessConfiguration" -}}
<< accessConfiguration >>
{{- end }}
<% include "shared/rules" %>
