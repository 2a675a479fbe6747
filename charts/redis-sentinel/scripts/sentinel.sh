# Starts a Sentinel: writes its configuration anew of the release and of what it remembers, and becomes it.
#
# It begins without a master if it remembers none, and answers that; its companion finds one. So a Sentinel that is up and knows nobody
# is told from one that cannot be asked.
set -eu
. /scripts/server.sh
. /scripts/sentinels.sh

trap 'exit 143' TERM

file=/data/sentinel.conf
places=/data/midships-places
rm -f "$used_password"
if [ -e "$password" ]; then
  (umask 077 && cat "$password" >"$used_password")
fi
await_announced

# A Sentinel is who it is by its pod: others count all whom they have ever known, and one that came back as another would be two to them.
identity() {
  printf '%s' "$1.$MIDSHIPS_DOMAIN" | sha1sum | cut -c 1-40
}

# What it remembers: the lines of the last time, with pods as they are known now.
remembered="$run/remembered"
: >"$remembered"
if [ -s "$file" ]; then
  grep -E "^sentinel (current-epoch |(monitor|config-epoch|leader-epoch|known-replica|known-slave) $master_name )" "$file" >"$remembered" || true
fi
if [ -s "$places" ]; then
  while read -r pod before; do
    now="$(announced "$pod" || true)"
    if [ -n "$now" ] && [ "$now" != "$before" ]; then
      sed "s/ $(printf '%s' "$before" | sed 's/[.]/[.]/g') / $now /" "$remembered" >"$remembered.now"
      mv "$remembered.now" "$remembered"
    fi
  done <"$places"
fi
: >"$places.part"
for pod in $(servers); do
  place="$(announced "$pod" || true)"
  if [ -n "$place" ]; then
    echo "$pod $place" >>"$places.part"
  fi
done
mv "$places.part" "$places"

master="$(sed -n "s/^sentinel monitor $master_name \([^ ]*\) .*$/\1/p" "$remembered" | sed -n 1p)"
(umask 077 && : >"$file.part")
{
  cat "$settings/sentinel.conf"
  echo "sentinel announce-ip $own"
  echo "sentinel announce-port $sentinel_port"
  echo "sentinel myid $(identity "$me")"
  secret="$(quoted_password)"
  if [ -n "$secret" ]; then
    # Sentinels show it to each other too.
    printf 'requirepass %s\n' "$secret"
  fi
  if [ -n "$master" ]; then
    lesson "$master" | sed "s/^sentinel set $master_name \([a-z-]*\) /sentinel \1 $master_name /"
    grep -E "^sentinel (config-epoch|leader-epoch) " "$remembered" || true
    # Only whom the release has: others would be asked and counted for ever.
    grep -E "^sentinel known-(replica|slave) " "$remembered" | while read -r word kind name address rest; do
      if grep -q -F -e " $address" "$places" && [ "$address" != "$master" ]; then
        echo "$word $kind $name $address $rest"
      fi
    done || true
    # All others from the start, so that most of them are most of all.
    for pod in $(sentinels); do
      place="$(announced "$pod" || true)"
      if [ "$pod" != "$me" ] && [ -n "$place" ]; then
        echo "sentinel known-sentinel $master_name $place $sentinel_port $(identity "$pod")"
      fi
    done
  fi
  grep -E "^sentinel current-epoch " "$remembered" || true
} >>"$file.part"
mv "$file.part" "$file"

# Sentinels before 6.2 say aloud with which password they were told to ask servers.
spoken="$run/spoken"
rm -f "$spoken"
mkfifo "$spoken"
while IFS= read -r line; do
  printf '%s\n' "${line%% auth-pass *}"
done <"$spoken" &
# Beside the Sentinel, which takes the place of this shell.
sh /scripts/watch.sh &
exec "$server" "$file" --sentinel >"$spoken" 2>&1
