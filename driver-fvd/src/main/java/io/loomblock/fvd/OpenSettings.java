// SPDX-License-Identifier: Apache-2.0
package io.loomblock.fvd;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.OpenOptions;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.OptionValues;
import java.util.List;
import java.util.Locale;
import java.util.random.RandomGenerator;

/**
 * How an image is opened: the options of all images, and those of FVD. spec: fvd.md section 15.
 *
 * @param generic those of all images
 * @param force whether an image may be written that was not closed in order, and has no journal to tell what it lacks
 * @param journalMode how records get into the journal
 * @param journalBufferSize bytes of records that are collected, whole sectors
 * @param journalFlushPeriod milliseconds that a record waits for others
 * @param random tosses the coins of prefetching
 */
record OpenSettings(
        OpenOptions generic,
        boolean force,
        JournalMode journalMode,
        int journalBufferSize,
        long journalFlushPeriod,
        RandomGenerator random) {

    /** How records get into the journal. */
    enum JournalMode {
        /** Buffered, unless every write shall be durable when it returns. */
        AUTO,
        WRITE_THROUGH,
        BUFFERED;

        private String optionName() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }

        private static JournalMode of(String name) {
            for (JournalMode mode : values()) {
                if (mode.optionName().equals(name)) {
                    return mode;
                }
            }
            throw new IllegalArgumentException(name);
        }
    }

    private static final String FORCE = "force";
    private static final String MODE = "journal-mode";
    private static final String BUFFER_SIZE = "journal-buffer-size";
    private static final String FLUSH_PERIOD = "journal-flush-period";

    private static final int DEFAULT_BUFFER = 64 << 10;
    private static final int MAX_BUFFER = 1 << 20;
    private static final long DEFAULT_PERIOD = 1000;
    private static final long MAX_PERIOD = 3_600_000;

    static List<DriverOption> known() {
        return List.of(
                DriverOption.bool(
                                FORCE,
                                "Write to an image without a journal that was not closed in order: it may have lost data")
                        .withDefault("off"),
                DriverOption.namedChoice(
                                MODE,
                                "How metadata changes reach the journal; auto follows the cache mode",
                                JournalMode.AUTO.optionName(),
                                JournalMode.WRITE_THROUGH.optionName(),
                                JournalMode.BUFFERED.optionName())
                        .withDefault(JournalMode.AUTO.optionName()),
                DriverOption.size(BUFFER_SIZE, "Bytes of journal records that are collected before they are written")
                        .withDefault(String.valueOf(DEFAULT_BUFFER)),
                DriverOption.number(FLUSH_PERIOD, "Milliseconds that a journal record waits for others at most")
                        .withDefault(String.valueOf(DEFAULT_PERIOD)));
    }

    /**
     * What was given.
     *
     * @throws BlockException EINVAL for a number out of range
     */
    static OpenSettings of(OpenOptions generic, OptionValues values) throws BlockException {
        long buffer = values.size(BUFFER_SIZE, DEFAULT_BUFFER);
        long period = values.number(FLUSH_PERIOD, DEFAULT_PERIOD);
        if (buffer < RecordFormat.SECTOR || buffer > MAX_BUFFER) {
            throw new BlockException(
                    Errno.EINVAL,
                    BUFFER_SIZE + " must be within range [" + RecordFormat.SECTOR + ", " + MAX_BUFFER + "]");
        }
        if (period < 1 || period > MAX_PERIOD) {
            throw new BlockException(Errno.EINVAL, FLUSH_PERIOD + " must be within range [1, " + MAX_PERIOD + "]");
        }
        return new OpenSettings(
                generic,
                values.bool(FORCE, false),
                JournalMode.of(values.string(MODE, JournalMode.AUTO.optionName())),
                (int) buffer / RecordFormat.SECTOR * RecordFormat.SECTOR,
                period,
                RandomGenerator.getDefault());
    }

    /** The same with coins of the caller's own. */
    OpenSettings withRandom(RandomGenerator value) {
        return new OpenSettings(generic, force, journalMode, journalBufferSize, journalFlushPeriod, value);
    }

    /** Whether records are collected in memory. */
    boolean buffersJournal() {
        return switch (journalMode) {
            case AUTO -> generic.cache().writeback();
            case WRITE_THROUGH -> false;
            case BUFFERED -> true;
        };
    }
}
