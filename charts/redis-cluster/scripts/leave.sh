# What a server of a cluster does before it stops: a master has a replica take over, so that its slots are served without a break, and one
# that the others have forgotten leaves word of it, so that its volume comes back as that of a new server. It does not forget them itself:
# while it still answers, it would tell clients that there are no slots.
set -eu
. /scripts/server.sh
. /scripts/cluster.sh

# Looks at whether a replica has taken over, a tenth of a second apart: longer than a server gives it.
most_looks=60
# Takings-over that are asked for: one fails if replicas of two shards ask for votes at the same moment, as when a node is drained.
most_tries=5
# Seconds for which others are asked whether they know this server.
most_seconds=10

# To the container's log.
say() {
  echo "$1" >>"${log:-/proc/1/fd/1}"
}

# Of what a master says of its replication, the addresses of the replicas that are connected, who has most of its data first.
replicas() {
  sed -n 's/^slave[0-9]*:ip=\([^,]*\),port=[0-9]*,state=online,offset=\([0-9]*\),lag=[0-9].*$/\2 \1/p' | sort -r -n | sed 's/^[0-9]* //'
}

is_replica() {
  ask info replication | grep -q '^role:slave'
}

# Whether no key is lost with it: those of a replica are its master's.
has_nothing_of_its_own() {
  is_replica || [ "$(ask dbsize)" = 0 ]
}

# Has a replica take over: it waits until it has everything.
hand_over() {
  tries=0
  while [ "$tries" -lt "$most_tries" ]; do
    candidates="$(ask info replication | tr -d '\r' | replicas)"
    [ -n "$candidates" ] || break
    for address in $candidates; do
      tries=$((tries + 1))
      say "leave: $address takes over"
      ask_at "$address" cluster failover >/dev/null
      looks=0
      while [ "$looks" -lt "$most_looks" ]; do
        if is_replica; then
          say "leave: $address has taken over"
          return
        fi
        sleep 0.1
        looks=$((looks + 1))
      done
    done
  done
  say 'leave: no replica has taken over'
}

# Whether a master with slots answers, and none that does knows this server.
is_forgotten() {
  end=$(($(date +%s) + most_seconds))
  answered=no
  for pod in $(cat "$pods"); do
    if [ "$pod" = "$MIDSHIPS_POD_NAME" ]; then
      continue
    fi
    if [ "$(date +%s)" -ge "$end" ]; then
      return 1
    fi
    theirs="$(ask_at "$pod.$MIDSHIPS_SERVERS" cluster nodes)"
    if [ -n "$(printf '%s\n' "$theirs" | slots_of_itself)" ]; then
      case "$theirs" in
        *"$identity"*) return 1 ;;
      esac
      answered=yes
    fi
  done
  [ "$answered" = yes ]
}

greet
if [ -n "$(ask cluster nodes | slots_of_itself)" ]; then
  hand_over
fi
list="$(ask cluster nodes)"
identity="$(printf '%s\n' "$list" | itself)"
identity="${identity%% *}"
if [ -n "$identity" ] && [ -z "$(printf '%s\n' "$list" | slots_of_itself)" ] && has_nothing_of_its_own && is_forgotten; then
  say 'leave: no server knows this one any more: it will come back as a new one'
  : >"$forgotten"
fi
