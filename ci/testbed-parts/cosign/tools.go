//go:build tools

// Package tools names the cosign command so that its dependencies are pinned here.
package tools

import _ "github.com/sigstore/cosign/v3/cmd/cosign"
