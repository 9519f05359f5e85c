// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.io.IOException;
import java.io.Serial;
import org.jspecify.annotations.Nullable;

/**
 * The one exception by which a failure of the block layer reaches its caller: what went wrong ({@link #errno()} and {@link
 * #reason()}), and, once a node has seen it, on which node, doing what and where.
 */
public final class BlockException extends IOException {
    @Serial
    private static final long serialVersionUID = 1L;

    private final Errno errno;
    private final String reason;
    private @Nullable String node;
    private @Nullable String operation;
    private long offset = -1;

    /** A failure whose reason is the errno's own text. */
    public BlockException(Errno errno) {
        this(errno, errno.text());
    }

    /**
     * A failure with its reason in words.
     *
     * @param reason one line, no trailing stop, without the name of the image (callers put that before it)
     */
    public BlockException(Errno errno, String reason) {
        super(reason);
        this.errno = errno;
        this.reason = reason;
    }

    /** A failure with its reason and its cause. */
    public BlockException(Errno errno, String reason, @Nullable Throwable cause) {
        super(reason, cause);
        this.errno = errno;
        this.reason = reason;
    }

    public Errno errno() {
        return errno;
    }

    /** What went wrong, in one line, without where. */
    public String reason() {
        return reason;
    }

    /** The node that failed first, if one has said so. */
    public @Nullable String node() {
        return node;
    }

    /** What the node was doing, if known: read, write, flush, … */
    public @Nullable String operation() {
        return operation;
    }

    /** The byte offset on {@link #node()}, or -1 where there is none. */
    public long offset() {
        return offset;
    }

    /** Adds where it happened, unless a node further down has already done so; returns this. */
    public BlockException at(String failedNode, String failedOperation, long failedOffset) {
        if (node == null) {
            node = failedNode;
            operation = failedOperation;
            offset = failedOffset;
        }
        return this;
    }

    @Override
    public String getMessage() {
        if (node == null) {
            return reason;
        }
        String where = offset >= 0 ? " at offset " + offset : "";
        return node + ": " + operation + where + ": " + reason;
    }
}
