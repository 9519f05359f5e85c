// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import java.io.BufferedReader;
import java.io.FileReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The locks on one file as {@code /proc/locks} lists them: Java can take locks, but not ask who holds one.
 *
 * <p>The list names file systems by a number that need not be the one that {@code stat} gives, so this process's own locks, taken
 * before, show under which name the file runs there.
 */
final class ProcLocks {
    private static final Logger LOG = LoggerFactory.getLogger(ProcLocks.class);
    private static final String LIST = "/proc/locks";

    private final List<Held> others;

    private ProcLocks(List<Held> others) {
        this.others = others;
    }

    /** Reads the list for a file on which this process holds a lock; empty where the system keeps no list. */
    static ProcLocks read(long inode) {
        // Not by a channel, which an interrupt would close.
        try (BufferedReader list = new BufferedReader(new FileReader(LIST, StandardCharsets.US_ASCII))) {
            return parse(list.lines().toList(), inode, ProcessHandle.current().pid());
        } catch (IOException | UncheckedIOException e) {
            LOG.debug("who else holds a lock cannot be told", e);
            return new ProcLocks(List.of());
        }
    }

    static ProcLocks parse(List<String> lines, long inode, long ownPid) {
        List<Held> all = new ArrayList<>();
        String file = null;
        for (String line : lines) {
            Held held = Held.parse(line);
            if (held != null && held.file.endsWith(":" + inode)) {
                all.add(held);
                if (held.pid == ownPid) {
                    file = held.file;
                }
            }
        }
        String name = file;
        all.removeIf(held -> held.pid == ownPid || !held.file.equals(name));
        return new ProcLocks(all);
    }

    Set<Integer> lockedByOthers(Set<Integer> positions) {
        return positions.stream()
                .filter(position -> others.stream().anyMatch(held -> held.covers(position)))
                .collect(Collectors.toSet());
    }

    /** One line; open file description locks have the process id -1. */
    private record Held(long pid, String file, long first, long last) {
        boolean covers(long position) {
            return first <= position && position <= last;
        }

        /** Null for a line that is not a lock held on bytes: a lease, or somebody who waits ({@code ->}). */
        static @Nullable Held parse(String line) {
            String[] words = line.trim().split("\\s+");
            if (words.length != 8 || !(words[1].equals("POSIX") || words[1].equals("OFDLCK"))) {
                return null;
            }
            try {
                long last = words[7].equals("EOF") ? Long.MAX_VALUE : Long.parseLong(words[7]);
                return new Held(Long.parseLong(words[4]), words[5], Long.parseLong(words[6]), last);
            } catch (NumberFormatException e) {
                return null;
            }
        }
    }
}
