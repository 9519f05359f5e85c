// SPDX-License-Identifier: Apache-2.0
package io.loomblock.jmh;

import java.io.EOFException;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.List;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.infra.IterationParams;
import org.openjdk.jmh.profile.InternalProfiler;
import org.openjdk.jmh.results.IterationResult;
import org.openjdk.jmh.results.Result;

/**
 * Lets forks that run side by side take turns, iteration by iteration, {@code -prof io.loomblock.jmh.TurnProfiler:MINE,NEXT}: each
 * waits for a byte from the named pipe MINE before an iteration and writes it to NEXT afterwards. A machine that others use too is
 * faster in one second than in the next; forks that follow each other meet that by chance, neighbouring iterations share it.
 */
public final class TurnProfiler implements InternalProfiler {
    private final String mine;
    private final String next;

    public TurnProfiler(String pipes) {
        int comma = pipes.indexOf(',');
        if (comma < 0) {
            throw new IllegalArgumentException("two pipes are wanted, MINE,NEXT: " + pipes);
        }
        this.mine = pipes.substring(0, comma);
        this.next = pipes.substring(comma + 1);
    }

    @Override
    public String getDescription() {
        return "Turns of forks that run side by side";
    }

    @Override
    public void beforeIteration(BenchmarkParams benchmark, IterationParams iteration) {
        try (InputStream pipe = new FileInputStream(mine)) {
            if (pipe.read() < 0) {
                throw new EOFException("nobody hands on the turn through " + mine);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Override
    public Collection<? extends Result<?>> afterIteration(
            BenchmarkParams benchmark, IterationParams iteration, IterationResult result) {
        try (OutputStream pipe = new FileOutputStream(next)) {
            pipe.write(1);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return List.of();
    }
}
