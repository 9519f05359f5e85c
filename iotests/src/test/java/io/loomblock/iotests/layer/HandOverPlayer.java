// SPDX-License-Identifier: Apache-2.0
package io.loomblock.iotests.layer;

import io.loomblock.BlockDevice;
import io.loomblock.BlockException;
import io.loomblock.OpenOptions;
import io.loomblock.PreallocationMode;
import io.loomblock.testkit.Pattern;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Random;

/**
 * One of two processes that have the same image open and own it by turns.
 *
 * <p>What a turn writes follows from its number, so each player knows every byte that the other one has written.
 */
final class HandOverPlayer implements AutoCloseable {
    static final int FIRST_SIZE = 4 << 20;
    private static final int GROWTH = 1 << 20;
    private static final int WRITES = 24;

    private final BlockDevice device;
    private byte[] expected = new byte[FIRST_SIZE];
    private int played;

    HandOverPlayer(String image, String format) throws BlockException {
        device = BlockDevice.open(
                image, OpenOptions.readWrite().withFormat(format).withInactive(true));
    }

    BlockDevice device() {
        return device;
    }

    /** Takes the image, fails unless it holds what all earlier turns made of it, plays one turn, and gives it away again. */
    void play(int turn) throws BlockException {
        device.invalidateCache(true);
        while (played < turn - 1) {
            apply(++played, false);
        }
        verify();
        apply(++played, true);
        verify();
        device.inactivate();
    }

    private void apply(int turn, boolean onDisk) throws BlockException {
        if (turn % 5 == 0) {
            expected = Arrays.copyOf(expected, expected.length + GROWTH);
            if (onDisk) {
                device.truncate(expected.length, true, PreallocationMode.OFF);
            }
        }
        Random random = new Random(turn);
        for (int i = 0; i < WRITES; i++) {
            int length = 1 + random.nextInt(100_000);
            int offset = random.nextInt(expected.length - length);
            Pattern.fill(turn, offset, expected, offset, length);
            if (onDisk) {
                device.write(offset, ByteBuffer.wrap(expected, offset, length));
            }
        }
    }

    void verify() throws BlockException {
        byte[] found = new byte[Math.toIntExact(device.length())];
        device.read(0, ByteBuffer.wrap(found));
        int at = Arrays.mismatch(found, expected);
        if (at >= 0) {
            throw new AssertionError("turn " + played + ": byte " + at + " of " + found.length + " is not as expected");
        }
    }

    @Override
    public void close() throws BlockException {
        device.close();
    }

    /** The other process: plays the turns whose numbers come in, and says so. */
    public static void main(String[] args) throws BlockException, IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        try (HandOverPlayer player = new HandOverPlayer(args[0], args[1])) {
            System.out.println("ready");
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                player.play(Integer.parseInt(line));
                System.out.println("played");
            }
        }
    }
}
