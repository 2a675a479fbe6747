# Asks the server how it is. The argument is what is asked: `started` and `alive`, whether it answers at all, or `ready`, whether it
# serves. A server that loads its data answers, and says so.
set -eu
. /scripts/server.sh
greet
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
