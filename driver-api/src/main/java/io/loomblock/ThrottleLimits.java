// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/**
 * How much a device, or a group of devices, may do in a second; immutable. Start with {@link #NONE} and derive.
 *
 * <p>A request is held to every limit that it falls under: its own direction's and the total, in bytes and in operations. Either the
 * total of a unit is limited or its directions are, not both. Meaning and rules are QEMU's. spec: block-layer.md section 3, io_limits.
 *
 * @param bytes of reads and writes together
 * @param readBytes of reads
 * @param writeBytes of writes and zero writes
 * @param operations reads and writes together
 * @param readOperations reads
 * @param writeOperations writes and zero writes
 * @param operationSize a larger request counts as so many operations as it is times this size in bytes; 0 to count each as one
 */
public record ThrottleLimits(
        Rate bytes,
        Rate readBytes,
        Rate writeBytes,
        Rate operations,
        Rate readOperations,
        Rate writeOperations,
        long operationSize) {
    /** No limit at all. */
    public static final ThrottleLimits NONE = new ThrottleLimits(
            Rate.UNLIMITED, Rate.UNLIMITED, Rate.UNLIMITED, Rate.UNLIMITED, Rate.UNLIMITED, Rate.UNLIMITED, 0);

    /**
     * A rate, and how far it may be exceeded for a while.
     *
     * @param average units a second that hold in the long run; 0 for no limit
     * @param burst units a second in a burst; 0 to allow no more than a tenth of {@code average} at once
     * @param burstSeconds how long a burst may last after rest, at least 1
     */
    public record Rate(long average, long burst, long burstSeconds) {
        /** No limit. */
        public static final Rate UNLIMITED = new Rate(0, 0, 1);
        /** The highest rate there is. */
        public static final long MAX = 1_000_000_000_000_000L;

        /** Checks. */
        public Rate {
            require(
                    average >= 0 && average <= MAX && burst >= 0 && burst <= MAX,
                    "bps/iops/max values must be within [0, " + MAX + "]");
            require(burstSeconds > 0, "the burst length cannot be 0");
            require(burstSeconds == 1 || burst > 0, "burst length set without burst rate");
            require(burst == 0 || burstSeconds <= MAX / burst, "burst length too high for this burst rate");
            require(burst == 0 || average > 0, "bps_max/iops_max require corresponding bps/iops values");
            require(burst == 0 || burst >= average, "bps_max/iops_max cannot be lower than bps/iops");
        }

        /** So many units a second, without bursts. */
        public static Rate of(long average) {
            return new Rate(average, 0, 1);
        }

        /** The same with bursts of this rate, for so long. */
        public Rate withBurst(long perSecond, long seconds) {
            return new Rate(average, perSecond, seconds);
        }

        boolean isLimited() {
            return average > 0;
        }

        /** Here, because rates may be made before the class around them is ready. */
        private static void require(boolean holds, String otherwise) {
            if (!holds) {
                throw new IllegalArgumentException(otherwise);
            }
        }
    }

    /** Checks. */
    public ThrottleLimits {
        Rate.require(
                !(bytes.isLimited() && (readBytes.isLimited() || writeBytes.isLimited()))
                        && !(operations.isLimited() && (readOperations.isLimited() || writeOperations.isLimited())),
                "bps/iops/max total values and read/write values cannot be used at the same time");
        Rate.require(operationSize >= 0, "iops size cannot be negative");
        Rate.require(
                operationSize == 0
                        || operations.isLimited()
                        || readOperations.isLimited()
                        || writeOperations.isLimited(),
                "iops size requires an iops value to be set");
    }

    public ThrottleLimits withBytes(Rate rate) {
        return new ThrottleLimits(
                rate, readBytes, writeBytes, operations, readOperations, writeOperations, operationSize);
    }

    public ThrottleLimits withReadBytes(Rate rate) {
        return new ThrottleLimits(bytes, rate, writeBytes, operations, readOperations, writeOperations, operationSize);
    }

    public ThrottleLimits withWriteBytes(Rate rate) {
        return new ThrottleLimits(bytes, readBytes, rate, operations, readOperations, writeOperations, operationSize);
    }

    public ThrottleLimits withOperations(Rate rate) {
        return new ThrottleLimits(bytes, readBytes, writeBytes, rate, readOperations, writeOperations, operationSize);
    }

    public ThrottleLimits withReadOperations(Rate rate) {
        return new ThrottleLimits(bytes, readBytes, writeBytes, operations, rate, writeOperations, operationSize);
    }

    public ThrottleLimits withWriteOperations(Rate rate) {
        return new ThrottleLimits(bytes, readBytes, writeBytes, operations, readOperations, rate, operationSize);
    }

    /** After a limit of operations is set. */
    public ThrottleLimits withOperationSize(long size) {
        return new ThrottleLimits(bytes, readBytes, writeBytes, operations, readOperations, writeOperations, size);
    }
}
