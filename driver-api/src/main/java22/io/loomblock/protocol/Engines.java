// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import org.slf4j.LoggerFactory;

/** Chooses the engine for this JVM: the system's own calls where FFM reaches them, else java.nio. */
final class Engines {
    private Engines() {}

    /** The best engine that works here. */
    static FileEngine best() {
        if (!LinuxConstants.SUPPORTED) {
            return new ChannelEngine();
        }
        try {
            return new NativeEngine(new LibC());
        } catch (IllegalCallerException | LinkageError | UnsupportedOperationException e) {
            LoggerFactory.getLogger(Engines.class)
                    .warn(
                            "native access is not enabled (--enable-native-access=ALL-UNNAMED): sparse files and"
                                    + " holes are not seen, and locks are those of the whole process",
                            e);
            return new ChannelEngine();
        }
    }
}
