# What the other scripts share: the programs of the image, places, and how a start is given up. Read by them.
run=/run/redis
# The Secret, and what the server was started with.
password=/config/password/password
used_password="$run/password"
previous_password=/config/password/previous-password
used_secret="$run/secret"
configuration="$run/redis.conf"
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

# The line by which a server takes the previous password too, while it is in the Secret: by digests, beside the given one. Before
# version 6.0 there is one password.
take_both() {
  if [ ! -s "$previous_password" ]; then
    return
  fi
  case "$("$server" --version)" in
    *'v=5.'*)
      echo 'this version takes one password: the previous one of the Secret is left out' >&2
      return
      ;;
    *'v=6.0.'*) channels= ;;
    *) channels=' &*' ;;
  esac
  previous="$(cat "$previous_password")"
  printf 'user default on #%s #%s ~*%s +@all\n' "$(digest_of "$1")" "$(digest_of "$previous")" "$channels"
}

digest_of() {
  printf '%s' "$1" | sha256sum | cut -c 1-64
}

digest_of_secret() {
  cat "$password" "$previous_password" 2>/dev/null | sha256sum | cut -c 1-64
}

# The passwords that the last server of this pod took and showed at its end. The hook program tells servers of new ones long before the
# Secret is new in the pod, and has them write that down: it holds as long as the Secret is the one that the last server began with.
kept_passwords() {
  if [ -r "$used_secret" ] && [ "$(digest_of_secret)" = "$(cat "$used_secret")" ]; then
    grep -E '^(user default|masterauth) ' "$configuration" || true
  fi
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
