// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.house;

import static com.tngtech.archunit.core.domain.JavaCall.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameMatching;
import static com.tngtech.archunit.core.domain.properties.HasOwner.Predicates.With.owner;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noMethods;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** The floors of docs/architecture.md: imports go down only, formats do not see one another, one room each for memory and files. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS) // one look at all classes
class FloorsTest {
    private static final String API = "io.loomblock";
    private static final String DRIVER = "io.loomblock.driver..";
    private static final String MEMORY = "io.loomblock.memory..";
    private static final String PROTOCOL = "io.loomblock.protocol..";
    private static final String RAW = "io.loomblock.raw..";
    private static final String FILTER = "io.loomblock.filter..";
    private static final String OPEN = "io.loomblock.open..";
    private static final String JOB = "io.loomblock.job..";
    private static final String QED = "io.loomblock.qed..";
    private static final String ADDCOW = "io.loomblock.addcow..";
    private static final String FVD = "io.loomblock.fvd..";
    private static final String CLI = "io.loomblock.cli..";

    /** What is shipped, and not the tests. */
    private final JavaClasses shipped = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .withImportOption(location -> !location.contains("-tests.jar"))
            .withImportOption(location -> !location.contains("/loomblock/iotests/") && !location.contains("/testkit/"))
            .importPackages(API);

    private void holds(ArchRule rule) {
        rule.check(shipped);
    }

    @Test
    void allRoomsAreLookedAt() {
        for (String room : new String[] {DRIVER, MEMORY, PROTOCOL, RAW, FILTER, OPEN, JOB, QED, ADDCOW, FVD, CLI}) {
            String name = room.substring(0, room.length() - 2);
            assertThat(shipped.stream().filter(c -> c.getPackageName().startsWith(name)))
                    .as(room)
                    .isNotEmpty();
        }
    }

    @Test
    void theToolsAreOnTop() {
        holds(classes()
                .that()
                .resideInAPackage(CLI)
                .should()
                .onlyHaveDependentClassesThat()
                .resideInAPackage(CLI));
    }

    @Test
    void formatsAreFoundNotImported() {
        holds(classes()
                .that()
                .resideInAPackage(QED)
                .should()
                .onlyHaveDependentClassesThat()
                .resideInAPackage(QED));
        holds(classes()
                .that()
                .resideInAPackage(ADDCOW)
                .should()
                .onlyHaveDependentClassesThat()
                .resideInAPackage(ADDCOW));
        holds(classes()
                .that()
                .resideInAPackage(FVD)
                .should()
                .onlyHaveDependentClassesThat()
                .resideInAPackage(FVD));
        holds(classes()
                .that()
                .resideInAPackage(RAW)
                .should()
                .onlyHaveDependentClassesThat()
                .resideInAPackage(RAW));
    }

    @Test
    void protocolsAreFoundNotImported() {
        holds(noClasses()
                .that()
                .resideOutsideOfPackages(PROTOCOL, CLI)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(PROTOCOL));
    }

    @Test
    void formatsStandOnTheDriverInterfaceAndMemoryOnly() {
        holds(noClasses()
                .that()
                .resideInAnyPackage(QED, ADDCOW, FVD, RAW, FILTER)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(JOB, OPEN, CLI, PROTOCOL));
    }

    @Test
    void jobsAreWrittenAgainstDevices() {
        holds(noClasses()
                .that()
                .resideInAPackage(JOB)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(CLI, PROTOCOL));
        holds(noClasses()
                .that()
                .resideInAnyPackage(API, OPEN, DRIVER, MEMORY, PROTOCOL, RAW, FILTER, QED, ADDCOW, FVD)
                .should()
                .dependOnClassesThat()
                .resideInAPackage(JOB));
    }

    @Test
    void memoryIsTheGroundFloorAndAloneSeesChronicle() {
        holds(noClasses()
                .that()
                .resideInAPackage(MEMORY)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(OPEN, DRIVER, PROTOCOL, RAW, FILTER, JOB, QED, ADDCOW, FVD, CLI));
        holds(noClasses()
                .that()
                .resideOutsideOfPackage(MEMORY)
                .should()
                .dependOnClassesThat()
                .resideInAPackage("net.openhft.."));
    }

    @Test
    void filesAreOpenedByProtocolsAndTools() {
        holds(noClasses()
                .that()
                .resideOutsideOfPackages(PROTOCOL, CLI)
                .should()
                .dependOnClassesThat()
                .belongToAnyOf(
                        FileChannel.class,
                        java.io.RandomAccessFile.class,
                        java.io.FileInputStream.class,
                        java.io.FileOutputStream.class));
    }

    /** Looking at what a path is, and deleting what one has made, is no opening. */
    @Test
    void nobodyElseReadsOrMakesFilesByTheirPaths() {
        holds(noClasses()
                .that()
                .resideOutsideOfPackages(PROTOCOL, CLI)
                .and()
                // It needs a name that nobody has, and opens the file by way of its protocol.
                .doNotHaveFullyQualifiedName("io.loomblock.open.TemporaryOverlay")
                .should()
                .callMethodWhere(target(owner(type(Files.class)))
                        .and(target(nameMatching("(read|write|new|create|copy|move|lines|mismatch).*")))));
    }

    @Test
    void nothingIsSynchronized() {
        holds(noMethods().should().haveModifier(JavaModifier.SYNCHRONIZED));
    }
}
