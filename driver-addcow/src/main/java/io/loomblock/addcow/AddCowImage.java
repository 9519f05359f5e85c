// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;

/**
 * Everything that is known of an image once it is open, as one, so that it can be dropped and made anew as one.
 *
 * @param header as it is in the file
 * @param layout where the bits lie
 * @param size of the guest's disk in bytes: what the data file had when this was made
 * @param bitmap which clusters the data file has; without meaning where the header says that it has all
 */
record AddCowImage(AddCowHeader header, AddCowLayout layout, long size, BitmapCache bitmap) {

    /**
     * Takes the size from the data file, and sees that the bitmap is there.
     *
     * @throws BlockException EINVAL if the bitmap is too short, unless a check shall look at that
     */
    static AddCowImage read(AddCowFiles files, AddCowHeader header, OpenOptions options) throws BlockException {
        AddCowLayout layout = header.validate();
        long size = WholeSectors.of(files.data()).length();
        if (!header.allAllocated() && !options.check() && files.file().length() < layout.fileLength(size)) {
            throw new BlockException(Errno.EINVAL, "add-cow bitmap is too short for the image file");
        }
        return of(files, header, size, options);
    }

    /** The image of a disk of this size, with no bit in memory. */
    static AddCowImage of(AddCowFiles files, AddCowHeader header, long size, OpenOptions options) {
        AddCowLayout layout = new AddCowLayout((int) header.clusterBits());
        BitmapCache bitmap = new BitmapCache(files, layout, size, options.metadataBudget());
        return new AddCowImage(header, layout, size, bitmap);
    }

    AddCowImage withHeader(AddCowHeader next) {
        return new AddCowImage(next, layout, size, bitmap);
    }

    boolean allAllocated() {
        return header.allAllocated();
    }

    /** How many clusters the disk has. */
    long clusters() {
        return layout.clusters(size);
    }

    /** Whether the data file has all of these bytes, of which there is one at least. */
    boolean has(long offset, long bytes) throws BlockException {
        if (allAllocated()) {
            return true;
        }
        long first = layout.cluster(offset);
        long last = layout.cluster(offset + bytes - 1);
        return bitmap.isSet(first) && (first == last || bitmap.endOfRun(first + 1, last + 1, true) > last);
    }

    /** How many of the {@code max} bytes from {@code pos} on the data file has, or has not, like the first. */
    int run(long pos, int max, boolean set) throws BlockException {
        long first = layout.cluster(pos);
        long last = layout.cluster(pos + max - 1);
        long end = first == last ? last + 1 : bitmap.endOfRun(first + 1, last + 1, set);
        return end > last ? max : (int) (layout.start(end) - pos);
    }
}
