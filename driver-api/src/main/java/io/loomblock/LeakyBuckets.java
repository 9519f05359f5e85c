// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/** The six limits of a {@link ThrottleLimits} at work, empty at first. Not thread-safe. */
final class LeakyBuckets {
    private final ThrottleLimits limits;
    private final LeakyBucket bytes;
    private final LeakyBucket readBytes;
    private final LeakyBucket writeBytes;
    private final LeakyBucket operations;
    private final LeakyBucket readOperations;
    private final LeakyBucket writeOperations;
    private long leakedAt;

    LeakyBuckets(ThrottleLimits limits, long now) {
        this.limits = limits;
        this.bytes = new LeakyBucket(limits.bytes());
        this.readBytes = new LeakyBucket(limits.readBytes());
        this.writeBytes = new LeakyBucket(limits.writeBytes());
        this.operations = new LeakyBucket(limits.operations());
        this.readOperations = new LeakyBucket(limits.readOperations());
        this.writeOperations = new LeakyBucket(limits.writeOperations());
        this.leakedAt = now;
    }

    ThrottleLimits limits() {
        return limits;
    }

    /** Nanoseconds from {@code now} until a request of this direction may go, 0 for at once. */
    long delay(boolean write, long now) {
        leak(now);
        long total = Math.max(bytes.delay(), operations.delay());
        long own = write
                ? Math.max(writeBytes.delay(), writeOperations.delay())
                : Math.max(readBytes.delay(), readOperations.delay());
        return Math.max(total, own);
    }

    /** A request goes. */
    void charge(boolean write, long size) {
        long unit = limits.operationSize();
        double units = unit > 0 && size > unit ? (double) size / unit : 1;
        bytes.fill(size);
        operations.fill(units);
        (write ? writeBytes : readBytes).fill(size);
        (write ? writeOperations : readOperations).fill(units);
    }

    private void leak(long now) {
        long passed = now - leakedAt;
        if (passed <= 0) {
            return;
        }
        leakedAt = now;
        bytes.leak(passed);
        readBytes.leak(passed);
        writeBytes.leak(passed);
        operations.leak(passed);
        readOperations.leak(passed);
        writeOperations.leak(passed);
    }
}
