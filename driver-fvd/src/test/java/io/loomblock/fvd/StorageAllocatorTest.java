// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.StorageRunner;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.Node;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Storage that grows before it is full: never shorter, never by the command of the image, and not again where it cannot. */
class StorageAllocatorTest {
    private static final int CHUNKS = 1024;
    private static final int CHUNK = 4096;
    private static final int GROW = 32;
    private static final int TABLE = 8192;
    private static final int JOURNAL = 65536;
    private static final long DATA = JOURNAL + 4096;

    private final List<Long> truncated = new ArrayList<>();
    private final List<String> commands = new ArrayList<>();
    private final SparseBytes bytes = new SparseBytes();
    private final MemoryDriver memory = new MemoryDriver(bytes);

    /** A file that remembers to how many chunks it was made. */
    private class File extends ForwardingDriver {
        File() {
            super(memory);
        }

        @Override
        public void truncate(long length, boolean exact, PreallocationMode mode) throws BlockException {
            truncated.add(chunks(length));
            super.truncate(length, exact, mode);
        }
    }

    private static long chunks(long length) {
        return (length - DATA) / CHUNK;
    }

    private StorageAllocator allocator(File driver, int fileChunks) throws BlockException {
        return allocator(TestImages.node("image", driver, OpenOptions.readWrite()), fileChunks);
    }

    private StorageAllocator allocator(Node file, int fileChunks) throws BlockException {
        bytes.truncate(DATA + (long) fileChunks * CHUNK);
        file.refresh();
        FvdHeader header = new FvdHeader(
                HeaderV2.INSTANCE,
                (long) CHUNKS * CHUNK,
                DATA,
                NamedFile.NONE,
                NamedFile.NONE,
                0,
                true,
                Area.NONE,
                0,
                new Area(TABLE, CHUNKS * FvdLayout.ENTRY_BYTES),
                CHUNK,
                (long) GROW * CHUNK,
                "grow --it",
                new Area(JOURNAL, 4096),
                5,
                false,
                false,
                false,
                0,
                PrefetchSettings.NONE);
        FvdImage.Files files = new FvdImage.Files(file, file, new BackingFile(file, null));
        StorageRunner runner = (command, more, name) -> commands.add(command);
        return new StorageAllocator(files, header.validate(DATA), header, runner, 0, false);
    }

    /** An image of this format, which says that it does not grow by being written to, as all do. */
    private Node image(String format) throws BlockException {
        ForwardingDriver driver = new ForwardingDriver(new File()) {
            @Override
            public String formatName() {
                return format;
            }

            @Override
            public boolean growable() {
                return false;
            }
        };
        Node file = TestImages.node("file", memory, OpenOptions.readWrite());
        return new Node("image", driver, Map.of(Node.FILE, file), OpenOptions.readWrite());
    }

    @Test
    void aRawDataFileGrowsAheadButLeavesNoMoreThanAUnitWhichACheckWouldCallLeaked() throws BlockException {
        StorageAllocator storage = allocator(image("raw"), 40);
        storage.take(31);
        storage.growAhead();
        assertThat(truncated).as("more than a quarter is left").isEmpty();
        storage.take(5);
        storage.growAhead();
        storage.growAhead();
        assertThat(truncated).containsExactly(36L + GROW);
        assertThat(storage.take(GROW)).as("all of it is there").isEqualTo(36);
    }

    /** Its metadata is made anew as it grows, which no request may see: that waits until there is need. */
    @Test
    void aDataFileOfAFormatWithMetadataDoesNotGrowAhead() throws BlockException {
        StorageAllocator storage = allocator(image("fvd"), GROW);
        storage.take(GROW);
        storage.growAhead();
        assertThat(truncated).isEmpty();
        storage.grow(1);
        assertThat(truncated).containsExactly(2L * GROW);
    }

    @Test
    void aDeviceThatKeepsItsLengthAndSaysNothingIsAskedOnce() throws BlockException {
        StorageAllocator storage = allocator(
                new File() {
                    @Override
                    public void truncate(long length, boolean exact, PreallocationMode mode) {
                        truncated.add(chunks(length));
                    }
                },
                GROW);
        storage.take(GROW - 2);
        storage.growAhead();
        storage.take(1);
        storage.growAhead();
        assertThat(truncated).containsExactly(2L * GROW - 2);
    }

    @Test
    void aFileThatCannotGrowAheadIsAskedOnceAndTheCommandIsNotRun() throws BlockException {
        StorageAllocator storage = allocator(
                new File() {
                    @Override
                    public void truncate(long length, boolean exact, PreallocationMode mode) throws BlockException {
                        truncated.add(chunks(length));
                        throw new BlockException(Errno.ENOTSUP);
                    }
                },
                GROW);
        for (int chunk = 0; chunk < GROW; chunk++) {
            assertThat(storage.take(1)).isEqualTo(chunk);
            storage.growAhead();
        }
        assertThat(commands).isEmpty();
        assertThat(truncated).hasSize(1);
        assertThat(storage.take(1)).isEqualTo(StorageAllocator.NO_ROOM);
    }

    @Test
    void aFileThatCouldNotGrowIsTriedAgainOnceItHas() throws BlockException {
        boolean[] full = {true};
        StorageAllocator storage = allocator(
                new File() {
                    @Override
                    public void truncate(long length, boolean exact, PreallocationMode mode) throws BlockException {
                        if (full[0]) {
                            throw new BlockException(Errno.ENOSPC);
                        }
                        super.truncate(length, exact, mode);
                    }
                },
                GROW);
        storage.take(GROW);
        storage.growAhead();
        full[0] = false;
        storage.growAhead();
        assertThat(truncated).as("not tried again before there is need").isEmpty();
        storage.grow(1);
        assertThat(truncated).containsExactly(2L * GROW);
        storage.take(GROW - 1);
        storage.growAhead();
        assertThat(truncated).containsExactly(2L * GROW, 3L * GROW - 1);
    }
}
