{{/* What the schema cannot say: each rule writes a line `path|found` for what it refuses. */}}

{{- define "rocketmq.ownedConfiguration" -}}
<< ownedConfiguration >>
{{- end }}

{{- define "rocketmq.unsupportedConfiguration" -}}
<< unsupportedConfiguration >>
{{- end }}
<% for rule in rules %>

{{- define "<< rule.name >>" -}}
<< rule.text >>
{{- end }}
<% endfor %>

{{/* Everything that is refused, at once. */}}
{{- define "rocketmq.refuse" -}}
{{- $findings := list }}
<% for rule in rules %>
{{- range $line := splitList "\n" (include "<< rule.name >>" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $findings = append $findings (print $parts._0 ": found " $parts._1 << rule.advice >>) }}
{{- end }}
{{- end }}
<% endfor %>
{{- if $findings }}
{{- fail (printf "the values are refused:\n%s" (join "\n" (sortAlpha $findings))) }}
{{- end }}
{{- end }}
