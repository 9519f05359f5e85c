// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.util.function.Supplier;
import java.util.jar.JarFile;

/** Chooses the engine for this JVM: on Java 22 and newer what {@code src/main/java22} says, else the one that needs nothing but java.nio. */
final class Engines {
    /** By name, because an older Java cannot load it. */
    private static final String OF_JAVA_22 = "io.loomblock.protocol.EnginesOfJava22";

    private Engines() {}

    /** The best engine that works here. */
    static FileEngine best() {
        // The version for which this JVM reads jars: -Djdk.util.jar.version=21 has it do as on Java 21.
        return JarFile.runtimeVersion().feature() < 22
                ? new ChannelEngine()
                : ofJava22().get();
    }

    @SuppressWarnings("unchecked") // what stands under this name is ours
    private static Supplier<FileEngine> ofJava22() {
        try {
            return (Supplier<FileEngine>)
                    Class.forName(OF_JAVA_22).getDeclaredConstructor().newInstance();
        } catch (ClassNotFoundException e) {
            // Built by a JDK 21.
            return ChannelEngine::new;
        } catch (ReflectiveOperationException e) {
            throw new LinkageError("the engines of Java 22", e);
        }
    }
}
