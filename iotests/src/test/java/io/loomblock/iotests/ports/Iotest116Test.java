// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.loomblock.BlockException;
import io.loomblock.iotests.support.Img;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Iotest 116: one edit of a good image each, and why it is refused then. */
class Iotest116Test extends DiskTest {
    @ParameterizedTest(name = "{0}")
    @DisplayName("iotest 116: headers that are wrong")
    @CsvSource({
        "cut to 512 bytes, 0, '', QED table offset is invalid",
        "magic, 3, 58, Image not in QED format",
        "cluster size, 4, ffffffff, QED cluster size is invalid",
        "table size, 8, ffffffff, QED table size is invalid",
        "header size, 12, ffffffff, QED table offset is invalid",
        "L1 offset, 40, ffffffffffffffff, QED table offset is invalid",
        "image size, 48, ffffffffffffffff, QED image size is invalid"
    })
    void iotest116(String what, int offset, String hex, String reason) throws Exception {
        Path image = create("qed", "t", 128 * MIB);
        byte[] bytes = Files.readAllBytes(image);
        byte[] edit = java.util.HexFormat.of().parseHex(hex);
        System.arraycopy(edit, 0, bytes, offset, edit.length);
        Files.write(image, edit.length == 0 ? Arrays.copyOf(bytes, 512) : bytes);
        BlockException e = catchThrowableOfType(BlockException.class, () -> open("qed", image));
        assertThat(e.reason()).isEqualTo(reason);
        Img.Result info = Img.run("info", "-f", "qed", image).expectExit(1);
        assertThat(info.err()).isEqualTo("loomblock-img: Could not open '" + image + "': " + reason + "\n");
    }
}
