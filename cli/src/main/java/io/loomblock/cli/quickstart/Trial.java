// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CheckResult;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Puts one image to work: random requests, every byte verified, also after reopening, the image checked and converted. */
final class Trial {
    /** Gets in between the writes and the verification, for tests of the verification. */
    @FunctionalInterface
    interface Tampering {
        Tampering NONE = (subject, device) -> {};

        void afterWrites(Subject subject, BlockDevice device) throws Exception;
    }

    private final Subject subject;
    private final Settings settings;
    private final Tampering tampering;

    Trial(Subject subject, Settings settings, Tampering tampering) {
        this.subject = subject;
        this.settings = settings;
        this.tampering = tampering;
    }

    /**
     * Runs it.
     *
     * @param scratch where converted images may be put
     * @throws Mismatch if a byte is wrong, or the check finds more than it did before
     */
    Outcome run(Path scratch) throws Exception {
        CheckResult checkBefore = check();
        Model model;
        Workload.Figures figures;
        try (BlockDevice device = BlockDevice.open(subject.path().toString(), subject.readWrite())) {
            model = Model.of(device.length(), subject.before(), settings.windows(), settings.windowBytes());
            figures = Workload.run(device, model, settings);
            tampering.afterWrites(subject, device);
            Verification.run("after the requests", device, model, subject.stride(model.length()));
            device.flush();
        }
        try (BlockDevice device = BlockDevice.open(subject.path().toString(), subject.readOnly())) {
            long stride = subject.stride(model.length());
            Verification.run("after reopening", device, model, stride);
            CheckResult checkAfter = check();
            refuseDamage(checkBefore, checkAfter);
            String converted = converted(device, model, stride, scratch);
            Original original = subject.original();
            ImageFacts image = original == null ? ImageFacts.of(device, checkAfter) : original.facts();
            return new Outcome(subject.name(), image, model.length(), figures, converted);
        }
    }

    private String converted(BlockDevice device, Model model, long stride, Path scratch) throws Exception {
        if (stride > 1) {
            return "none: a large disk, one MiB of " + stride + " verified through an overlay";
        }
        String formats = String.join(", ", Conversions.run(subject, device, model, scratch));
        return subject.original() == null ? formats : formats + ": a large image, through an overlay";
    }

    private @Nullable CheckResult check() throws BlockException {
        return ImageFacts.check(subject.path().toString(), subject.readOnly());
    }

    private static void refuseDamage(@Nullable CheckResult before, @Nullable CheckResult after) throws Mismatch {
        if (before == null || after == null) {
            return;
        }
        if (after.corruptions() > before.corruptions()
                || after.leaks() > before.leaks()
                || after.checkErrors() > before.checkErrors()) {
            throw new Mismatch(
                    "the check",
                    "%d corruptions, %d leaks, %d errors, where there were %d, %d, %d"
                            .formatted(
                                    after.corruptions(),
                                    after.leaks(),
                                    after.checkErrors(),
                                    before.corruptions(),
                                    before.leaks(),
                                    before.checkErrors()));
        }
    }
}
