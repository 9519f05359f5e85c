// SPDX-License-Identifier: Apache-2.0
package io.loomblock.driver;

import java.util.Comparator;

/**
 * The order in which QEMU shows the members of its dictionaries.
 *
 * <p>QEMU keeps members in a hash table of 512 chains and prints them in the order of those; scripts that compare its output byte by
 * byte see that order, so it is kept.
 */
public final class QemuOrder {
    private static final int CHAINS = 512;

    /** By chain; names that share one by themselves. */
    public static final Comparator<String> BY_CHAIN = QemuOrder::compare;

    private QemuOrder() {}

    private static int compare(String a, String b) {
        int chains = Integer.compare(chain(a), chain(b));
        return chains != 0 ? chains : a.compareTo(b);
    }

    /** The chain that QEMU keeps a member in: the hash function of the trivial database, of 32 bits. */
    public static int chain(String name) {
        int value = 0x238F13AF * name.length();
        for (int i = 0; i < name.length(); i++) {
            value += name.charAt(i) << i * 5 % 24;
        }
        return Integer.remainderUnsigned(1103515243 * value + 12345, CHAINS);
    }
}
