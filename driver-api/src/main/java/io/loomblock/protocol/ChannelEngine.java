// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import com.sun.nio.file.ExtendedOpenOption;
import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.Closer;
import java.io.IOException;
import java.lang.reflect.Method;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine of Java 21: {@link FileChannel}s, which are kept safe from interrupts.
 *
 * <p>An interrupt closes a channel for everybody. Where the JVM lets us, channels are told not to listen to interrupts; where it does
 * not, their I/O runs on threads that nobody interrupts.
 */
final class ChannelEngine implements FileEngine {
    private static final Logger LOG = LoggerFactory.getLogger(ChannelEngine.class);

    private final boolean useInternals;
    /** Whether a virtual thread holds its carrier while it waits for the page cache, and nobody takes its place: since Java 23. */
    private final boolean holdsCarriers;

    private final AtomicBoolean warned = new AtomicBoolean();

    ChannelEngine() {
        this(true);
    }

    /** With {@code useInternals} false, the JVM's door to uninterruptible channels is not even tried. */
    ChannelEngine(boolean useInternals) {
        this(useInternals, Runtime.version().feature() >= 23);
    }

    ChannelEngine(boolean useInternals, boolean holdsCarriers) {
        this.useInternals = useInternals;
        this.holdsCarriers = holdsCarriers;
    }

    @Override
    public FileFacts facts(String name) throws BlockException {
        OpenMode mode = new OpenMode(false, false, false);
        return facts(path(name, mode), name, mode);
    }

    private static FileFacts facts(Path path, String name, OpenMode mode) throws BlockException {
        try {
            Map<String, Object> unix = Files.readAttributes(path, "unix:dev,ino,mode");
            FileId id = new FileId(number(unix, "dev"), number(unix, "ino"));
            return new FileFacts(id, FileKind.ofMode((int) number(unix, "mode")));
        } catch (IOException e) {
            throw IoErrors.cannotOpen(name, mode, IoErrors.errnoOf(e));
        } catch (UnsupportedOperationException e) {
            // No Unix: nothing here tells one file from another.
            throw IoErrors.cannotOpen(name, mode, Errno.ENOTSUP);
        }
    }

    private static long number(Map<String, Object> attributes, String name) {
        return attributes.get(name) instanceof Number number ? number.longValue() : 0;
    }

    @Override
    public FileIo open(String name, OpenMode mode) throws BlockException {
        Path path = path(name, mode);
        List<FileChannel> channels = new ArrayList<>();
        try {
            channels.add(channel(path, mode));
            // Java cannot set a file's length but by writing, which O_DIRECT allows in whole blocks only.
            if (mode.direct() && mode.writable()) {
                channels.add(channel(path, new OpenMode(true, false, false)));
            }
            return file(path, name, mode, channels);
        } catch (IOException e) {
            throw closed(channels, IoErrors.cannotOpen(name, mode, IoErrors.errnoOf(e)));
        } catch (UnsupportedOperationException e) {
            throw closed(channels, IoErrors.cannotOpen(name, mode, Errno.EINVAL));
        }
    }

    private static BlockException closed(List<FileChannel> channels, BlockException failure) {
        channels.forEach(channel -> Closer.closeAfter(failure, channel));
        return failure;
    }

    /** The file on these channels: the first for its data, the last for its length. */
    private FileIo file(Path path, String name, OpenMode mode, List<FileChannel> channels) throws IOException {
        boolean uninterruptible = true;
        for (FileChannel channel : channels) {
            uninterruptible &= makeUninterruptible(channel);
        }
        int blockSize = (int) Math.min(Files.getFileStore(path).getBlockSize(), 1 << 20);
        FileFacts facts = facts(path, name, mode);
        ChannelFile file =
                new ChannelFile(channels.get(0), channels.get(channels.size() - 1), mode.direct(), blockSize, facts);
        if (uninterruptible) {
            return holdsCarriers && !mode.direct() ? new PacedChannelFile(file) : file;
        }
        if (warned.compareAndSet(false, true)) {
            LOG.warn("files are read and written by way of other threads, because interrupts would close them;"
                    + " --add-exports java.base/sun.nio.ch=ALL-UNNAMED makes that faster");
        }
        return new OffThreadFile(file);
    }

    private static FileChannel channel(Path path, OpenMode mode) throws IOException {
        Set<OpenOption> options = new HashSet<>();
        options.add(StandardOpenOption.READ);
        if (mode.writable()) {
            options.add(StandardOpenOption.WRITE);
        }
        if (mode.direct()) {
            options.add(ExtendedOpenOption.DIRECT);
        }
        if (!mode.create()) {
            return FileChannel.open(path, options);
        }
        options.add(StandardOpenOption.CREATE);
        FileAttribute<?> permissions =
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-r--r--"));
        return FileChannel.open(path, options, permissions);
    }

    private boolean makeUninterruptible(FileChannel channel) {
        if (!useInternals) {
            return false;
        }
        try {
            Method method = Class.forName("sun.nio.ch.FileChannelImpl").getMethod("setUninterruptible");
            method.invoke(channel);
            return true;
        } catch (ReflectiveOperationException | RuntimeException e) {
            LOG.debug("channels stay interruptible", e);
            return false;
        }
    }

    private static Path path(String name, OpenMode mode) throws BlockException {
        if (name.isEmpty()) {
            throw IoErrors.cannotOpen(name, mode, Errno.ENOENT);
        }
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw IoErrors.cannotOpen(name, mode, Errno.ENOENT);
        }
    }
}
