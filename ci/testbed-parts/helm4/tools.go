//go:build tools

// Package tools names the Helm command so that its dependencies are pinned here.
package tools

import _ "helm.sh/helm/v4/cmd/helm"
