// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import org.jspecify.annotations.Nullable;

/** What a provider gets to open an image: its file, the options, and an opener for the names inside. */
public interface OpenContext extends ImageContext {
    /** What was given for the provider's {@link BlockDriverProvider#openOptions}, checked. */
    OptionValues values();

    /** Whether the format was guessed from the content, not said by anybody. */
    boolean probed();

    /**
     * The node with the image's bytes. A protocol has none.
     *
     * @throws IllegalStateException if this opens a protocol
     */
    Node file();

    /**
     * Opens the backing file, read-only, or returns null where the options say that there shall be none.
     *
     * @param reference as recorded in the image, {@link BackingReference#NONE} if nothing is; the options may replace it
     * @throws BlockException of the open, of the policy, or ELOOP if the file is already part of this chain
     */
    @Nullable
    Node openBacking(BackingReference reference) throws BlockException;

    /**
     * Opens another file that the image names, with the access that the image itself has.
     *
     * @param role what it is to the image, e.g. data-file
     * @param name as recorded in the image
     * @param format its format, or null to probe
     */
    Node openChild(String role, String name, @Nullable String format) throws BlockException;

    /**
     * The length in bytes of a file that the image may come to name, without what that file itself stands on; also after the image is open.
     *
     * @param name relative to the image
     * @param format its format, or null to probe
     * @throws BlockException of the open, or of the policy
     */
    default long lengthOf(String name, @Nullable String format) throws BlockException {
        throw new BlockException(Errno.ENOTSUP, "There is no way to files here");
    }

    /**
     * The whole of a small file that the user names: a configuration, no image.
     *
     * @param name path of a regular file; no locks are taken or asked for
     * @param mostBytes up to 2 MiB
     * @throws BlockException of the file; EFBIG if it is longer; EACCES if an image names it
     */
    default byte[] readFile(String name, int mostBytes) throws BlockException {
        throw new BlockException(Errno.ENOTSUP, "There is no way to files here");
    }

    /**
     * Opens a node that the options describe, with the access of this one; its format is probed if that of the whole image would have
     * been.
     *
     * @param role the name of the child, under which its options stand
     * @param filename its name, or null if the options tell that too
     * @throws BlockException of the open; EINVAL if nothing describes it
     */
    Node openFiltered(String role, @Nullable String filename) throws BlockException;

    /** The same for a node that is an image in any case: its format is probed if it is not said. */
    Node openImage(String role, @Nullable String filename) throws BlockException;
}
