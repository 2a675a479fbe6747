// The books of one run: what was sent, acknowledged and received, number by number.
package midships.load;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Counts by number. Every method is safe to call from any thread. */
final class Ledger {
    private static final int MOST_COUNTED = Byte.MAX_VALUE;
    /** From here on a standstill of this program can make a send fail that no broker has failed: the client gives up after 3 s. */
    private static final long LONG_STANDSTILL_NANOSECONDS = 1_000_000_000L;

    /** From when until when something went on, in {@link System#nanoTime()}. */
    private static final class Span {
        final long from;
        final long until;

        Span(long from, long until) {
            this.from = from;
            this.until = until;
        }

        boolean overlaps(Span other) {
            return from - other.until < 0 && other.from - until < 0;
        }
    }

    private final Map<String, byte[]> received = new LinkedHashMap<>();
    private final Map<String, Integer> earlier = new LinkedHashMap<>();
    private byte[] acknowledged = new byte[1 << 16];
    private int next;
    private int sent;
    private int acknowledgedTotal;
    private final List<Span> failedSends = new ArrayList<>();
    private final List<Span> longStandstills = new ArrayList<>();
    private int notReplicated;
    private int damaged;
    private long lastAcknowledgement;
    private long longestGap;
    private long longestStandstill;

    Ledger(List<String> groups) {
        for (String group : groups) {
            received.put(group, new byte[1 << 16]);
            earlier.put(group, 0);
        }
    }

    /** The next number to send when its time has come. */
    synchronized int take() {
        return next++;
    }

    /** A number is about to be sent. */
    synchronized void send() {
        sent++;
    }

    /** A broker has acknowledged a number at a moment of {@link System#nanoTime()}. */
    synchronized void acknowledge(int number, boolean replicated, long moment) {
        acknowledged = grown(acknowledged, number);
        acknowledged[number] = 1;
        acknowledgedTotal++;
        notReplicated += replicated ? 0 : 1;
        if (lastAcknowledgement != 0) {
            longestGap = Math.max(longestGap, moment - lastAcknowledgement);
        }
        lastAcknowledgement = moment;
        notifyAll();
    }

    /** A send failed after all that the client itself tried. */
    synchronized void fail(long begun, long ended) {
        failedSends.add(new Span(begun, ended));
    }

    /** Failed sends during which this program itself stood still for long say nothing about the cluster: they are counted apart. */
    private int failedSends(boolean stoodStill) {
        int found = 0;
        for (Span send : failedSends) {
            found += longStandstills.stream().anyMatch(send::overlaps) == stoodStill ? 1 : 0;
        }
        return found;
    }

    synchronized void receive(String group, int number) {
        byte[] counts = grown(received.get(group), number);
        counts[number] = (byte) Math.min(MOST_COUNTED, counts[number] + 1);
        received.put(group, counts);
        notifyAll();
    }

    /** A group has received a message of an earlier run on the same topic. */
    synchronized void receiveEarlier(String group) {
        earlier.merge(group, 1, Integer::sum);
    }

    /** A received message differs from what was sent under its number. */
    synchronized void receiveDamaged() {
        damaged++;
    }

    /** Waits until every group has every acknowledged number, or the deadline of {@link System#nanoTime()} has passed. */
    synchronized void awaitReceived(long deadline) throws InterruptedException {
        while (missing() > 0 && System.nanoTime() < deadline) {
            wait(200);
        }
    }

    private int missing() {
        int missing = 0;
        for (byte[] counts : received.values()) {
            for (int number = 0; number < next; number++) {
                missing += at(acknowledged, number) > 0 && at(counts, number) == 0 ? 1 : 0;
            }
        }
        return missing;
    }

    /**
     * What the run has come to.
     *
     * @param missing what to call acknowledged numbers that a group does not have: under way at first, lost at the end
     */
    synchronized Map<String, Object> figures(double seconds, String missing) {
        Map<String, Object> receivedByGroup = new LinkedHashMap<>();
        int duplicated = 0;
        for (Map.Entry<String, byte[]> group : received.entrySet()) {
            int different = 0;
            for (byte count : group.getValue()) {
                different += count > 0 ? 1 : 0;
                duplicated += count > 1 ? count - 1 : 0;
            }
            receivedByGroup.put(group.getKey(), different);
        }
        Map<String, Object> figures = new LinkedHashMap<>();
        figures.put("sent", sent);
        figures.put("acknowledged", acknowledgedTotal);
        figures.put("received", receivedByGroup);
        figures.put("earlier", new LinkedHashMap<>(earlier));
        figures.put(missing, missing());
        figures.put("duplicated", duplicated);
        figures.put("damaged", damaged);
        figures.put("sendErrors", failedSends(false));
        figures.put("sendErrorsInStandstill", failedSends(true));
        figures.put("notReplicated", notReplicated);
        figures.put("longestGapMilliseconds", longestGap / 1_000_000);
        figures.put("longestStandstillMilliseconds", longestStandstill / 1_000_000);
        figures.put("seconds", Math.round(seconds * 10) / 10.0);
        return figures;
    }

    /** Notes from when until when this program itself stood still, which its figures have to be read with. */
    synchronized void stoodStill(long from, long until) {
        longestStandstill = Math.max(longestStandstill, until - from);
        if (until - from >= LONG_STANDSTILL_NANOSECONDS) {
            longStandstills.add(new Span(from, until));
        }
    }

    synchronized boolean sound(int minimum) {
        return missing() == 0 && failedSends(false) == 0 && damaged == 0 && acknowledgedTotal >= minimum;
    }

    private static byte at(byte[] counts, int number) {
        return number < counts.length ? counts[number] : 0;
    }

    private static byte[] grown(byte[] counts, int number) {
        return number < counts.length ? counts : Arrays.copyOf(counts, Math.max(number + 1, counts.length * 2));
    }
}
