# What a server of a cluster needs beside: who it says that it is, whom it knew, and how it finds those again. Read by other scripts.
#
# Servers know each other by identities, which stay with their volumes, at addresses, which go with their pods. If all pods are made
# anew at once, no server has an address of another one that is right.

nodes=/data/nodes.conf
# There when the others had forgotten the server as it stopped.
forgotten=/data/midships-forgotten

# The pods of the release's servers, a line each. The file follows the release while the server runs.
pods=/config/server/servers
port="$(sed -n 's/^port \([1-9][0-9]*\)$/\1/p' /config/server/redis.conf)"
secured=
if grep -q '^tls-port ' /config/server/redis.conf; then
  port="$(sed -n 's/^tls-port \([0-9]*\)$/\1/p' /config/server/redis.conf)"
  secured='--tls --cacert /config/tls/ca.crt'
fi

# What the server at a name or an address says, within three seconds: a client would wait for minutes for an address that is nobody's.
# Not with the program `timeout`, of which some leave a process behind, and here only the server would be there to take it.
ask_there() {
  there="$1"
  shift
  # Several words, or none.
  # shellcheck disable=SC2086
  "$client" -h "$there" -p "$port" $secured "$@" 2>&1 &
  asking=$!
  waited=0
  while sleep 0.05 && kill -0 "$asking" 2>/dev/null; do
    waited=$((waited + 1))
    if [ "$waited" -ge 60 ]; then
      kill "$asking" 2>/dev/null || true
      break
    fi
  done
  wait "$asking" 2>/dev/null || true
}

# The same with a password that it takes: it may have been started with another one than this server.
ask_at() {
  said="$(ask_there "$@")"
  if is_shut_out "$said" && [ -r "$password" ]; then
    said="$(REDISCLI_AUTH="$(cat "$password")" ask_there "$@")"
  fi
  printf '%s\n' "$said"
}

# Ports of nodes, as settings: those of the first server, each raised by the place of this one.
node_ports() {
  place="${MIDSHIPS_POD_NAME##*-shard-}"
  place=$((${place%-*} * MIDSHIPS_NODE_PORTS_OF_SHARD + ${place#*-}))
  for first in $MIDSHIPS_NODE_PORTS; do
    echo "${first%=*} $((${first#*=} + place))"
  done
}

# The lines of the server's configuration that only this start knows. Its master is told the address of the pod in any case: a replica
# that goes by a port of a node is seen to come from a node.
announce() {
  echo "replica-announce-ip $MIDSHIPS_POD_ADDRESS"
  if [ -n "${MIDSHIPS_NODE_PORTS:-}" ]; then
    echo "cluster-announce-ip $MIDSHIPS_NODE_ADDRESS"
    node_ports
    return
  fi
  echo "cluster-announce-ip $MIDSHIPS_POD_ADDRESS"
  if grep -q '^cluster-preferred-endpoint-type ' /config/server/redis.conf; then
    echo "cluster-announce-hostname $MIDSHIPS_POD_NAME.$MIDSHIPS_SERVERS"
  fi
}

# The identities of the other servers that stand in a list of servers.
others() {
  sed -n '/^[^ ]* [^ ]* [^ ]*myself/d; /^[^ ]* [^ ]* [^ ]*handshake/d; s/^\([0-9a-f]\{40\}\) .*$/\1/p'
}

# Has a server that the others had forgotten begin as a new one: without what it had copied, since servers that begin with keys in slots
# that nobody has, as far as they know, take these slots.
begin_anew() {
  if [ -e "$forgotten" ]; then
    echo 'the others had forgotten this server: it is a new one, and what it had copied is removed'
    rm -f "$nodes"
    if has_append_only_file; then
      remove_append_only_file
    fi
    rm -f "$snapshot" "$forgotten"
  fi
}

# Whether this server was one of a cluster. If not, it is for the hook program to make it one.
knew_others() {
  [ -s "$nodes" ] && [ -n "$(others <"$nodes")" ]
}

# Of a list of servers, the identities of those that have not answered since a time in milliseconds. A connection says nothing: it counts
# as one before it is made. The server that is asked sets the times of all others when it reads its list.
silent() {
  sed -n '/^[^ ]* [^ ]* [^ ]*myself/d; /^[^ ]* [^ ]* [^ ]*handshake/d; s/^\([0-9a-f]\{40\}\) [^ ]* [^ ]* [^ ]* [^ ]* \([0-9]*\) [0-9]* \([a-z]*\).*$/\1 \2 \3/p' |
    while read -r identity answered link; do
      if [ "$answered" -le "$1" ] || [ "$link" != connected ]; then
        echo "$identity"
      fi
    done
}

# Of the list of a server, its own identity and where it is: its address with the port at which servers speak to each other, and the port
# for clients, which is another one to those that speak TLS.
itself() {
  sed -n 's/^\([0-9a-f]\{40\}\) \([^ ,]*\):\([0-9]*\)@\([0-9]*\)[^ ]* [^ ]*myself.*$/\1 \2@\4 \3/p'
}

# Of a list of servers, the slots of the server itself: nothing of a replica.
slots_of_itself() {
  sed -n 's/^[0-9a-f]\{40\} [^ ]* [^ ]*myself,master[^ ]* [^ ]* [^ ]* [^ ]* [^ ]* [^ ]* \([0-9].*\)$/\1/p'
}

# Of a list of servers, where an identity is: its address with the port at which servers speak to each other.
place_of() {
  sed -n "s/^$1 \([^ ,]*\):[0-9]*@\([0-9]*\).*$/\1@\2/p"
}

# Whether a replica lacks data that a server has which is up: takes what it says of its replication, its list of servers, and its time in
# seconds. One whose master has not answered since it was lost has what there is.
lacks_data() {
  case "$1" in
    *role:slave*) ;;
    *) return 1 ;;
  esac
  case "$1" in
    *master_link_status:up*) return 1 ;;
    *master_sync_in_progress:1*) return 0 ;;
  esac
  master="$(printf '%s\n' "$2" | sed -n 's/^[^ ]* [^ ]* [^ ]*myself[^ ]* \([0-9a-f]*\) .*$/\1/p')"
  if printf '%s\n' "$2" | grep -q "^${master:-none} [^ ]* [^ ]*fail"; then
    return 1
  fi
  # Of a master that it was never connected to, it says nothing, or the time since 1970.
  lost="$(printf '%s\n' "$1" | sed -n 's/^master_link_down_since_seconds:\([0-9]*\).*$/\1/p')"
  answered="$(printf '%s\n' "$2" | sed -n "s/^${master:-none} [^ ]* [^ ]* [^ ]* [^ ]* \([0-9]*\)[0-9][0-9][0-9] .*$/\1/p")"
  # Neither time is exact to the second.
  [ "${answered:-0}" -gt $(($3 - ${lost:-$3} + 2)) ]
}
