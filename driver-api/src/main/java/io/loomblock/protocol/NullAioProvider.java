// SPDX-License-Identifier: Apache-2.0
package io.loomblock.protocol;

/**
 * The protocol {@code null-aio}: another name of {@code null-co}, for here every request is a plain call.
 *
 * <p>Options: {@code size} and {@code read-zeroes}.
 */
public final class NullAioProvider extends NullProvider {
    /** For ServiceLoader. */
    public NullAioProvider() {}

    @Override
    public String formatName() {
        return "null-aio";
    }
}
