// The clients of the remoting protocol, which know the brokers.
package midships.load;

import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeConcurrentlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerConcurrently;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendStatus;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.Message;

/** Clients that ask name servers, or a proxy in their place. */
final class RemotingClients implements Clients {
    // Consumers that ask again at once ask for every single message, and take most of what a small machine can do.
    private static final long PULL_MILLISECONDS = 200;

    private final Options options;
    private final String topic;
    private final DefaultMQProducer producer;

    RemotingClients(Options options, String topic) throws Exception {
        this.options = options;
        this.topic = topic;
        producer = new DefaultMQProducer("load-producer", Credentials.hook(options));
        configure(producer, "producer");
        producer.start();
    }

    private void configure(ClientConfig client, String instance) {
        client.setNamesrvAddr(options.text(options.text("proxies", "").isEmpty() ? "name-servers" : "proxies"));
        client.setInstanceName(instance);
        int refresh = options.number("route-refresh", 0);
        if (refresh > 0) {
            client.setPollNameServerInterval((int) TimeUnit.SECONDS.toMillis(refresh));
        }
    }

    @Override
    public void consume(String group, Consumer<byte[]> receiver) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group, Credentials.hook(options));
        configure(consumer, group);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        consumer.setConsumeThreadMin(2);
        consumer.setConsumeThreadMax(2);
        consumer.setConsumeMessageBatchMaxSize(32);
        consumer.setPullThresholdSizeForTopic(16);
        consumer.setPullInterval(PULL_MILLISECONDS);
        consumer.subscribe(topic, "*");
        consumer.registerMessageListener((MessageListenerConcurrently) (messages, context) -> {
            messages.forEach(message -> receiver.accept(message.getBody()));
            return ConsumeConcurrentlyStatus.CONSUME_SUCCESS;
        });
        consumer.start();
    }

    @Override
    public boolean send(byte[] body) throws Exception {
        return producer.send(new Message(topic, body)).getSendStatus() == SendStatus.SEND_OK;
    }
}
