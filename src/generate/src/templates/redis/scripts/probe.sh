# Asks the server how it is. The argument is what is asked: `started` and `alive`, whether it answers at all, or `ready`, whether it
# serves. A server that loads its data answers, and says so.
set -eu
. /scripts/server.sh
<% if isCluster %>
. /scripts/cluster.sh

<% endif %>
<% if isSentinel %>
. /scripts/sentinels.sh
. /scripts/server-of-set.sh

<% endif %>
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
<% if isCluster %>
    if [ "$1" = ready ] && lacks_data "$(ask info replication)" "$(ask cluster nodes)" "$(ask time | sed -n 1p)"; then
      echo 'a replica that does not have the data of its master yet' >&2
      exit 1
    fi
<% endif %>
<% if isSentinel %>
    if [ "$1" = ready ]; then
      state="$(ask info replication)"
      record "$state"
      if lacks_data "$state"; then
        echo 'a server that does not have the data of the master yet, or that most Sentinels do not name yet' >&2
        exit 1
      fi
    fi
<% endif %>
    ;;
esac
