# What the start and the probes of a server in a set need: since when its data may be old, and how it begins. Read by other scripts.

history=/data/midships-history

# Until when this server has had the newest data, in seconds, as far as its volume tells: 0 where it has none.
known_until() {
  newest_file=
  for data in appendonlydir/appendonly.aof.manifest appendonly.aof dump.rdb; do
    if [ -z "$newest_file" ] && [ -s "/data/$data" ]; then
      newest_file="/data/$data"
    fi
  done
  if [ "$MIDSHIPS_KEEPS" = nothing ] || [ -z "$newest_file" ]; then
    echo 0
    return
  fi
  written="$(stat -c %Y "$newest_file")"
  recorded="$(sed -n '1s/^\([0-9][0-9]*\)$/\1/p' "$history" 2>/dev/null || true)"
  # What a snapshot does not have, a server that was killed has lost.
  if [ -z "$recorded" ] || { [ "$MIDSHIPS_KEEPS" = snapshots ] && [ "$written" -lt "$recorded" ]; }; then
    echo "$written"
  else
    echo "$recorded"
  fi
}

# Records that this server has the newest data: that it is in step with its master, or a master that takes writes. Takes what it says of
# its replication. One that is cut off from its replicas takes none, so that its record stays behind.
record() {
  case "$1" in
    *role:slave*master_link_status:up*) ;;
    *role:master*)
      wanted="$(ask config get min-replicas-to-write | sed -n 2p | tr -d '\r')"
      good="$(printf '%s\n' "$1" | tr -d '\r' | sed -n 's/^min_slaves_good_slaves:\([0-9]*\)$/\1/p')"
      if [ "${good:-0}" -lt "${wanted:-0}" ]; then
        return
      fi
      ;;
    *) return ;;
  esac
  if date +%s 2>/dev/null >"$history.part"; then
    mv "$history.part" "$history"
  fi
}

# Whether a server has not been in step with a master since it was started, or is getting its data: takes the same.
lacks_data() {
  case "$1" in
    *role:slave*slave_priority:0* | *master_sync_in_progress:1*) return 0 ;;
    *role:master*) [ "$(ask config get min-replicas-to-write | sed -n 2p | tr -d '\r')" = "$closed" ] ;;
    *) return 1 ;;
  esac
}

# Waits while others may take the place of this server, whom Sentinels still name. It was killed: what it had not yet written to its
# disk, they have. As long as it does not answer, Sentinels miss it and choose one of them.
stand_back() {
  waited_for=0
  while [ "$waited_for" -lt "$MIDSHIPS_PATIENCE_SECONDS" ]; do
    look
    if [ "$named" != "$own" ] || [ -z "$living" ] || [ "$answering" -lt "$most" ]; then
      return
    fi
    if [ "$waited_for" -eq 0 ]; then
      echo 'this server was the master, and another one can take its place: it waits until Sentinels have chosen one'
    fi
    waited_for=$((waited_for + 1))
    sleep 1
  done
}

# The lines of the server's configuration for its beginning: what they say is taken back as soon as it takes part.
stand_apart() {
  printf 'replica-announce-ip %s\nreplicaof %s\nreplica-priority 0\nmin-replicas-to-write %s\npidfile %s/history-%s\n' \
    "$own" "$nobody" "$closed" "$run" "$1"
}
