// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static io.loomblock.fvd.CreationOptions.require;

import io.loomblock.BlockException;
import io.loomblock.driver.Filenames;
import io.loomblock.driver.ImageContext;
import io.loomblock.driver.OpenContext;

/** What an open image finds out about files that it is to name. */
record NamedFiles(OpenContext context) {
    /** Length of a file in bytes. */
    long length(NamedFile file) throws BlockException {
        return context.lengthOf(file.name(), file.formatOrNull());
    }

    /** Refuses names for this image as {@link #refuseShared(ImageContext, NamedFile, NamedFile)} does. */
    void refuseShared(NamedFile base, NamedFile data) throws BlockException {
        refuseShared(context, base, data);
    }

    /** Refuses a data file of this image that it, or its base image, is. */
    void refuseSharedData(NamedFile base, NamedFile data) throws BlockException {
        refuseSharedData(context, base, data);
    }

    /**
     * An image has three different files: it would overwrite one that it needs, or its base image would be written to.
     *
     * @throws BlockException EINVAL
     */
    static void refuseShared(ImageContext context, NamedFile base, NamedFile data) throws BlockException {
        String image = context.filename();
        require(
                base.isNone() || !context.isSameFile(fullName(image, base), image),
                "The base image is the image itself");
        refuseSharedData(context, base, data);
    }

    private static void refuseSharedData(ImageContext context, NamedFile base, NamedFile data) throws BlockException {
        if (data.isNone()) {
            return;
        }
        String image = context.filename();
        String dataName = fullName(image, data);
        require(!context.isSameFile(dataName, image), "The data file is the image itself");
        require(
                base.isNone() || !context.isSameFile(dataName, fullName(image, base)),
                "The data file is the base image");
    }

    private static String fullName(String image, NamedFile named) {
        return Filenames.combine(image, named.name());
    }
}
