# Starts a proxy when each name server lists a master of its cluster. A proxy makes a topic when it starts, and ends where it
# cannot; and one that asks a name server that knows no brokers yet, as a new one does, tells clients that there is no topic.
. /scripts/java.sh
. /scripts/credentials.sh

# Whether a name server lists a master of the cluster.
lists_master() {
  sh /scripts/remoting.sh "$1" 106 '' \
    | grep -a -q "\"brokerAddrs\":{\"\\{0,1\\}0\"\\{0,1\\}:[^}]*},\"brokerName\":\"[^\"]*\",\"cluster\":\"$MIDSHIPS_CLUSTER\""
}

# Whether as many name servers as are wanted do so: each of them, or any.
is_listed() {
  for server in $(tr ';' ' ' </config/proxy/name-servers); do
    if lists_master "$server"; then
      [ "$1" = each ] || return 0
    else
      [ "$1" = any ] || return 1
    fi
  done
  [ "$1" = each ]
}

if [ -n "${MIDSHIPS_TLS:-}" ] || command -v bash >/dev/null; then
  # A name server may be away for long; proxies of before go on meanwhile.
  end=$(($(date +%s) + MIDSHIPS_PATIENCE_SECONDS))
  wanted=each
  until is_listed "$wanted"; do
    echo "waiting until $wanted of the name servers lists a master of $MIDSHIPS_CLUSTER"
    if [ "$(date +%s)" -ge "$end" ]; then
      wanted=any
    fi
    sleep 1
  done
fi

# While TLS is turned on, brokers are restarted one after the other; proxies of before go on in plain text meanwhile.
if [ "${MIDSHIPS_TLS:-}" = permissive ]; then
  /midships/midships-hook encrypted "$(cat /config/proxy/name-servers)" \
    --cluster "$MIDSHIPS_CLUSTER" --seconds "$MIDSHIPS_PATIENCE_SECONDS" --tls /config/tls
fi

# The file is of this moment, Secrets and environment those of the pod. The last line closes the object.
configuration=/var/rocketmq/rmq-proxy.json
(umask 077 && : >"$configuration")
{
  sed '$d' /config/proxy/rmq-proxy.json
  if [ "$signs" = yes ]; then
    printf '  ,"innerClientAuthenticationCredentials": "%s"\n' "$(credentials_as_json | sed 's/"/\\"/g')"
  fi
  if [ -n "${MIDSHIPS_TLS:-}" ]; then
    echo '  ,"tlsTestModeEnable": false'
    echo '  ,"tlsCertPath": "/config/tls/tls.crt", "tlsKeyPath": "/config/tls/tls.key"'
  fi
  echo '}'
} >"$configuration"

export RMQ_PROXY_HOME="$home"
become org.apache.rocketmq.proxy.ProxyStartup -pc "$configuration"
