// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.io.IOException;

/** Sends this process a signal, as crash tests want it. */
final class Signals {
    static final int ABORT = 6;

    private Signals() {}

    /** Returns only if the process survives the signal. */
    static void raise(int signal) throws CommandRefused {
        String kill = "kill -" + signal + " " + ProcessHandle.current().pid();
        try {
            int exit = new ProcessBuilder("/bin/sh", "-c", kill)
                    .inheritIO()
                    .start()
                    .waitFor();
            if (exit != 0) {
                throw new CommandRefused("cannot raise signal " + signal);
            }
        } catch (IOException e) {
            throw new CommandRefused("cannot raise signal " + signal + ": " + e.getMessage());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
