// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.ImageContext;
import java.util.function.BiPredicate;

/**
 * Which names inside an image mean one file, seen before anything is opened or recorded. spec: addcow.md section 7, rows 9 and 10.
 *
 * @param filename that of the add-cow file
 * @param sameFile whether two names, in full, mean the same file
 */
record FileNames(String filename, BiPredicate<String, String> sameFile) {
    static FileNames of(ImageContext context) {
        return new FileNames(context.filename(), context::isSameFile);
    }

    private boolean isSame(String name, String otherName) {
        return sameFile.test(Filenames.combine(filename, name), Filenames.combine(filename, otherName));
    }

    private boolean isImageItself(String name) {
        return sameFile.test(Filenames.combine(filename, name), filename);
    }

    /** Throws EINVAL if this data file is the add-cow file. */
    void refuseImage(String image) throws BlockException {
        if (isImageItself(image)) {
            throw new BlockException(Errno.EINVAL, "The image file is the add-cow file itself");
        }
    }

    /** Throws EINVAL if this backing file is the data file or the add-cow file. */
    void refuseBacking(String image, String backing) throws BlockException {
        refuseSame(image, backing);
        refuseItself(backing);
    }

    /** Throws EINVAL if this backing file is the data file. */
    void refuseSame(String image, String backing) throws BlockException {
        if (isSame(image, backing)) {
            throw new BlockException(Errno.EINVAL, "The backing file and the image file are the same");
        }
    }

    /** Throws EINVAL if this backing file is the add-cow file. */
    void refuseItself(String backing) throws BlockException {
        if (isImageItself(backing)) {
            throw new BlockException(Errno.EINVAL, "The backing file is the add-cow file itself");
        }
    }
}
