# Sees that a Sentinel knows what the others know. It runs beside the Sentinel, as long as that answers.
#
# A Sentinel hears of others only by servers that both watch. So one that knows no master asks the others, one that watches a master of
# its own takes the one of most others, and one that remembers pods that have left forgets them, which nothing else makes it do.
set -eu
. /scripts/server.sh
. /scripts/sentinels.sh

watching=yes
# How often a Sentinel may fail to answer in a row.
most_misses=60
# In how many looks most others must name another master before it is taken.
most_doubts=5

ask_itself() {
  # shellcheck disable=SC2086
  "$client" -h 127.0.0.1 -p "$sentinel_port" $secured <"$looked/question" 2>/dev/null || true
}

# Tells the Sentinel something, by the lines of the standard input.
tell() {
  cat >"$looked/question"
  ask_itself >/dev/null
}

learn() {
  echo "the master is $1"
  lesson "$1" | tell
}

# The Sentinel knows nobody: what others know, or the one server that serves as a master, if most answer.
find_master() {
  if [ -n "$named" ]; then
    learn "$named"
    return
  fi
  look_at_servers
  if [ "$(echo "$masters" | wc -w)" -eq 1 ] && [ "$(echo "$silent" | wc -w)" -le $(($(servers | wc -l) / 2)) ]; then
    learn "$(announced "${masters# }")"
  fi
}

# Most others name another master, which is not older.
doubts=0
compare() {
  if [ "$named" != "$its_master" ] && [ "$(naming "$named")" -ge "$most" ]; then
    doubts=$((doubts + 1))
  else
    doubts=0
  fi
  if [ "$doubts" -ge "$most_doubts" ]; then
    doubts=0
    printf 'sentinel remove %s\n' "$master_name" | tell
    learn "$named"
  fi
}

# Whether the Sentinel remembers a pod that the release no longer has: takes what it tells of those it knows, and the pods of the release.
remembers_others() {
  tr -d '\r' <"$1" | sed -n '/^ip$/{n;p;}' | while read -r address; do
    is_ours=
    for pod in $2; do
      if [ "$(announced "$pod")" = "$address" ]; then
        is_ours=yes
      fi
    done
    if [ -z "$is_ours" ]; then
      echo "$address"
    fi
  done | grep -q .
}

# Forgets those who have left, while all is well. It then knows nobody but the master for some seconds, so Sentinels do it in turn.
forget() {
  number="${me##*-}"
  if [ $(($(date +%s) / 30 % all_sentinels)) -ne "$number" ] || [ "$answering" -lt "$all_sentinels" ] ||
    [ "$(naming "$its_master")" -lt "$all_sentinels" ] || ! tr -d '\r' <"$looked/$me" | grep -q -x master; then
    return
  fi
  printf 'sentinel slaves %s\n' "$master_name" >"$looked/question"
  ask_itself >"$looked/replicas-known"
  printf 'sentinel sentinels %s\n' "$master_name" >"$looked/question"
  ask_itself >"$looked/sentinels-known"
  if remembers_others "$looked/replicas-known" "$(servers)" || remembers_others "$looked/sentinels-known" "$(sentinels)"; then
    echo 'this Sentinel remembers pods that have left: it begins anew with the master'
    printf 'sentinel reset %s\n' "$master_name" | tell
  fi
}

if [ -r "$used_password" ]; then
  REDISCLI_AUTH="$(cat "$used_password")"
  export REDISCLI_AUTH
fi
await_announced
misses=0
while [ "$misses" -lt "$most_misses" ]; do
  look_at_sentinels
  its_master="$(named_of "$me")"
  if ! has_answered "$me"; then
    misses=$((misses + 1))
    sleep 1
  elif [ -z "$its_master" ]; then
    misses=0
    find_master
    sleep 1
  else
    misses=0
    compare
    forget
    sleep 5
  fi
done
