// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;

/** A header that is to be written in place of another one: what does not change is the other's. spec: fvd.md sections 2 and 14. */
final class HeaderChange {
    private final FvdHeader old;

    /** Sets some of the fields. */
    @FunctionalInterface
    interface Setter {
        /** None of them. */
        Setter NONE = change -> {};

        void set(HeaderChange change) throws BlockException;
    }

    long virtualSize;
    long dataOffset;
    NamedFile data;
    NamedFile base;
    long baseSize;
    boolean allData;
    Area bitmap;
    long blockSize;
    Area table;
    long stableEpoch;
    boolean clean;
    boolean needsZeroInit;
    boolean copyOnRead;
    long maxCopyOnRead;
    PrefetchSettings prefetch;

    HeaderChange(FvdHeader old) {
        this.old = old;
        this.virtualSize = old.virtualSize();
        this.dataOffset = old.dataOffset();
        this.data = old.data();
        this.base = old.base();
        this.baseSize = old.baseSize();
        this.allData = old.allData();
        this.bitmap = old.bitmap();
        this.blockSize = old.blockSize();
        this.table = old.table();
        this.stableEpoch = old.stableEpoch();
        this.clean = old.clean();
        this.needsZeroInit = old.needsZeroInit();
        this.copyOnRead = old.copyOnRead();
        this.maxCopyOnRead = old.maxCopyOnRead();
        this.prefetch = old.prefetch();
    }

    /** An image without a base has nothing in the fields about it. */
    void dropBase() {
        base = NamedFile.NONE;
        baseSize = 0;
        allData = true;
        bitmap = Area.NONE;
        blockSize = 0;
        needsZeroInit = false;
        copyOnRead = false;
        maxCopyOnRead = 0;
        prefetch = PrefetchSettings.NONE;
    }

    /**
     * The header.
     *
     * @throws BlockException EINVAL if the disk would have more chunks than can have numbers
     */
    FvdHeader header() throws BlockException {
        return new FvdHeader(
                old.format(),
                virtualSize,
                dataOffset,
                data,
                base,
                baseSize,
                allData,
                bitmap,
                blockSize,
                old.isCompact() ? old.format().tableArea(table, virtualSize, old.chunkSize()) : Area.NONE,
                old.chunkSize(),
                old.growUnit(),
                old.addStorageCommand(),
                old.journal(),
                stableEpoch,
                clean,
                needsZeroInit,
                copyOnRead,
                maxCopyOnRead,
                prefetch);
    }
}
