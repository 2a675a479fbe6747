{{/* What the schema cannot say: each rule writes a line `path|found` for what it refuses. */}}

{{- define "<< chart >>.ownedConfiguration" -}}
<< ownedConfiguration >>
{{- end }}

{{- define "<< chart >>.ownedPrefixes" -}}
<< ownedPrefixes >>
{{- end }}
<% include "shared/rules" %>
