// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The system's list of locks is read for what others hold on one file. */
class ProcLocksTest {
    private static final long OURS = 4711;
    private static final Set<Integer> ASKED = Set.of(100, 101, 103, 200, 201, 203);

    private static Set<Integer> locked(String... lines) {
        return ProcLocks.parse(List.of(lines), 1234, OURS).lockedByOthers(ASKED);
    }

    private static final String OWN = "1: POSIX  ADVISORY  READ 4711 fe:00:1234 100 101";

    @Test
    void ourOwnLocksAreNotThoseOfOthers() {
        assertThat(locked(OWN, "2: POSIX  ADVISORY  READ 4711 fe:00:1234 201 201"))
                .isEmpty();
    }

    @Test
    void locksOfOtherProcessesAndOfDescriptorsCount() {
        assertThat(locked(
                        OWN,
                        "2: POSIX  ADVISORY  READ 99 fe:00:1234 201 201",
                        "3: OFDLCK ADVISORY  WRITE -1 fe:00:1234 100 101"))
                .containsExactlyInAnyOrder(100, 101, 201);
    }

    @Test
    void aLockToTheEndCoversEverythingAfterIt() {
        assertThat(locked(OWN, "2: POSIX  ADVISORY  WRITE 99 fe:00:1234 103 EOF"))
                .containsExactlyInAnyOrder(103, 200, 201, 203);
    }

    @Test
    void otherFilesWaitersAndOtherKindsOfLocksDoNotCount() {
        assertThat(locked(
                        OWN,
                        "2: POSIX  ADVISORY  WRITE 99 fe:00:12345 0 EOF",
                        "3: POSIX  ADVISORY  WRITE 99 fe:01:1234 0 EOF",
                        "4: FLOCK  ADVISORY  WRITE 99 fe:00:1234 0 EOF",
                        "4: -> POSIX  ADVISORY  WRITE 99 fe:00:1234 0 EOF",
                        "5: LEASE  ACTIVE    READ 99 fe:00:1234 0 EOF",
                        "nonsense",
                        "6: POSIX  ADVISORY  WRITE x fe:00:1234 0 EOF"))
                .isEmpty();
    }
}
