# Hands over before a server stops: if it is the master, another one takes its place first, which has all that it has. Run before the pod
# gets its signal. Whatever does not work out, the server stops, and Sentinels replace it.
set -eu
. /scripts/server.sh
. /scripts/sentinels.sh

greet
await_announced
state="$(ask info replication | tr -d '\r')"
case "$state" in
  *role:master*) ;;
  *) exit 0 ;;
esac
look
if [ "$named" != "$own" ] || [ -z "$living" ]; then
  exit 0
fi

# Since 6.2 clients that write wait; before, a pause would hold up this script too, so that writes are refused instead.
paused="$(ask client pause 20000 write | tr -d '\r')"
wanted="$(ask config get min-replicas-to-write | sed -n 2p | tr -d '\r')"
if [ "$paused" != OK ]; then
  ask config set min-replicas-to-write "$closed" >/dev/null
fi

let_write() {
  ask config set min-replicas-to-write "$wanted" >/dev/null || true
  if [ "$paused" = OK ]; then
    ask client unpause >/dev/null || true
  fi
}
trap let_write EXIT

# Whether a replica has all that this server has.
is_copied() {
  state="$(ask info replication | tr -d '\r')"
  offset="$(printf '%s\n' "$state" | sed -n 's/^master_repl_offset:\([0-9]*\)$/\1/p')"
  printf '%s\n' "$state" | grep -q "^slave[0-9]*:.*state=online,offset=${offset:-none},"
}

tenths=0
until is_copied || [ "$tenths" -ge 30 ]; do
  sleep 0.1
  tenths=$((tenths + 1))
done

# One Sentinel only: two that begin at the same time would both believe to be right.
asked=
for sentinel in $(sentinels); do
  if [ -z "$asked" ] && [ "$(named_of "$sentinel")" = "$own" ]; then
    case "$(ask_one "$sentinel" "$sentinel_port" "sentinel failover $master_name")" in
      OK*) asked="$sentinel" ;;
    esac
  fi
done
if [ -z "$asked" ]; then
  exit 0
fi

tenths=0
while [ "$tenths" -lt 150 ]; do
  look_at_sentinels
  if [ -n "$named" ] && [ "$named" != "$own" ]; then
    # Sentinels would do it some seconds later, and what is written here meanwhile would be lost.
    echo "the master is $named now"
    ask replicaof "$named" "$server_port" >/dev/null
    exit 0
  fi
  sleep 0.1
  tenths=$((tenths + 1))
done
