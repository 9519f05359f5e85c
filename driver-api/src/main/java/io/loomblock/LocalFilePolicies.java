// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The three ready-made answers to what an image's own words may open. */
final class LocalFilePolicies {
    static final ImplicitOpenPolicy ANY_LOCAL_FILE = LocalFilePolicies::requireLocal;
    static final ImplicitOpenPolicy IMAGE_DIRECTORY = LocalFilePolicies::requireSameTree;
    static final ImplicitOpenPolicy NOTHING = LocalFilePolicies::refuse;

    private LocalFilePolicies() {}

    private static void requireLocal(ImplicitOpenPolicy.Request request) throws BlockException {
        if (request.path() == null) {
            throw refused(request, "only local files may be named by an image");
        }
    }

    private static void requireSameTree(ImplicitOpenPolicy.Request request) throws BlockException {
        requireLocal(request);
        Path file = real(request.path());
        Path image = real(Path.of(request.imageFilename()));
        if (file == null || image == null) {
            // What does not exist cannot be opened either; the open itself gives the error that fits.
            return;
        }
        Path directory = image.getParent();
        if (directory == null || !file.startsWith(directory)) {
            throw refused(request, "it lies outside the directory of the image");
        }
        if (!Files.isRegularFile(file)) {
            throw refused(request, "it is not a regular file");
        }
    }

    private static void refuse(ImplicitOpenPolicy.Request request) throws BlockException {
        throw refused(request, "names inside images are not followed");
    }

    private static @Nullable Path real(@Nullable Path path) {
        try {
            return path == null ? null : path.toRealPath();
        } catch (IOException e) {
            return null;
        }
    }

    private static BlockException refused(ImplicitOpenPolicy.Request request, String why) {
        return new BlockException(
                Errno.EACCES, "Opening '" + request.resolvedName() + "' is not allowed by the open policy: " + why);
    }
}
