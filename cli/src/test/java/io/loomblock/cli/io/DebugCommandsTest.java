// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.io;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Breakpoints by command, in the words of qemu-io 7.2. */
@Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DebugCommandsTest {
    private static final String WROTE = "wrote 4096/4096 bytes at offset 0\n4 KiB, 1 ops; TIME\n";

    @TempDir
    Path directory;

    private String image;

    @BeforeEach
    void createImage() throws Exception {
        image = "blkdebug::" + Files.write(directory.resolve("disk.img"), new byte[1 << 20]);
    }

    private Ran run(String... commands) {
        return Ran.commands("raw", Path.of(image), commands).withoutTimes();
    }

    @Test
    void aRequestStopsAndGoesOn() {
        assertThat(run("break pwritev A", "aio_write 0 4k", "wait_break A", "resume A", "aio_flush"))
                .isEqualTo(new Ran(0, "blkdebug: Suspended request 'A'\nblkdebug: Resuming request 'A'\n" + WROTE, ""));
    }

    @Test
    void aRemovedBreakpointLetsTheRequestGo() {
        assertThat(run("break pwritev A", "aio_write 0 4k", "wait_break A", "remove_break A", "aio_flush"))
                .isEqualTo(new Ran(0, "blkdebug: Suspended request 'A'\nblkdebug: Resuming request 'A'\n" + WROTE, ""));
        assertThat(run("break pwritev A", "remove_break A", "remove_break A", "write 0 4k")
                        .out())
                .isEqualTo("Could not remove breakpoint A: No such file or directory\n" + WROTE);
    }

    @Test
    void whatIsNotThereIsSaid() {
        Ran ran = run("break foo A", "resume A", "break pwritev A", "resume A", "remove_break B");
        assertThat(ran.exit()).isEqualTo(1);
        assertThat(ran.out())
                .isEqualTo("Could not set breakpoint: No such file or directory\n"
                        + "Could not resume request: No such file or directory\n"
                        + "Could not resume request: No such file or directory\n"
                        + "Could not remove breakpoint B: No such file or directory\n");
    }
}
