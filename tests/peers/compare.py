"""Measures `undertone` against the same job joined by hand from parts, over the same sound in one run.

    pip install -r tests/peers/requirements.txt
    python tests/peers/compare.py [--audio FILE] [--repeat N]

The parts: Silero VAD, Moonshine for words, the pack's networks on onnxruntime; a score for every quarter of a second
of speech and a final, as a script that is joined in an afternoon would do it. Both use one thread, both pay for
loading, and both are counted in processor seconds. Measured twice: as live (provisional scores too), and finals only.
"""

import argparse
import importlib.util
import json
import os
import resource
import subprocess
import sys
import time
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOP = 4_000
HANGOVER = 7


def package_file(package: str, inside: str) -> Path:
    """A file of an installed Python package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        sys.exit(f"the package {package} is not here: pip install -r tests/peers/requirements.txt")
    return Path(next(iter(spec.submodule_search_locations))) / inside


def arguments() -> argparse.Namespace:
    """What may be told."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--undertone", type=Path, default=ROOT / "target/release/undertone")
    parser.add_argument("--pack", type=Path, help="the pack's folder; the committed one if left out")
    parser.add_argument("--audio", type=Path, default=ROOT / "samples/demo.wav", help="16 kHz, one channel, 16 bits")
    parser.add_argument("--repeat", type=int, default=3, help="how often the sound is said, so that loading weighs less")
    parser.add_argument("--recogniser", default="first", help="who hears undertone's finals again: first (nobody) or moonshine, as the parts have it")
    parser.add_argument("--only-parts", choices=["live", "finals"], help=argparse.SUPPRESS)
    return parser.parse_args()


def join(args: argparse.Namespace, live: bool) -> dict:
    """The job by parts; in a process of its own, whose whole time is counted as undertone's is."""
    import numpy as np

    from parts import Moonshine, Pack, Silero

    voice = Silero(package_file("silero_vad", "data/silero_vad.onnx"))
    moonshine = Moonshine(package_file("moonshine_voice", "assets/tiny-en"))
    pack = Pack(args.pack)
    load_s = time.process_time()
    with wave.open(str(args.audio)) as file:
        once = np.frombuffer(file.readframes(-1), np.int16).astype(np.float32) / 32_768
    sound = np.tile(once, args.repeat)
    scores, finals, words = 0, 0, []
    start, hop, silent = None, 0, 0
    for at in range(0, len(sound) - Silero.FRAME, Silero.FRAME):
        speaks = voice(sound[at : at + Silero.FRAME]) >= 0.5
        end = at + Silero.FRAME
        if start is None:
            if speaks:
                # A little from before, as everybody keeps.
                start, hop, silent = max(0, at - 3_200), end + HOP, 0
            continue
        silent = 0 if speaks else silent + 1
        over = silent >= HANGOVER
        if over or (live and end >= hop and end - start >= 8_000):
            segment = sound[start:end]
            text = moonshine(segment)
            pack.voice(segment)
            pack.words(text)
            scores, hop = scores + 1, end + HOP
            if over:
                finals += 1
                words.append(text)
                start = None
    return {"load_s": load_s, "scores": scores, "finals": finals, "words": " | ".join(words[:8])}


def timed(command: list, **how) -> tuple[float, bytes]:
    """What a program took of the processor from its start to its end, and what it wrote."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=True, capture_output=True, **how)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, done.stdout


def parts(args: argparse.Namespace, mode: str) -> dict:
    """Runs `join` in a process of its own."""
    command = [sys.executable, __file__, "--only-parts", mode, "--audio", args.audio, "--repeat", str(args.repeat), "--pack", args.pack]
    environment = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    cpu, written = timed(command, env=environment)
    return json.loads(written) | {"cpu_s": cpu}


def undertone(args: argparse.Namespace, mode: str) -> dict:
    """The same sound through the program."""
    with wave.open(str(args.audio)) as file:
        sound = file.readframes(-1) * args.repeat
        rate = file.getframerate()
    command = [args.undertone, "analyze", "-", "--rate", str(rate), "--json", "--quiet", "--hop-ms", "250", "--runtime", "cpu", "--recogniser", args.recogniser]
    command += ["--pack", args.pack] + (["--finals-only"] if mode == "finals" else [])
    cpu, written = timed(command, input=sound)
    updates = [json.loads(line) for line in written.splitlines()]
    finals = [update for update in updates if update["kind"] == "final"]
    words = [(update.get("text") or {}).get("transcript", "") for update in finals]
    return {"cpu_s": cpu, "scores": len(updates), "finals": len(finals), "system": updates[0]["system"], "words": " | ".join(words[:8])}


def main() -> None:
    """Measures and prints."""
    args = arguments()
    packs = sorted(path.parent for path in (ROOT / "models/packs").glob("*/pack.toml"))
    args.pack = args.pack or packs[0]
    if args.only_parts:
        print(json.dumps(join(args, args.only_parts == "live")))
        return
    with wave.open(str(args.audio)) as file:
        seconds = file.getnframes() / file.getframerate() * args.repeat
    result = {"seconds": seconds, "pack": str(args.pack.name)}
    for mode in ["live", "finals"]:
        ours, theirs = undertone(args, mode), parts(args, mode)
        result[mode] = {"undertone": ours, "parts": theirs, "times_less": theirs["cpu_s"] / ours["cpu_s"]}
        print(f"{mode}: {seconds:.0f} s of sound, pack {args.pack.name}")
        for name, one in [("undertone", ours), ("parts", theirs)]:
            print(f"  {name:<10} {one['cpu_s']:7.2f} s of processor   {one['scores']:4} scores, {one['finals']:3} finals")
            print(f"             {one['words'][:110]}")
        print(f"  {theirs['cpu_s'] / ours['cpu_s']:.1f} times less")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
