# Asks the Sentinel of this pod whether it answers; a refusal is an answer too.
set -eu
. /scripts/server.sh
. /scripts/sentinels.sh

if [ -r "$used_password" ]; then
  REDISCLI_AUTH="$(cat "$used_password")"
  export REDISCLI_AUTH
fi
# shellcheck disable=SC2086
answer="$("$client" -h 127.0.0.1 -p "$sentinel_port" $secured ping 2>&1 | sed '/^$/d' | tail -n 1)"
case "$answer" in
  '' | 'Could not connect'* | Error*)
    echo "${answer:-no answer}" >&2
    exit 1
    ;;
esac
