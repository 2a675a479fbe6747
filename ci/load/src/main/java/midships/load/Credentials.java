// Whose name stands under what the load asks, where brokers or proxies want to know.
package midships.load;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import org.apache.rocketmq.acl.common.AclClientRPCHook;
import org.apache.rocketmq.acl.common.SessionCredentials;
import org.apache.rocketmq.remoting.RPCHook;

/** The keys of a user, read from a directory into which a Secret is mounted. */
public final class Credentials {
    private final String accessKey;
    private final String secretKey;

    private Credentials(Path directory) throws IOException {
        accessKey = read(directory.resolve("accessKey"));
        secretKey = read(directory.resolve("secretKey"));
    }

    /** The credentials that the option `credentials` names; null without it. */
    static Credentials of(Options options) throws IOException {
        String directory = options.text("credentials", "");
        return directory.isEmpty() ? null : new Credentials(Paths.get(directory));
    }

    /** What signs each request of a client of the remoting protocol; null signs nothing. */
    static RPCHook hook(Options options) throws IOException {
        Credentials credentials = of(options);
        return credentials == null ? null
            : new AclClientRPCHook(new SessionCredentials(credentials.accessKey, credentials.secretKey));
    }

    private static String read(Path file) throws IOException {
        return new String(Files.readAllBytes(file), StandardCharsets.US_ASCII).trim();
    }

    /** The user's name. */
    public String accessKey() {
        return accessKey;
    }

    /** What the user signs with. */
    public String secretKey() {
        return secretKey;
    }
}
