// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Marks a port that is given the formats of a base and of an overlay: each overlay over raw and over itself, and mixtures. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest
@CsvSource({
    "raw, qed",
    "qed, qed",
    "raw, add-cow",
    "qed, add-cow",
    "add-cow, add-cow",
    "raw, fvd",
    "qed, fvd",
    "fvd, fvd",
    "fvd, qed",
    "fvd, add-cow",
    "add-cow, fvd"
})
@interface ForEveryPair {}
