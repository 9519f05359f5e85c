// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a new image shall be: its size and the format's own options under QEMU's names.
 *
 * @param size guest size in bytes, or -1 to take the backing file's
 * @param backingFile name of the backing file as it will be recorded, or null
 * @param backingFormat format of the backing file, or null if it is not said
 * @param options further options of the format by name ({@code cluster_size}, {@code table_size}, …), as text
 */
public record CreateOptions(
        long size, @Nullable String backingFile, @Nullable String backingFormat, Map<String, String> options) {

    /** An image of this size without a backing file. */
    public static CreateOptions ofSize(long size) {
        return new CreateOptions(size, null, null, Map.of());
    }

    public CreateOptions withSize(long newSize) {
        return new CreateOptions(newSize, backingFile, backingFormat, options);
    }

    public CreateOptions withBacking(@Nullable String name, @Nullable String format) {
        return new CreateOptions(size, name, format, options);
    }

    /** The same with one more option, or another value of it. */
    public CreateOptions with(String name, String value) {
        Map<String, String> copy = new LinkedHashMap<>(options);
        copy.put(name, value);
        return new CreateOptions(size, backingFile, backingFormat, Map.copyOf(copy));
    }

    public CreateOptions with(String name, long value) {
        return with(name, Long.toString(value));
    }
}
