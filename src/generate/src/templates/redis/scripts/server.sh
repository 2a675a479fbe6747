# What the other scripts share: the programs of the image, places, and how a start is given up. Read by them.
run=/run/redis
# The Secret, and what the server was started with.
password=/config/password/password
used_password="$run/password"
newline='
'

# Says why there is no server, in the log and in the state of the pod.
say_why() {
  echo "$1" >&2
  printf '%s\n' "$1" 2>/dev/null >/dev/termination-log || true
}

# Gives the start up.
stop() {
  say_why "$1"
  exit 1
}

# A program of the image: Valkey has names of its own.
program() {
  for name in "redis-$1" "valkey-$1"; do
    if command -v "$name"; then
      return
    fi
  done
  stop "this image has neither redis-$1 nor valkey-$1: choose an official image or one that is made like it"
}

server="$(program server)"
client="$(program cli)"
check="$(program check-aof)"

# Whether so many bytes are free on the volume, with some to spare; else the start is given up: for what they are wanted is told.
need_space() {
  wanted=$(($1 / 1024 + 1024))
  free="$(df -P -k /data | sed -n '2s/^.* \([0-9][0-9]*\)  *[0-9][0-9]*% .*$/\1/p')"
  if [ "${free:-0}" -lt "$wanted" ]; then
    stop "the volume has ${free:-0} KiB free, and $2 takes $wanted KiB: nothing was changed; raise persistence.storage.size"
  fi
}

size_of() {
  wc -c <"$1" | tr -d ' '
}
