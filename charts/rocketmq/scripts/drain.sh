# Before a master stops: has producers move to other groups, and waits until they have seen it.
set -u

# To the container's log.
say() {
  echo "drain: $1" >/proc/1/fd/1
}

own="127.0.0.1:${MIDSHIPS_PORT:-10911}"

# Sends a command and its body to the broker of a host, with its port unless that is the usual one; prints the answer. The
# administration tool, which stands in where there is no bash, ends well whatever happens: its words count.
ask() {
  if [ -n "${MIDSHIPS_TLS:-}" ] || command -v bash >/dev/null; then
    sh /scripts/remoting.sh "$1" "$2" "$3" 2>/proc/1/fd/1
  else
    (
      . /scripts/java.sh
      case "$1" in
        *:*) address="$1" ;;
        *) address="$1:10911" ;;
      esac
      case "$2" in
        26) run_tool getBrokerConfig -b "$address" | sed 's/ *= */=/' ;;
        25) run_tool updateBrokerConfig -b "$address" -k brokerPermission -v 4 | grep -q success && echo '"code":0' ;;
      esac
    )
  fi
}

# What the broker of a host may do: 6 to take and to give messages, 4 to give them only; nothing where it does not answer.
permission() {
  ask "$1" 26 '' | grep -a -o 'brokerPermission=[0-9]*' | head -n 1 | cut -d = -f 2
}

# The id of the broker of a host: 0 is a master.
id() {
  ask "$1" 26 '' | grep -a -o '^brokerId=-*[0-9]*' | head -n 1 | cut -d = -f 2
}

# Whether a master of another group takes messages now.
another_takes() {
  for host in $others; do
    if [ "$(permission "$host")" = 6 ] && [ "$(id "$host")" = 0 ]; then
      return 0
    fi
    if [ "$(date +%s)" -ge "$end" ]; then
      return 1
    fi
  done
  return 1
}

if [ -n "${MIDSHIPS_GROUP_HOSTS:-}" ]; then
  case "$(id "$own")" in
    0 | '') ;;
    *)
      say 'no master now: nobody writes here'
      exit 0
      ;;
  esac
fi

case "$(permission "$own")" in
  4)
    say 'drained already'
    exit 0
    ;;
  '')
    say 'the broker does not answer: not drained'
    exit 0
    ;;
esac

if [ -n "${MIDSHIPS_GROUP_HOSTS:-}" ]; then
  others="$(grep -v "^$MIDSHIPS_GROUP_HOSTS" /config/brokers/masters)"
else
  others="$(grep -v -x -F "$MIDSHIPS_HOST${MIDSHIPS_PORT:+:$MIDSHIPS_PORT}" /config/brokers/masters)"
fi
if [ -z "$others" ]; then
  say 'no other group could take what this one refuses: not drained'
  exit 0
fi

# An operation opens a drained master again as soon as another pod is leaving, so this one may be the only one for a moment.
end=$(($(date +%s) + 30))
until another_takes; do
  if [ "$(date +%s)" -ge "$end" ]; then
    say 'no other master takes messages: not drained'
    exit 0
  fi
  sleep 1
done

if ask "$own" 25 'brokerPermission=4' | grep -a -q '"code":0'; then
  say "producers move to other groups; waiting $MIDSHIPS_DRAIN_SECONDS s until they have seen it"
  sleep "$MIDSHIPS_DRAIN_SECONDS"
  say 'drained'
else
  say 'the broker refused the command: not drained'
fi
