# Starts a proxy when a broker of its cluster is registered: it makes a topic when it starts, and ends where it cannot.
. /scripts/java.sh

# Whether a name server lists the cluster.
is_registered() {
  for server in $(tr ';' ' ' </config/proxy/name-servers); do
    if bash /scripts/remoting.bash "$server" 106 '' 2>/dev/null | grep -a -q "\"$MIDSHIPS_CLUSTER\""; then
      return 0
    fi
  done
  return 1
}

if command -v bash >/dev/null; then
  until is_registered; do
    echo "waiting until a broker of $MIDSHIPS_CLUSTER is registered"
    sleep 1
  done
fi

export RMQ_PROXY_HOME="$home"
become org.apache.rocketmq.proxy.ProxyStartup -pc /config/proxy/rmq-proxy.json
