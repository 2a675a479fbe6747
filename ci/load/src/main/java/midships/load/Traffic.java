// The run itself: sender threads at a fixed rate, push consumers of each group, progress, the reckoning.
package midships.load;

import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Sends and consumes until told to stop. */
final class Traffic {
    private static final int BODY_BYTES = 1_024;
    private static final long LONGEST_SEND_SECONDS = 20;
    private static final long PULSE_MILLISECONDS = 100;

    private final Options options;
    private final String topic;
    private final List<String> groups;
    private final int minimum;
    private final Ledger ledger;
    /** Tells this run's messages from those of earlier runs on the same topic. */
    private final String run = UUID.randomUUID().toString();
    private final CountDownLatch stop = new CountDownLatch(1);
    private final List<Thread> senders = new ArrayList<>();
    private final long started = System.nanoTime();

    Traffic(Options options) {
        options.finish("name-servers", "topic", "groups", "rate", "route-refresh", "senders", "minimum", "drain", "seconds",
            "progress", "watch", "proxies", "endpoints", "credentials");
        this.options = options;
        topic = options.text("topic");
        groups = groups(options);
        minimum = options.number("minimum", 10_000);
        ledger = new Ledger(groups);
    }

    /** The consumer groups of a command. */
    static List<String> groups(Options options) {
        List<String> groups = options.list("groups");
        return groups.isEmpty() ? Arrays.asList("load-a", "load-b") : groups;
    }

    /** Runs until SIGTERM or the given seconds are over, prints the figures, and returns the exit code. */
    int run() throws Exception {
        Clients clients = clients();
        for (String group : groups) {
            clients.consume(group, body -> receive(group, body));
        }

        // SIGTERM starts the shutdown of the JVM; it must not end before this thread has printed the figures and halts it.
        Thread reckoning = Thread.currentThread();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            stop.countDown();
            joinQuietly(reckoning);
        }, "ending"));

        long interval = 1_000_000_000L / Math.max(1, options.number("rate", 250));
        long first = System.nanoTime();
        for (int index = 0; index < options.number("senders", 8); index++) {
            Thread sender = new Thread(() -> send(clients, first, interval), "sender-" + index);
            sender.start();
            senders.add(sender);
        }
        for (String server : options.list("watch")) {
            daemon("watch-" + server, () -> watch(server));
        }
        daemon("pulse", this::watchItself);
        if (options.yes("progress")) {
            daemon("progress", this::tell);
        }
        int seconds = options.number("seconds", 0);
        if (seconds == 0) {
            stop.await();
        } else if (!stop.await(seconds, TimeUnit.SECONDS)) {
            stop.countDown();
        }
        return reckon();
    }

    private int reckon() throws InterruptedException {
        for (Thread sender : senders) {
            sender.join(TimeUnit.SECONDS.toMillis(LONGEST_SEND_SECONDS));
        }
        double seconds = (System.nanoTime() - started) / 1e9;
        ledger.awaitReceived(System.nanoTime() + TimeUnit.SECONDS.toNanos(options.number("drain", 90)));
        System.out.println(Json.of(ledger.figures(seconds, "lost")));
        return ledger.sound(minimum) ? 0 : 1;
    }

    /** The clients of the protocol that is asked for; those of gRPC are only there where their library is. */
    private Clients clients() throws Exception {
        String endpoints = options.text("endpoints", "");
        if (endpoints.isEmpty()) {
            return new RemotingClients(options, topic);
        }
        Class<?> library = Class.forName("midships.load.grpc.GrpcClients");
        return (Clients) library.getConstructor(String.class, String.class, Credentials.class)
            .newInstance(endpoints, topic, Credentials.of(options));
    }

    private void receive(String group, byte[] received) {
        String[] words = new String(received, StandardCharsets.US_ASCII).split(" ", 3);
        if (!words[0].equals(run)) {
            ledger.receiveEarlier(group);
            return;
        }
        int number = Integer.parseInt(words[1]);
        if (Arrays.equals(body(number), received)) {
            ledger.receive(group, number);
        } else {
            ledger.receiveDamaged();
        }
    }

    private byte[] body(int number) {
        byte[] body = new byte[BODY_BYTES];
        Arrays.fill(body, (byte) ('a' + number % 26));
        byte[] head = (run + " " + number + " ").getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(head, 0, body, 0, head.length);
        return body;
    }

    private void send(Clients clients, long first, long interval) {
        while (stop.getCount() > 0) {
            int number = ledger.take();
            long due = first + number * interval;
            while (stop.getCount() > 0 && System.nanoTime() < due) {
                LockSupport.parkNanos(Math.min(50_000_000L, due - System.nanoTime()));
            }
            if (stop.getCount() == 0) {
                return;
            }
            ledger.send();
            long begun = System.nanoTime();
            try {
                boolean whole = clients.send(body(number));
                ledger.acknowledge(number, whole, System.nanoTime());
            } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
                return;
            } catch (Exception fault) {
                ledger.fail(begun, System.nanoTime());
                System.out.println(Instant.now() + " send error: number " + number + ": " + Cluster.inWords(fault));
            }
        }
    }

    /** Prints a line whenever what a name server lists has changed, with the moment of it. */
    private void watch(String server) {
        String last = "";
        try (Cluster cluster = new Cluster(server)) {
            while (!awaitStop(500)) {
                String view = NameServerView.ask(cluster, server, topic, 2_000).json();
                if (!view.equals(last)) {
                    System.out.println(Instant.now() + " view " + view);
                    last = view;
                }
            }
        }
    }

    /** Does nothing but sleep: when it wakes late, this program has had no processor, or its JVM has stood still. */
    private void watchItself() {
        long before = System.nanoTime();
        while (!awaitStop(PULSE_MILLISECONDS)) {
            long now = System.nanoTime();
            long due = before + TimeUnit.MILLISECONDS.toNanos(PULSE_MILLISECONDS);
            ledger.stoodStill(Math.min(due, now), now);
            before = now;
        }
    }

    private void tell() {
        while (!awaitStop(1_000)) {
            double seconds = (System.nanoTime() - started) / 1e9;
            System.out.println(Instant.now() + " progress " + Json.of(ledger.figures(seconds, "underway")));
        }
    }

    private boolean awaitStop(long milliseconds) {
        try {
            return stop.await(milliseconds, TimeUnit.MILLISECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    private static void daemon(String name, Runnable work) {
        Thread thread = new Thread(work, name);
        thread.setDaemon(true);
        thread.start();
    }

    private static void joinQuietly(Thread thread) {
        try {
            thread.join();
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
