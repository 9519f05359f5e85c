// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Marks a port that every format passes: it is given their names in turn. */
@Target(ElementType.METHOD)
@Retention(RetentionPolicy.RUNTIME)
@ParameterizedTest
@ValueSource(strings = {"raw", "qed", "add-cow", "fvd"})
@interface ForEveryFormat {}
