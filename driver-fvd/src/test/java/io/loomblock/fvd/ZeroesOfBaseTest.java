// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import static org.assertj.core.api.Assertions.assertThat;

import io.loomblock.BlockException;
import io.loomblock.BlockStatus;
import io.loomblock.OpenOptions;
import io.loomblock.driver.BackingFile;
import io.loomblock.driver.Node;
import io.loomblock.testkit.ForwardingDriver;
import io.loomblock.testkit.MemoryDriver;
import io.loomblock.testkit.SparseBytes;
import io.loomblock.testkit.TestImages;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** How often the base image is asked where its zeros are: spec sections 9 and 10. */
class ZeroesOfBaseTest {
    private static final long MIB = 1 << 20;
    private static final long SIZE = 4096 * MIB;
    /** All but this byte is zero. */
    private static final long DATA = 1500 * MIB + 7;

    /** Where, and how far, the base image was asked. */
    private final List<Long> asked = new ArrayList<>();

    private Node base;
    private ZeroesOfBase zeroes;

    @BeforeEach
    void open() throws BlockException {
        SparseBytes bytes = new SparseBytes();
        bytes.write(DATA, new byte[] {1}, 0, 1);
        bytes.write(SIZE - 1, new byte[] {1}, 0, 1);
        MemoryDriver memory = new MemoryDriver(bytes);
        memory.tellHoles();
        base = TestImages.node("base", new Asked(memory), OpenOptions.readOnly());
        Node file = TestImages.node("file", new MemoryDriver(), OpenOptions.readWrite());
        zeroes = new ZeroesOfBase(new BackingFile(file, base));
        asked.clear();
    }

    private final class Asked extends ForwardingDriver {
        Asked(MemoryDriver below) {
            super(below);
        }

        @Override
        public BlockStatus blockStatus(long offset, long bytes) throws BlockException {
            asked.add(bytes);
            return super.blockStatus(offset, bytes);
        }
    }

    private boolean cover(long start) throws BlockException {
        return zeroes.cover(start * MIB, start * MIB + 65_536);
    }

    @Test
    void whereWritesGoOnBehindZerosTheNextLookGoesTwiceAsFar() throws BlockException {
        for (long at = 0; at < 1500; at++) {
            assertThat(cover(at)).isTrue();
        }
        assertThat(asked).containsExactly(64 * MIB, 128 * MIB, 256 * MIB, 512 * MIB, 1024 * MIB);
    }

    @Test
    void dataIsFoundHoweverFarTheLookGoes() throws BlockException {
        for (long at = 0; at < 3000; at++) {
            assertThat(cover(at)).as("at %d MiB", at).isEqualTo(at != 1500);
        }
        assertThat(cover(1500)).isFalse();
    }

    /** What may have been written to is asked for each time: no farther than needed. */
    @Test
    void aBaseThatWasWritableIsAskedAShortWayEachTime() throws BlockException {
        base.reopen(true);
        base.reopen(false);
        for (long at = 0; at < 10; at++) {
            assertThat(cover(at)).isTrue();
        }
        assertThat(asked).hasSize(10).containsOnly(64 * MIB);
    }

    @Test
    void writesHereAndThereLookAShortWay() throws BlockException {
        cover(0);
        cover(3000);
        cover(700);
        assertThat(asked).containsOnly(64 * MIB);
    }
}
