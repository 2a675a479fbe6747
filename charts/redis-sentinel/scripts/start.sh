# Starts the server: writes its configuration, sees that it can read what is on the volume, and becomes it.
set -eu
. /scripts/server.sh
. /scripts/repair.sh
. /scripts/data.sh
. /scripts/sentinels.sh
. /scripts/server-of-set.sh

# A shell that is the first process of its container passes over a signal that it has no answer to.
trap 'exit 143' TERM

kept="$(kept_passwords)"
(umask 077 && : >"$configuration")
cat /config/server/redis.conf >"$configuration"
rm -f "$used_password"
if [ -e "$password" ]; then
  secret="$(cat "$password")"
  case "$secret" in
    '' | *"$newline"*) stop 'the password must be one line of at least one character: correct the Secret that authentication names' ;;
  esac
  if [ "${#secret}" -gt 512 ]; then
    stop 'the password is longer than the 512 characters that servers take: correct the Secret that authentication names'
  fi
  quoted="$(printf '%s' "$secret" | sed 's/[\\"]/\\&/g')"
  # A replica shows its master the same.
  printf 'requirepass "%s"\nmasterauth "%s"\n' "$quoted" "$quoted" >>"$configuration"
  if [ -n "$kept" ]; then
    printf '%s\n' "$kept" >>"$configuration"
  else
    take_both "$secret" >>"$configuration"
  fi
  (umask 077 && digest_of_secret >"$used_secret")
  # The Secret may change while the server runs; the server's password does not.
  (umask 077 && printf '%s' "$secret" >"$used_password")
fi

cd /data
# Before the data are touched, since their age counts where nothing was recorded.
known="$(known_until)"
prepare_data
if grep -q '^tls-port ' "$configuration"; then
  # Beside the server, which takes the place of this shell.
  sh /scripts/certificates.sh &
fi
await_announced
# In a shell of its own: the server needs no password in its environment.
(
  if [ -r "$used_password" ]; then
    REDISCLI_AUTH="$(cat "$used_password")"
    export REDISCLI_AUTH
  fi
  stand_back
)
stand_apart "$known" >>"$configuration"
# Beside the server, which takes the place of this shell.
sh /scripts/join.sh "$known" &
exec "$server" "$configuration"
