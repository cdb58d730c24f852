"""Measures a finished pack in the engine itself: what users get, where the other figures are the recipe's own.

Speech on held-out speakers and EMO-DB, the fused systems on `pairs`, how early scores agree with their finals, and how
often a label that is shown changes on neutral speech.
"""

import json
import subprocess
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from .errors import RecipeError
from .labels import INDEX, LABELS
from .pairs import CASES, clip, held_out, order
from .pairs import manifest as listed
from .store import Item, Store, atomically

SIX = [name for name in LABELS if name != "surprised"]
FOUR = ["neutral", "happy", "sad", "angry"]
SYSTEMS = ("late", "multilevel", "joint", "text_only")


@dataclass
class Run:
    """One evaluation."""

    name: str
    manifest: Path
    words: list[str] = field(default_factory=list)


def majority(votes: list[float]) -> int | None:
    """The label most people heard; none where two are level."""
    best = max(votes, default=0.0)
    return votes.index(best) if best > 0 and votes.count(best) == 1 else None


def manifest(out: Path, name: str, store: Store, rows: list[tuple[Item, str]]) -> Path:
    """Clips as FLAC beside a manifest of them."""
    lines = [
        {"path": clip(out, f"sound/{item.corpus}", item.name, partial(store.audio, item)), "label": label, "speaker": item.speaker, "text": ""}
        for item, label in rows
    ]
    made = out / f"{name}.csv"
    listed(made, lines)
    return made


def plan(cache: Path, work: Path, pairs: Path | None) -> list[Run]:
    """What is run, for the corpora that are prepared."""
    out = work / "engine"
    out.mkdir(parents=True, exist_ok=True)
    there = [name for name in ("crema_d", "emodb", "librispeech") if (cache / f"{name}.json").exists()]
    store = Store(cache, there)
    held = held_out(store)
    held = [held[k] for k in order(len(held))]
    alone = ["--system", "speech_only", "--text", "none"]
    acted = manifest(out, "crema_acted", store, [(i, LABELS[i.label]) for i in held])
    voted = manifest(out, "crema_voted", store, [(i, LABELS[majority(i.votes)]) for i in held if i.votes and majority(i.votes) is not None])
    runs = [
        Run("CREMA-D, held-out speakers, acted label, 6 labels", acted, [*alone, "--classes", ",".join(SIX)]),
        Run("the same, majority of human votes", voted, [*alone, "--classes", ",".join(SIX)]),
        Run("the same, acted label, 4 labels", acted, [*alone, "--classes", ",".join(FOUR)]),
    ]
    if "emodb" in there:
        german = [i for i in store.select("emodb") if i.label is not None]
        heard = manifest(out, "emodb", store, [(i, LABELS[i.label]) for i in german])
        runs += [Run(f"EMO-DB (the head has heard it), {n} labels", heard, [*alone, "--classes", ",".join(c)]) for n, c in ((6, SIX), (4, FOUR))]
    runs.append(Run("agreement: CREMA-D, held-out speakers", acted, ["--provisional"]))
    neutral = [i for i in held if i.label == INDEX["neutral"]]
    runs.append(Run("flicker: CREMA-D, neutral clips of the held-out speakers", manifest(out, "crema_neutral", store, [(i, "neutral") for i in neutral]), ["--provisional"]))
    read = store.select("librispeech", "test-other") if "librispeech" in there else []
    if read:
        # Read speech: no label is known, and none is judged.
        runs.append(Run("read: LibriSpeech test-other", manifest(out, "librispeech", store, [(i, "neutral") for i in read]), ["--provisional"]))
    for case in CASES if pairs else ():
        runs += [Run(f"pairs: {system} {case}", pairs / f"test_{case}.csv", ["--system", system, "--text", "given"]) for system in SYSTEMS]
        if case in ("same", "noisy"):
            runs.append(Run(f"pairs: speech_only {case}", pairs / f"test_{case}.csv", alone))
    return runs


class Turns:
    """How often something that streams show becomes something else."""

    def __init__(self) -> None:
        self.last: dict[str, str] = {}
        self.count = 0

    def show(self, stream: str, what: str) -> None:
        self.count += self.last.get(stream, what) != what
        self.last[stream] = what


def changes(updates: Path) -> dict[str, float]:
    """How often the label shown and the mood change, all through each speaker's stream, for a minute of speech."""
    every, known, moods = Turns(), Turns(), Turns()
    speech, sound = 0.0, {}
    for line in updates.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        for update in told["updates"]:
            stream, label = update["stream"], update["label"]
            every.show(stream, label)
            moods.show(stream, update["mood"]["label"])
            if label != "unknown":
                known.show(stream, label)
            if update["kind"] == "final":
                speech += update["end_s"] - update["start_s"]
            sound[stream] = max(sound.get(stream, 0.0), update["emitted_s"])
    minutes = speech / 60.0

    def a_minute(turns: Turns) -> float:
        return turns.count / max(minutes, 1e-9)

    return {
        "speech_minutes": minutes, "sound_minutes": sum(sound.values()) / 60.0, "changes": every.count, "changes_a_minute": a_minute(every),
        "known_changes_a_minute": a_minute(known), "mood_changes_a_minute": a_minute(moods),
    }


def evaluate(engine: Path, pack: Path, run: Run, work: Path) -> dict:
    """One evaluation's figures."""
    updates = work / "engine" / "updates.part"
    command = [str(engine), "eval", "--quiet", "--pack", str(pack), "--manifest", str(run.manifest), "--root", str(run.manifest.parent),
               "--order", "speaker", "--updates", str(updates), "--json", "-", *run.words]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RecipeError(f"{engine}: failed on {run.manifest}: {done.stderr.strip()[-300:]}")
    found = json.loads(done.stdout)
    if "--provisional" in run.words:
        found |= changes(updates)
    updates.unlink()
    return found


def run(engine: Path, pack: Path, cache: Path, pairs: Path | None, work: Path, only: str | None = None) -> dict:
    """Everything, into `work/engine.json`; what is there already for this name is measured again."""
    file = work / "engine.json"
    report = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    for one in plan(cache, work, pairs):
        if only is not None and only not in one.name:
            continue
        report[one.name] = evaluate(engine, pack, one, work)
        print(f"{one.name}: {100 * report[one.name]['uar']:.1f}", flush=True)
        atomically(file, lambda part: part.write_text(json.dumps(report, indent=1, ensure_ascii=False), encoding="utf-8"))
    return report
