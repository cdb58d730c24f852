#!/usr/bin/env python3
"""Loads the VST3 plugin in pedalboard (a host in Python) and wants its own input back, bit for bit.

    python3 pedalboard_bitexact.py target/bundled/Undertone.vst3

Needs `pip install pedalboard==0.9.26`. Exit code 0: everything came back; 1: something did not; 2: the
plugin or pedalboard is not there. pedalboard has no window and answers no question, so nothing is scored
here: what is tried is that the sound is left alone.
"""

import argparse
import pathlib
import sys
import time

RATES = (44_100, 48_000, 96_000)
BLOCKS = (1, 2, 7, 64, 63, 128, 441, 512, 1_000, 1_024, 4_096, 8_192)
CHANNELS = (1, 2)


def noise(numpy, generator, channels, frames):
    """Sound with everything in it that a float can be and a host passes on: subnormals, zeros of both signs,
    full scale and beyond."""
    sound = generator.uniform(-1.0, 1.0, (channels, frames)).astype(numpy.float32)
    special = numpy.array([0.0, -0.0, 1e-40, -1e-42, 1.0, -1.0, 3.5, 1.1754944e-38], dtype=numpy.float32)
    where = generator.random((channels, frames)) < 0.05
    sound[where] = generator.choice(special, int(where.sum()))
    return sound


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plugin", type=pathlib.Path, help="the .vst3 bundle")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    if not arguments.plugin.exists():
        print(f"{arguments.plugin} is not there; make it with `cargo xtask bundle`", file=sys.stderr)
        return 2
    try:
        import numpy
        import pedalboard
    except ImportError as error:
        print(f"{error}; install it with `pip install pedalboard==0.9.26`", file=sys.stderr)
        return 2

    start = time.perf_counter()
    plugin = pedalboard.load_plugin(str(arguments.plugin))
    print(f"loaded {plugin.name} {plugin.version} in {(time.perf_counter() - start) * 1000:.0f} ms")
    failures = 0
    if plugin.reported_latency_samples != 0:
        print(f"latency is {plugin.reported_latency_samples} samples, not 0")
        failures += 1
    generator = numpy.random.default_rng(arguments.seed)
    tried = 0
    for rate in RATES:
        for channels in CHANNELS:
            for block in BLOCKS:
                # At least three blocks and a part of one, so that edges are crossed.
                sound = noise(numpy, generator, channels, block * 3 + block // 2 + 1)
                back = plugin.process(sound, rate, buffer_size=block, reset=True)
                tried += 1
                same = back.shape == sound.shape and numpy.array_equal(
                    back.view(numpy.uint32), sound.view(numpy.uint32)
                )
                if not same:
                    failures += 1
                    print(f"differs: {rate} Hz, {channels} channels, blocks of {block}, {sound.shape} -> {back.shape}")
    print(f"{tried} runs, {failures} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
