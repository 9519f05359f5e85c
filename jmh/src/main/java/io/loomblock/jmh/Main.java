// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Objects;

/** Starts JMH, whose options it takes; forks run with the JVM flags of the tools and tests, then those of {@code -jvmArgsAppend}. */
public final class Main {
    private Main() {}

    public static void main(String[] args) throws IOException {
        String[] all = Arrays.copyOf(args, args.length + 2);
        all[args.length] = "-jvmArgsPrepend";
        all[args.length + 1] = flags();
        org.openjdk.jmh.Main.main(all);
    }

    /** The build puts the parent pom's {@code loomblock.jvmFlags} into this resource. */
    private static String flags() throws IOException {
        try (InputStream resource = Objects.requireNonNull(Main.class.getResourceAsStream("jvm-flags"))) {
            return new String(resource.readAllBytes(), StandardCharsets.UTF_8).strip();
        }
    }
}
