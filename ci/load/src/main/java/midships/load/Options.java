// The options of one command: pairs of `--name value`.
package midships.load;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Reads pairs of `--name value` and refuses what it does not know. */
final class Options {
    private final Map<String, String> values = new LinkedHashMap<>();

    Options(String[] words) {
        for (int index = 1; index < words.length; index += 2) {
            if (!words[index].startsWith("--") || index + 1 == words.length) {
                throw new IllegalArgumentException("expected `--name value` at `" + words[index] + "`");
            }
            values.put(words[index].substring(2), words[index + 1]);
        }
    }

    /** Refuses options other than the given ones. */
    void finish(String... known) {
        Set<String> unknown = new HashSet<>(values.keySet());
        unknown.removeAll(Arrays.asList(known));
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException("unknown options: " + unknown + "; known are " + Arrays.toString(known));
        }
    }

    String text(String name) {
        String value = values.get(name);
        if (value == null || value.isEmpty()) {
            throw new IllegalArgumentException("--" + name + " is required");
        }
        return value;
    }

    String text(String name, String otherwise) {
        return values.getOrDefault(name, otherwise);
    }

    int number(String name, int otherwise) {
        String value = values.get(name);
        try {
            int number = value == null ? otherwise : Integer.parseInt(value);
            if (number < 0) {
                throw new NumberFormatException();
            }
            return number;
        } catch (NumberFormatException wrong) {
            throw new IllegalArgumentException("--" + name + " must be a whole number from 0: `" + value + "`", wrong);
        }
    }

    boolean yes(String name) {
        return Boolean.parseBoolean(values.getOrDefault(name, "false"));
    }

    /** A list joined by `;` or `,`; empty when the option is absent. */
    List<String> list(String name) {
        List<String> parts = new ArrayList<>();
        for (String part : values.getOrDefault(name, "").split("[;,]")) {
            if (!part.trim().isEmpty()) {
                parts.add(part.trim());
            }
        }
        return parts;
    }
}
