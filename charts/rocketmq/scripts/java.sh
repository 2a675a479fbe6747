# Finds RocketMQ and Java in the image and starts Java with flags that it takes. Read by the other scripts.
set -eu

# The directory of RocketMQ. Older images do not name it.
find_home() {
  for directory in "${ROCKETMQ_HOME:-}" /home/rocketmq/rocketmq-* /home/rocketmq /opt/rocketmq* /root/rocketmq*; do
    if [ -n "$directory" ] && [ -d "$directory/lib" ] && [ -d "$directory/conf" ]; then
      printf '%s\n' "$directory"
      return
    fi
  done
  echo 'no directory with the lib and conf of RocketMQ in this image: set ROCKETMQ_HOME in pod.env' >&2
  return 1
}

find_java() {
  if [ -n "${JAVA_HOME:-}" ] && [ -x "$JAVA_HOME/bin/java" ]; then
    printf '%s\n' "$JAVA_HOME/bin/java"
  elif ! command -v java; then
    echo 'no java in this image: set JAVA_HOME in pod.env' >&2
    return 1
  fi
}

# 8 for 1.8.0_392, 17 for 17.0.11.
java_version() {
  "$1" -version 2>&1 | sed -n 's/.* version "\(1\.\)\{0,1\}\([0-9][0-9]*\).*/\2/p' | head -n 1
}

home="$(find_home)"
java="$(find_java)"
version="$(java_version "$java")"

# Logs and everything else that RocketMQ writes beside its data go to the home directory. Names are looked up again after
# ten seconds, because a pod that returns has another address.
flags="-Drocketmq.home.dir=$home -Duser.home=/var/rocketmq -Djava.io.tmpdir=/tmp"
flags="$flags -Dsun.net.inetaddr.ttl=10 -XX:+ExitOnOutOfMemoryError"
# The JVM keeps statistics in a mapped file, and stops all its threads while a busy disk does not take them.
flags="$flags -XX:+PerfDisableSharedMem"
if [ "${version:-8}" -ge 9 ]; then
  for package in java.nio sun.nio.ch java.lang java.util; do
    flags="$flags --add-opens=java.base/$package=ALL-UNNAMED"
  done
  for package in jdk.internal.ref sun.nio.ch; do
    flags="$flags --add-exports=java.base/$package=ALL-UNNAMED"
  done
fi

if [ -n "${MIDSHIPS_TLS:-}" ]; then
  flags="$flags -Dtls.server.mode=$MIDSHIPS_TLS -Dtls.enable=true -Dtls.test.mode.enable=false"
  flags="$flags -Dtls.server.certPath=/config/tls/tls.crt -Dtls.server.keyPath=/config/tls/tls.key"
  # A server reads its certificate again when the private key has changed too, which whoever renews one may keep; and whenever whom
  # it trusts has changed. It asks nobody for a certificate, so that this may be any file.
  flags="$flags -Dtls.server.trustCertPath=/config/tls/tls.crt"
  # While plain text is taken, other servers may not have their certificates yet.
  if [ "$MIDSHIPS_TLS" = enforcing ]; then
    flags="$flags -Dtls.client.authServer=true -Dtls.client.trustCertPath=/config/tls/ca.crt"
  fi
fi

# Becomes the server, so that signals reach it.
become() {
  memory="-Xms${MIDSHIPS_HEAP_MEGABYTES}m -Xmx${MIDSHIPS_HEAP_MEGABYTES}m"
  if [ -n "${MIDSHIPS_DIRECT_MEMORY_MEGABYTES:-}" ]; then
    memory="$memory -XX:MaxDirectMemorySize=${MIDSHIPS_DIRECT_MEMORY_MEGABYTES}m"
  fi
  if [ "$MIDSHIPS_HEAP_MEGABYTES" -lt 1024 ]; then
    memory="$memory -XX:+UseSerialGC"
  else
    memory="$memory -XX:+UseG1GC"
  fi
  echo "starting $1 with Java ${version:-8}: $memory"
  cd /var/rocketmq
  # The flags are words without blanks.
  # shellcheck disable=SC2086
  exec "$java" $flags $memory -cp "$home/conf:$home/lib/*" "$@"
}

# Runs a command of the administration tool, which signs with what stands in its directory.
run_tool() {
  . /scripts/credentials.sh
  if [ "$signs" = yes ]; then
    mkdir -p /var/rocketmq/tool/conf
    (umask 077 && printf 'accessKey: "%s"\nsecretKey: "%s"\n' "$access_key" "$secret_key" >/var/rocketmq/tool/conf/tools.yml)
    flags="$flags -Drocketmq.home.dir=/var/rocketmq/tool"
  fi
  # shellcheck disable=SC2086
  "$java" $flags -Xmx64m -cp "$home/conf:$home/lib/*" org.apache.rocketmq.tools.command.MQAdminStartup "$@"
}
