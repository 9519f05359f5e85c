// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sees that a file to which an image writes the guest's data is in no other place of the same image: as the image's own file, or anywhere below
 * the backing file.
 *
 * <p>Names can differ for one file; what is open is told apart by identity. spec: addcow.md section 7, row 10, E10.
 */
public final class SharedFiles {
    private SharedFiles() {}

    /**
     * Compares the files of these nodes.
     *
     * @param file with the metadata; null before there is one
     * @param data with the guest's data
     * @param what that one is called in messages
     * @throws BlockException EINVAL if the data file is one of the others
     */
    public static void refuse(@Nullable Node file, Node data, @Nullable Node backing, String what)
            throws BlockException {
        Set<Object> others = new HashSet<>();
        if (file != null) {
            collect(file, others, others);
        }
        Set<Object> written = new HashSet<>();
        collect(data, written, others);
        if (backing != null) {
            collect(backing, others, others);
        }
        for (Object identity : written) {
            if (others.contains(identity)) {
                throw new BlockException(Errno.EINVAL, "The " + what + " is used twice in this image");
            }
        }
    }

    /** Adds the identities of a node and those below it: to {@code behind} from a backing file on. */
    private static void collect(Node node, Set<Object> own, Set<Object> behind) {
        Object identity = node.driver().identity();
        if (identity != null) {
            own.add(identity);
        }
        for (Map.Entry<String, Node> child : node.children().entrySet()) {
            boolean backing = child.getKey().equals(Node.BACKING);
            collect(child.getValue(), backing ? behind : own, behind);
        }
    }
}
