// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.GIB;
import static io.loomblock.iotests.ports.PortImages.KIB;
import static io.loomblock.iotests.ports.PortImages.MIB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import io.loomblock.iotests.support.Guest;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Copy-on-read by the option of an image, and by filters. */
@Timeout(60)
class CopyOnReadPortTest {
    private static final long SIZE = 4 * GIB;
    private static final long DATA = 3 * GIB;

    @TempDir
    Path directory;

    private String format;

    private PortImages images() {
        return new PortImages(directory, format);
    }

    private void create() throws BlockException {
        images().create("base", SIZE);
        try (BlockDevice base = images().open("base")) {
            Guest.write(base, DATA, KIB, 0x55);
        }
        images().createOver(images(), "base", "top", CreateOptions.ofSize(SIZE));
        try (BlockDevice top = images().open("top")) {
            top.writeZeroes(MIB, 64 * KIB, 0);
        }
    }

    private BlockDevice byOption() throws BlockException {
        return BlockDevice.open(
                images().path("top"), OpenOptions.readWrite().withFormat(format).withCopyOnRead(true));
    }

    private BlockDevice byFilter() throws BlockException {
        NodeOptions options = NodeOptions.NONE
                .with("driver", "copy-on-read")
                .with("file.driver", format)
                .with("file.file.filename", images().path("top"));
        return BlockDevice.open(OpenOptions.readWrite().withNodeOptions(options));
    }

    private void readThrough(BlockDevice device) throws BlockException {
        device.read(0, ByteBuffer.allocate(0));
        Guest.expect(device, KIB, 8 * MIB - 512, 0);
        Guest.expect(device, DATA + KIB, KIB, 0);
        Guest.expect(device, DATA, KIB, 0x55);
    }

    /** FVD tells nobody the size of its blocks, so that copies of parts of them come as data; add-cow knows what the data file does. */
    private boolean knowsZeros() {
        return format.equals("qed");
    }

    /** The image holds what was read, and nothing else. */
    private void expectCopied() throws Exception {
        images().expectClean("top");
        OpenOptions alone = OpenOptions.readOnly().withFormat(format).withNoBacking(true);
        try (BlockDevice top = BlockDevice.open(images().path("top"), alone)) {
            assertThat(top.blockStatus(0, SIZE).isZero()).isEqualTo(knowsZeros());
            assertThat(top.blockStatus(0, SIZE).isAllocated()).isTrue();
            assertThat(top.blockStatus(9 * MIB, SIZE).isAllocated()).isFalse();
            assertThat(top.blockStatus(DATA, SIZE).isData()).isTrue();
            assertThat(top.blockStatus(DATA, SIZE).length()).isEqualTo(64 * KIB);
            Guest.expect(top, DATA, KIB, 0x55);
        }
        try (BlockDevice top = images().openReadOnly("top");
                BlockDevice base = images().openReadOnly("base")) {
            assertThat(Guest.fingerprint(top)).isEqualTo(Guest.fingerprint(base));
        }
    }

    @ForEveryOverlay
    @DisplayName("iotest 197: copy-on-read by the option of an image")
    void iotest197ByOption(String overlay) throws Exception {
        format = overlay;
        create();
        try (BlockDevice device = byOption()) {
            readThrough(device);
        }
        expectCopied();
    }

    @ForEveryOverlay
    @DisplayName("iotest 197: a read-only image cannot copy on read")
    void iotest197ReadOnly(String overlay) throws Exception {
        format = overlay;
        create();
        assertThatThrownBy(() -> BlockDevice.open(
                        images().path("top"),
                        OpenOptions.readOnly().withFormat(format).withCopyOnRead(true)))
                .hasMessageContaining("Can't use copy-on-read on read-only device");
    }

    @ForEveryOverlay
    @DisplayName("iotest 197: an image of which only a part of a cluster is there")
    void iotest197PartOfACluster(String overlay) throws Exception {
        format = overlay;
        images().create("base", KIB);
        try (BlockDevice base = images().open("base")) {
            Guest.write(base, 0, KIB, 0x66);
        }
        images().createOver(images(), "base", "top", CreateOptions.ofSize(KIB));
        try (BlockDevice device = byOption()) {
            Guest.expect(device, 0, KIB, 0x66);
        }
        images().expectClean("top");
        OpenOptions alone = OpenOptions.readOnly().withFormat(format).withNoBacking(true);
        try (BlockDevice top = BlockDevice.open(images().path("top"), alone)) {
            Guest.expect(top, 0, KIB, 0x66);
        }
    }

    @ForEveryOverlay
    @DisplayName("iotest 215: copy-on-read by a filter")
    void iotest215ByFilter(String overlay) throws Exception {
        format = overlay;
        create();
        try (BlockDevice device = byFilter()) {
            readThrough(device);
        }
        expectCopied();
    }

    @ForEveryOverlay
    @DisplayName("iotest 216: copy-on-read filters over an image and over its backing file")
    void iotest216OneOverTheOther(String overlay) throws Exception {
        format = overlay;
        PortImages raw = new PortImages(directory, "raw");
        raw.create("empty", 2 * MIB);
        images().createOver(raw, "empty", "base", CreateOptions.ofSize(2 * MIB));
        images().createOver(images(), "base", "top", CreateOptions.ofSize(2 * MIB));
        try (BlockDevice base = images().open("base")) {
            Guest.write(base, 0, MIB, 1);
        }
        try (BlockDevice top = images().open("top")) {
            Guest.write(top, MIB, MIB, 2);
        }
        NodeOptions options = NodeOptions.NONE
                .with("driver", "copy-on-read")
                .with("file.driver", "copy-on-read")
                .with("file.file.driver", format)
                .with("file.file.file.filename", images().path("top"));
        try (BlockDevice device = BlockDevice.open(OpenOptions.readWrite().withNodeOptions(options))) {
            Guest.expect(device, 0, MIB, 1);
            Guest.expect(device, MIB, MIB, 2);
        }
        OpenOptions alone = OpenOptions.readOnly().withFormat(format).withNoBacking(true);
        try (BlockDevice top = BlockDevice.open(images().path("top"), alone)) {
            Guest.expect(top, 0, MIB, 1);
            Guest.expect(top, MIB, MIB, 2);
        }
    }
}
