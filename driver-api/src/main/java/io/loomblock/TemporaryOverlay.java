// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Closer;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * An overlay that takes the writes to an image which is to stay as it is: QEMU's snapshot mode.
 *
 * <p>Its file lies in the directory for temporary files and has no name any more once it is open, so nothing of it is left whatever
 * becomes of the process. spec: block-layer.md section 5, "Open flags".
 */
final class TemporaryOverlay {
    /** The format with backing files that the overlay is made in; QEMU takes qcow2. */
    private static final String FORMAT = "qed";

    private TemporaryOverlay() {}

    /**
     * Opens an image read-only, and a new overlay on it.
     *
     * @throws BlockException of the image; ENOTSUP if the overlay's format is not there
     */
    static Node open(@Nullable String filename, OpenOptions options) throws BlockException {
        BlockDriverProvider format = Drivers.find(FORMAT);
        if (format == null) {
            throw new BlockException(Errno.ENOTSUP, "Temporary overlays need the format '" + FORMAT + "'");
        }
        OpenOptions below = options.withSnapshot(false)
                .withWritable(false)
                .withReopenable(false)
                .withCopyOnRead(false)
                .withDetectZeroes(DetectZeroes.OFF);
        Node image = ImageOpener.open(filename, below);
        try {
            return openOn(image, format, options);
        } catch (BlockException | RuntimeException e) {
            Closer.closeAfter(e, image);
            throw e;
        }
    }

    private static Node openOn(Node image, BlockDriverProvider format, OpenOptions given) throws BlockException {
        // Nobody will want the overlay back after a crash.
        OpenOptions options = OpenOptions.readWrite()
                .withCache(CacheMode.UNSAFE)
                .withUnmap(given.unmap())
                .withCopyOnRead(given.copyOnRead())
                .withDetectZeroes(given.detectZeroes())
                .withMetadataBudget(given.metadataBudget())
                .withPool(given.pool())
                .withTimers(given.timers());
        Path path = newFile();
        Node file = null;
        try {
            // The name of the backing file is never used: the image is open already.
            CreateOptions size = CreateOptions.ofSize(image.length()).withBacking("image", null);
            format.create(new ImageCreation(path.toString(), options), size);
            file = ImageOpener.openProtocol(path.toString(), options);
            return ImageOpener.openOver(image, file, format, options);
        } catch (BlockException | RuntimeException e) {
            if (file != null) {
                Closer.closeAfter(e, file);
            }
            throw e;
        } finally {
            delete(path);
        }
    }

    private static Path newFile() throws BlockException {
        try {
            return Files.createTempFile("loomblock", "." + FORMAT);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "Could not make a file for a temporary overlay: " + e.getMessage(), e);
        }
    }

    private static void delete(Path path) throws BlockException {
        try {
            Files.delete(path);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "Could not delete '" + path + "': " + e.getMessage(), e);
        }
    }
}
