// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/**
 * Adds storage to a device that is full, as the image on it asks: what an operator hands in who lets images do that. spec: fvd.md section 13.
 *
 * <p>An image is not to be trusted: what it asks for is a text, and the runner decides whether and how that is done. Without a runner nothing
 * is ever run. {@link StorageCommands} is one that goes by a list of what is allowed.
 */
@FunctionalInterface
public interface StorageRunner {
    /**
     * Makes a file or device longer. Called by a request that has to wait for it, with no lock held that others need but for the same;
     * how long it is afterwards is looked up.
     *
     * @param command as the image records it
     * @param bytes how much is wanted
     * @param filename what holds the data
     * @throws BlockException if it was not done, for whatever reason; the request fails with ENOSPC
     */
    void addStorage(String command, long bytes, String filename) throws BlockException;
}
