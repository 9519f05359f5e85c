// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;

/** A way to reach the file system: java.nio everywhere, or the system's own calls where there is FFM. Thread-safe. */
interface FileEngine {
    /**
     * What there is under a name; symbolic links are followed.
     *
     * @throws BlockException with the words of an open that fails
     */
    FileFacts facts(String name) throws BlockException;

    /**
     * Opens a file.
     *
     * @throws BlockException {@code Could not open 'NAME': …} (create instead of open, if that was asked for), with the system's errno
     */
    FileIo open(String name, OpenMode mode) throws BlockException;
}
