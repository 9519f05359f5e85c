// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Filenames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** The three ready-made answers to what an image's own words may open. */
public final class LocalFilePolicies {
    public static final ImplicitOpenPolicy ANY_LOCAL_FILE = LocalFilePolicies::requireLocal;
    public static final ImplicitOpenPolicy IMAGE_DIRECTORY = LocalFilePolicies::requireSameTree;
    public static final ImplicitOpenPolicy NOTHING = LocalFilePolicies::refuse;

    private LocalFilePolicies() {}

    /** The path of a name without protocol, or with {@code file:}; null for other protocols, and for what is no path. */
    public static @Nullable Path localPath(String filename) {
        String path = Filenames.stripFile(filename);
        if (path.equals(filename) && Filenames.hasProtocol(filename)) {
            return null;
        }
        try {
            return Path.of(path);
        } catch (InvalidPathException e) {
            return null;
        }
    }

    /** Whether a file of this format, or none, is one of this machine: a protocol's name opens that, whatever the file is called. */
    public static boolean isLocal(@Nullable String format) {
        BlockDriverProvider provider = format == null ? null : Drivers.find(format);
        return provider == null
                || provider.kind() == BlockDriverProvider.Kind.FORMAT
                || provider.formatName().equals("file")
                || provider.formatName().equals("host_device");
    }

    private static void requireLocal(ImplicitOpenPolicy.Request request) throws BlockException {
        if (request.path() == null) {
            throw refused(request, "only local files may be named by an image");
        }
    }

    private static void requireSameTree(ImplicitOpenPolicy.Request request) throws BlockException {
        requireLocal(request);
        Path file = real(request.path());
        if (file == null) {
            // What does not exist cannot be opened either; the open itself gives the error that fits.
            return;
        }
        Path directory = directoryOf(localPath(request.imageFilename()));
        if (directory == null || !file.startsWith(directory)) {
            throw refused(request, "it lies outside the directory of the image");
        }
        if (!Files.isRegularFile(file)) {
            throw refused(request, "it is not a regular file");
        }
    }

    /** Where an image really lies; one that is no file (in memory, say) where its name puts it. */
    private static @Nullable Path directoryOf(@Nullable Path image) {
        Path file = real(image);
        if (file != null || image == null) {
            return file == null ? null : file.getParent();
        }
        return real(image.toAbsolutePath().getParent());
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
