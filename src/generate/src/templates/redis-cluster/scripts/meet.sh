# Brings a server together with those that it knew, at their addresses of now. It runs beside the server from its start until all of
# them have answered.
#
# Only an address that the release's own Service gives is looked at, and it is met only if the server there says that it is one of those
# known: an address that was a server's may be another cluster's by now, and a server that never was one of this cluster is for the hook
# program to bring in. So nothing here can make two clusters one.
set -eu
. /scripts/server.sh
. /scripts/cluster.sh

# Looks in the first minutes, a second apart, and after that, ten seconds apart: about an hour in all.
quick_looks=120
most_looks=480

port="$(sed -n 's/^port \([1-9][0-9]*\)$/\1/p' /config/server/redis.conf)"
secured=
if grep -q '^tls-port ' /config/server/redis.conf; then
  port="$(sed -n 's/^tls-port \([0-9]*\)$/\1/p' /config/server/redis.conf)"
  secured='--tls --cacert /config/tls/ca.crt'
fi
meeting_point="$port@$((port + 10000))"

# What the server at an address says, which may not be one of this release. A client would wait for an address that is nobody's.
ask_at() {
  address="$1"
  shift
  # Several words, or none.
  # shellcheck disable=SC2086
  timeout 3 "$client" -h "$address" -p "$port" $secured "$@" 2>/dev/null || true
}

# The identity of the server at an address, with a password that it takes: it may have been started with another one than this.
identity_at() {
  found="$(ask_at "$1" cluster myid)"
  if is_shut_out "$found" && [ -r "$password" ]; then
    found="$(REDISCLI_AUTH="$(cat "$password")" ask_at "$1" cluster myid)"
  fi
  printf '%s\n' "$found" | sed -n 's/^\([0-9a-f]\{40\}\)$/\1/p'
}

# The addresses of the release's servers, as DNS gives them now.
addresses() {
  getent hosts "$MIDSHIPS_SERVERS" | sed 's/[[:space:]].*$//' | sort -u
}

# Meets the servers that are silent, wherever they are now.
meet() {
  addresses | while read -r address; do
    if [ "$address" = "$MIDSHIPS_POD_ADDRESS" ]; then
      continue
    fi
    identity="$(identity_at "$address")"
    case "$silent" in
      *"${identity:-nobody}"*) ;;
      *) continue ;;
    esac
    if [ "$(printf '%s\n' "$list" | address_of "$identity")" != "$address:$meeting_point" ]; then
      echo "the server $identity is at $address now"
      ask cluster meet "$address" "$port" >/dev/null || true
    fi
  done
}

# Whether the server has read its data, which takes what it takes.
has_begun() {
  greet
  case "$answer" in
    '' | 'Could not connect'* | Error* | LOADING*) return 1 ;;
  esac
}

until has_begun; do
  sleep 0.3
done
began="$(ask time | sed -n '1p')999"

looks=0
while [ "$looks" -lt "$most_looks" ]; do
  list="$(ask cluster nodes)"
  silent="$(printf '%s\n' "$list" | silent "$began")"
  if [ -z "$silent" ]; then
    exit 0
  fi
  meet
  looks=$((looks + 1))
  if [ "$looks" -lt "$quick_looks" ]; then
    sleep 1
  else
    sleep 10
  fi
done
echo "no answer from servers that this one knew, within an hour: $(printf '%s' "$silent" | tr '\n' ' ')"
