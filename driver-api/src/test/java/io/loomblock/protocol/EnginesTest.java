// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The packaged jar reaches the system by FFM where the JVM reads its multi-release part, and by java.nio where it does not. */
@Tag("jars")
class EnginesTest {
    @Test
    void theEngineIsTheOneThatThisJvmCanUse() {
        String jars = System.getProperty("loomblock.jars");
        assumeTrue(jars != null, "not run from the jars");
        String engine = Engines.best().getClass().getSimpleName();
        // A build without the multi-release part has no other than java.nio's.
        boolean native22 = jars.equals("newest") && TestEngine.hasNative();
        assertThat(engine).isEqualTo(native22 ? "NativeEngine" : "ChannelEngine");
        assertThat(TestEngine.hasNative() && jars.equals("21")).isFalse();
    }
}
