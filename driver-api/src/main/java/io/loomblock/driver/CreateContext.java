// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import org.jspecify.annotations.Nullable;

/** What a provider gets to make an image. */
public interface CreateContext extends ImageContext {
    /**
     * Makes the file, empty whatever was there before, and opens it writable. The caller closes the node.
     *
     * @throws BlockException of the protocol
     */
    Node createFile() throws BlockException;

    /** Deletes the file again, after a failure; does nothing where {@link #createFile} itself failed. Never throws. */
    void deleteFile();

    /** Opens an image that the new one will name, e.g. to learn its length. The caller closes the node. */
    Node openNamed(String name, @Nullable String format, OpenOptions options) throws BlockException;
}
