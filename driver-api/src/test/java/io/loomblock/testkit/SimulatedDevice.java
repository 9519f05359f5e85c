// SPDX-License-Identifier: Apache-2.0
package io.loomblock.testkit;

import io.loomblock.BlockException;
import io.loomblock.PreallocationMode;
import io.loomblock.driver.BlockDriver;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.FaultDriver.Effect;
import io.loomblock.testkit.RequestLog.Kind;

/** One file on storage that a {@link Simulation} governs: each request waits there for its turn, and is done, in part or failed. */
public final class SimulatedDevice extends ForwardingDriver {
    private static final int SECTOR = 512;

    private final String name;
    private final Simulation simulation;

    /** A file in front of {@code below}, which does what is to be done. */
    public SimulatedDevice(String name, BlockDriver below, Simulation simulation) {
        super(below);
        this.name = name;
        this.simulation = simulation;
    }

    private Simulation.Fate await(Kind kind, long offset, long length) {
        return simulation.await(name, new Request(kind, offset, length));
    }

    @Override
    public void coReadv(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        await(Kind.READ, offset, bytes).throwFailure();
        super.coReadv(offset, bytes, qiov, qiovOffset, flags);
    }

    @Override
    public void coWritev(long offset, int bytes, IoVector qiov, int qiovOffset, int flags) throws BlockException {
        Simulation.Fate fate = await(Kind.WRITE, offset, bytes);
        int done = (int) part(fate.effect(), offset, bytes);
        if (done > 0) {
            super.coWritev(offset, done, qiov, qiovOffset, flags);
        }
        fate.throwFailure();
    }

    @Override
    public void coWriteZeroes(long offset, long bytes, int flags) throws BlockException {
        Simulation.Fate fate = await(Kind.ZERO, offset, bytes);
        long done = part(fate.effect(), offset, bytes);
        if (done > 0) {
            super.coWriteZeroes(offset, done, flags);
        }
        fate.throwFailure();
    }

    /** What is discarded becomes zeros, where whole sectors are. */
    @Override
    public void coDiscard(long offset, long bytes) throws BlockException {
        long from = offset + SECTOR - 1 & -SECTOR;
        long to = offset + bytes & -SECTOR;
        if (from < to) {
            coWriteZeroes(from, to - from, 0);
        }
    }

    @Override
    public void flushToDisk() throws BlockException {
        await(Kind.FLUSH, 0, 0).throwFailure();
        super.flushToDisk();
    }

    @Override
    public void truncate(long length, boolean exact, PreallocationMode preallocation) throws BlockException {
        Simulation.Fate fate = await(Kind.TRUNCATE, length, 0);
        if (fate.effect() == Effect.ALL) {
            super.truncate(length, exact, preallocation);
        }
        fate.throwFailure();
    }

    /** About the first half ends with a sector. */
    private static long part(Effect effect, long offset, long bytes) {
        return switch (effect) {
            case NONE -> 0;
            case HALF -> Math.max(0, (offset + bytes / 2) / SECTOR * SECTOR - offset);
            case ALL -> bytes;
        };
    }
}
