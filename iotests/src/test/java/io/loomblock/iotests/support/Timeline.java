// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.support;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.PreallocationMode;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import io.loomblock.testkit.DiskModel;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.RequestLog;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.TreeMap;

/** Guest requests of one thread, and at which places of the request log they began, so that a crash at a place can be judged. */
public final class Timeline {
    private final DiskModel model;
    private final RequestLog log;
    private final boolean writethrough;
    /** Place in the log where something began or ended, and the model's time there. */
    private final TreeMap<Integer, Long> ticks = new TreeMap<>();
    /** Place in the log where a flush was acknowledged, and the time when it had begun. */
    private final TreeMap<Integer, Long> flushes = new TreeMap<>();

    public Timeline(DiskModel model, RequestLog log) {
        this(model, log, false);
    }

    /** The same for a disk of which every write counts as flushed when it returns, if {@code writethrough}. */
    public Timeline(DiskModel model, RequestLog log, boolean writethrough) {
        this.model = model;
        this.log = log;
        this.writethrough = writethrough;
        ticks.put(0, model.tick());
    }

    private void note() {
        ticks.put(log.size(), model.tick());
    }

    /** The model's time when {@code position} requests had been made to the file. */
    public long crashedAt(int position) {
        return value(ticks, position);
    }

    /** When the last flush had begun that was acknowledged by then. */
    public long flushedAt(int position) {
        return value(flushes, position);
    }

    private static long value(TreeMap<Integer, Long> map, int position) {
        Map.Entry<Integer, Long> entry = map.floorEntry(position);
        return entry == null ? 0 : entry.getValue();
    }

    /** Writes a pattern of its own; a failure is the caller's, and the write may have happened then or not. */
    public void write(BlockDevice device, long offset, int length) throws BlockException {
        DiskModel.Write write = model.begin(offset, length, false);
        note();
        try (AlignedBuffer buffer = AlignedBuffer.allocate(Math.max(512, length))) {
            IoVector vector = IoVector.of(buffer, 0, length);
            vector.copyFrom(0, ByteBuffer.wrap(Pattern.bytes(write.id(), offset, length)));
            device.write(offset, vector);
            ended(write);
        }
        note();
    }

    /** Zeros a range. */
    public void zero(BlockDevice device, long offset, long length) throws BlockException {
        DiskModel.Write write = model.begin(offset, length, true);
        note();
        device.writeZeroes(offset, length, 0);
        ended(write);
        note();
    }

    private void ended(DiskModel.Write write) {
        model.ended(write);
        if (writethrough) {
            flushes.put(log.size(), model.tick());
        }
    }

    /** Cuts the disk off; what is behind the end reads as zeros from then on, also where the disk grows again. */
    public void shrink(BlockDevice device, long length) throws BlockException {
        DiskModel.Write write = model.begin(length, device.length() - length, true);
        note();
        device.truncate(length, true, PreallocationMode.OFF);
        ended(write);
        note();
    }

    /** Tells that a range is not needed: where the disk has it for itself, it may keep its bytes or read as zeros. */
    public void discard(BlockDevice device, long offset, long length) throws BlockException {
        // Never ended, so that it need not show.
        model.begin(offset, length, true);
        note();
        device.discard(offset, length);
        note();
    }

    /** Empties the image, so that the disk shows what it did at first. */
    public void empty(BlockDevice device) throws BlockException {
        DiskModel.Write write = model.beginRestoring(0, model.size());
        note();
        device.makeEmpty();
        ended(write);
        note();
    }

    /**
     * Takes the backing file away. What is behind {@code from}, of which the disk has nothing for itself, is zeros when it is opened again; as
     * long as it is open, the backing file is too.
     */
    public void loseBacking(BlockDevice device, long from) throws BlockException {
        model.begin(from, device.length() - from, true);
        note();
        device.changeBackingFile(null, null);
        note();
    }

    /** Flushes. */
    public void flush(BlockDevice device) throws BlockException {
        long began = model.tick();
        note();
        device.flush();
        flushes.put(log.size(), began);
        note();
    }
}
