# Starts a broker when its name is known, with the name server list of this moment.
. /scripts/java.sh
. /scripts/credentials.sh

# Whether the cluster's DNS knows the name that this broker registers. Not every getent takes the option -s, and an nslookup
# may end well without an answer: what counts is an address after the name.
is_known() {
  if command -v getent; then
    getent -s dns ahosts "$MIDSHIPS_HOST" || getent hosts "$MIDSHIPS_HOST"
  else
    nslookup "$MIDSHIPS_HOST" | sed '1,/^Name:/d' | grep '^Address'
  fi >/dev/null 2>&1
}

if command -v getent >/dev/null || command -v nslookup >/dev/null; then
  until is_known; do
    echo "waiting until the name $MIDSHIPS_HOST is known"
    sleep 1
  done
fi

# Whether the broker of this image reads its accounts from a file, and does not know the keys of newer versions. Not told by the
# configuration, which is of this moment: a pod of the version before may start with it.
reads_accounts() {
  [ "$signs" = yes ] && ls "$home"/lib/rocketmq-broker-<< accounts.readBy >>*.jar >/dev/null 2>&1
}

configuration=/var/rocketmq/broker.conf
(umask 077 && : >"$configuration")
{
  cat /config/brokers/broker.conf
  echo
  printf 'namesrvAddr=%s\n' "$(cat /config/brokers/name-servers)"
  printf 'brokerClusterName=%s\n' "$MIDSHIPS_CLUSTER"
  printf 'brokerName=%s\n' "$MIDSHIPS_BROKER"
  # Where controllers elect, they grant the id, too.
  if [ -n "${MIDSHIPS_BROKER_ID:-}" ]; then
    printf 'brokerId=%s\n' "$MIDSHIPS_BROKER_ID"
  fi
  printf 'brokerIP1=%s\nbrokerIP2=%s\n' "$MIDSHIPS_HOST" "$MIDSHIPS_HOST"
  # The last line of a key counts.
  if [ -n "${MIDSHIPS_PORT:-}" ]; then
    # Until 5.1.0 a broker listens for replicas one port above its own, whatever its configuration says.
    printf 'listenPort=%s\nhaListenPort=%s\n' "$MIDSHIPS_PORT" "$((MIDSHIPS_PORT + << replicationAbove >>))"
  fi
  if [ "${MIDSHIPS_BROKER_ID:-0}" != 0 ]; then
    echo 'brokerRole=SLAVE'
  fi
  # The file is of this moment, the Secret that of the pod: where the keys are no longer wanted, a broker would not start with them.
  if reads_accounts; then
    sed -n 's/^authenticationEnabled=/aclEnable=/p' /config/brokers/broker.conf
  elif [ "$signs" = yes ] && grep -q '^authenticationMetadataProvider=' /config/brokers/broker.conf; then
    # With it a broker asks others, and it becomes an administrator here unless there is one of that name.
    printf 'innerClientAuthenticationCredentials=%s\n' "$(credentials_as_json)"
    if [ -f "$credentials/<< accounts.key >>" ]; then
      echo 'migrateAuthFromV1Enabled=true'
    fi
  fi
} >"$configuration"

if reads_accounts; then
  # A home without the accounts of the image's example, and without a log of all accounts with their keys.
  rm -rf << accounts.home >>
  mkdir -p << accounts.home >>/conf
  (umask 077 && accounts_with_administrator >"<< accounts.home >>/conf/<< accounts.key >>")
  sed 's,</configuration>,<logger name="RocketmqCommon"><level value="WARN"/></logger></configuration>,' \
    "$home/conf/logback_broker.xml" ><< accounts.home >>/conf/logback_broker.xml
  flags="$flags -Drocketmq.home.dir=<< accounts.home >>"
elif [ "$signs" = yes ]; then
  # Seen from the directory of RocketMQ. Without it, the accounts of the example in the image would be read.
  flags="$flags -Drocketmq.acl.plain.file=$(printf '%s' "$home" | sed 's,/[^/]*,/..,g')$credentials/<< accounts.key >>"
fi

mkdir -p /data/store/commitlog
become org.apache.rocketmq.broker.BrokerStartup -c "$configuration"
