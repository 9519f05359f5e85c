// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import org.jspecify.annotations.Nullable;

/**
 * One option of a driver, as command lines name it and {@code -o help} lists it.
 *
 * @param name QEMU's spelling
 * @param type what its text must be
 * @param help one line
 * @param defaultValue text of the default that help shows, or null
 */
public record DriverOption(
        String name, Type type, String help, @Nullable String defaultValue) {
    /** Types of options, named as help shows them. */
    public enum Type {
        STRING("str"),
        SIZE("size"),
        NUMBER("num"),
        BOOL("bool (on/off)");

        private final String helpName;

        Type(String helpName) {
            this.helpName = helpName;
        }

        public String helpName() {
            return helpName;
        }
    }

    public static DriverOption string(String name, String help) {
        return new DriverOption(name, Type.STRING, help, null);
    }

    public static DriverOption size(String name, String help) {
        return new DriverOption(name, Type.SIZE, help, null);
    }

    public static DriverOption bool(String name, String help) {
        return new DriverOption(name, Type.BOOL, help, null);
    }
}
