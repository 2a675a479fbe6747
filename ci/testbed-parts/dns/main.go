// CoreDNS with only the plugins that the test bed uses; with all of them it takes many minutes to build.
package main

import (
	"github.com/coredns/coredns/core/dnsserver"
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/cache"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/kubernetes"
	_ "github.com/coredns/coredns/plugin/ready"
)

func main() {
	// The order in which a query passes the plugins: what is not of the cluster is asked of the hosts file last.
	dnsserver.Directives = []string{"bind", "ready", "errors", "cache", "kubernetes", "hosts"}
	coremain.Run()
}
