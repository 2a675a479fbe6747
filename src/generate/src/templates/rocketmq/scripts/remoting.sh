# Sends one command of RocketMQ's remoting protocol to a server and prints the answer: with what speaks TLS where servers do.
# Arguments: the server's host, with its port unless that is a broker's, the command's code, and its body. Over TLS each code has one
# body only: 25 closes a broker.
set -eu

if [ -z "${MIDSHIPS_TLS:-}" ]; then
  # Bash complains of what is in order, too.
  exec bash /scripts/remoting.bash "$@" 2>/dev/null
fi

case "$1" in
  *:*) address="$1" ;;
  *) address="$1:<< brokerPort >>" ;;
esac
set -- "$address" "$2" --tls /config/tls
if [ "$MIDSHIPS_TLS" = enforcing ]; then
  set -- "$@" --only-tls
fi
if [ -d /config/credentials ]; then
  set -- "$@" --credentials /config/credentials
fi
exec /midships/midships-hook send "$@"
