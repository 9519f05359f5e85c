// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** Options as {@code key=value,key=value}; a comma in a value is doubled. */
final class KeyValues {
    private static final Pattern PAIR_END = Pattern.compile("(?<!,),(?!,)");

    private KeyValues() {}

    /** The pairs in order; of two with the same key the later counts. */
    static Map<String, String> parse(String text) throws OpenMode.Refused {
        Map<String, String> options = new LinkedHashMap<>();
        for (String pair : PAIR_END.split(text)) {
            int equals = pair.indexOf('=');
            if (equals <= 0) {
                throw new OpenMode.Refused("Invalid parameter '" + pair + "'");
            }
            options.put(pair.substring(0, equals), pair.substring(equals + 1).replace(",,", ","));
        }
        return options;
    }
}
