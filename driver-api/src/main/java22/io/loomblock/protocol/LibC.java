// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.loomblock.protocol.CallSlots.Slot;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.nio.charset.StandardCharsets;

/**
 * The system calls that files need, as plain methods: what comes back is the call's result, or its errno negated.
 *
 * <p>All go through the C library's {@code syscall}, because each function that is linked takes milliseconds of a tool's start. A call
 * that a signal cut short ({@code EINTR}) is made again. Thread-safe.
 *
 * <p>Calls on file data allocate nothing, once there were some. Java makes an object for each call that is to keep its errno, and where
 * that call is compiled as part of a long chain of callers it cannot leave it out again. So these are linked once more without errno,
 * and those that fail are made again to learn why: they must be such that this does no harm.
 */
final class LibC {
    private static final int AT_FDCWD = -100;
    /** A tool that makes no more calls on file data would wait longer for the second function than it takes less time. */
    private static final int FEW_CALLS = 20_000;

    private static final MemorySegment SYMBOL = Linker.nativeLinker()
            .defaultLookup()
            .find("syscall")
            .orElseThrow(() -> new UnsatisfiedLinkError("the C library has no syscall"));

    private static final MethodHandle SYSCALL = link(true);

    private static final MemorySegment EMPTY_PATH = Arena.global().allocate(1);

    private final CallSlots slots = new CallSlots();
    /** On file data, up to {@link #FEW_CALLS}; threads may overlook one another's. */
    private int dataCalls;

    /** What is linked at the first call that uses it. */
    private static final class WithoutErrno {
        static final MethodHandle SYSCALL = link(false);
    }

    private static MethodHandle link(boolean errno) {
        Linker linker = Linker.nativeLinker();
        // Addresses as numbers: a MemorySegment for each call would be an object.
        FunctionDescriptor type = FunctionDescriptor.of(
                JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
        Linker.Option variadic = Linker.Option.firstVariadicArg(1);
        // The symbol is named by each call: to bind it to the handle would take a tool's start more classes.
        return errno
                ? linker.downcallHandle(type, Linker.Option.captureCallState("errno"), variadic)
                : linker.downcallHandle(type, variadic);
    }

    long pread(int fd, long address, long length, long offset) {
        return dataCall(LinuxConstants.SYS_PREAD64, fd, address, length, offset);
    }

    /**
     * The same for what can be read without waiting for a device: EAGAIN if that is nothing, EOPNOTSUPP if the file system does not
     * know the question; it may be less than {@code length} although the file goes on.
     *
     * @param why whether the errno matters; if not, -1 may stand for any
     */
    long preadWithoutWaiting(int fd, long address, long length, long offset, boolean why) {
        Slot slot = slots.take();
        try {
            slot.setIovec(address, length);
            if (!why && isFrequent()) {
                long vector = slot.iovec().address();
                return invoke(LinuxConstants.SYS_PREADV2, fd, vector, 1, offset, 0, LinuxConstants.RWF_NOWAIT);
            }
            long result;
            do {
                result = invoke(
                        slot,
                        LinuxConstants.SYS_PREADV2,
                        fd,
                        slot.iovec().address(),
                        1,
                        offset,
                        0,
                        LinuxConstants.RWF_NOWAIT);
            } while (result == -LinuxConstants.EINTR);
            return result;
        } finally {
            slots.give(slot);
        }
    }

    long pwrite(int fd, long address, long length, long offset) {
        return dataCall(LinuxConstants.SYS_PWRITE64, fd, address, length, offset);
    }

    int open(Struct path, int flags, int mode) {
        return (int) call(LinuxConstants.SYS_OPENAT, AT_FDCWD, path.address(), flags, mode, 0);
    }

    /** A path as the calls want it. Not {@link Arena#allocateFrom(String)}, which takes a tool's start milliseconds. */
    static Struct path(Arena arena, String path) {
        byte[] bytes = path.getBytes(StandardCharsets.UTF_8);
        Struct ended = Struct.allocate(arena, bytes.length + 1);
        ended.bytes().put(bytes);
        return ended;
    }

    /** Not made again: the descriptor is gone even where this fails. */
    int close(int fd) {
        Slot slot = slots.take();
        try {
            return (int) invoke(slot, LinuxConstants.SYS_CLOSE, fd, 0, 0, 0, 0, 0);
        } finally {
            slots.give(slot);
        }
    }

    int fdatasync(int fd) {
        return (int) call(LinuxConstants.SYS_FDATASYNC, fd, 0, 0, 0, 0);
    }

    /** Of the whole file for a length of 0. */
    int syncFileRange(int fd, long offset, long length, int flags) {
        return (int) call(LinuxConstants.SYS_SYNC_FILE_RANGE, fd, offset, length, flags, 0);
    }

    int ftruncate(int fd, long length) {
        return (int) call(LinuxConstants.SYS_FTRUNCATE, fd, length, 0, 0, 0);
    }

    int fallocate(int fd, int mode, long offset, long length) {
        return (int) call(LinuxConstants.SYS_FALLOCATE, fd, mode, offset, length, 0);
    }

    long lseek(int fd, long offset, int whence) {
        return call(LinuxConstants.SYS_LSEEK, fd, offset, whence, 0, 0);
    }

    /** Of the open file {@code directory}, or of a path from there on. */
    int statx(int directory, Struct path, int flags, int mask, Struct target) {
        return (int) call(LinuxConstants.SYS_STATX, directory, path.address(), flags, mask, target.address());
    }

    /** Length in bytes of an open file, without memory of the caller's for the answer. */
    long size(int fd) {
        Slot slot = slots.take();
        try {
            long result;
            do {
                result = invoke(
                        slot,
                        LinuxConstants.SYS_STATX,
                        fd,
                        EMPTY_PATH.address(),
                        LinuxConstants.AT_EMPTY_PATH,
                        LinuxConstants.STATX_SIZE,
                        slot.statx().address(),
                        0);
            } while (result == -LinuxConstants.EINTR);
            return result < 0 ? result : slot.size();
        } finally {
            slots.give(slot);
        }
    }

    int fcntl(int fd, int command, Struct argument) {
        return (int) call(LinuxConstants.SYS_FCNTL, fd, command, argument.address(), 0, 0);
    }

    int ioctl(int fd, long request, Struct argument) {
        return (int) call(LinuxConstants.SYS_IOCTL, fd, request, argument.address(), 0, 0);
    }

    /** Makes a queue for so many requests and leaves its name, a long, at {@code target}. */
    int ioSetup(int requests, Struct target) {
        return (int) call(LinuxConstants.SYS_IO_SETUP, requests, target.address(), 0, 0, 0);
    }

    int ioDestroy(long queue) {
        return (int) call(LinuxConstants.SYS_IO_DESTROY, queue, 0, 0, 0, 0);
    }

    /** Begins the request whose {@code struct iocb} {@code pointer} points to. */
    int ioSubmit(long queue, long pointer) {
        return (int) dataCall(LinuxConstants.SYS_IO_SUBMIT, queue, 1, pointer, 0);
    }

    /** Waits for requests that have come to their end, one at least, and leaves a {@code struct io_event} of each at {@code target}. */
    int ioGetevents(long queue, int most, Struct target) {
        return (int) call(LinuxConstants.SYS_IO_GETEVENTS, queue, 1, most, target.address(), 0);
    }

    private boolean isFrequent() {
        int calls = dataCalls;
        if (calls < FEW_CALLS) {
            dataCalls = calls + 1;
        }
        return calls >= FEW_CALLS;
    }

    /** A call that has done nothing where it fails, and may be made again. */
    private long dataCall(long number, long a, long b, long c, long d) {
        if (isFrequent()) {
            long result = invoke(number, a, b, c, d, 0, 0);
            if (result != -1) {
                return result;
            }
        }
        return call(number, a, b, c, d, 0);
    }

    private long call(long number, long a, long b, long c, long d, long e) {
        Slot slot = slots.take();
        try {
            long result;
            do {
                result = invoke(slot, number, a, b, c, d, e, 0);
            } while (result == -LinuxConstants.EINTR);
            return result;
        } finally {
            slots.give(slot);
        }
    }

    /** -1 for a failure. */
    private static long invoke(long number, long a, long b, long c, long d, long e, long f) {
        try {
            return (long) WithoutErrno.SYSCALL.invokeExact(SYMBOL, number, a, b, c, d, e, f);
        } catch (Error | RuntimeException failure) {
            throw failure;
        } catch (Throwable failure) {
            // Method handles declare every Throwable; a downcall throws errors of the JVM only.
            throw new IllegalStateException(failure);
        }
    }

    private static long invoke(Slot slot, long number, long a, long b, long c, long d, long e, long f) {
        try {
            long returned = (long) SYSCALL.invokeExact(SYMBOL, slot.errno().segment(), number, a, b, c, d, e, f);
            return returned == -1 ? -slot.errnoValue() : returned;
        } catch (Error | RuntimeException failure) {
            throw failure;
        } catch (Throwable failure) {
            // Method handles declare every Throwable; a downcall throws errors of the JVM only.
            throw new IllegalStateException(failure);
        }
    }
}
