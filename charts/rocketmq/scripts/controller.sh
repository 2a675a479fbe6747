# Starts a controller, which is the one of its pod's number.
. /scripts/java.sh

configuration=/var/rocketmq/controller.conf
{
  cat /config/controller/controller.conf
  # The line of the kind of controller that it is not means nothing to it.
  printf 'controllerDLegerSelfId=n%s\n' "${MIDSHIPS_POD_NAME##*-}"
  printf 'jRaftServerId=%s.%s:9880\n' "$MIDSHIPS_POD_NAME" "$MIDSHIPS_DOMAIN"
} >"$configuration"

become org.apache.rocketmq.controller.ControllerStartup -c "$configuration"
