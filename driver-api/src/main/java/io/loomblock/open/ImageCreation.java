// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One making of an image: the new file, and the images that it names. */
public final class ImageCreation implements CreateContext {
    private static final Logger LOG = LoggerFactory.getLogger(ImageCreation.class);

    private final String filename;
    private final OpenOptions options;
    /** A file that could not be made may be somebody's image, and is not ours to delete. */
    private boolean ours;

    public ImageCreation(String filename, OpenOptions options) {
        this.filename = filename;
        this.options = options;
    }

    @Override
    public String filename() {
        return filename;
    }

    @Override
    public OpenOptions options() {
        return options;
    }

    @Override
    public boolean isSameFile(String name, String otherName) {
        return Protocols.isSameFile(name, otherName);
    }

    @Override
    public Node createFile() throws BlockException {
        BlockDriverProvider protocol = Protocols.of(filename);
        protocol.create(this, CreateOptions.ofSize(0));
        ours = true;
        return ImageOpener.openProtocol(filename, options.withWritable(true));
    }

    @Override
    public void deleteFile() {
        try {
            Path path = LocalFilePolicies.localPath(filename);
            if (ours && path != null && Files.isRegularFile(path)) {
                Files.delete(path);
            }
        } catch (IOException e) {
            LOG.warn("unfinished image '{}' could not be deleted: {}", filename, e.toString());
        }
    }

    @Override
    public Node openNamed(String name, @Nullable String format, OpenOptions how) throws BlockException {
        return ImageOpener.open(Filenames.combine(filename, name), how.withFormat(format));
    }
}
