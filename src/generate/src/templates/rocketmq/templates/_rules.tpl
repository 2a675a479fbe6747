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

{{/* Everything that is refused, at once. What does not matter with these values is not looked at. */}}
{{- define "<< chart >>.refuse" -}}
{{- $findings := list }}
{{- $hidden := list }}
<% for place in conditions %>
{{- if not << place.holds >> }}
{{- $hidden = append $hidden "<< place.path >>" }}
{{- end }}
<% endfor %>
<% for field in required %>
{{- if and << field.holds >> (empty .Values.<< field.path >>) }}
{{- $findings = append $findings << field.finding >> }}
{{- end }}
<% endfor %>
{{- $violations := list }}
<% for rule in rules %>
{{- range $line := splitList "\n" (include "<< rule.name >>" .) }}
{{- with trim $line }}
{{- $parts := splitn "|" 2 . }}
{{- $violations = append $violations (list $parts._0 (print $parts._0 ": found " $parts._1 << rule.advice >>)) }}
{{- end }}
{{- end }}
<% endfor %>
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
