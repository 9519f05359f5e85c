// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.CacheMode;
import io.loomblock.CreateOptions;
import io.loomblock.DetectZeroes;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Closer;
import io.loomblock.driver.Drivers;
import io.loomblock.driver.Node;
import io.loomblock.driver.NodeOptions;
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
     * @param options of the image, as they were given
     * @param meant what these, and the name, come down to: the overlay's
     * @throws BlockException of the image; ENOTSUP if the overlay's format is not there
     */
    static Node open(@Nullable String filename, OpenOptions options, OpenOptions meant) throws BlockException {
        BlockDriverProvider format = Drivers.find(FORMAT);
        if (format == null) {
            throw new BlockException(Errno.ENOTSUP, "Temporary overlays need the format '" + FORMAT + "'");
        }
        Node image = ImageOpener.open(filename, below(options));
        try {
            return openOn(image, format, meant);
        } catch (BlockException | RuntimeException e) {
            Closer.closeAfter(e, image);
            throw e;
        }
    }

    /** Options by their names go before all others, a description's too, so that the image is kept as it is by name. */
    private static OpenOptions below(OpenOptions options) {
        NodeOptions named = options.nodeOptions().without("auto-read-only").with("read-only", "on");
        return options.withNodeOptions(named)
                .withSnapshot(false)
                .withWritable(false)
                .withReopenable(false)
                .withCopyOnRead(false)
                .withDetectZeroes(DetectZeroes.OFF);
    }

    private static Node openOn(Node image, BlockDriverProvider format, OpenOptions meant) throws BlockException {
        Path path = newFile();
        Node overlay;
        try {
            overlay = make(path, image, format, meant);
        } catch (BlockException | RuntimeException e) {
            Closer.closeAfter(e, () -> delete(path));
            throw e;
        }
        try {
            delete(path);
        } catch (BlockException e) {
            Closer.closeAfter(e, overlay);
            throw e;
        }
        return overlay;
    }

    private static Node make(Path path, Node image, BlockDriverProvider format, OpenOptions meant)
            throws BlockException {
        // Nobody will want the overlay back after a crash.
        OpenOptions options = OpenOptions.readWrite()
                .withCache(CacheMode.UNSAFE)
                .withUnmap(meant.unmap())
                .withCopyOnRead(meant.copyOnRead())
                .withDetectZeroes(meant.detectZeroes())
                .withMetadataBudget(meant.metadataBudget())
                .withPool(meant.pool())
                .withTimers(meant.timers());
        // The name of the backing file is never used: the image is open already.
        CreateOptions size = CreateOptions.ofSize(image.length()).withBacking("image", null);
        ImageCreation.create(format, path.toString(), size, options);
        Node file = ImageOpener.openProtocol(path.toString(), options);
        try {
            return ImageOpener.openOver(image, file, format, options);
        } catch (BlockException | RuntimeException e) {
            Closer.closeAfter(e, file);
            throw e;
        }
    }

    private static Path newFile() throws BlockException {
        try {
            return Files.createTempFile("loomblock", "." + FORMAT);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "Could not make a file for a temporary overlay: " + e.getMessage(), e);
        }
    }

    /** It may be gone: an image that cannot be made takes its file with it. */
    private static void delete(Path path) throws BlockException {
        try {
            Files.deleteIfExists(path);
        } catch (IOException e) {
            throw new BlockException(Errno.EIO, "Could not delete '" + path + "': " + e.getMessage(), e);
        }
    }
}
