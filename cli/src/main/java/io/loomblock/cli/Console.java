// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli;

import java.io.InputStream;
import java.io.PrintStream;

/**
 * Where a tool reads and writes, and the name that its messages begin with.
 *
 * @param prog the program's name in messages
 * @param debug whether errors come with a stack trace
 */
public record Console(String prog, boolean debug, InputStream in, PrintStream out, PrintStream err) {
    /** The process's own streams, errors without stack traces. */
    public static Console system(String prog) {
        return new Console(prog, false, System.in, System.out, System.err);
    }

    /** The same with or without stack traces. */
    public Console withDebug(boolean wanted) {
        return new Console(prog, wanted, in, out, err);
    }

    /** Prints a line to the standard output. */
    public void println(String line) {
        out.print(line);
        out.print('\n');
    }

    /** Prints {@code prog: message} to the standard error, after everything that was printed before. */
    public void error(String message) {
        errorLine(prog + ": " + message);
    }

    /** Prints {@code prog: warning: message}. */
    public void warning(String message) {
        error("warning: " + message);
    }

    /** Prints a line to the standard error as it is. */
    public void errorLine(String line) {
        out.flush();
        err.print(line);
        err.print('\n');
        err.flush();
    }

    /** Prints the stack trace of a failure, if the user asked for that. */
    public void trace(Throwable failure) {
        if (debug) {
            failure.printStackTrace(err);
        }
    }
}
