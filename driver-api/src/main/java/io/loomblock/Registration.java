// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/** A listener's place on a device; closing it takes the listener away. */
@FunctionalInterface
public interface Registration extends AutoCloseable {
    @Override
    void close();
}
