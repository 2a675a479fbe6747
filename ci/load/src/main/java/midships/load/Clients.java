// What the run asks of a client library: there are two, for two protocols.
package midships.load;

import java.util.function.Consumer;

/** A producer and consumers of one topic. */
public interface Clients {
    /**
     * Starts a consumer of a group; from then on it gets every message that is sent.
     *
     * @param group the group
     * @param receiver is called with the body of each message
     * @throws Exception when the consumer cannot start
     */
    void consume(String group, Consumer<byte[]> receiver) throws Exception;

    /**
     * Sends a message, with as many attempts as the library makes by itself.
     *
     * @param body the message's body
     * @return whether it is stored as the cluster is set to store it, rather than with less than that
     * @throws Exception when nobody has acknowledged it
     */
    boolean send(byte[] body) throws Exception;
}
