// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Runs a command that adds storage if it is one of a list, word by word, without a shell. spec: fvd.md section 13, E16.
 *
 * <p>The number of bytes and the name of the file are added as the last two words. {@value #LVEXTEND} stands for {@code lvextend -L
 * +<bytes>b <file>}, and has to be allowed too.
 *
 * @param allowed the recorded texts that may be run, in full
 * @param limit how long a command may take; it is killed then
 */
public record StorageCommands(Set<String> allowed, Duration limit) implements StorageRunner {
    /** The command that has no program of its own. */
    public static final String LVEXTEND = "builtin:lvextend";

    public StorageCommands {
        allowed = Set.copyOf(allowed);
    }

    @Override
    public void addStorage(String command, long bytes, String filename) throws BlockException {
        if (!allowed.contains(command)) {
            throw new BlockException(Errno.EACCES, "The command '" + command + "' is not allowed to add storage");
        }
        run(words(command, bytes, filename));
    }

    /** The words of a command, with what it is about. */
    static List<String> words(String command, long bytes, String filename) {
        if (command.equals(LVEXTEND)) {
            return List.of("lvextend", "-L", "+" + bytes + "b", filename);
        }
        List<String> words = new ArrayList<>(List.of(command.trim().split("\\s+")));
        words.add(Long.toString(bytes));
        words.add(filename);
        return words;
    }

    private void run(List<String> words) throws BlockException {
        try {
            Process process = new ProcessBuilder(words)
                    .redirectOutput(Redirect.DISCARD)
                    .redirectError(Redirect.DISCARD)
                    .start();
            process.getOutputStream().close();
            await(process, words);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "Could not run '" + words.get(0) + "': " + e.getMessage(), e);
        }
    }

    private void await(Process process, List<String> words) throws BlockException {
        boolean ended = false;
        try {
            ended = process.waitFor(limit.toNanos(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new BlockException(Errno.EINTR, "Interrupted while '" + words.get(0) + "' added storage", e);
        } finally {
            if (!ended) {
                process.destroyForcibly();
            }
        }
        if (!ended || process.exitValue() != 0) {
            String how = ended ? "ended with " + process.exitValue() : "took longer than " + limit;
            throw new BlockException(Errno.EIO, "'" + words.get(0) + "', which was to add storage, " + how);
        }
    }
}
