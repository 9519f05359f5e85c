// SPDX-License-Identifier: Apache-2.0
package io.loomblock.examples;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The examples do with what every author has: the public packages, and Java. */
class PublicApiTest {
    @Test
    void examplesStandOnPublicPackagesOnly() {
        classes()
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "io.loomblock.examples..",
                        "io.loomblock",
                        "io.loomblock.driver",
                        "io.loomblock.memory",
                        "org.jspecify..",
                        "java..")
                .check(new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("io.loomblock.examples"));
    }
}
