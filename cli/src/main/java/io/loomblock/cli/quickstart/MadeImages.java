// SPDX-License-Identifier: Apache-2.0
package io.loomblock.cli.quickstart;

import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.Drivers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Images made for the occasion: a raw base, a raw disk with the same contents, an overlay of the base in every format that can be one. */
final class MadeImages {
    private static final String BASE = "base.raw";

    private final Path base;
    private final MadeContents contents;
    private final List<Subject> subjects;

    private MadeImages(Path base, MadeContents contents, List<Subject> subjects) {
        this.base = base;
        this.contents = contents;
        this.subjects = subjects;
    }

    /** Makes them all in a directory. */
    static MadeImages in(Path directory, Settings settings) throws IOException {
        Path base = directory.resolve(BASE);
        MadeContents contents = new MadeContents(settings.seed(), settings.baseBytes());
        contents.writeTo(base, settings.baseBytes());
        List<Subject> subjects = new ArrayList<>();
        Path disk = directory.resolve("disk.raw");
        contents.writeTo(disk, settings.diskBytes());
        subjects.add(new Subject("disk.raw", disk, "raw", contents));
        for (BlockDriverProvider provider : Drivers.all()) {
            if (provider.kind() == BlockDriverProvider.Kind.FORMAT && provider.supportsBacking()) {
                subjects.add(overlay(directory, provider.formatName(), contents, settings));
            }
        }
        return new MadeImages(base, contents, subjects);
    }

    private static Subject overlay(Path directory, String format, Contents contents, Settings settings)
            throws BlockException {
        String name = "overlay." + format;
        Subject subject = new Subject(name, directory.resolve(name), format, contents);
        CreateOptions options = CreateOptions.ofSize(settings.diskBytes()).withBacking(BASE, "raw");
        NewImage.create(format, subject.path(), options, subject.readWrite());
        return subject;
    }

    List<Subject> subjects() {
        return subjects;
    }

    /** Throws if what was written to the overlays has reached the base. */
    void verifyBase() throws IOException, Mismatch {
        long offset = contents.firstDifference(base);
        if (offset >= 0) {
            throw new Mismatch(BASE, "changed at offset " + offset);
        }
    }
}
