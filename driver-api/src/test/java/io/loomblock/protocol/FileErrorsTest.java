// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static io.loomblock.protocol.TestBytes.assertFails;
import static io.loomblock.protocol.TestBytes.write;
import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import io.loomblock.testkit.Tools;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What cannot be opened or written is refused with the system's errno, in QEMU's words. */
@Tag("jars")
class FileErrorsTest {
    private static final String ENGINES = "io.loomblock.protocol.TestEngine#all";

    @TempDir
    Path directory;

    private String path(String name) {
        return directory.resolve(name).toString();
    }

    private static void assertRefused(TestEngine engine, String name, boolean writable, Errno errno, String reason) {
        BlockException e = assertFails(
                errno,
                () -> engine.open(name, OpenOptions.readOnly().withWritable(writable))
                        .close());
        assertThat(e.reason()).isEqualTo(reason);
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void namesThatMeanNothing(TestEngine engine) throws Exception {
        String name = path("none");
        String text = "Could not open '" + name + "': No such file or directory";
        assertRefused(engine, name, false, Errno.ENOENT, text);
        assertRefused(engine, name, true, Errno.ENOENT, text);
        assertRefused(engine, "file:" + name, false, Errno.ENOENT, text);
        assertRefused(engine, "", false, Errno.EINVAL, "The 'file' block driver requires a file name");
        Files.createFile(directory.resolve("file"));
        String below = path("file") + "/x";
        if (engine.knowsHoles()) {
            // java.nio takes this for a file that does not exist.
            assertRefused(engine, below, false, Errno.ENOTDIR, "Could not open '" + below + "': Not a directory");
        }
        Files.createSymbolicLink(directory.resolve("a"), Path.of("b"));
        Files.createSymbolicLink(directory.resolve("b"), Path.of("a"));
        String loop = path("a");
        assertRefused(
                engine, loop, false, Errno.ELOOP, "Could not open '" + loop + "': Too many levels of symbolic links");
        String longName = path("x".repeat(300));
        assertRefused(
                engine, longName, false, Errno.ENAMETOOLONG, "Could not open '" + longName + "': File name too long");
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void namesWithAZeroByteAreRefused(TestEngine engine) {
        try (Node node = engine.open(directory + "/a\0b", OpenOptions.readOnly())) {
            throw new AssertionError("opened " + node);
        } catch (BlockException e) {
            assertThat(e.reason()).startsWith("Could not open '");
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void whatIsNotARegularFile(TestEngine engine) {
        String name = directory.toString();
        String regular = "'file' driver requires '" + name + "' to be a regular file";
        assertRefused(engine, name, false, Errno.EINVAL, regular);
        assertRefused(engine, name, true, Errno.EISDIR, "Could not open '" + name + "': Is a directory");
        String device = "'file' driver requires '/dev/null' to be a regular file";
        assertRefused(engine, "/dev/null", true, Errno.EINVAL, device);
        Tools.run(directory, "mkfifo", path("pipe")).expectExit(0);
        // Opening it would wait for somebody at the other end.
        assertRefused(
                engine,
                path("pipe"),
                false,
                Errno.EINVAL,
                "'file' driver requires '" + path("pipe") + "' to be a regular file");
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void whatIsNotADevice(TestEngine engine) throws Exception {
        Files.createFile(directory.resolve("file"));
        BlockException e = assertFails(Errno.EINVAL, () -> engine.openDevice(path("file"), OpenOptions.readOnly()));
        assertThat(e.reason())
                .isEqualTo("'host_device' driver requires '" + path("file")
                        + "' to be either a character or block device");
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void whatCannotBeCreated(TestEngine engine) {
        BlockException missing = assertFails(Errno.ENOENT, () -> engine.create(path("none/x"), 0));
        assertThat(missing.reason()).isEqualTo("Could not create '" + path("none/x") + "': No such file or directory");
        String name = directory.toString();
        BlockException dir = assertFails(Errno.EISDIR, () -> engine.create(name, 0));
        assertThat(dir.reason()).isEqualTo("Could not create '" + name + "': Is a directory");
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void aFileTooLargeForItsFileSystem(TestEngine engine) throws Exception {
        engine.create(path("file"), 0);
        try (Node node = engine.open(path("file"), OpenOptions.readWrite())) {
            assertFails(Errno.EFBIG, () -> write(node, 1L << 61, 1, 1));
            assertThat(node.length()).isZero();
            write(node, 0, 1, 1);
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void aFullDevice(TestEngine engine) throws Exception {
        try (Node node = engine.openDevice("/dev/full", OpenOptions.readWrite())) {
            FileIo io = engine.engine().open("/dev/full", new OpenMode(true, false, false));
            assertFails(Errno.ENOSPC, () -> io.write(0, AlignedBuffer.allocate(1), 0, 1));
            io.close();
            assertThat(node.length()).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource(ENGINES)
    void sharingByForceIsForReaders(TestEngine engine) throws Exception {
        engine.create(path("file"), 0);
        BlockException e = assertFails(
                Errno.EINVAL,
                () -> BlockDevice.open(path("file"), OpenOptions.readWrite().withForceShare(true)));
        assertThat(e.reason()).isEqualTo("force-share=on can only be used with read-only images");
    }

    @Test
    void javasExceptionsHaveAnErrno() {
        assertThat(IoErrors.errnoOf(new NoSuchFileException("x"))).isEqualTo(Errno.ENOENT);
        assertThat(IoErrors.errnoOf(new AccessDeniedException("x"))).isEqualTo(Errno.EACCES);
        assertThat(IoErrors.errnoOf(new ClosedChannelException())).isEqualTo(Errno.EBADF);
        assertThat(IoErrors.errnoOf(new FileSystemException("x", null, "Read-only file system")))
                .isEqualTo(Errno.EROFS);
        assertThat(IoErrors.errnoOf(new FileSystemException("x"))).isEqualTo(Errno.EIO);
        assertThat(IoErrors.errnoOf(new IOException("No space left on device"))).isEqualTo(Errno.ENOSPC);
        assertThat(IoErrors.errnoOf(new IOException("write failed: Disk quota exceeded")))
                .isEqualTo(Errno.EDQUOT);
        assertThat(IoErrors.errnoOf(new IOException())).isEqualTo(Errno.EIO);
        assertThat(IoErrors.errnoOf(new BlockException(Errno.EBUSY))).isEqualTo(Errno.EBUSY);
    }
}
