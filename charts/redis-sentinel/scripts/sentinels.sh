# What servers and Sentinels of a set ask each other: who the master is, and who has the newest data. Read by other scripts.
#
# A master is found by asking, never by the number of its pod. Nobody becomes one unless most of the Sentinels can be asked, so that a
# part of the set that the network has cut off makes none of its own; and while no Sentinel knows one, most of them must accept it by
# `SENTINEL MONITOR`, which each takes once only. Sentinels that begin with different masters would never agree again.

settings=/config/server
looked="$run/looked"
master_name="$MIDSHIPS_MASTER_NAME"
me="$MIDSHIPS_POD_NAME"
# Whom a server copies that does not know the master yet: nobody. It has its data, takes no writes, and nobody copies it.
nobody='127.0.0.1 1'
# More replicas than there can be: a master that wants so many for a write takes none.
closed=1000000
# What is recorded every five seconds may be so much older, in seconds, without saying that the data are.
slack=15
server_port=6379
sentinel_port=26379
secured=
if grep -q '^tls-port ' "$settings/redis.conf"; then
  server_port=6380
  sentinel_port=26380
  secured='--tls --cacert /config/tls/ca.crt'
fi

# The pods, as the release has them now: these files follow it while a server runs.
servers() {
  cat "$settings/servers"
}

sentinels() {
  cat "$settings/sentinels"
}

# The address of a name. The images have one of these programs.
address_of() {
  if command -v getent >/dev/null; then
    getent hosts "$1" | sed -n '1s/[[:space:]].*$//p'
  else
    nslookup "$1" 2>/dev/null | sed -n '/^Name:/,$s/^Address[^:]*: *\([0-9a-f.:]*\).*$/\1/p' | sed -n 1p
  fi
}

# The name by which a pod is reached: since 6.2 its own, which leads to the address that it has now. Sentinels before took no names, so
# that there it is the one of a Service of its own, whose address outlives the pod. That would not do since 6.2: a Service without a pod
# refuses connections by ICMP, upon which the library of newer Sentinels goes on, and their kernel then wakes them again and again for as
# long as the connection lasts.
name_of() {
  if [ "$MIDSHIPS_ANNOUNCES" = addresses ]; then
    echo "$1.$MIDSHIPS_DOMAIN"
    return
  fi
  echo "$1.${1%-*}-pods.$MIDSHIPS_DOMAIN"
}

# How a pod is known to others: by that name, or before 6.2 by the address behind it. Both stay when the pod is made anew.
announced() {
  if [ "$MIDSHIPS_ANNOUNCES" = names ]; then
    name_of "$1"
    return
  fi
  if [ ! -s "$looked/place-$1" ]; then
    (umask 077 && mkdir -p "$looked")
    address_of "$(name_of "$1")" >"$looked/place-$1"
  fi
  cat "$looked/place-$1"
}

# The same of this pod, as soon as it is found: a minute after its Service was made at most.
await_announced() {
  tries=0
  own="$(announced "$me" || true)"
  while [ -z "$own" ]; do
    tries=$((tries + 1))
    if [ "$tries" -ge 120 ]; then
      stop "the name $(name_of "$me") is not found: without an address, nobody could be told where this pod is"
    fi
    sleep 0.5
    own="$(announced "$me" || true)"
  done
}

# Asks several pods at once, by their names, what stands in the file `question`: a port, and the pods. Answers are in
# files of their names. Whoever has not answered within two seconds is not there; the client would wait for minutes.
ask_each() {
  port="$1"
  shift
  asking=
  for pod; do
    # Several words, or none.
    # shellcheck disable=SC2086
    "$client" -h "$(name_of "$pod")" -p "$port" $secured <"$looked/question" >"$looked/$pod" 2>/dev/null &
    asking="$asking $!"
  done
  waited=0
  running="$asking"
  while [ -n "$running" ] && [ "$waited" -lt 40 ]; do
    sleep 0.05
    waited=$((waited + 1))
    running=
    for process in $asking; do
      if kill -0 "$process" 2>/dev/null; then
        running=yes
      fi
    done
  done
  for process in $asking; do
    kill "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
}

# Asks one pod, in the same way.
ask_one() {
  printf '%s\n' "$3" >"$looked/question"
  ask_each "$2" "$1"
  cat "$looked/$1"
}

# A line of what a server has told of itself.
told() {
  tr -d '\r' <"$looked/$1" | sed -n "s/^$2:\(.*\)$/\1/p" | sed -n 1p
}

# Until when a server has had the newest data, in seconds: it tells by the one text of its configuration that has no effect.
known_of() {
  sed -n 's,^.*/history-\([0-9]*\)[^0-9]*$,\1,p' "$looked/$1" | sed -n 1p
}

# Whom a Sentinel names, and how new that is.
named_of() {
  if grep -q '^config-epoch$' "$looked/$1"; then
    sed -n 1p "$looked/$1" | tr -d '\r'
  fi
}

epoch_of() {
  sed -n '/^config-epoch$/{n;p;}' "$looked/$1" | sed -n 1p | tr -d '\r'
}

has_answered() {
  grep -q -e '^config-epoch$' -e 'No such master' "$looked/$1"
}

# How many Sentinels name a server.
naming() {
  count=0
  for sentinel in $(sentinels); do
    if [ "$(named_of "$sentinel")" = "$1" ]; then
      count=$((count + 1))
    fi
  done
  echo "$count"
}

# Looks at all Sentinels. The newest choice counts, also if most have not heard of it yet: its leader has asked them for it.
look_at_sentinels() {
  (umask 077 && mkdir -p "$looked")
  printf 'sentinel get-master-addr-by-name %s\nsentinel master %s\n' "$master_name" "$master_name" >"$looked/question"
  others=
  for sentinel in $(sentinels); do
    : >"$looked/$sentinel"
    if [ "$sentinel" != "$me" ]; then
      others="$others $sentinel"
    fi
  done
  # shellcheck disable=SC2086
  ask_each "$sentinel_port" $others
  if [ -n "${watching:-}" ]; then
    # By itself: not every network leads a pod to itself by its Service.
    ask_itself >"$looked/$me"
  fi
  named=
  epoch=-1
  answering=0
  all_sentinels=0
  for sentinel in $(sentinels); do
    all_sentinels=$((all_sentinels + 1))
    if has_answered "$sentinel"; then
      answering=$((answering + 1))
      address="$(named_of "$sentinel")"
      its="$(epoch_of "$sentinel")"
      if [ -n "$address" ] && [ "${its:-0}" -gt "$epoch" ]; then
        named="$address"
        epoch="${its:-0}"
      fi
    fi
  done
  most=$((all_sentinels / 2 + 1))
}

# Looks at all other servers.
look_at_servers() {
  printf 'info replication\nconfig get pidfile\n' >"$looked/question"
  others=
  for server_pod in $(servers); do
    : >"$looked/$server_pod"
    if [ "$server_pod" != "$me" ]; then
      others="$others $server_pod"
    fi
  done
  # shellcheck disable=SC2086
  ask_each "$server_port" $others
  masters=
  living=
  silent=
  named_pod=
  for server_pod in $(servers); do
    if [ -n "$named" ] && [ "$(announced "$server_pod")" = "$named" ]; then
      named_pod="$server_pod"
    fi
    if [ "$server_pod" = "$me" ]; then
      continue
    fi
    case "$(told "$server_pod" role)" in
      master) masters="$masters $server_pod" ;;
      slave)
        # One that has had the data of a master since it was started may take its place.
        if [ "$(told "$server_pod" slave_priority)" != 0 ]; then
          living="$living $server_pod"
        fi
        ;;
      *) silent="$silent $server_pod" ;;
    esac
  done
}

look() {
  look_at_sentinels
  look_at_servers
}

is_among() {
  case " $2 " in
    *" $1 "*) return 0 ;;
    *) return 1 ;;
  esac
}

# The server with the newest data of those that answer, this one with what it has known until: the one that Sentinels name unless another
# has known more for longer than chance; then the newest; among equals the first.
newest() {
  newest=
  latest=-1
  of_named=
  for server_pod in $(servers); do
    if [ "$server_pod" = "$me" ]; then
      known="$1"
    elif is_among "$server_pod" "$silent"; then
      continue
    else
      known="$(known_of "$server_pod")"
    fi
    if [ "${known:-0}" -gt "$latest" ]; then
      latest="${known:-0}"
      newest="$server_pod"
    fi
    if [ "$server_pod" = "$named_pod" ]; then
      of_named="${known:-0}"
    fi
  done
  if [ -n "$of_named" ] && [ $((of_named + slack)) -ge "$latest" ]; then
    newest="$named_pod"
  fi
  echo "$newest"
}

# The password as a word of a line, or nothing.
quoted_password() {
  if [ -r "$used_password" ]; then
    sed 's/[\\"]/\\&/g; s/^/"/; s/$/"/' "$used_password"
  fi
}

# The commands by which a Sentinel is told of a master at an address.
lesson() {
  printf 'sentinel monitor %s %s %s %s\n' "$master_name" "$1" "$server_port" "$(cat "$settings/quorum")"
  while read -r key value; do
    printf 'sentinel set %s %s %s\n' "$master_name" "$key" "$value"
  done <"$settings/watching"
  secret="$(quoted_password)"
  if [ -n "$secret" ]; then
    printf 'sentinel set %s auth-pass %s\n' "$master_name" "$secret"
  fi
}
