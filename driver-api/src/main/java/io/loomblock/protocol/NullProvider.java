// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

import io.loomblock.BlockException;
import io.loomblock.Errno;
import io.loomblock.driver.BlockDriver;
import io.loomblock.driver.BlockDriverProvider;
import io.loomblock.driver.DriverOption;
import io.loomblock.driver.OpenContext;
import java.util.List;
import java.util.Map;

/** The protocol {@code null-co}: a disk of any size that holds nothing. */
public class NullProvider implements BlockDriverProvider {
    private static final long DEFAULT_SIZE = 1L << 30;

    private static final String INVALID_SIZE = "Parameter 'size' expects a size";

    /** For ServiceLoader. */
    public NullProvider() {}

    @Override
    public String formatName() {
        return "null-co";
    }

    @Override
    public Kind kind() {
        return Kind.PROTOCOL;
    }

    @Override
    public List<DriverOption> openOptions() {
        return List.of(
                DriverOption.size("size", "size of the null block"),
                DriverOption.bool("read-zeroes", "return zeroes when read"));
    }

    @Override
    public BlockDriver open(OpenContext context) throws BlockException {
        Map<String, String> options = context.options().driverOptions();
        return new NullDriver(
                formatName(),
                size(options.getOrDefault("size", Long.toString(DEFAULT_SIZE))),
                options.getOrDefault("read-zeroes", "off").equals("on"));
    }

    /** Bytes, or a number with one of the binary suffixes k, M, G, T, P and E. */
    private static long size(String text) throws BlockException {
        try {
            int digits = text.length();
            int shift = 0;
            if (digits > 1 && !Character.isDigit(text.charAt(digits - 1))) {
                digits--;
                shift = 10 * "bkmgtpe".indexOf(Character.toLowerCase(text.charAt(digits)));
            }
            long number = Long.parseLong(text.substring(0, digits));
            if (shift >= 0 && number >= 0 && number <= Long.MAX_VALUE >> shift) {
                return number << shift;
            }
        } catch (NumberFormatException e) {
            throw new BlockException(Errno.EINVAL, INVALID_SIZE, e);
        }
        throw new BlockException(Errno.EINVAL, INVALID_SIZE);
    }
}
