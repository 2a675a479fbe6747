// What one name server lists: brokers, topics, one topic's route, the key and value pairs.
package midships.load;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.remoting.protocol.body.ClusterInfo;
import org.apache.rocketmq.remoting.protocol.body.KVTable;
import org.apache.rocketmq.remoting.protocol.route.BrokerData;
import org.apache.rocketmq.remoting.protocol.route.QueueData;
import org.apache.rocketmq.remoting.protocol.route.TopicRouteData;

/** One answer of one name server, or why there is none. */
final class NameServerView {
    private final Map<String, Object> content;
    private final Map<String, Map<String, Object>> route;
    private final boolean answered;

    private NameServerView(Map<String, Object> content, Map<String, Map<String, Object>> route, boolean answered) {
        this.content = content;
        this.route = route;
        this.answered = answered;
    }

    /** Asks one name server over a connection of its own. */
    static NameServerView ask(String server, String topic, long timeout) {
        try (Cluster cluster = new Cluster(server)) {
            return ask(cluster, server, topic, timeout);
        }
    }

    /** Asks one name server over a connection that stays. */
    static NameServerView ask(Cluster cluster, String server, String topic, long timeout) {
        Map<String, Object> content = new LinkedHashMap<>();
        Map<String, Map<String, Object>> route = new TreeMap<>();
        content.put("nameServer", server);
        try {
            ClusterInfo information = cluster.calls().getBrokerClusterInfo(timeout);
            Map<String, Map<String, String>> brokers = new TreeMap<>();
            if (information.getBrokerAddrTable() != null) {
                for (BrokerData broker : information.getBrokerAddrTable().values()) {
                    Map<String, String> addresses = new TreeMap<>();
                    broker.getBrokerAddrs().forEach((identity, address) -> addresses.put(String.valueOf(identity), address));
                    brokers.put(broker.getBrokerName(), addresses);
                }
            }
            Set<String> topics = new TreeSet<>(cluster.calls().getTopicListFromNameServer(timeout).getTopicList());
            if (!topic.isEmpty()) {
                readRoute(cluster, topic, timeout, route);
            }
            content.put("answered", true);
            content.put("brokers", brokers);
            content.put("topics", topics);
            content.put("route", route);
            Map<String, Map<String, String>> pairs = new TreeMap<>();
            for (String namespace : new String[] {Cluster.NAMESPACE, Cluster.ORDER_NAMESPACE}) {
                pairs.put(namespace, pairs(cluster, namespace, timeout));
            }
            content.put("pairs", pairs);
            return new NameServerView(content, route, true);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return unanswered(server, interrupted);
        } catch (Exception fault) {
            return unanswered(server, fault);
        }
    }

    private static NameServerView unanswered(String server, Exception fault) {
        Map<String, Object> content = new LinkedHashMap<>();
        content.put("nameServer", server);
        content.put("answered", false);
        content.put("why", Cluster.inWords(fault));
        return new NameServerView(content, new TreeMap<>(), false);
    }

    private static void readRoute(Cluster cluster, String topic, long timeout, Map<String, Map<String, Object>> route)
        throws Exception {
        TopicRouteData found;
        try {
            found = cluster.calls().getTopicRouteInfoFromNameServer(topic, timeout);
        } catch (MQClientException absent) {
            return; // The name server answered that it has no such route, which is an answer.
        }
        for (QueueData queues : found.getQueueDatas()) {
            Map<String, Object> one = new LinkedHashMap<>();
            one.put("readQueues", queues.getReadQueueNums());
            one.put("writeQueues", queues.getWriteQueueNums());
            one.put("permission", queues.getPerm());
            route.put(queues.getBrokerName(), one);
        }
    }

    private static Map<String, String> pairs(Cluster cluster, String namespace, long timeout) throws Exception {
        Map<String, String> pairs = new TreeMap<>();
        try {
            KVTable table = cluster.calls().getKVListByNamespace(namespace, timeout);
            pairs.putAll(table.getTable());
        } catch (MQClientException absent) {
            return pairs; // The name server answered that it has no such namespace.
        }
        return pairs;
    }

    boolean answered() {
        return answered;
    }

    /** Whether the topic is routed to exactly these groups of brokers, writable, with so many queues each. */
    boolean routed(Set<String> brokers, int queues) {
        boolean complete = route.keySet().equals(brokers);
        for (Map<String, Object> one : route.values()) {
            complete &= one.get("writeQueues").equals(queues) && one.get("readQueues").equals(queues);
        }
        return complete;
    }

    String json() {
        return Json.of(content);
    }
}
