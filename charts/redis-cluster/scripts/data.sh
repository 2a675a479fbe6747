# Sees that the server finds its data whatever it kept on the volume before. Read by the start script.
#
# A server that keeps an append-only file reads that one alone, and one that does not reads a snapshot alone: each would begin
# without data where only the other is there, and then write down that there are none.

snapshot=dump.rdb
# How long a second server may take to read everything, and to write it.
most_tenths=864000

has_append_only_file() {
  [ -s "$manifest" ] || [ -s "$single" ]
}

# The first number of the server's version.
major() {
  "$server" --version | sed -n 's/.* v=\([0-9]*\)\..*/\1/p'
}

# An older server does not see the directory in which newer ones keep the append-only file.
refuse_directory_of_newer() {
  if [ -s "$manifest" ] && [ "$(major)" -lt 7 ]; then
    stop "/data/appendonlydir was written by a server of version 7.0 or newer. This one is older, does not see it, and would start \
without data: set the version back"
  fi
}

# What an append-only file may begin with is a snapshot, and after nothing else it may end.
snapshot_becomes_append_only_file() {
  need_space "$(size_of "$snapshot")" "an append-only file made of /data/$snapshot"
  cp "$snapshot" "$single.part"
  sync
  mv "$single.part" "$single"
  echo "there was no append-only file: it begins with /data/$snapshot"
}

ask_second() {
  "$client" -s "$run/second.sock" "$@" 2>/dev/null || true
}

# Waits until a condition holds, as long as the second server runs.
await_second() {
  tenths=0
  until "$@"; do
    if ! kill -0 "$second" 2>/dev/null || [ "$tenths" -ge "$most_tenths" ]; then
      return 1
    fi
    sleep 0.1
    tenths=$((tenths + 1))
  done
}

has_read() {
  [ "$(ask_second ping)" = PONG ]
}

has_gone() {
  ! kill -0 "$second" 2>/dev/null
}

# Takes away what servers read, and leaves copies of damaged files. Without its list, files in the directory are nobody's.
remove_append_only_file() {
  if [ -e "$manifest" ]; then
    mv "$manifest" "$manifest.replaced"
    sed -n 's,^file \([^ ]*\) .*$,\1,p' "$manifest.replaced" | while read -r name; do
      rm -f "appendonlydir/$name"
    done
    rm -f "$manifest.replaced"
  fi
  rm -f "$single"
}

# A second server, which nobody else reaches, reads the append-only file and writes a snapshot.
append_only_file_becomes_snapshot() {
  echo 'snapshots are kept instead of an append-only file: one is made of it'
  {
    printf 'port 0\nunixsocket %s/second.sock\ndir /data\n' "$run"
    printf 'appendonly yes\naof-load-truncated no\nauto-aof-rewrite-percentage 0\nsave ""\n'
  } >"$run/second.conf"
  "$server" "$run/second.conf" &
  second=$!
  trap 'kill "$second" 2>/dev/null; exit 143' TERM
  if ! await_second has_read; then
    stop 'the append-only file could not be read, and nothing was changed: see the lines above'
  fi
  saved="$(ask_second save)"
  ask_second shutdown nosave
  await_second has_gone || true
  wait "$second" || true
  trap 'exit 143' TERM
  if [ "$saved" != OK ]; then
    stop "no snapshot could be made of the append-only file, which was left alone: ${saved:-no answer}"
  fi
  remove_append_only_file
}

prepare_data() {
  if [ "$MIDSHIPS_KEEPS" = nothing ]; then
    return 0
  fi
  refuse_directory_of_newer
  repair
  if [ "$MIDSHIPS_KEEPS" = append-only ] || has_append_only_file; then
    : >"$starting"
  fi
  if [ "$MIDSHIPS_KEEPS" = append-only ]; then
    if [ -s "$snapshot" ] && ! has_append_only_file; then
      snapshot_becomes_append_only_file
    fi
  elif has_append_only_file; then
    append_only_file_becomes_snapshot
  fi
}
