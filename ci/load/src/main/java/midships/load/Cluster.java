// The administration that the load needs, through the official client's own calls.
package midships.load;

import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.impl.ClientRemotingProcessor;
import org.apache.rocketmq.client.impl.MQClientAPIImpl;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.remoting.RPCHook;
import org.apache.rocketmq.remoting.netty.NettyClientConfig;
import org.apache.rocketmq.remoting.protocol.header.UpdateConsumerOffsetRequestHeader;
import org.apache.rocketmq.remoting.protocol.route.BrokerData;
import org.apache.rocketmq.remoting.protocol.subscription.SubscriptionGroupConfig;

/** Calls to name servers and brokers by address. */
final class Cluster implements AutoCloseable {
    static final long TIMEOUT_MILLISECONDS = 5_000;
    /** The namespace of key and value pairs that `prepare` writes, so that copies of them can be checked. */
    static final String NAMESPACE = "midships-load";
    /** The namespace in which name servers keep which topics are ordered, and how. */
    static final String ORDER_NAMESPACE = "ORDER_TOPIC_CONFIG";
    /** The topic that brokers know from their start; the protocol wants its name in a creation. */
    private static final String TEMPLATE_TOPIC = "TBW102";
    private static final long MASTER = 0;

    private final MQClientAPIImpl calls;

    Cluster(String nameServers) {
        this(nameServers, null);
    }

    private Cluster(String nameServers, RPCHook signature) {
        NettyClientConfig network = new NettyClientConfig();
        network.setClientWorkerThreads(1);
        network.setClientCallbackExecutorThreads(1);
        calls = new MQClientAPIImpl(network, new ClientRemotingProcessor(null), signature, new ClientConfig());
        calls.updateNameServerAddressList(nameServers);
        calls.start();
    }

    MQClientAPIImpl calls() {
        return calls;
    }

    @Override
    public void close() {
        calls.shutdown();
    }

    /** Creates topic, groups and pairs, and waits until every name server of the list routes the topic to every master. */
    static void prepare(Options options) throws Exception {
        options.finish("name-servers", "topic", "queues", "groups", "seconds", "more-topics", "more-groups", "order", "begin",
            "credentials");
        String topic = options.text("topic");
        int queues = options.number("queues", 16);
        List<String> servers = options.list("name-servers");
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(options.number("seconds", 60));
        try (Cluster cluster = new Cluster(options.text("name-servers"), Credentials.hook(options))) {
            Map<String, String> masters = cluster.masters();
            if (masters.isEmpty() || queues % masters.size() != 0) {
                throw new IllegalStateException(queues + " queues cannot be shared out evenly among the masters " + masters);
            }
            int share = queues / masters.size();
            for (String address : masters.values()) {
                cluster.calls.createTopic(address, TEMPLATE_TOPIC, new TopicConfig(topic, share, share), TIMEOUT_MILLISECONDS);
                for (String group : Traffic.groups(options)) {
                    SubscriptionGroupConfig subscription = new SubscriptionGroupConfig();
                    subscription.setGroupName(group);
                    cluster.calls.createSubscriptionGroup(address, subscription, TIMEOUT_MILLISECONDS);
                    if (options.yes("begin")) {
                        cluster.begin(address, topic, group, share);
                    }
                }
                cluster.furnish(address, options.number("more-topics", 0), options.number("more-groups", 0));
            }
            StringJoiner order = new StringJoiner(";");
            masters.keySet().forEach(master -> order.add(master + ":" + share));
            for (String server : servers) {
                try (Cluster one = new Cluster(server)) {
                    one.calls.putKVConfigValue(NAMESPACE, "topic", topic, TIMEOUT_MILLISECONDS);
                    // Of a topic that nobody uses, so that it orders nothing.
                    one.calls.putKVConfigValue(ORDER_NAMESPACE, topic + "-ordered", order.toString(), TIMEOUT_MILLISECONDS);
                    for (String ordered : options.list("order")) {
                        one.calls.putKVConfigValue(ORDER_NAMESPACE, ordered, order.toString(), TIMEOUT_MILLISECONDS);
                    }
                }
                NameServerView view;
                do {
                    view = NameServerView.ask(server, topic, TIMEOUT_MILLISECONDS);
                    if (System.nanoTime() > deadline) {
                        throw new IllegalStateException("the topic is not routed to " + masters.keySet() + ": " + view.json());
                    }
                } while (!view.routed(masters.keySet(), share));
            }
            System.out.println("prepared topic " + topic + ": " + share + " queues on each of " + masters.keySet());
        }
    }

    /** Gives a master so many topics and groups that nobody uses, each with another configuration. */
    private void furnish(String address, int topics, int groups) throws Exception {
        for (int number = 0; number < topics; number++) {
            TopicConfig topic = new TopicConfig(String.format("more-%03d", number), 1 + number % 8, 1 + number % 4);
            // Every tenth is ordered by its configuration, the next one by the kind of its messages.
            topic.setOrder(number % 10 == 0);
            if (number % 10 == 1) {
                topic.setAttributes(Collections.singletonMap("+message.type", "FIFO"));
            } else if (number % 10 == 2) {
                topic.setAttributes(Collections.singletonMap("+message.type", "DELAY"));
            }
            calls.createTopic(address, TEMPLATE_TOPIC, topic, TIMEOUT_MILLISECONDS);
        }
        for (int number = 0; number < groups; number++) {
            SubscriptionGroupConfig group = new SubscriptionGroupConfig();
            group.setGroupName(String.format("more-%03d", number));
            group.setRetryMaxTimes(number);
            group.setConsumeBroadcastEnable(number % 2 == 0);
            calls.createSubscriptionGroup(address, group, TIMEOUT_MILLISECONDS);
        }
    }

    /** Lets a group begin with the first message of each queue: who consumes by POP begins with what comes after its first call. */
    private void begin(String address, String topic, String group, int queues) throws Exception {
        for (int queue = 0; queue < queues; queue++) {
            UpdateConsumerOffsetRequestHeader offset = new UpdateConsumerOffsetRequestHeader();
            offset.setConsumerGroup(group);
            offset.setTopic(topic);
            offset.setQueueId(queue);
            offset.setCommitOffset(0L);
            calls.updateConsumerOffset(address, offset, TIMEOUT_MILLISECONDS);
        }
    }

    /** The address of each master by the name of its group of brokers. */
    private Map<String, String> masters() throws Exception {
        Map<String, String> masters = new TreeMap<>();
        for (BrokerData broker : calls.getBrokerClusterInfo(TIMEOUT_MILLISECONDS).getBrokerAddrTable().values()) {
            String address = broker.getBrokerAddrs().get(MASTER);
            if (address != null) {
                masters.put(broker.getBrokerName(), address);
            }
        }
        return masters;
    }

    /** A fault with its causes, on one line. */
    static String inWords(Throwable fault) {
        StringBuilder words = new StringBuilder();
        for (Throwable part = fault; part != null; part = part.getCause()) {
            words.append(words.length() == 0 ? "" : ": ").append(part.getClass().getSimpleName());
            if (part.getMessage() != null) {
                words.append(": ").append(part.getMessage().replaceAll("\\s+", " ").trim());
            }
        }
        return words.toString();
    }
}
