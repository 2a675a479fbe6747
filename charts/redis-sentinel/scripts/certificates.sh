# Has the server read its certificate and its key anew once Kubernetes has brought others. Connections that there are go on with what they
# began with; no pod restarts. It runs beside the server, and ends with it.
set -eu
. /scripts/server.sh

# The link that Kubernetes puts in place when all files of a Secret are there.
version() {
  readlink /config/tls/..data || true
}

# Told again, the name of a file has it read, with the others that were told before.
read_anew() {
  greet
  for setting in tls-cert-file tls-ca-cert-file; do
    file="$(sed -n "s/^$setting //p" /config/server/redis.conf)"
    said="$(ask config set "$setting" "$file")"
    if [ "$said" != OK ]; then
      return 1
    fi
  done
}

read="$(version)"
told=
while sleep 5; do
  now="$(version)"
  if [ "$now" = "$read" ]; then
    continue
  fi
  if read_anew; then
    read="$now"
    echo 'the certificate was read anew'
  elif [ "$told" != "$now" ]; then
    told="$now"
    echo "the new certificate cannot be used, and the former one is presented: $said" >&2
  fi
done
