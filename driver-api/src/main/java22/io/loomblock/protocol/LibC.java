// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.loomblock.protocol.CallSlots.Slot;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * The system calls that files need, as plain methods: what comes back is the call's result, or its errno negated.
 *
 * <p>A call that a signal cut short ({@code EINTR}) is made again. Calls on file data allocate nothing. Thread-safe.
 */
final class LibC {
    private static final Linker LINKER = Linker.nativeLinker();
    private static final Linker.Option ERRNO = Linker.Option.captureCallState("errno");
    /** C's functions with {@code …}: the arguments before it. */
    private static final Linker.Option VARIADIC_AFTER_2 = Linker.Option.firstVariadicArg(2);

    private static final MethodHandle PREAD = io("pread");
    private static final MethodHandle PWRITE = io("pwrite");
    /** Null where the C library is too old. */
    private static final @Nullable MethodHandle PREADV2 = LINKER.defaultLookup()
            .find("preadv2")
            .map(symbol -> LINKER.downcallHandle(
                    symbol, FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_INT, JAVA_LONG, JAVA_INT), ERRNO))
            .orElse(null);

    private static final MethodHandle OPEN = find("open", JAVA_INT, VARIADIC_AFTER_2, ADDRESS, JAVA_INT, JAVA_INT);
    private static final MethodHandle CLOSE = find("close", JAVA_INT, JAVA_INT);
    private static final MethodHandle FDATASYNC = find("fdatasync", JAVA_INT, JAVA_INT);
    private static final MethodHandle FTRUNCATE = find("ftruncate", JAVA_INT, JAVA_INT, JAVA_LONG);
    private static final MethodHandle FALLOCATE = find("fallocate", JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG);
    private static final MethodHandle LSEEK = find("lseek", JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT);
    private static final MethodHandle STATX = find("statx", JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle FCNTL = find("fcntl", JAVA_INT, VARIADIC_AFTER_2, JAVA_INT, JAVA_INT, ADDRESS);
    private static final MethodHandle IOCTL = find("ioctl", JAVA_INT, VARIADIC_AFTER_2, JAVA_INT, JAVA_LONG, ADDRESS);

    private final CallSlots slots = new CallSlots();

    private static MethodHandle io(String name) {
        // The address of the memory as a number: a MemorySegment for each call would be an object.
        return find(name, JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_LONG, JAVA_LONG);
    }

    private static MethodHandle find(String name, MemoryLayout result, MemoryLayout... arguments) {
        return link(name, FunctionDescriptor.of(result, arguments), ERRNO);
    }

    private static MethodHandle find(
            String name, MemoryLayout result, Linker.Option option, MemoryLayout... arguments) {
        return link(name, FunctionDescriptor.of(result, arguments), ERRNO, option);
    }

    private static MethodHandle link(String name, FunctionDescriptor descriptor, Linker.Option... options) {
        MemorySegment symbol = LINKER.defaultLookup()
                .find(name)
                .orElseThrow(() -> new UnsatisfiedLinkError("the C library has no " + name));
        return LINKER.downcallHandle(symbol, descriptor, options);
    }

    long pread(int fd, long address, long length, long offset) {
        Slot slot = slots.take();
        try {
            long result;
            do {
                result = result((long) PREAD.invokeExact(slot.errno(), fd, address, length, offset), slot);
            } while (result == -LinuxConstants.EINTR);
            return result;
        } catch (Throwable e) {
            throw unexpected(e);
        } finally {
            slots.give(slot);
        }
    }

    /**
     * The same for what can be read without waiting for a device: EAGAIN if that is nothing, EOPNOTSUPP if the file system does not
     * know the question; it may be less than {@code length} although the file goes on.
     */
    long preadWithoutWaiting(int fd, long address, long length, long offset) {
        MethodHandle preadv2 = PREADV2;
        if (preadv2 == null) {
            return -LinuxConstants.EOPNOTSUPP;
        }
        Slot slot = slots.take();
        try {
            slot.setIovec(address, length);
            long result;
            do {
                result = result(
                        (long) preadv2.invokeExact(
                                slot.errno(), fd, slot.iovec(), 1, offset, LinuxConstants.RWF_NOWAIT),
                        slot);
            } while (result == -LinuxConstants.EINTR);
            return result;
        } catch (Throwable e) {
            throw unexpected(e);
        } finally {
            slots.give(slot);
        }
    }

    long pwrite(int fd, long address, long length, long offset) {
        Slot slot = slots.take();
        try {
            long result;
            do {
                result = result((long) PWRITE.invokeExact(slot.errno(), fd, address, length, offset), slot);
            } while (result == -LinuxConstants.EINTR);
            return result;
        } catch (Throwable e) {
            throw unexpected(e);
        } finally {
            slots.give(slot);
        }
    }

    int open(MemorySegment path, int flags, int mode) {
        return (int) retry(errno -> (int) OPEN.invokeExact(errno, path, flags, mode));
    }

    /** Not made again: the descriptor is gone even where this fails. */
    int close(int fd) {
        return (int) once(errno -> (int) CLOSE.invokeExact(errno, fd));
    }

    int fdatasync(int fd) {
        return (int) retry(errno -> (int) FDATASYNC.invokeExact(errno, fd));
    }

    int ftruncate(int fd, long length) {
        return (int) retry(errno -> (int) FTRUNCATE.invokeExact(errno, fd, length));
    }

    int fallocate(int fd, int mode, long offset, long length) {
        return (int) retry(errno -> (int) FALLOCATE.invokeExact(errno, fd, mode, offset, length));
    }

    long lseek(int fd, long offset, int whence) {
        return retry(errno -> (long) LSEEK.invokeExact(errno, fd, offset, whence));
    }

    int statx(int directory, MemorySegment path, int flags, int mask, MemorySegment target) {
        return (int) retry(errno -> (int) STATX.invokeExact(errno, directory, path, flags, mask, target));
    }

    int fcntl(int fd, int command, MemorySegment argument) {
        return (int) retry(errno -> (int) FCNTL.invokeExact(errno, fd, command, argument));
    }

    int ioctl(int fd, long request, MemorySegment argument) {
        return (int) retry(errno -> (int) IOCTL.invokeExact(errno, fd, request, argument));
    }

    @FunctionalInterface
    private interface Call {
        long make(MemorySegment errno) throws Throwable;
    }

    private long retry(Call call) {
        long result;
        do {
            result = once(call);
        } while (result == -LinuxConstants.EINTR);
        return result;
    }

    private long once(Call call) {
        Slot slot = slots.take();
        try {
            return result(call.make(slot.errno()), slot);
        } catch (Throwable e) {
            throw unexpected(e);
        } finally {
            slots.give(slot);
        }
    }

    private static long result(long returned, Slot slot) {
        return returned == -1 ? -slot.errnoValue() : returned;
    }

    /** Method handles declare every Throwable; a downcall throws errors of the JVM only. */
    private static RuntimeException unexpected(Throwable e) {
        if (e instanceof Error error) {
            throw error;
        }
        return e instanceof RuntimeException r ? r : new IllegalStateException(e);
    }
}
