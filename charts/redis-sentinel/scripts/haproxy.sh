# Starts HAProxy with what it says to servers before it asks them what they are: the password, spelt so that no character of it has a
# meaning of its own.
set -eu

password=/config/password/password
MIDSHIPS_LOGIN=
if [ -r "$password" ]; then
  secret="$(cat "$password")"
  bytes="$(printf '%s' "$secret" | wc -c | tr -d ' ')"
  MIDSHIPS_LOGIN="$(printf '*2\r\n$4\r\nAUTH\r\n$%s\r\n%s\r\n' "$bytes" "$secret" | od -An -v -tx1 | tr -d ' \n')"
fi
export MIDSHIPS_LOGIN

exec haproxy -db -f /config/haproxy/haproxy.cfg
