// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/** Chooses the engine for this JVM: here, on Java 21, the one that needs nothing but java.nio. */
final class Engines {
    private Engines() {}

    /** The best engine that works here. */
    static FileEngine best() {
        return new ChannelEngine();
    }
}
