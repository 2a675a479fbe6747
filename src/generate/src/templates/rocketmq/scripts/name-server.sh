# Starts a name server.
. /scripts/java.sh

configuration=/var/rocketmq/name-server.conf
{
  echo 'listenPort=<< nameServerPort >>'
  echo 'kvConfigPath=/data/kvConfig.json'
  echo 'configStorePath=/data/namesrv.properties'
} >"$configuration"

become org.apache.rocketmq.namesrv.NamesrvStartup -c "$configuration"
