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

# What the server of this pod answers.
ask() {
  "$client" -s "$run/redis.sock" "$@" 2>&1
}

# How it is: the last line of what it says, since after an error there is an empty one.
how_it_is() {
  ask ping | sed '/^$/d' | tail -n 1
}

# Whether the server did not take a password.
is_shut_out() {
  case "$1" in
    *NOAUTH* | *WRONGPASS* | *'invalid password'*) return 0 ;;
    *) return 1 ;;
  esac
}

# Asks with no password, else with the one that the server was started with, else with that of this moment, and goes on with the one
# that it takes: the client reads it from its environment. What was answered is in `answer`.
greet() {
  answer="$(how_it_is)"
  for file in "$used_password" "$password"; do
    if is_shut_out "$answer" && [ -r "$file" ]; then
      REDISCLI_AUTH="$(cat "$file")"
      export REDISCLI_AUTH
      answer="$(how_it_is)"
    fi
  done
}

# Whether the server has read its data, which takes what it takes.
has_begun() {
  greet
  case "$answer" in
    '' | 'Could not connect'* | Error* | LOADING*) return 1 ;;
  esac
}
