// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.loomblock.BlockDevice;
import io.loomblock.FixMode;
import io.loomblock.OpenOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ManyThreadsTest {
    @TempDir
    Path directory;

    @Test
    void leavesAnImageInOrder() throws Exception {
        String image = directory.resolve("many.qed").toString();
        ManyThreads.main(new String[] {image});
        try (BlockDevice disk = BlockDevice.open(image, OpenOptions.readOnly())) {
            assertThat(disk.check(FixMode.NONE).isClean()).isTrue();
        }
    }

    @Test
    void overwritesNoFile() throws Exception {
        Path file = Files.writeString(directory.resolve("mine"), "mine");
        assertThatIllegalArgumentException().isThrownBy(() -> ManyThreads.main(new String[] {file.toString()}));
        assertThat(file).hasContent("mine");
    }
}
