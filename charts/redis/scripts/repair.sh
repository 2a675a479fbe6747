# Repairs the end of an append-only file, which a server that was killed may leave half written. Read by the start script.
#
# Only an end is cut off, and the file as it was stays beside. Damage before sound writes is for people to judge: the program of the
# product would cut off all that follows, however much that is.

manifest=appendonlydir/appendonly.aof.manifest
single=appendonly.aof
# There while a server has been started and has not served yet. Probes take it away.
starting=/data/midships-starting
# The most copies of damaged files that are kept beside each other.
most_copies=20
# Seconds for which a start waits for people at most; the kubelet may end it before.
most_wait=3600

# The file at whose end the server writes.
last_file() {
  if [ -s "$manifest" ]; then
    sed -n 's,^file \([^ ]*\) seq [0-9]* type i.*$,appendonlydir/\1,p' "$manifest" | tail -n 1
  else
    echo "$single"
  fi
}

# Whether a file is sound; what was found is in `report`. Valkey's program does not know the snapshots of Valkey 9.
is_sound() {
  if [ "$(head -c 6 "$1")" = VALKEY ]; then
    return 0
  fi
  report="$("$check" "$1" 2>&1 </dev/null)"
}

# What stands in a file from a byte on.
rest_of() {
  tail -c "+$(($2 + 1))" "$1"
}

# The same as lines of text, whatever it is. Not every tr knows the class `print`.
lines_of() {
  rest_of "$1" "$2" | LC_ALL=C tr '\r' '\n' | LC_ALL=C tr -c '\n -~' '?'
}

# Whether what stands from a byte on is but an end: nothing but zeros, as a node leaves that lost its power; one write that was never
# finished; or a transaction without its end.
is_end() {
  # A file that is damaged from the start and does not begin with a write begins with a snapshot.
  if [ "$2" -eq 0 ] && [ "$(head -c 1 "$1")" != '*' ]; then
    return 1
  fi
  if [ "$(rest_of "$1" "$2" | tr -d '\000' | wc -c)" -eq 0 ]; then
    return 0
  fi
  # Damage may have swallowed the end of the line before, so that a command begins in the middle of one.
  own=0
  if [ "$(rest_of "$1" "$2" | head -c 1)" = '*' ]; then
    own=1
  fi
  if [ "$(lines_of "$1" "$2" | grep -c '[*][1-9][0-9]*$' || true)" -le "$own" ]; then
    return 0
  fi
  begins="$(rest_of "$1" "$2" | head -c 15 | tr -d '\r\n')"
  [ "$begins" = '*1$5MULTI' ] && ! lines_of "$1" "$2" | grep -q '^EXEC$'
}

# A name for the copy of a file that is not taken.
copy_of() {
  number=1
  while [ -e "$1.damaged-$number" ]; do
    number=$((number + 1))
    if [ "$number" -gt "$most_copies" ]; then
      stop "$most_copies copies of damaged files are beside /data/$1: look at them, and delete those that nobody needs"
    fi
  done
  echo "$1.damaged-$number"
}

# Cuts the end off, after a copy.
cut_end() {
  size="$(size_of "$1")"
  need_space "$size" "a copy of /data/$1, whose end is damaged,"
  copy="$(copy_of "$1")"
  cp "$1" "$copy.part"
  mv "$copy.part" "$copy"
  if ! report="$(echo y | "$check" --fix "$1" 2>&1)"; then
    stop "the end of /data/$1 could not be cut off: $(printf '%s' "$report" | tail -n 1)"
  fi
  echo "the last $((size - $2)) bytes of /data/$1 were a write that was never finished, and are cut off; the file as it was is /data/$copy"
}

# Waits until somebody has made a damaged file sound.
await_repair() {
  say_why "/data/$1 is damaged at byte $2 of $(size_of "$1"), and sound writes follow. Nothing was changed, and nothing is served. Either \
bring back a copy of the volume, or give up all writes from that byte on: kubectl exec $MIDSHIPS_POD_NAME -c server -- sh -c \
'cp /data/$1 /data/$1.before && echo y | $check --fix /data/$1'. The server starts as soon as the file is sound."
  waited=0
  seen="$(ls -l "$1")"
  while [ "$waited" -lt "$most_wait" ]; do
    sleep 2
    waited=$((waited + 2))
    now="$(ls -l "$1")"
    if [ "$now" != "$seen" ]; then
      seen="$now"
      if is_sound "$1"; then
        echo "/data/$1 is sound now"
        return
      fi
    fi
  done
  exit 1
}

# Looks at the end of the append-only file, if the last start did not come to serve.
repair() {
  file="$(last_file)"
  if [ ! -e "$starting" ] || [ ! -s "$file" ]; then
    return 0
  fi
  echo "the last start did not come to serve: checking /data/$file"
  if is_sound "$file"; then
    return 0
  fi
  sound="$(printf '%s\n' "$report" | sed -n 's/^AOF analyzed: .*ok_up_to=\([0-9]*\).*$/\1/p' | tail -n 1)"
  if [ -n "$sound" ] && is_end "$file" "$sound"; then
    cut_end "$file" "$sound"
  else
    await_repair "$file" "${sound:-0}"
  fi
}
