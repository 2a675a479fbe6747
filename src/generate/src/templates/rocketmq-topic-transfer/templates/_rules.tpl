{{/* What the schema cannot say: each rule writes a line `path|found` for what it refuses. */}}
<% include "shared/rules" %>
