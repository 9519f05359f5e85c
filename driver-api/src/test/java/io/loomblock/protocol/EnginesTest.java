// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Files are reached by FFM where the JVM has it, and by java.nio where it is, or does as, Java 21. */
@Tag("jars")
class EnginesTest {
    @Test
    void theEngineIsTheOneThatThisJvmCanUse() {
        boolean asJava21 = "21".equals(System.getProperty("loomblock.jars"));
        // A build without the part for Java 22 has no other than java.nio's.
        boolean ffm = !asJava21 && TestEngine.hasNative();
        assertThat(Engines.best().getClass().getSimpleName()).isEqualTo(ffm ? "NativeEngine" : "ChannelEngine");
    }
}
