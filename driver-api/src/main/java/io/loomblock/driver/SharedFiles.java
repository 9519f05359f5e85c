// SPDX-License-Identifier: Apache-2.0
package io.loomblock.addcow;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.Node;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Sees that what the guest writes is in no other place of the same image: as the add-cow file, or anywhere below the backing file.
 *
 * <p>Names can differ for one file; what is open is told apart by identity. spec: addcow.md section 7, row 10, E10.
 */
final class SharedFiles {
    private SharedFiles() {}

    /**
     * Compares the files of these nodes.
     *
     * @throws BlockException EINVAL if the data file is one of the others
     */
    static void refuse(Node file, Node data, @Nullable Node backing) throws BlockException {
        Set<Object> others = new HashSet<>();
        collect(file, others, others);
        refuse(data, backing, others);
    }

    /** The same before there is an add-cow file. */
    static void refuse(Node data, Node backing) throws BlockException {
        refuse(data, backing, new HashSet<>());
    }

    private static void refuse(Node data, @Nullable Node backing, Set<Object> others) throws BlockException {
        Set<Object> written = new HashSet<>();
        collect(data, written, others);
        if (backing != null) {
            collect(backing, others, others);
        }
        for (Object identity : written) {
            if (others.contains(identity)) {
                throw new BlockException(Errno.EINVAL, "The image file is used twice in this image");
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
