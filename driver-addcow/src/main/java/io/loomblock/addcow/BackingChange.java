// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.addcow.AddCowHeader.NamePlace;
import io.loomblock.driver.DebugEvent;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * Records another backing file in the header, or none. spec: addcow.md section 11, "change_backing_file".
 *
 * <p>The name goes to a free place first, then the fields that refer to it, in one sector.
 */
final class BackingChange {
    private final AddCowImage image;
    private final HeaderStore store;
    private final AddCowFiles files;
    private final FileNames names;
    private final String imageName;

    /** {@code imageName} is that of the data file as recorded. */
    BackingChange(AddCowImage image, HeaderStore store, AddCowFiles files, FileNames names, String imageName) {
        this.image = image;
        this.store = store;
        this.files = files;
        this.names = names;
        this.imageName = imageName;
    }

    /**
     * Writes the reference, durable when this returns.
     *
     * @param name null or empty for none
     * @param format its format
     * @return the new header
     * @throws BlockException ENOTSUP in an image that has everything, EINVAL without a known format, for a name that no file can have, or
     *     for that of the data file or the add-cow file; ENOSPC if the name does not fit
     */
    AddCowHeader run(@Nullable String name, @Nullable String format) throws BlockException {
        AddCowHeader header = image.header();
        if (name == null || name.isEmpty()) {
            return header.allAllocated() ? header : remove(header);
        }
        if (header.allAllocated()) {
            throw new BlockException(Errno.ENOTSUP, "The image file has everything: a backing file would never show");
        }
        if (format == null || !AddCowProvider.isFormat(format) || format.length() > AddCowHeader.MAX_FORMAT) {
            throw new BlockException(Errno.EINVAL, "add-cow needs the format of its backing file");
        }
        byte[] bytes = name.getBytes(StandardCharsets.UTF_8);
        if (name.indexOf('\0') >= 0 || bytes.length > AddCowHeader.MAX_NAME) {
            throw new BlockException(Errno.EINVAL, "Backing file name is too long or contains a NUL character");
        }
        names.refuseBacking(imageName, name);
        settle();
        NamePlace place = place(header, bytes.length);
        store.writeName(place, bytes);
        return write(header.withBacking(place, format));
    }

    /** An image that does not need its backing file any more says so. */
    private AddCowHeader remove(AddCowHeader header) throws BlockException {
        AddCowHeader next = header.withBacking(NamePlace.NONE, "");
        settle();
        if (image.size() > 0 && image.bitmap().endOfRun(0, image.clusters(), true) == image.clusters()) {
            next = next.withAllAllocated();
        }
        return write(next);
    }

    /** Makes everything durable that the guest has written: a header must not show anything else in its place after a crash. */
    private void settle() throws BlockException {
        files.announce(DebugEvent.DATA_BARRIER);
        files.data().flush();
        image.bitmap().writeBack();
        files.file().flush();
    }

    private AddCowHeader write(AddCowHeader next) throws BlockException {
        store.write(next);
        return next;
    }

    /** Where neither the name of the data file nor the backing name in use stands. */
    private static NamePlace place(AddCowHeader header, int length) throws BlockException {
        long[] candidates = {
            AddCowHeader.BYTES, header.image().end(), header.backing().end()
        };
        for (long candidate : candidates) {
            NamePlace place = new NamePlace(candidate, length);
            if (candidate >= AddCowHeader.BYTES
                    && place.end() <= header.headerSize()
                    && !place.overlaps(header.image())
                    && !place.overlaps(header.backing())) {
                return place;
            }
        }
        throw new BlockException(Errno.ENOSPC, "The backing file name does not fit into the add-cow header");
    }
}
