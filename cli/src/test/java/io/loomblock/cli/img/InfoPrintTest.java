// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.img;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.ImageInfo;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** {@code info} prints what qemu-img 8.1 prints, which the qemu-img of the comparing tests may be too old for. */
class InfoPrintTest {
    private static final ImageInfo FILE =
            new ImageInfo("dir/x.qed", "file", 327001, 200704, 0, false, null, null, null, null, List.of());
    private static final ImageInfo QED = new ImageInfo(
            "dir/x.qed",
            "qed",
            64 << 20,
            200704,
            65536,
            true,
            "base.raw",
            "dir/base.raw",
            "raw",
            null,
            List.of(new ImageInfo.Child("file", FILE)));
    private static final ImageInfo RAW = new ImageInfo(
            "dir/base.raw",
            "raw",
            512,
            -1,
            0,
            false,
            null,
            null,
            null,
            null,
            List.of(new ImageInfo.Child(
                    "file",
                    new ImageInfo("dir/base.raw", "file", 512, -1, 0, false, null, null, null, null, List.of()))));

    private static String print(Consumer<PrintStream> printer) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        printer.accept(new PrintStream(bytes, true, StandardCharsets.UTF_8));
        return bytes.toString(StandardCharsets.UTF_8);
    }

    @Test
    void aChainIsPrintedWithTheFileBelowEachImage() {
        assertThat(print(out -> InfoText.print(List.of(QED, RAW), out))).isEqualTo("""
                        image: dir/x.qed
                        file format: qed
                        virtual size: 64 MiB (67108864 bytes)
                        disk size: 196 KiB
                        cluster_size: 65536
                        cleanly shut down: no
                        backing file: base.raw (actual path: dir/base.raw)
                        backing file format: raw
                        Child node '/file':
                            filename: dir/x.qed
                            protocol type: file
                            file length: 320 KiB (327168 bytes)
                            disk size: 196 KiB

                        image: dir/base.raw
                        file format: raw
                        virtual size: 512 B (512 bytes)
                        disk size: unavailable
                        Child node '/file':
                            filename: dir/base.raw
                            protocol type: file
                            file length: 512 B (512 bytes)
                            disk size: unavailable
                        """);
    }

    @Test
    void jsonHasTheFileAmongTheChildren() {
        assertThat(print(out -> InfoJson.print(List.of(QED), false, out))).isEqualTo("""
                        {
                            "children": [
                                {
                                    "name": "file",
                                    "info": {
                                        "children": [
                                        ],
                                        "virtual-size": 327168,
                                        "filename": "dir/x.qed",
                                        "format": "file",
                                        "actual-size": 200704,
                                        "format-specific": {
                                            "type": "file",
                                            "data": {
                                            }
                                        },
                                        "dirty-flag": false
                                    }
                                }
                            ],
                            "backing-filename-format": "raw",
                            "virtual-size": 67108864,
                            "filename": "dir/x.qed",
                            "cluster-size": 65536,
                            "format": "qed",
                            "actual-size": 200704,
                            "full-backing-filename": "dir/base.raw",
                            "backing-filename": "base.raw",
                            "dirty-flag": true
                        }
                        """);
    }

    @Test
    void rawImagesShowWhatTheirFileSays() {
        assertThat(print(out -> InfoJson.print(List.of(RAW), true, out)))
                .startsWith("[\n    {\n")
                .endsWith("    }\n]\n")
                .contains(
                        "        \"format\": \"raw\",\n        \"format-specific\": {\n            \"type\": \"file\",");
    }

    @Test
    void factsOfTheFormatAreIndented() {
        ImageInfo info =
                new ImageInfo("x", "fvd", 512, 0, 0, false, null, null, null, Map.of("block-size", 4096), List.of());
        assertThat(print(out -> InfoText.print(List.of(info), out)))
                .endsWith("Format specific information:\n    block size: 4096\n");
    }
}
