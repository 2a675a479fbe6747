# Sends one command of RocketMQ's remoting protocol to a server and prints the answer.
# Arguments: the server's host, with its port unless that is a broker's, the command's code, and its body. Fails when there is no answer within five seconds.
# A frame is the length of all that follows, the length of the header (its first byte 0 says JSON), header and body.
set -eu
LC_ALL=C
host="${1%:*}"
port="${1##*:}"
[ "$port" != "$1" ] || port=<< brokerPort >>
code="$2"
body="$3"
header="{\"code\":$code,\"language\":\"OTHER\",\"version\":0,\"opaque\":1,\"flag\":0,\"serializeTypeCurrentRPC\":\"JSON\"}"

# To connect has no limit of its own, and not every image has a timeout that takes seconds first.
{ sleep 5; kill $$; } >/dev/null 2>&1 &
watchdog=$!
trap 'kill "$watchdog" 2>/dev/null || true' EXIT

# Four bytes, the highest first, as escapes for printf.
number() {
  printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255))
}

exec 3<>"/dev/tcp/$host/$port"
printf "$(number $((4 + ${#header} + ${#body})))$(number ${#header})" >&3
printf '%s%s' "$header" "$body" >&3

# A shell's word holds no zero byte: the read ends at one, and leaves the word empty.
length=0
for _ in 1 2 3 4; do
  IFS= read -r -d '' -n 1 -u 3 byte
  if [ -n "$byte" ]; then
    length=$((length * 256 + ($(printf '%d' "'$byte") & 255)))
  else
    length=$((length * 256))
  fi
done
[ "$length" -gt 0 ] && [ "$length" -lt 1048576 ]

while [ "$length" -gt 0 ]; do
  IFS= read -r -d '' -n "$length" -u 3 part
  printf '%s' "$part"
  # Less than asked for was read because a zero byte followed, which counts too.
  [ "${#part}" -eq "$length" ] && break
  length=$((length - ${#part} - 1))
done
