// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.util.function.Supplier;
import org.slf4j.LoggerFactory;

/** Chooses the engine where there is FFM: the system's own calls if we know them and may make them, else java.nio. */
final class EnginesOfJava22 implements Supplier<FileEngine> {
    @Override
    public FileEngine get() {
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
