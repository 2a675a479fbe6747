# Sends one command of RocketMQ's remoting protocol to the broker of this pod and prints the answer.
# Arguments: the command's code, and its body. Fails when the broker does not answer.
# A frame is the length of all that follows, the length of the header (its first byte 0 says JSON), header and body.
set -eu
LC_ALL=C
code="$1"
body="$2"
header="{\"code\":$code,\"language\":\"OTHER\",\"version\":0,\"opaque\":1,\"flag\":0,\"serializeTypeCurrentRPC\":\"JSON\"}"

# Four bytes, the highest first, as escapes for printf.
number() {
  printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($1 >> 24 & 255)) $(($1 >> 16 & 255)) $(($1 >> 8 & 255)) $(($1 & 255))
}

exec 3<>/dev/tcp/127.0.0.1/10911
printf "$(number $((4 + ${#header} + ${#body})))$(number ${#header})" >&3
printf '%s%s' "$header" "$body" >&3

length=0
for byte in $(dd bs=1 count=4 <&3 2>/dev/null | od -An -tu1); do
  length=$((length * 256 + byte))
done
[ "$length" -gt 0 ] && [ "$length" -lt 1048576 ]
dd bs=1 count="$length" <&3 2>/dev/null | tr -d '\000'
