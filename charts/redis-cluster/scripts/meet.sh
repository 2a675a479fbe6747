# Brings a server together with those that it knew, at their addresses of now. It runs beside the server from its start until all of
# them have answered.
#
# Only servers of the release are asked, each by the name of its pod, and one is met only if this server knows it and if the server at
# its address of now says that it is the same: an address that was a server's may be another cluster's by now, and a server that never
# was one of this cluster is for the hook program to bring in. So nothing here can make two clusters one.
set -eu
. /scripts/server.sh
. /scripts/cluster.sh

# Looks in the first minutes, a second apart, and after that, ten seconds apart: about an hour in all.
quick_looks=120
most_looks=480

is_silent() {
  printf '%s\n' "$silent" | grep -q -F -x "$1"
}

# Meets the server of a pod, if that is one of the silent ones and somewhere else than this server thinks.
meet() {
  itself="$(ask_at "$1.$MIDSHIPS_SERVERS" cluster nodes | itself)"
  identity="${itself%% *}"
  place="${itself#* }"
  reached="${place#* }"
  place="${place% *}"
  if [ -z "$identity" ]; then
    return
  fi
  met="$met $1=$identity"
  if ! is_silent "$identity" || [ "$(printf '%s\n' "$list" | place_of "$identity")" = "$place" ]; then
    return
  fi
  address="${place%@*}"
  # It may have answered before it has told itself where it is now.
  if [ "$(port="$reached" && ask_at "$address" cluster myid)" = "$identity" ]; then
    echo "the server of $1 is at $address:$reached now"
    ask cluster meet "$address" "$reached" "${place#*@}" >/dev/null || true
  fi
}

# Whether the server of a pod was asked before and has answered this server since.
is_reached() {
  case "$met " in
    *" $1="*) ;;
    *) return 1 ;;
  esac
  identity="${met##* "$1"=}"
  ! is_silent "${identity%% *}"
}

until has_begun; do
  sleep 0.3
done
began="$(ask time | sed -n '1p')999"
met=

looks=0
while [ "$looks" -lt "$most_looks" ]; do
  list="$(ask cluster nodes)"
  silent="$(printf '%s\n' "$list" | silent "$began")"
  if [ -z "$silent" ]; then
    exit 0
  fi
  for pod in $(cat "$pods"); do
    if [ "$pod" != "$MIDSHIPS_POD_NAME" ] && ! is_reached "$pod"; then
      meet "$pod"
    fi
  done
  looks=$((looks + 1))
  if [ "$looks" -lt "$quick_looks" ]; then
    sleep 1
  else
    sleep 10
  fi
done
echo "servers that this one knew did not answer within an hour: $(printf '%s' "$silent" | tr '\n' ' ')"
