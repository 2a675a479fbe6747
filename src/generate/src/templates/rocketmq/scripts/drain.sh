# Before a master stops: has producers move to other groups, and waits until they have seen it.
set -u

# To the container's log.
say() {
  echo "drain: $1" >/proc/1/fd/1
}

# Sends a command and its body to this pod's broker; prints the answer.
ask() {
  if command -v bash >/dev/null; then
    timeout 10 bash /scripts/remoting.bash "$1" "$2"
  else
    (
      . /scripts/java.sh
      case "$1" in
        26) run_tool getBrokerConfig -b 127.0.0.1:<< brokerPort >> | sed 's/ *= */=/' ;;
        25) run_tool updateBrokerConfig -b 127.0.0.1:<< brokerPort >> -k brokerPermission -v 4 && echo '"code":0' ;;
      esac
    )
  fi
}

if [ "$(cat /config/brokers/groups)" = 1 ]; then
  say 'no other group could take what this one refuses: not drained'
  exit 0
fi

permission="$(ask 26 '' | grep -a -o 'brokerPermission=[0-9]*' | head -n 1)"
case "$permission" in
  brokerPermission=4)
    say 'drained already'
    exit 0
    ;;
  '')
    say 'the broker does not answer: not drained'
    exit 0
    ;;
esac

if ask 25 'brokerPermission=4' | grep -a -q '"code":0'; then
  say "producers move to other groups; waiting $MIDSHIPS_DRAIN_SECONDS s until they have seen it"
  sleep "$MIDSHIPS_DRAIN_SECONDS"
  say 'drained'
else
  say 'the broker refused the command: not drained'
fi
