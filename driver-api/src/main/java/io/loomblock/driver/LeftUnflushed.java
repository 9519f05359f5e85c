// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

/**
 * What a process has written that was killed: it is read like everything else, but may not be durable, and no node knows of it.
 *
 * <p>A flush does nothing where nothing was written. Who finds that an image was not closed in order, and is about to rely on what is in its
 * files, has them flushed all the same.
 */
public final class LeftUnflushed {
    private LeftUnflushed() {}

    /** Has the next flush of this node be done, and of those below it; where nothing may be written, none is. */
    public static void mark(Node node) {
        node.flushes.written();
        node.children().values().forEach(LeftUnflushed::mark);
    }
}
