import java.util.Map;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Makes topics through the library under mqadmin, in one process, and compares each with what the broker then has. */
public final class CreateTopics {
    private static final int QUEUES = 8;
    private static final int READ_AND_WRITE = 6;
    private static final long TIMEOUT_MILLISECONDS = 30_000;

    private CreateTopics() {
    }

    /** The arguments: name server, broker, what the names begin with, how many. */
    public static void main(String[] arguments) throws Exception {
        String broker = arguments[1];
        int count = Integer.parseInt(arguments[3]);
        DefaultMQAdminExt admin = new DefaultMQAdminExt(TIMEOUT_MILLISECONDS);
        admin.setNamesrvAddr(arguments[0]);
        admin.start();
        try {
            for (int number = 0; number < count; number++) {
                admin.createAndUpdateTopicConfig(broker, made(arguments[2], number));
            }
            Map<String, TopicConfig> there = admin.getAllTopicConfig(broker, TIMEOUT_MILLISECONDS).getTopicConfigTable();
            for (int number = 0; number < count; number++) {
                TopicConfig made = made(arguments[2], number);
                if (!made.equals(there.get(made.getTopicName()))) {
                    throw new IllegalStateException("topic " + made.getTopicName() + " is not as it was made");
                }
            }
        } finally {
            admin.shutdown();
        }
    }

    private static TopicConfig made(String prefix, int number) {
        return new TopicConfig(prefix + "-" + number, QUEUES, QUEUES, READ_AND_WRITE);
    }
}
