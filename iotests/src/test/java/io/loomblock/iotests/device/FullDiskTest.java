// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.device;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.ErrorAction;
import io.loomblock.FixMode;
import io.loomblock.IoStatus;
import io.loomblock.OpenOptions;
import io.loomblock.iotests.support.Guest;
import io.loomblock.testkit.Call;
import io.loomblock.testkit.FaultDriver;
import io.loomblock.testkit.Pattern;
import io.loomblock.testkit.Request;
import io.loomblock.testkit.RequestLog;
import io.loomblock.testkit.TestImages;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A full disk stops writes and flushes until there is space again; the guest notices nothing but the wait. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class FullDiskTest {
    private static final int SIZE = 4 << 20;
    private static final int PIECE = 64 << 10;
    private static final FaultDriver.Fault FULL =
            FaultDriver.Fault.always(Request.of(RequestLog.Kind.WRITE)).with(Errno.ENOSPC);

    private static BlockDevice open(FaultDriver file, String format) throws BlockException {
        BlockDevice device =
                TestImages.open("disk", file, OpenOptions.readWrite().withFormat(format));
        device.errorPolicy(ErrorAction.REPORT, ErrorAction.ENOSPC);
        return device;
    }

    @ParameterizedTest
    @ValueSource(strings = {"raw", "qed"})
    void writesGoOnWhenThereIsSpaceAgain(String format) throws Exception {
        FaultDriver file = new FaultDriver(TestImages.create(format, CreateOptions.ofSize(SIZE)));
        byte[] content = Pattern.bytes(1, 0, SIZE);
        try (BlockDevice device = open(file, format)) {
            file.arm(FULL);
            List<Call> writes = new ArrayList<>();
            for (int at = 0; at < SIZE; at += PIECE) {
                int offset = at;
                writes.add(Call.thatWaits(() -> device.write(offset, ByteBuffer.wrap(content, offset, PIECE))));
            }
            assertThat(device.ioStatus()).isEqualTo(IoStatus.NOSPACE);
            file.disarm();
            device.resume();
            for (Call write : writes) {
                write.join();
            }
            assertThat(Guest.bytes(device)).isEqualTo(content);
            assertThat(device.ioStatus()).isEqualTo(IoStatus.OK);
            if (format.equals("qed")) {
                assertThat(device.check(FixMode.NONE).corruptions()).isZero();
            }
        }
    }

    @Test
    void aFlushThatHasTablesToWriteWaitsToo() throws Exception {
        FaultDriver file = new FaultDriver(TestImages.create("qed", CreateOptions.ofSize(SIZE)));
        try (BlockDevice device = open(file, "qed")) {
            Guest.write(device, 0, SIZE, 7);
            file.arm(FULL);
            Call flush = Call.thatWaits(device::flush);
            assertThat(device.ioStatus()).isEqualTo(IoStatus.NOSPACE);
            Guest.expect(device, 0, SIZE, 7);
            file.disarm();
            device.resume();
            flush.join();
            assertThat(device.check(FixMode.NONE).isClean()).isTrue();
        }
    }
}
