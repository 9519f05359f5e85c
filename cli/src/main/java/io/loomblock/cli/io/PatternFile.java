// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import java.io.IOException;
import java.io.InputStream;
import java.io.Serial;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** The file of {@code write -s}: a pattern that the user made with another tool. */
final class PatternFile {
    private PatternFile() {}

    /** The file cannot be a pattern; the message is the line for standard error. */
    static final class Unusable extends Exception {
        @Serial
        private static final long serialVersionUID = 1L;

        Unusable(String file, String why) {
            super(file + ": " + why, null, false, false);
        }
    }

    /** What the file holds: at least a byte, at most {@code limit} bytes or one. */
    static byte[] read(String file, int limit) throws Unusable {
        try {
            Path path = Path.of(file);
            if (Files.isDirectory(path)) {
                throw new Unusable(file, "Is a directory");
            }
            try (InputStream in = Files.newInputStream(path)) {
                byte[] content = in.readNBytes(Math.max(1, limit));
                if (content.length == 0) {
                    throw new Unusable(file, "file is empty");
                }
                return content;
            }
        } catch (NoSuchFileException | InvalidPathException e) {
            throw new Unusable(file, "No such file or directory");
        } catch (AccessDeniedException e) {
            throw new Unusable(file, "Permission denied");
        } catch (IOException e) {
            throw new Unusable(file, String.valueOf(e.getMessage()));
        }
    }
}
