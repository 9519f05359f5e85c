// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import io.loomblock.BlockDevice;
import io.loomblock.OpenOptions;
import io.loomblock.driver.Node;
import io.loomblock.memory.AlignedBuffer;
import java.io.IOException;
import java.util.Map;

/** An image whose guest data is dropped on its way to the file ({@link DatalessFile}), so that only metadata takes time. */
final class DatalessImage implements AutoCloseable {
    private final ScratchImage image;
    private final BlockDevice device;

    /** A new one without any data; {@code guestMemory} is what data is known by. */
    DatalessImage(String format, long size, AlignedBuffer guestMemory) throws IOException {
        image = ScratchImage.create(format, size);
        image.device().close();
        OpenOptions options = OpenOptions.readWrite();
        Node file = BlockDevice.open(image.path().toString(), options.withFormat("file"))
                .node();
        Node dataless =
                new Node(file.filename(), new DatalessFile(file, guestMemory), Map.of(Node.FILE, file), options);
        device = BlockDevice.openOn(dataless, options.withFormat(format));
    }

    BlockDevice device() {
        return device;
    }

    @Override
    public void close() throws IOException {
        device.close();
        image.close();
    }
}
