// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import java.io.Serial;
import org.jspecify.annotations.Nullable;

/** Ends a tool with a message on the standard error and an exit code. */
public final class ToolException extends Exception {
    @Serial
    private static final long serialVersionUID = 1L;

    /** Ordinary failure, as of QEMU's tools. */
    public static final int FAILURE = 1;

    private final int exitCode;
    private final boolean usage;

    private ToolException(String message, int exitCode, boolean usage, @Nullable Throwable cause) {
        super(message, cause);
        this.exitCode = exitCode;
        this.usage = usage;
    }

    /** A failure with exit code 1. */
    public static ToolException failure(String message) {
        return new ToolException(message, FAILURE, false, null);
    }

    /** A failure with an exit code of its own and what caused it. */
    public static ToolException failure(String message, int exitCode, @Nullable Throwable cause) {
        return new ToolException(message, exitCode, false, cause);
    }

    /** A command line that cannot be understood: the message is followed by a hint at {@code --help}. */
    public static ToolException usage(String message) {
        return new ToolException(message, FAILURE, true, null);
    }

    /** The exit code of the process. */
    public int exitCode() {
        return exitCode;
    }

    /** Whether to point the user to {@code --help}. */
    public boolean isUsage() {
        return usage;
    }

    /** What to print; may be several lines. */
    public String text() {
        String message = getMessage();
        return message == null ? "" : message;
    }
}
