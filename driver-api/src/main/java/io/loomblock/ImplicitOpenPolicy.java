// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import io.loomblock.open.LocalFilePolicies;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Decides which files a name written inside an image may open (its backing file, its data file, …).
 *
 * <p>Called by the thread that opens the image, before the file is touched; thread-safe.
 */
@FunctionalInterface
public interface ImplicitOpenPolicy {
    /**
     * Returns if the file may be opened.
     *
     * @param request what is to be opened, and on whose word
     * @throws BlockException EACCES with the reason if not
     */
    void check(Request request) throws BlockException;

    /**
     * A file about to be opened because an image names it.
     *
     * @param imageFilename the image that holds the name
     * @param recordedName the name as it stands in the image
     * @param resolvedName the name that will be opened
     * @param path the local file that is, or null for a protocol that is not a local file
     */
    record Request(
            String imageFilename,
            String recordedName,
            String resolvedName,
            @Nullable Path path) {

        /**
         * The request for a name in an image.
         *
         * @param format what the image says that the file is of, which may be the name of a protocol too; or null
         */
        public static Request of(
                String imageFilename, String recordedName, String resolvedName, @Nullable String format) {
            Path path = LocalFilePolicies.isLocal(format) ? LocalFilePolicies.localPath(resolvedName) : null;
            return new Request(imageFilename, recordedName, resolvedName, path);
        }
    }

    /** The tools' rule: any local file, nothing else. */
    static ImplicitOpenPolicy anyLocalFile() {
        return LocalFilePolicies.ANY_LOCAL_FILE;
    }

    /** The library's rule: regular files in the directory of the image, or below it, symbolic links resolved. */
    static ImplicitOpenPolicy imageDirectory() {
        return LocalFilePolicies.IMAGE_DIRECTORY;
    }

    /** Nothing at all. */
    static ImplicitOpenPolicy nothing() {
        return LocalFilePolicies.NOTHING;
    }
}
