// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/** What a request of a device asks for. */
public enum Operation {
    READ(Accounting.Kind.READ),
    WRITE(Accounting.Kind.WRITE),
    WRITE_ZEROES(Accounting.Kind.WRITE),
    DISCARD(Accounting.Kind.UNMAP),
    FLUSH(Accounting.Kind.FLUSH);

    private final Accounting.Kind kind;

    Operation(Accounting.Kind kind) {
        this.kind = kind;
    }

    /** The figures that it is counted in. */
    public Accounting.Kind kind() {
        return kind;
    }

    /** Whether it is treated as a write: all but a read is, a flush too. */
    public boolean isWrite() {
        return this != READ;
    }

    /** Whether it moves guest data, and so is throttled. */
    boolean movesData() {
        return kind == Accounting.Kind.READ || kind == Accounting.Kind.WRITE;
    }
}
