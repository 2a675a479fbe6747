# Brings a server into its set: finds the master and copies it, or becomes it if nobody has newer data. It runs beside the server from
# its start until that has been in step with the master, or is the master of most Sentinels.
#
# Until then the server copies nobody, takes no writes, and is not to be promoted: a master that comes back without its data would give
# its replicas none, and a replica that comes back with old ones could be chosen, since numbers of a replication begin anew at a start.
set -eu
. /scripts/server.sh
. /scripts/sentinels.sh

# How long, in looks a second apart, servers that do not answer are waited for, and a server that takes a master's place.
patience="$MIDSHIPS_PATIENCE_SECONDS"
most_looks=7200
most_tenths=864000
known_until="$1"
await_announced

copied() {
  printf '%s\n' "$state" | sed -n "s/^master_$1:\(.*\)$/\1/p"
}

# Copies a server at an address, unless it does so already.
follow() {
  if [ "$role" = master ] || [ "$(copied host)" != "$1" ]; then
    echo "the master is $1"
    ask replicaof "$1" "$server_port" >/dev/null || true
  fi
}

# Has the Sentinels that know no master take this server, and says whether most of them have.
claim() {
  taught=
  for sentinel in $(sentinels); do
    if has_answered "$sentinel" && [ -z "$(named_of "$sentinel")" ]; then
      taught="$taught $sentinel"
    fi
  done
  lesson "$own" >"$looked/question"
  # shellcheck disable=SC2086
  ask_each "$sentinel_port" $taught
  look_at_sentinels
  if [ "$(naming "$own")" -ge "$most" ]; then
    return 0
  fi
  # Another one has asked at the same time. Only what was taught in this moment is taken back.
  printf 'sentinel remove %s\n' "$master_name" >"$looked/question"
  mine=
  for sentinel in $taught; do
    if [ "$(named_of "$sentinel")" = "$own" ]; then
      mine="$mine $sentinel"
    fi
  done
  # shellcheck disable=SC2086
  ask_each "$sentinel_port" $mine
  return 1
}

# Becomes a master, which takes no writes before most Sentinels name it.
lead() {
  if [ -z "$named" ] && ! claim; then
    return
  fi
  echo "this server has the newest data of those that answer: it is the master"
  ask config set replica-priority 1 >/dev/null
  ask replicaof no one >/dev/null
}

# Nobody serves as the master, and nobody can be promoted: all servers have started anew.
choose() {
  # The one that was the master need not wait for others unless one of them may have more; whoever takes its place waits for it.
  if [ -n "$silent" ] && [ "$looks" -lt "$patience" ]; then
    if [ "$named_pod" != "$me" ] || [ "$looks" -lt 3 ]; then
      return
    fi
  fi
  if [ "$(newest "$known_until")" = "$me" ]; then
    lead
  fi
}

act() {
  if [ "$role" = master ] || [ "$answering" -lt "$most" ]; then
    return
  fi
  if [ -n "$named_pod" ] && is_among "$named_pod" "$masters"; then
    follow "$named"
  elif [ -n "$masters" ]; then
    # A master that Sentinels do not name, or do not know yet: it is for them to say. One alone has the data when nobody is named.
    if [ -z "$named" ] && [ "$(echo "$masters" | wc -w)" -eq 1 ]; then
      follow "$(announced "${masters# }")"
    fi
  elif [ -n "$living" ]; then
    # Sentinels will promote one of these. A server that they name waits for that, unless they cannot.
    if [ "$named_pod" != "$me" ]; then
      if [ -n "$named_pod" ]; then
        follow "$named"
      fi
    elif [ "$looks" -ge "$patience" ] && [ "$known_until" -gt 0 ]; then
      lead
    fi
  else
    choose
  fi
}

is_settled() {
  if [ "$role" = master ]; then
    [ "$(naming "$own")" -ge "$most" ]
  else
    [ "$(copied link_status)" = up ] && [ -n "$named" ] && [ "$(copied host)" = "$named" ]
  fi
}

# Lets the server take part: as the configuration says.
open() {
  for key in replica-priority min-replicas-to-write; do
    value="$(sed -n "s/^$key \([0-9]*\)$/\1/p" "$settings/redis.conf")"
    ask config set "$key" "$value" >/dev/null
  done
}

tenths=0
until has_begun; do
  sleep 0.3
  tenths=$((tenths + 3))
  if [ "$tenths" -ge "$most_tenths" ]; then
    exit 1
  fi
done

looks=0
while [ "$looks" -lt "$most_looks" ]; do
  look
  state="$(ask info replication | tr -d '\r')"
  role="$(printf '%s\n' "$state" | sed -n 's/^role:\([a-z]*\)$/\1/p')"
  if is_settled; then
    open
    echo "this server takes part as ${role:-nothing}"
    exit 0
  fi
  act
  looks=$((looks + 1))
  sleep 1
done
echo 'no master was found within two hours' >&2
exit 1
