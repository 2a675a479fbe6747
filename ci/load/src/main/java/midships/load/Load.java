// The entry point of the load program: `prepare`, `run` and `view`.
package midships.load;

import java.security.Security;

/** Chooses what to do. Exit codes: 0 all is well, 1 the load failed its checks, 2 usage, 3 the cluster could not be used. */
public final class Load {
    private static final String USAGE = String.join(System.lineSeparator(),
        "prepare --name-servers LIST --topic NAME [--queues 16] [--groups a,b] [--seconds 60]",
        "    [--more-topics 0] [--more-groups 0] [--order a,b] [--begin true]",
        "    creates the topic on every master, the queues shared out evenly, and the consumer groups,",
        "    so many topics and groups more that nobody uses, and the order configuration of these topics;",
        "    with --begin the groups begin with the first message, by whatever protocol they consume",
        "run --name-servers LIST --topic NAME [--groups a,b] [--rate 250] [--route-refresh SECONDS] [--senders 8]",
        "    [--minimum 10000] [--drain SECONDS] [--seconds SECONDS] [--progress true] [--watch LIST]",
        "    [--proxies LIST | --endpoints LIST]",
        "    sends and consumes until SIGTERM, with brokers, through proxies or through them by gRPC, then prints one line of JSON",
        "view --name-servers LIST [--topic NAME]",
        "    prints what each name server lists, as one line of JSON each",
        "LIST is HOST:PORT;HOST:PORT; prepare and run sign with the files accessKey and secretKey of [--credentials DIRECTORY]");

    private Load() {
    }

    /**
     * Runs one command.
     *
     * @param words the command and its options
     */
    public static void main(String[] words) {
        // A name that does not exist yet may exist a moment later; positive answers keep the default of 30 s.
        Security.setProperty("networkaddress.cache.negative.ttl", "0");
        int code;
        try {
            code = carryOut(words);
        } catch (IllegalArgumentException refused) {
            System.err.println("load: " + refused.getMessage());
            System.err.println(USAGE);
            code = 2;
        } catch (Exception failed) {
            System.err.println("load: " + Cluster.inWords(failed));
            code = 3;
        }
        System.out.flush();
        // The client's threads are not daemons; what they still do is of no interest.
        Runtime.getRuntime().halt(code);
    }

    private static int carryOut(String[] words) throws Exception {
        if (words.length == 0) {
            throw new IllegalArgumentException("no command given");
        }
        Options options = new Options(words);
        switch (words[0]) {
            case "prepare":
                Cluster.prepare(options);
                return 0;
            case "run":
                return new Traffic(options).run();
            case "view":
                options.finish("name-servers", "topic");
                boolean all = true;
                for (String server : options.list("name-servers")) {
                    // Not closed: that takes seconds, and the process ends here.
                    Cluster cluster = new Cluster(server);
                    String topic = options.text("topic", "");
                    NameServerView view = NameServerView.ask(cluster, server, topic, Cluster.TIMEOUT_MILLISECONDS);
                    all &= view.answered();
                    System.out.println(view.json());
                }
                return all ? 0 : 1;
            default:
                throw new IllegalArgumentException("unknown command: `" + words[0] + "`");
        }
    }
}
