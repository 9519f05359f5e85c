// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What is asked of a file whose length changes. */
class FileSizeTest {
    private static final long LENGTH = 4096;

    private final List<String> asked = new ArrayList<>();

    private final FileIo file = (FileIo) Proxy.newProxyInstance(
            FileIo.class.getClassLoader(), new Class<?>[] {FileIo.class}, (proxy, method, arguments) -> {
                if (method.getName().equals("length")) {
                    return LENGTH;
                }
                asked.add(method.getName() + " " + arguments[0]);
                return null;
            });

    /** That waits for nothing, while cutting off may. */
    @Test
    void aFileIsMadeLongerByItsOwnCall() throws Exception {
        FileSize size = new FileSize();
        size.growTo(file, 3 * LENGTH);
        assertThat(asked).containsExactly("extend " + 3 * LENGTH);
        assertThat(size.get()).isEqualTo(3 * LENGTH);
    }

    @Test
    void aFileThatIsLongEnoughIsLeftAlone() throws Exception {
        FileSize size = new FileSize();
        size.growTo(file, LENGTH - 1);
        assertThat(asked).isEmpty();
        assertThat(size.get()).isEqualTo(LENGTH);
    }
}
