// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/** Numbers of the Linux kernel's interface, as they are on 64-bit x86 and ARM. */
final class LinuxConstants {
    private static final String ARCHITECTURE = System.getProperty("os.arch", "");

    /** Whether these numbers hold on this machine. */
    static final boolean SUPPORTED = System.getProperty("os.name", "").equals("Linux")
            && (ARCHITECTURE.equals("amd64") || ARCHITECTURE.equals("aarch64"));

    static final int SYS_OPENAT = number(257, 56);
    static final int SYS_CLOSE = number(3, 57);
    static final int SYS_PREAD64 = number(17, 67);
    static final int SYS_PWRITE64 = number(18, 68);
    static final int SYS_PREADV2 = number(327, 286);
    static final int SYS_LSEEK = number(8, 62);
    static final int SYS_STATX = number(332, 291);
    static final int SYS_FCNTL = number(72, 25);
    static final int SYS_IOCTL = number(16, 29);
    static final int SYS_FDATASYNC = number(75, 83);
    static final int SYS_SYNC_FILE_RANGE = number(277, 84);
    static final int SYS_FTRUNCATE = number(77, 46);
    static final int SYS_FALLOCATE = number(285, 47);

    static final int SYS_IO_SETUP = number(206, 0);
    static final int SYS_IO_DESTROY = number(207, 1);
    static final int SYS_IO_SUBMIT = number(209, 2);
    static final int SYS_IO_GETEVENTS = number(208, 4);

    static final int O_RDONLY = 0;
    static final int O_RDWR = 2;
    static final int O_CREAT = 0x40;
    static final int O_CLOEXEC = 0x80000;
    static final int O_DIRECT = number(0x4000, 0x10000);

    static final int RWF_NOWAIT = 0x08;

    static final short IOCB_CMD_PREAD = 0;
    static final short IOCB_CMD_PWRITE = 1;

    static final int AT_EMPTY_PATH = 0x1000;
    static final int STATX_SIZE = 0x200;

    static final int SEEK_END = 2;
    static final int SEEK_DATA = 3;
    static final int SEEK_HOLE = 4;

    static final int SYNC_FILE_RANGE_WRITE = 2;
    static final int FALLOC_FL_KEEP_SIZE = 0x01;
    static final int FALLOC_FL_PUNCH_HOLE = 0x02;
    static final int FALLOC_FL_ZERO_RANGE = 0x10;

    static final int F_OFD_GETLK = 36;
    static final int F_OFD_SETLK = 37;
    static final short F_RDLCK = 0;
    static final short F_WRLCK = 1;
    static final short F_UNLCK = 2;

    static final long BLKSSZGET = 0x1268;
    static final long BLKGETSIZE64 = 0x80081272L;

    static final int EINTR = 4;
    static final int ENXIO = 6;
    static final int EAGAIN = 11;
    static final int EACCES = 13;
    static final int ENODEV = 19;
    static final int EINVAL = 22;
    static final int ENOTTY = 25;
    static final int ENOSYS = 38;
    static final int EOPNOTSUPP = 95;

    private LinuxConstants() {}

    private static int number(int amd64, int aarch64) {
        return ARCHITECTURE.equals("aarch64") ? aarch64 : amd64;
    }
}
