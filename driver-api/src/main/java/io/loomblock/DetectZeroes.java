// SPDX-License-Identifier: Apache-2.0
package io.loomblock;

/** What becomes of plain writes whose data is all zeros: QEMU's {@code detect-zeroes}. spec: block-layer.md section 5, "Zero writes". */
public enum DetectZeroes {
    /** They are written like any others, and nobody looks. */
    OFF("off"),
    /** They become zero writes. */
    ON("on"),
    /** They become zero writes that may give space back; where discards are passed on only. */
    UNMAP("unmap");

    private final String optionName;

    DetectZeroes(String optionName) {
        this.optionName = optionName;
    }

    /** The word for it in options. */
    public String optionName() {
        return optionName;
    }

    /**
     * The choice that this word means.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static DetectZeroes ofName(String name) {
        for (DetectZeroes value : values()) {
            if (value.optionName.equals(name)) {
                return value;
            }
        }
        throw new IllegalArgumentException("Invalid detect-zeroes option: " + name);
    }
}
