// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.DetectZeroes;
import io.loomblock.DirtyBitmap;
import io.loomblock.DirtyBitmap.Area;
import io.loomblock.OpenOptions;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.memory.IoVector;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Backups of a disk in use, each of which holds what was written since the one before, and stands on it.
 *
 * <p>A bitmap remembers where the disk was written; at first all of it counts as written, so that the first backup is a whole one. What
 * a guest writes while a backup is made is in the next one for certain, and in this one by chance: for a copy of one moment let the guest rest.
 *
 * <p>Made by one thread at a time, while any number of others use the disk.
 *
 * <p>{@code IncrementalBackup DIRECTORY} makes a disk there, and three backups of it.
 */
public final class IncrementalBackup {
    private static final int PIECE = 1 << 20;
    private static final int GRANULARITY = 64 << 10;
    private static final long SIZE = 64 << 20;

    private final BlockDevice disk;
    private DirtyBitmap written;
    /** The name of the backup before. */
    private @Nullable String previous;

    IncrementalBackup(BlockDevice disk) throws BlockException {
        this.disk = disk;
        this.written = disk.createDirtyBitmap(null, GRANULARITY);
        written.set(0, disk.length());
    }

    public static void main(String[] args) throws Exception {
        if (args.length != 1 || Files.exists(Path.of(args[0]))) {
            throw new IllegalArgumentException("usage: IncrementalBackup DIRECTORY, which must not exist");
        }
        Path directory = Files.createDirectories(Path.of(args[0]));
        String image = directory.resolve("disk.qed").toString();
        BlockDevice.create("qed", image, CreateOptions.ofSize(SIZE), OpenOptions.readWrite());
        try (BlockDevice disk = BlockDevice.open(image, OpenOptions.readWrite())) {
            IncrementalBackup backup = new IncrementalBackup(disk);
            for (int day = 0; day < 3; day++) {
                byte[] news = ("written on day " + day).getBytes(StandardCharsets.UTF_8);
                disk.write(day * SIZE / 4, ByteBuffer.wrap(news));
                String name = "day" + day + ".qed";
                System.out.println(name + ": " + backup.backUp(directory, name) + " bytes copied");
            }
        }
    }

    /**
     * Makes a backup, which stands on the one before by its name: all of them are in one directory.
     *
     * @return how many bytes were copied, in whole granules
     */
    long backUp(Path directory, String name) throws BlockException {
        DirtyBitmap todo = written;
        // Both hear of a write from here on: what is copied too early for it is copied again the next time.
        written = disk.createDirtyBitmap(null, GRANULARITY);
        try {
            long bytes = todo.count();
            copy(todo, newImage(directory.resolve(name).toString()));
            previous = name;
            return bytes;
        } catch (BlockException | RuntimeException e) {
            written.merge(todo);
            throw e;
        } finally {
            disk.removeDirtyBitmap(todo);
        }
    }

    /** Zeros are copied too, over what the backup before has there; but they need no storage. */
    private BlockDevice newImage(String image) throws BlockException {
        CreateOptions options =
                CreateOptions.ofSize(disk.length()).withBacking(previous, previous == null ? null : "qed");
        BlockDevice.create("qed", image, options, OpenOptions.readWrite());
        return BlockDevice.open(image, OpenOptions.readWrite().withDetectZeroes(DetectZeroes.ON));
    }

    /** Closes the target. */
    private void copy(DirtyBitmap todo, BlockDevice target) throws BlockException {
        try (target;
                AlignedBuffer buffer = AlignedBuffer.allocate(PIECE)) {
            IoVector memory = IoVector.of(buffer);
            long end = disk.length();
            Area area = todo.nextArea(0, end, PIECE);
            while (area != null) {
                int bytes = (int) area.length();
                disk.read(area.offset(), bytes, memory, 0);
                target.write(area.offset(), bytes, memory, 0, 0);
                area = todo.nextArea(area.end(), end - area.end(), PIECE);
            }
            target.flush();
        }
    }
}
