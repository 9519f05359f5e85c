// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.qed;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.Errno;
import io.loomblock.ImplicitOpenPolicy;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An image that names its backing file by a description opens nothing that the open policy was not asked for. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DescribedBackingTest {
    private static final long SIZE = 1 << 20;

    @TempDir
    Path root;

    private Path directory;

    @BeforeEach
    void prepare() throws Exception {
        directory = Files.createDirectory(root.resolve("images"));
        for (Path path : List.of(root.resolve("outside"), directory.resolve("inside"), directory.resolve("top"))) {
            BlockDevice.create("qed", path.toString(), CreateOptions.ofSize(SIZE), OpenOptions.readWrite());
        }
    }

    /** Makes the image name this description; with single quotes, and @ for the directory above that of the image. */
    private void record(String description) throws BlockException {
        String name = "json:" + description.replace('\'', '"').replace("@", root + "/");
        OpenOptions options = OpenOptions.readWrite().withNoBacking(true);
        try (BlockDevice device = BlockDevice.open(directory.resolve("top").toString(), options)) {
            device.changeBackingFile(name, null);
        }
    }

    private BlockDevice open(OpenOptions options) throws BlockException {
        return BlockDevice.open(directory.resolve("top").toString(), options);
    }

    private void refused(OpenOptions options) {
        assertThatThrownBy(() -> open(options).close()).isInstanceOfSatisfying(BlockException.class, e -> {
            assertThat(e.errno()).isEqualTo(Errno.EACCES);
            assertThat(e.reason()).contains("is not allowed by the open policy");
        });
    }

    @Test
    void aFileBesidesTheImageIsOpened() throws Exception {
        record("{'driver':'qed','file':{'filename':'@images/inside'}}");
        try (BlockDevice device = open(OpenOptions.readOnly())) {
            assertThat(device.node().backing()).isNotNull();
            assertThat(device.node().backing().filename())
                    .isEqualTo(directory.resolve("inside").toString());
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'driver':'qed','file':{'filename':'@outside'}}",
                "{'file.filename':'@outside'}",
                "{'driver':'file','filename':'@outside'}",
                "{'driver':'raw','file':{'driver':'qed','file.filename':'@outside'}}",
                "{'driver':'qed','file.filename':'@images/inside','backing':{'file.filename':'@outside'}}",
                "{'driver':'null-co'}",
                "{'driver':'raw','file':{'driver':'null-co','size':4096}}"
            })
    void whatLiesElsewhereIsNot(String description) throws Exception {
        record(description);
        refused(OpenOptions.readOnly());
        refused(OpenOptions.readOnly().withImplicitOpen(ImplicitOpenPolicy.nothing()));
        if (description.contains("null-co")) {
            refused(OpenOptions.readOnly().withImplicitOpen(ImplicitOpenPolicy.anyLocalFile()));
        } else {
            open(OpenOptions.readOnly().withImplicitOpen(ImplicitOpenPolicy.anyLocalFile()))
                    .close();
        }
    }

    /** What an image says must not get its files opened with more rights, or less care, than the user asked for. */
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'driver':'qed','read-only':false,'file':{'filename':'@images/inside'}}",
                "{'driver':'qed','file':{'filename':'@images/inside','read-only':'no'}}",
                "{'driver':'qed','force-share':true,'file':{'filename':'@images/inside'}}",
                "{'driver':'qed','file.force-share':'on','file.filename':'@images/inside'}",
                "{'driver':'qed','file':{'driver':'file','filename':'@images/inside','locking':'off'}}",
                "{'driver':'qed','cache':{'no-flush':true},'file':{'filename':'@images/inside'}}",
                "{'driver':'qed','file':{'filename':'@images/inside','cache.direct':true}}",
                "{'driver':'qed','file.filename':'@images/inside','backing':{'driver':'qed','read-only':false,"
                        + "'file.filename':'@images/other'}}"
            })
    void rightsAndCareAreNotForTheImageToSay(String description) throws Exception {
        byte[] before = Files.readAllBytes(directory.resolve("inside"));
        record(description);
        for (OpenOptions options : List.of(OpenOptions.readOnly(), OpenOptions.readWrite())) {
            assertThatThrownBy(() -> open(options.withImplicitOpen(ImplicitOpenPolicy.anyLocalFile()))
                            .close())
                    .isInstanceOfSatisfying(BlockException.class, e -> {
                        assertThat(e.errno()).isEqualTo(Errno.EACCES);
                        assertThat(e.reason()).contains("An image may not ask for '");
                    });
        }
        assertThat(Files.readAllBytes(directory.resolve("inside"))).isEqualTo(before);
    }

    @Test
    void anImageNamesNoConfigurationOfRules() throws Exception {
        Files.writeString(directory.resolve("rules"), "");
        record(
                "{'driver':'blkdebug','config':'@images/rules','image':{'driver':'qed','file.filename':'@images/inside'}}");
        assertThatThrownBy(() -> open(OpenOptions.readOnly()).close())
                .isInstanceOfSatisfying(BlockException.class, e -> {
                    assertThat(e.errno()).isEqualTo(Errno.EACCES);
                });
        record("{'driver':'blkdebug','image':{'driver':'qed','file.filename':'@images/inside'}}");
        open(OpenOptions.readOnly()).close();
    }

    @Test
    void whatIsTheRuleAnywayMayBeSaid() throws Exception {
        record("{'driver':'qed','read-only':true,'force-share':false,'discard':'unmap','node-name':'base',"
                + "'file':{'filename':'@images/inside','locking':'auto','cache':{'direct':false,'no-flush':false}}}");
        try (BlockDevice device = open(OpenOptions.readWrite())) {
            assertThat(device.node().backing())
                    .isNotNull()
                    .satisfies(node -> assertThat(node.readOnly()).isTrue());
        }
    }

    @Test
    void theUserMayGiveTheBackingFileOptionsOfItsOwn() throws Exception {
        record("{'driver':'qed','file':{'filename':'@images/inside'}}");
        NodeOptions said = NodeOptions.NONE.with("backing.force-share", "on");
        String inside = directory.resolve("inside").toString();
        try (BlockDevice writer = BlockDevice.open(inside, OpenOptions.readWrite())) {
            assertThatThrownBy(() -> open(OpenOptions.readOnly()).close()).isInstanceOf(BlockException.class);
            open(OpenOptions.readOnly().withNodeOptions(said)).close();
        }
    }

    @Test
    void everyFileOfADescriptionIsAskedFor() throws Exception {
        record(
                "{'driver':'qed','file.filename':'@images/inside','backing':{'driver':'raw','file.filename':'@outside'}}");
        List<String> asked = new ArrayList<>();
        ImplicitOpenPolicy policy = request -> {
            assertThat(request.imageFilename())
                    .isEqualTo(directory.resolve("top").toString());
            assertThat(request.path()).hasToString(request.resolvedName());
            asked.add(request.resolvedName());
        };
        try (BlockDevice device = BlockDevice.open(
                directory.resolve("top").toString(), OpenOptions.readOnly().withImplicitOpen(policy))) {
            assertThat(device.node().backing()).isNotNull();
            assertThat(device.node().backing().backing()).isNotNull();
        }
        assertThat(asked)
                .containsExactlyInAnyOrder(
                        directory.resolve("inside").toString(),
                        root.resolve("outside").toString());
    }

    @Test
    void aDescriptionOfTheImageItselfIsALoop() throws Exception {
        record("{'driver':'qed','file':{'filename':'@images/top'}}");
        assertThatThrownBy(() -> open(OpenOptions.readOnly()).close())
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.errno()).isEqualTo(Errno.ELOOP));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"{'file':{'file':{'file':{}}}}", "{'driver':'qed'}", "{", "[]", "{'driver':1}", "{'file':null}"})
    void whatMeansNothingIsRefused(String description) throws Exception {
        record(description);
        assertThatThrownBy(() -> open(OpenOptions.readOnly()).close()).isInstanceOf(BlockException.class);
    }

    @Test
    void depthIsBounded() {
        String deep = "json:{\"" + "file.".repeat(100_000) + "filename\":\"x\"}";
        assertThatThrownBy(() -> BlockDevice.open(deep, OpenOptions.readOnly()).close())
                .isInstanceOf(BlockException.class);
        String formats = "json:{" + formats(500) + "\"x\":1}";
        assertThatThrownBy(
                        () -> BlockDevice.open(formats, OpenOptions.readOnly()).close())
                .isInstanceOf(BlockException.class);
    }

    /** {@code "driver":"raw","file.driver":"raw","file.file.driver":"raw",…} */
    private static String formats(int depth) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < depth; i++) {
            text.append('"').append("file.".repeat(i)).append("driver\":\"raw\",");
        }
        return text.toString();
    }
}
