{{/* What the schema cannot say: each rule writes a line `path|found` for what it refuses. */}}

{{- define "redis.ownedConfiguration" -}}
<< ownedConfiguration >>
{{- end }}

{{- define "redis.ownedPrefixes" -}}
<< ownedPrefixes >>
{{- end }}
<% include "shared/rules" %>
