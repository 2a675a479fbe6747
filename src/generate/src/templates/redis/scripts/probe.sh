# Asks the server how it is. The argument is what is asked: `started` and `alive`, whether it answers at all, or `ready`, whether it
# serves. A server that loads its data answers, and says so.
set -eu
. /scripts/server.sh

# The last line of what it says: after an error there is an empty one.
ask() {
  "$client" -s "$run/redis.sock" ping 2>&1 | sed '/^$/d' | tail -n 1
}

# The same with the password in a file, which the client reads from its environment.
ask_with() {
  REDISCLI_AUTH="$(cat "$1")"
  export REDISCLI_AUTH
  ask
}

# Whether the server did not take a password.
is_shut_out() {
  case "$1" in
    *NOAUTH* | *WRONGPASS* | *'invalid password'*) return 0 ;;
    *) return 1 ;;
  esac
}

# With the password of this moment, or else with the one that the server was started with.
answer="$(ask)"
for file in "$used_password" "$password"; do
  if is_shut_out "$answer" && [ -r "$file" ]; then
    answer="$(ask_with "$file")"
  fi
done

case "$answer" in
  '' | 'Could not connect'* | Error*)
    echo "${answer:-no answer}" >&2
    exit 1
    ;;
  LOADING*)
    if [ "$1" = ready ]; then
      echo "$answer" >&2
      exit 1
    fi
    ;;
  *)
    # Any other answer, a refusal too, is one of a server that has its data.
    rm -f /data/midships-starting
    ;;
esac
