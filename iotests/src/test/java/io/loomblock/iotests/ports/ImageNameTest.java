// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.ports;

import static io.loomblock.iotests.ports.PortImages.MIB;
import static io.loomblock.iotests.ports.Requests.expectAtOnce;
import static io.loomblock.iotests.ports.Requests.writeAtOnce;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.CreateOptions;
import io.loomblock.OpenOptions;
import io.loomblock.driver.NodeOptions;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Images described by options, in JSON and on command lines, and what they are called then. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ImageNameTest {
    @TempDir
    Path directory;

    private PortImages images;

    @BeforeEach
    void prepare() throws Exception {
        images = new PortImages(directory, "qed");
        images.create("base", MIB);
        images.createOver(images, "base", "top", CreateOptions.ofSize(MIB));
    }

    /** JSON with single quotes, and @ for the directory. */
    private String json(String text) {
        return "json:" + text.replace('\'', '"').replace("@", directory + "/");
    }

    private static OpenOptions described(String... namesAndValues) {
        NodeOptions options = NodeOptions.NONE;
        for (int i = 0; i < namesAndValues.length; i += 2) {
            options = options.with(namesAndValues[i], namesAndValues[i + 1]);
        }
        return OpenOptions.readOnly().withNodeOptions(options);
    }

    private static void refused(String name, OpenOptions options, String reason) {
        assertThatThrownBy(() -> BlockDevice.open(name, options).close())
                .isInstanceOfSatisfying(
                        BlockException.class, e -> assertThat(e.reason()).isEqualTo(reason));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'driver':'qed','file':{'driver':'file','filename':'@top'}}",
                "{'driver':'qed','file':{'filename':'@top'}}",
                "{'driver':'qed','file.filename':'@top'}",
                "{'file.driver':'file','file.filename':'@top'}",
            })
    @DisplayName("iotest 089: a description in JSON, nested or with dotted names, is an image like any other")
    void iotest089DescriptionsInJson(String text) throws Exception {
        try (BlockDevice top = images.open("top")) {
            writeAtOnce(top, 0, 512, 89);
        }
        try (BlockDevice device = BlockDevice.open(json(text), OpenOptions.readOnly())) {
            expectAtOnce(device, 0, 512, 89);
            assertThat(device.filename()).isEqualTo(images.path("top"));
            assertThat(device.node().driver().formatName()).isEqualTo("qed");
        }
    }

    @Test
    @DisplayName("iotest 089: a format on a format, which has no short name")
    void iotest089FormatsOverOneAnother() throws Exception {
        String text = json("{'driver':'raw','file':{'driver':'qed','file':{'filename':'@top'}}}");
        try (BlockDevice device = BlockDevice.open(text, OpenOptions.readOnly())) {
            assertThat(device.length()).isEqualTo(MIB);
            assertThat(device.filename())
                    .isEqualTo(
                            json(
                                    "{'driver': 'raw', 'file': {'driver': 'qed', 'file': {'driver': 'file', 'filename': '@top'}}}"));
            // The name opens the same again.
            try (BlockDevice again = BlockDevice.open(device.filename(), OpenOptions.readOnly())) {
                assertThat(again.filename()).isEqualTo(device.filename());
            }
        }
    }

    @Test
    @DisplayName("iotest 089: what is said besides the description wins")
    void iotest089TheCallerWins() throws Exception {
        String text = json("{'driver':'qed','file':{'filename':'@top'}}");
        try (BlockDevice device = BlockDevice.open(text, OpenOptions.readOnly().withFormat("raw"))) {
            assertThat(device.node().driver().formatName()).isEqualTo("raw");
        }
        assertThat(ToolRun.img("info", "-f", "raw", text).out()).contains("file format: raw");
    }

    @Test
    @DisplayName("iotest 089: mistakes in descriptions")
    void iotest089Mistakes() {
        OpenOptions options = OpenOptions.readOnly();
        refused(json("{'driver':'qed'}"), options, "A block device must be specified for \"file\"");
        refused(json("{}"), options, "Must specify either driver or file");
        refused(json("{'file':'node'}"), options, "Cannot find device='node' nor node-name='node'");
        refused(
                json("{'driver':'qed','file.filename':'@top','foo':1}"),
                options,
                "Block format 'qed' does not support the option 'foo'");
        refused(
                json("{'driver':'qed','file':{'filename':'@top','foo':{'bar':1}}}"),
                options,
                "Block protocol 'file' doesn't support the option 'foo.bar'");
        refused("json:{\"driver\":", options, "Could not parse the JSON options: JSON parse error, premature EOI");
    }

    /** The name of the open image that these words describe. */
    private String named(String name) throws BlockException {
        OpenOptions options = OpenOptions.readOnly().withNoBacking(true);
        try (BlockDevice device = BlockDevice.open(name, options)) {
            return device.filename();
        }
    }

    @Test
    @DisplayName("iotest 099: short names of filters, where nothing else was said")
    void iotest099ShortNamesOfFilters() throws Exception {
        String top = images.path("top");
        assertThat(named("blkdebug::" + top)).isEqualTo("blkdebug::" + top);
        assertThat(named(json(
                        "{'driver':'qed','file':{'driver':'blkdebug','image':{'driver':'file','filename':'@top'}}}")))
                .isEqualTo("blkdebug::" + top);
        assertThat(named(json("{'driver':'blkverify','raw':{'driver':'file','filename':'@top'},"
                        + "'test':{'driver':'file','filename':'@top'}}")))
                .isEqualTo("blkverify:" + top + ":" + top);
    }

    @Test
    @DisplayName("iotest 099: names of filters with options, which open the same again")
    void iotest099FiltersWithOptions() throws Exception {
        List<String> names = List.of(
                "{'driver': 'qed', 'file': {'image': {'driver': 'file', 'filename': '@top'}, 'driver': 'blkdebug', 'align': 4096}}",
                "{'driver': 'qed', 'file': {'image': {'driver': 'file', 'filename': '@top'}, 'driver': 'blkdebug',"
                        + " 'inject-error.0.event': 'l1_update'}}",
                "{'driver': 'qed', 'file': {'set-state.0.event': 'l1_update', 'image': {'driver': 'file', 'filename': '@top'},"
                        + " 'driver': 'blkdebug', 'set-state.0.new_state': 42}}");
        for (String name : names) {
            assertThat(named(json(name))).isEqualTo(json(name));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'driver':'qed','file':{'driver':'file','filename':'@top'}}",
                "{'driver':'raw','file':{'driver':'qed','file':{'driver':'file','filename':'@top'}}}"
            })
    @DisplayName("iotest 110: relative to the file at the bottom of a description")
    void iotest110BehindADescription(String text) throws Exception {
        try (BlockDevice device = BlockDevice.open(json(text), OpenOptions.readOnly())) {
            assertThat(device.node().name().resolve("base")).isEqualTo(images.path("base"));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "{'driver':'qed','file':{'driver':'blkdebug','image':{'driver':'file','filename':'@top'}}}",
                "{'driver':'qed','file':{'driver':'blkdebug','align':4096,'image':{'filename':'@top'}}}"
            })
    @DisplayName("iotest 110: relative to the file below a filter")
    void iotest110BehindAFilter(String text) throws Exception {
        try (BlockDevice top = images.open("base")) {
            writeAtOnce(top, 0, 512, 110);
        }
        try (BlockDevice device = BlockDevice.open(json(text), OpenOptions.readOnly())) {
            assertThat(device.info().fullBackingFilename()).isEqualTo(images.path("base"));
            expectAtOnce(device, 0, 512, 110);
        }
    }

    @Test
    @DisplayName("iotest 110: relative to nothing below a filter with two files")
    void iotest110BehindTwoFiles() throws Exception {
        String text = json("{'driver':'qed','file':{'driver':'blkverify','raw':{'driver':'file','filename':'@top'},"
                + "'test':{'driver':'file','filename':'@top'}}}");
        refused(text, OpenOptions.readOnly(), "Cannot generate a base directory for blkverify nodes");
        try (BlockDevice device = BlockDevice.open(text, OpenOptions.readOnly().withNoBacking(true))) {
            assertThat(device.info().backingFilename()).isEqualTo("base");
            assertThat(device.info().fullBackingFilename()).isNull();
        }
        assertThat(ToolRun.img("info", text).out()).contains("backing file: base (cannot determine actual path)");
    }

    @Test
    @DisplayName("iotest 110: relative to nothing where no file is at the bottom")
    void iotest110NoFileAtTheBottom() throws Exception {
        String text = json("{'driver':'raw','file':{'driver':'null-co','size':4096}}");
        try (BlockDevice device = BlockDevice.open(text, OpenOptions.readOnly())) {
            assertThatThrownBy(() -> device.node().name().resolve("base"))
                    .hasMessage("Cannot generate a base directory for null-co nodes");
        }
    }

    @Test
    @DisplayName("iotest 126: a colon in the path of a description is no protocol, and the name says so")
    void iotest126ColonInADescription() throws Exception {
        images.create("image:base", MIB);
        String text = json("{'driver':'qed','file':{'filename':'@image:base'}}");
        try (BlockDevice device = BlockDevice.open(text, OpenOptions.readOnly())) {
            assertThat(device.filename()).isEqualTo(images.path("image:base"));
        }
    }

    @Test
    @DisplayName("iotest 130: a backing file that is named at opening is used, and not recorded")
    void iotest130NamedAtOpeningIsNotRecorded() throws Exception {
        images.create("other", MIB);
        try (BlockDevice other = images.open("other")) {
            writeAtOnce(other, 0, 512, 130);
        }
        List<OpenOptions> ways = List.of(
                described("driver", "qed", "backing.driver", "qed", "backing.file.filename", images.path("other")),
                described("driver", "qed").withBacking(images.path("other")));
        for (String image : List.of("top", "alone")) {
            if (image.equals("alone")) {
                images.create("alone", MIB);
            }
            for (OpenOptions way : ways) {
                String recorded = recordedIn(image);
                try (BlockDevice device = BlockDevice.open(images.path(image), way.withWritable(true))) {
                    expectAtOnce(device, 0, 512, 130);
                    writeAtOnce(device, 512, 512, 131);
                    device.flush();
                }
                assertThat(recordedIn(image)).isEqualTo(recorded);
                images.expectClean(image);
            }
        }
    }

    private String recordedIn(String image) throws BlockException {
        try (BlockDevice device = images.openReadOnly(image)) {
            return String.valueOf(device.info().backingFilename());
        }
    }

    @Test
    @DisplayName("iotest 162: values of the wrong type")
    void iotest162ValuesOfTheWrongType() throws Exception {
        OpenOptions options = OpenOptions.readOnly();
        refused(
                json("{'driver':'raw','file':{'driver':'null-co','read-zeroes':3}}"),
                options,
                "Parameter 'read-zeroes' expects 'on' or 'off'");
        refused(
                json("{'driver':'qed','read-only':'maybe','file.filename':'@top'}"),
                options,
                "Parameter 'read-only' expects 'on' or 'off'");
        refused(
                json("{'driver':'qed','file':{'filename':'@top','locking':true,'aio':'x'}}"),
                options,
                "invalid parameter value: x");
        // A number where there should be a word is the word.
        refused(
                json("{'driver':'qed','file':{'driver':'file','filename':42}}"),
                options,
                "Could not open '42': No such file or directory");
        try (BlockDevice device =
                BlockDevice.open(json("{'driver':'null-co','read-zeroes':'yes','size':'1k'}"), options)) {
            assertThat(device.length()).isEqualTo(1024);
        }
    }

    @Test
    @DisplayName(
            "iotest 228: a backing file in place of the recorded one belongs to the name, and the recorded one stays known")
    void iotest228ReplacedBackingFile() throws Exception {
        images.create("other", MIB);
        OpenOptions replaced = described("backing.driver", "qed", "backing.file.filename", images.path("other"));
        try (BlockDevice device = BlockDevice.open(images.path("top"), replaced)) {
            assertThat(device.info().backingFilename()).isEqualTo("base");
            assertThat(device.info().fullBackingFilename()).isEqualTo(images.path("base"));
            assertThat(device.filename())
                    .isEqualTo(json("{'backing': {'driver': 'qed', 'file': {'driver': 'file', 'filename': '@other'}},"
                            + " 'driver': 'qed', 'file': {'driver': 'file', 'filename': '@top'}}"));
        }
        try (BlockDevice device = BlockDevice.open(images.path("top"), described("backing", ""))) {
            assertThat(device.filename())
                    .isEqualTo(
                            json("{'backing': null, 'driver': 'qed', 'file': {'driver': 'file', 'filename': '@top'}}"));
        }
        try (BlockDevice device = images.open("top")) {
            device.changeBackingFile("other", "qed");
            assertThat(device.info().backingFilename()).isEqualTo("other");
            assertThat(device.info().fullBackingFilename()).isEqualTo(images.path("other"));
        }
    }

    @Test
    @DisplayName("iotest 232: read-only where it must be, if that is allowed")
    void iotest232ReadOnlyIfNeedBe() throws Exception {
        OpenOptions below = described("driver", "qed", "file.read-only", "on").withWritable(true);
        refused(images.path("top"), below, "Block node is read-only");
        OpenOptions auto = below.withNodeOptions(below.nodeOptions().with("auto-read-only", "on"));
        try (BlockDevice device = BlockDevice.open(images.path("top"), auto)) {
            assertThat(device.readOnly()).isTrue();
        }
        OpenOptions writable =
                described("driver", "qed", "auto-read-only", "on").withWritable(true);
        try (BlockDevice device = BlockDevice.open(images.path("top"), writable)) {
            assertThat(device.readOnly()).isFalse();
        }
        OpenOptions said = described("driver", "qed", "read-only", "on", "auto-read-only", "on")
                .withWritable(true);
        try (BlockDevice device = BlockDevice.open(images.path("top"), said)) {
            assertThat(device.readOnly()).isTrue();
        }
    }

    @Test
    @DisplayName("iotest 279: a chain that begins with options")
    void iotest279ChainDescribedByOptions() throws Exception {
        images.createOver(images, "top", "upper", CreateOptions.ofSize(MIB));
        ToolRun run = ToolRun.img(
                "info", "--backing-chain", "--image-opts", "driver=qed,file.filename=" + images.path("upper"));
        assertThat(run.out().lines().filter(line -> line.startsWith("image: ")))
                .containsExactly(
                        "image: " + images.path("upper"),
                        "image: " + images.path("top"),
                        "image: " + images.path("base"));
        ToolRun io =
                ToolRun.io(List.of("--image-opts", "-c", "length", "driver=qed,file.filename=" + images.path("upper")));
        assertThat(io.out()).isEqualTo("1 MiB\n");
    }
}
