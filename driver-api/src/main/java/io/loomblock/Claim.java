// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.Node;
import org.jspecify.annotations.Nullable;

/**
 * The right of one long-running user to change an image as a whole; until it is closed all others get EBUSY.
 *
 * <p>Requests of the guest go on, and closing the device does not wait for it. Made by {@link BlockDevice#claim}; thread-safe. spec:
 * block-layer.md section 5, "in_use".
 */
public final class Claim implements AutoCloseable {
    private final String user;
    private final Node root;
    private final WholeImage image;

    Claim(String user, Node root, WholeImage image) {
        this.user = user;
        this.root = root;
        this.image = image;
    }

    /** Who has it, in words. */
    public String user() {
        return user;
    }

    /** Like {@link BlockDevice#truncate}. */
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        image.change(this, () -> root.truncate(length, exact, preallocation));
    }

    /** Like {@link BlockDevice#check}. */
    public CheckResult check(FixMode fix) throws BlockException {
        return image.check(this, fix);
    }

    /** Like {@link BlockDevice#changeBackingFile}. */
    public void changeBackingFile(@Nullable String name, @Nullable String format) throws BlockException {
        image.change(this, () -> root.changeBackingFile(name, format));
    }

    /** Like {@link BlockDevice#makeEmpty}. */
    public void makeEmpty() throws BlockException {
        image.change(this, root::makeEmpty);
    }

    /** Gives it back; idempotent. */
    @Override
    public void close() {
        image.release(this);
    }
}
