// SPDX-License-Identifier: Apache-2.0
package io.loomblock.memory;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** A JVM without the flags that Chronicle Bytes wants: either it works, or the first buffer says in one line what is missing. */
class JvmFlagsTest {
    private static final List<String> EXPORTS = List.of(
            "--add-exports",
            "java.base/sun.nio.ch=ALL-UNNAMED",
            "--add-exports",
            "java.base/jdk.internal.ref=ALL-UNNAMED");

    /** Runs in the JVM under test: prints what came of the first buffer of a pool. */
    public static void main(String[] args) {
        try (AlignedBuffer buffer = BufferPool.shared().acquire(4096)) {
            buffer.putLong(0, 42);
            System.out.println("works: " + buffer.getLong(0));
        } catch (BlockException e) {
            System.out.println("refused: " + e.errno() + " " + e.getMessage());
        }
    }

    @Test
    void withoutFlagsTheFirstBufferWorksOrNamesThem() throws Exception {
        String output = java(List.of());
        assertThat(output)
                .satisfiesAnyOf(
                        o -> assertThat(o).contains("works: 42"),
                        o -> assertThat(o)
                                .contains("refused: ENOSYS")
                                .contains("--add-exports java.base/sun.nio.ch=ALL-UNNAMED"));
    }

    @Test
    void withTheFlagsItWorks() throws Exception {
        assertThat(java(EXPORTS)).contains("works: 42");
    }

    private static String java(List<String> flags) throws IOException, InterruptedException {
        String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
        List<String> command = Stream.of(
                        List.of(java),
                        flags,
                        List.of("-cp", System.getProperty("java.class.path"), JvmFlagsTest.class.getName()))
                .flatMap(List::stream)
                .toList();
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        return output;
    }
}
