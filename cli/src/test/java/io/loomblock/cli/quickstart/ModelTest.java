// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.driver.RangeLocks;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ModelTest {
    private static final MadeContents CONTENTS = new MadeContents(5, (3 << 20) + 100);

    @TempDir
    Path directory;

    @Test
    void aSmallDiskIsOneWindow() throws Exception {
        Model model = Model.of(10_000, CONTENTS, 4, 4096);
        assertThat(model.windows()).hasSize(1);
        assertThat(model.windows().get(0).bytes()).hasSize(10_000);
        assertThat(model.uniform(1)).isEqualTo(9_999);
    }

    @Test
    void windowsOfALargeDiskReachFromItsStartToItsEnd() throws Exception {
        long length = (1L << 40) + 512;
        Model model = Model.of(length, CONTENTS, 5, 4096);
        assertThat(model.windows()).hasSize(5);
        assertThat(model.windows().get(0).offset()).isZero();
        assertThat(model.windows().get(4).end()).isEqualTo(length);
        long covered = 0;
        for (long at = 0; at < length; at += model.uniform(at)) {
            covered++;
        }
        assertThat(covered).isEqualTo(5 + 4);
    }

    @Test
    void windowsDoNotOverlapOnADiskThatTheyJustDoNotFill() throws Exception {
        Model model = Model.of(4 * 4096 + 512, CONTENTS, 4, 4096);
        for (int i = 1; i < 4; i++) {
            assertThat(model.windows().get(i).offset())
                    .isGreaterThanOrEqualTo(model.windows().get(i - 1).end());
        }
    }

    @Test
    void windowsBeginWithTheContentsOfTheDisk() throws Exception {
        Model model = Model.of(4 << 20, CONTENTS, 3, 100_000);
        for (long at = 0; at < 4 << 20; ) {
            int bytes = (int) Math.min(50_000, model.uniform(at));
            ByteBuffer direct = ByteBuffer.allocate(bytes);
            CONTENTS.read(at, direct);
            assertThat(model.expected(at, bytes)).isEqualTo(direct.flip());
            at += bytes;
        }
    }

    @Test
    void whatIsSaidToBeZeroIsZero() {
        long zeros = 0;
        for (long at = 0; at < 4 << 20; at += 10_000) {
            long known = CONTENTS.zeros(at, 10_000);
            ByteBuffer read = ByteBuffer.allocate((int) known);
            CONTENTS.read(at, read);
            assertThat(read.array()).isEqualTo(new byte[(int) known]);
            zeros += known;
        }
        assertThat(zeros).isBetween(2L << 20, 4L << 20);
        assertThat(CONTENTS.zeros(1L << 40, 77)).isEqualTo(77);
    }

    @Test
    void aFileOfTheContentsIsRecognizedAndAChangeIsFound() throws Exception {
        Path file = directory.resolve("disk");
        CONTENTS.writeTo(file, 4 << 20);
        assertThat(file).hasSize(4 << 20);
        assertThat(CONTENTS.firstDifference(file)).isEqualTo(-1);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1}), (4 << 20) - 1);
        }
        assertThat(CONTENTS.firstDifference(file)).isEqualTo((4 << 20) - 1);
    }

    @Test
    void aRangeIsHeldByOneAtATimeAndOthersAreNot() throws Exception {
        Model model = Model.of(10_000, CONTENTS, 4, 4096);
        CountDownLatch waiting = new CountDownLatch(1);
        AtomicBoolean released = new AtomicBoolean();
        AtomicBoolean early = new AtomicBoolean();
        RangeLocks.Range held = model.hold(100, 100);
        model.hold(200, 100).close();
        Thread other = Thread.ofVirtual().start(() -> {
            waiting.countDown();
            try (RangeLocks.Range range = model.hold(199, 2)) {
                early.set(!released.get());
            } catch (IOException e) {
                early.set(true);
            }
        });
        waiting.await();
        released.set(true);
        held.close();
        other.join();
        assertThat(early).isFalse();
    }

    @Test
    void aMismatchNamesTheFirstByte() {
        ByteBuffer expected = ByteBuffer.wrap(new byte[] {0, 1, 2, 3, 4}, 1, 4);
        ByteBuffer found = ByteBuffer.wrap(new byte[] {1, 2, (byte) 0xff, 0});
        assertThatThrownBy(() -> Mismatch.check("now", 4096, expected, found))
                .hasMessage("now: byte at offset 4098 (0x1002): expected 0x03, found 0xff");
    }
}
