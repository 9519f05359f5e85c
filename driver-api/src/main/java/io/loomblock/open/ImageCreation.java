// SPDX-License-Identifier: Apache-2.0
package io.loomblock.open;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.CreateContext;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.Node;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One making of an image: the new file, and the images that it names. */
public final class ImageCreation implements CreateContext {
    private static final Logger LOG = LoggerFactory.getLogger(ImageCreation.class);

    private final String filename;
    private final OpenOptions options;
    private final BlockDriverProvider protocol;
    private final CreateOptions ofFile;
    /** A file that could not be made may be somebody's image, and is not ours to delete. */
    private boolean ours;

    private ImageCreation(
            String filename, OpenOptions options, BlockDriverProvider protocol, Map<String, String> optionsOfFile) {
        this.filename = filename;
        this.options = options;
        this.protocol = protocol;
        this.ofFile = new CreateOptions(0, null, null, optionsOfFile);
    }

    /**
     * Makes an image: what the format does not know of the options its file has to.
     *
     * @throws BlockException EINVAL, in QEMU's words, for an option that neither knows, and for a backing file where images of the format have
     *     none; else of the format or the protocol
     */
    public static void create(BlockDriverProvider format, String filename, CreateOptions create, OpenOptions options)
            throws BlockException {
        if (create.backingFile() != null && !format.supportsBacking()) {
            throw new BlockException(
                    Errno.EINVAL, "Backing file not supported for file format '" + format.formatName() + "'");
        }
        BlockDriverProvider protocol = Protocols.of(filename);
        Map<String, String> optionsOfFile = new HashMap<>(create.options());
        format.createOptions().forEach(option -> optionsOfFile.remove(option.name()));
        for (String name : optionsOfFile.keySet()) {
            if (DriverOption.find(protocol.createOptions(), name) == null) {
                throw new BlockException(Errno.EINVAL, "Invalid parameter '" + name + "'");
            }
        }
        format.create(new ImageCreation(filename, options, protocol, optionsOfFile), create);
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
        protocol.create(this, ofFile);
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
