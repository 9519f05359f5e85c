// SPDX-License-Identifier: Apache-2.0
package io.loomblock.filter;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/** Kinds of requests that faults tell apart, named as in {@code iotype}. */
enum RequestKind {
    READ,
    WRITE,
    WRITE_ZEROES,
    DISCARD,
    FLUSH,
    BLOCK_STATUS;

    /** What a rule without an {@code iotype} is about: everything that touches data. */
    static final Set<RequestKind> USUAL = Collections.unmodifiableSet(EnumSet.complementOf(EnumSet.of(BLOCK_STATUS)));

    String optionName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
