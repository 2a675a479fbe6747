// The clients of the gRPC protocol, which know proxies only.
package midships.load.grpc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Collections;
import java.util.function.Consumer;
import midships.load.Clients;
import midships.load.Credentials;
import org.apache.rocketmq.client.apis.ClientConfiguration;
import org.apache.rocketmq.client.apis.ClientConfigurationBuilder;
import org.apache.rocketmq.client.apis.ClientException;
import org.apache.rocketmq.client.apis.ClientServiceProvider;
import org.apache.rocketmq.client.apis.StaticSessionCredentialsProvider;
import org.apache.rocketmq.client.apis.consumer.ConsumeResult;
import org.apache.rocketmq.client.apis.consumer.FilterExpression;
import org.apache.rocketmq.client.apis.consumer.FilterExpressionType;
import org.apache.rocketmq.client.apis.producer.Producer;

/** Clients that are given the endpoints of proxies. */
public final class GrpcClients implements Clients {
    private static final int CACHED_MESSAGES = 1_024;

    private final ClientServiceProvider provider = ClientServiceProvider.loadService();
    private final ClientConfiguration configuration;
    private final String topic;
    private final Producer producer;

    /**
     * Connects a producer.
     *
     * @param endpoints the proxies, `HOST:PORT;HOST:PORT`
     * @param topic the topic that is sent to and consumed
     * @param credentials whose name stands under each request; null where nobody asks
     * @throws ClientException when no proxy answers, or none knows the topic
     */
    public GrpcClients(String endpoints, String topic, Credentials credentials) throws ClientException {
        this.topic = topic;
        ClientConfigurationBuilder builder = ClientConfiguration.newBuilder()
            .setEndpoints(endpoints)
            // As the clients of the other protocol know it.
            .enableSsl(Boolean.getBoolean("tls.enable"))
            .setRequestTimeout(Duration.ofSeconds(3));
        if (credentials != null) {
            builder.setCredentialProvider(
                new StaticSessionCredentialsProvider(credentials.accessKey(), credentials.secretKey()));
        }
        configuration = builder.build();
        producer = provider.newProducerBuilder().setTopics(topic).setClientConfiguration(configuration).build();
    }

    @Override
    public void consume(String group, Consumer<byte[]> receiver) throws ClientException {
        provider.newPushConsumerBuilder()
            .setClientConfiguration(configuration)
            .setConsumerGroup(group)
            .setSubscriptionExpressions(Collections.singletonMap(topic, new FilterExpression("*", FilterExpressionType.TAG)))
            .setConsumptionThreadCount(2)
            .setMaxCacheMessageCount(CACHED_MESSAGES)
            .setMessageListener(message -> {
                ByteBuffer body = message.getBody();
                byte[] bytes = new byte[body.remaining()];
                body.get(bytes);
                receiver.accept(bytes);
                return ConsumeResult.SUCCESS;
            })
            .build();
    }

    @Override
    public boolean send(byte[] body) throws ClientException {
        // Whatever is less than asked for is an error here.
        producer.send(provider.newMessageBuilder().setTopic(topic).setBody(body).build());
        return true;
    }
}
