// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** A directory that is removed with all that is in it: when it is closed, or when the process is stopped before. */
final class TemporaryDirectory implements AutoCloseable {
    private final Path path;
    private final Thread atShutdown = new Thread(this::removeAtShutdown);

    TemporaryDirectory() throws IOException {
        path = Files.createTempDirectory("loomblock-quickstart-");
        Runtime.getRuntime().addShutdownHook(atShutdown);
    }

    Path path() {
        return path;
    }

    @Override
    public void close() throws IOException {
        try {
            Runtime.getRuntime().removeShutdownHook(atShutdown);
        } catch (IllegalStateException e) {
            // The process is being stopped, and the hook does what follows, too.
            return;
        }
        remove();
    }

    private void removeAtShutdown() {
        try {
            remove();
        } catch (IOException e) {
            System.err.println("could not remove " + path + ": " + e.getMessage());
        }
    }

    private void remove() throws IOException {
        List<Path> all;
        try (Stream<Path> found = Files.walk(path)) {
            all = found.sorted(Comparator.reverseOrder()).toList();
        } catch (UncheckedIOException e) {
            throw e.getCause();
        }
        for (Path each : all) {
            Files.deleteIfExists(each);
        }
    }
}
