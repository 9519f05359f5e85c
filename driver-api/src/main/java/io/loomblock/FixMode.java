// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/** What a check may repair. */
public enum FixMode {
    /** Nothing: look only. */
    NONE,
    /** Space that nothing refers to. */
    LEAKS,
    /** Space that nothing refers to, and references that are wrong. */
    ALL;

    /** Whether wrong references are repaired. */
    public boolean errors() {
        return this == ALL;
    }

    /** Whether leaked space is reclaimed, where the format can do that. */
    public boolean leaks() {
        return this != NONE;
    }
}
