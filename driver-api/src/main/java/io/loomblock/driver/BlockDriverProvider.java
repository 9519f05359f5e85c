// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.memory.AlignedBuffer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A format or protocol that images can be of: stateless, found by ServiceLoader. */
public interface BlockDriverProvider {
    /** What a provider's drivers stand on. */
    enum Kind {
        /** On a file node. */
        FORMAT,
        /** On nothing: the bytes really live here. */
        PROTOCOL
    }

    /** The name on command lines and in images: qed, raw, file, … */
    String formatName();

    Kind kind();

    /**
     * How sure this format is that an image is of its kind: 0 not at all, 100 certainly; raw says 1.
     *
     * @param head the first bytes of the file
     * @param length how many of them there are
     */
    default int probe(AlignedBuffer head, int length) {
        return 0;
    }

    /** The options that {@link #create} takes, in the order to list them. */
    default List<DriverOption> createOptions() {
        return List.of();
    }

    /** The options that {@link #open} takes, in the order to list them. */
    default List<DriverOption> openOptions() {
        return List.of();
    }

    /** Whether images may have a backing file. */
    default boolean supportsBacking() {
        return false;
    }

    /** Makes a new image; when it fails, nothing usable stays behind. */
    default void create(CreateContext context, CreateOptions options) throws BlockException {
        throw new BlockException(Errno.ENOTSUP, "Format driver '" + formatName() + "' does not support image creation");
    }

    /**
     * What {@link BlockDriver#identity} would be after opening this name, found without opening it; null if that cannot be told.
     * Protocols only.
     */
    default @Nullable Object identity(String filename) {
        return null;
    }

    /** Opens an image. The children opened through the context belong to the driver's node once this returns. */
    BlockDriver open(OpenContext context) throws BlockException;
}
