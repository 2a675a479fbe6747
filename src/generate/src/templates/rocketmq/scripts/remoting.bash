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

# Four bytes, the highest first, as escapes for printf.
number() {
  printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255))
}

# The bytes of the secret key, filled up with zeros to the block of SHA-1 and each combined with a number, as escapes for printf.
block() {
  for ((place = 0; place < 64; place++)); do
    byte=0
    if [ "$place" -lt "${#secret_key}" ]; then
      byte="$(printf '%d' "'${secret_key:place:1}")"
    fi
    printf '\\x%02x' $((byte ^ $1))
  done
}

# The SHA-1 of what comes in, as escapes for printf.
digest() {
  sha1sum | sed 's/ .*//; s/../\\x&/g'
}

# What is signed (HMAC-SHA1): the values of all fields in the order of their names, then the body.
signed() {
  inner="$({ printf "$(block 54)"; printf '%s' "$access_key$body"; } | digest)"
  outer="$({ printf "$(block 92)"; printf "$inner"; } | digest)"
  printf "$outer" | base64
}

fields=''
. /scripts/credentials.sh
# Name servers do not ask, and whoever gets a signature can use it again: only brokers are given one.
if [ "$signs" = yes ] && [ "$code" != 106 ]; then
  fields=",\"extFields\":{\"AccessKey\":\"$access_key\",\"Signature\":\"$(signed)\"}"
fi
header="{\"code\":$code,\"language\":\"OTHER\",\"version\":0,\"opaque\":1,\"flag\":0,\"serializeTypeCurrentRPC\":\"JSON\"$fields}"

# To connect has no limit of its own, and not every image has a timeout that takes seconds first.
{ sleep 5; kill $$; } >/dev/null 2>&1 &
watchdog=$!
trap 'kill "$watchdog" 2>/dev/null || true' EXIT

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
