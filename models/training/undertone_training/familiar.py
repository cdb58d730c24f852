"""How unlike the people of the corpora a voice is: what a few main directions of their statistics leave over.

A head trained on people answers for anything, a buzzer or a robot too, and often surely. The engine asks this graph how
far to believe it. Fitted on people alone: no machine's voice is ever shown to it.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from tqdm import tqdm

from . import augment
from .errors import RecipeError
from .graph import Graph, save
from .store import RATE, Item, Store, atomically
from .trunk import frames_of

DIRECTIONS = 48
MANY = {"crema_d": 250, "emodb": 120, "librispeech": 200}  # clips of each that it is fitted on
JUDGED = 60  # clips of each, of other speakers, that say what is usual
HELD_OUT = {"emodb": ("emodb_13", "emodb_14", "emodb_15", "emodb_16"), "librispeech": ("ls_908", "ls_1284")}
USUAL, MARGIN = 0.99, 1.2  # share of strangers' clips that are believed whole; how far beyond them nothing is
AROUND = (3200, 1280)  # sound kept before and after the voice, as the engine does
LONGEST = 6 * RATE  # of a clip
QUIET = 1e-3  # of the loudest stretch's power; below it is no voice


@dataclass
class Space:
    """Where people's statistics lie."""

    mean: np.ndarray
    inverse: np.ndarray
    directions: np.ndarray

    def strangeness(self, stats: np.ndarray) -> np.ndarray:
        """What is left over, as a root mean square."""
        z = (stats - self.mean) * self.inverse
        return np.sqrt(np.mean((z - (z @ self.directions.T) @ self.directions) ** 2, axis=-1))


def fit(stats: np.ndarray, directions: int = DIRECTIONS) -> Space:
    """Mean, spread and main directions."""
    if len(stats) <= directions:
        raise RecipeError(f"{len(stats)} clips are too few for {directions} directions; give more corpora")
    mean, inverse = stats.mean(0), 1.0 / (stats.std(0) + 1e-4)
    _, _, rows = np.linalg.svd((stats - mean) * inverse, full_matrices=False)
    return Space(mean.astype(np.float32), inverse.astype(np.float32), rows[:directions].astype(np.float32))


def graph(space: Space) -> onnx.ModelProto:
    """stats → strangeness."""
    g = Graph("familiar")
    z = g.mul(g.add("stats", -space.mean[None, :]), space.inverse[None, :])
    rows = g.const(space.directions)
    told = g.op("MatMul", g.op("Gemm", z, rows, transB=1), rows)
    left = g.op("Sub", z, told)
    g.op("Sqrt", g.mean(g.op("Mul", left, left), [1]), name="strangeness")
    return g.model([("stats", [1, len(space.mean)])], [("strangeness", [1, 1])])


def voiced(audio: np.ndarray) -> tuple[int, int]:
    """Where the voice begins and ends, by its level."""
    power = np.convolve(audio.astype(np.float64) ** 2, np.ones(400) / 400, "same")
    loud = np.flatnonzero(power > max(1e-9, power.max() * QUIET))
    return (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, len(audio))


class Ear:
    """A pack's own trunk and head, for their statistics."""

    def __init__(self, pack: Path):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        run = {name: onnxruntime.InferenceSession(str(pack / f"{name}.onnx"), options, providers=["CPUExecutionProvider"]) for name in ("trunk", "speech")}
        self.trunk, self.head = run["trunk"], run["speech"]
        self.width = next(i.shape[1] for i in self.head.get_inputs() if i.name == "past_mean")

    def stats(self, audio: np.ndarray, span: tuple[int, int]) -> np.ndarray:
        """Statistics of the voice in a clip, heard as the engine hears it."""
        begin, end = max(0, span[0] - AROUND[0]), min(len(audio), span[1] + AROUND[1])
        heard = np.ascontiguousarray(audio[begin:end], np.float32)
        if len(heard) < RATE // 4:
            heard = np.pad(heard, (0, RATE // 4 - len(heard)))
        mix = self.trunk.run(["mix"], {"audio": heard[None]})[0]
        first = min(frames_of(max(895, span[0] - begin)), mix.shape[1]) - 1
        last = min(frames_of(max(895, span[1] - begin)), mix.shape[1])
        nothing = {"past_mean": np.zeros((1, self.width), np.float32), "past_clips": np.zeros((1, 1), np.float32)}
        return self.head.run(["stats"], {"mix": mix[:, first : max(last, first + 1)], **nothing})[0][0]


def _heard(ear: Ear, store: Store, item: Item, dice: np.random.Generator) -> list[np.ndarray]:
    """A clip as it is, and a spoilt stretch of it."""
    audio = store.audio(item)
    start, end = item.span or voiced(audio)
    end = min(end, start + LONGEST)
    spoilt = augment.augment(augment.crop(audio[start:end], dice, shortest=0.8), dice)
    return [ear.stats(audio, (start, end)), ear.stats(spoilt, (0, len(spoilt)))]


def _known(item: Item) -> bool:
    """Whether the speaker may be learnt from."""
    return item.split in ("train", "", "test-clean") and item.speaker not in HELD_OUT.get(item.corpus, ())


def collect(ear: Ear, store: Store, corpus: str, seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Statistics to fit on, and those of other speakers."""
    dice = np.random.default_rng([seed, len(corpus)])
    items = [i for i in store.select(corpus) if i.split != "test-other"]
    order = dice.permutation(len(items))
    known = [items[n] for n in order if _known(items[n])][: MANY.get(corpus, 300)]
    others = [items[n] for n in order if not _known(items[n])][:JUDGED]
    fits = [row for item in tqdm(known, desc=f"{corpus}, to fit", disable=None) for row in _heard(ear, store, item, dice)]
    judges = [row for item in tqdm(others, desc=f"{corpus}, others", disable=None) for row in _heard(ear, store, item, dice)]
    return fits, judges


def write(cache: Path, pack: Path, folder: Path, corpora: list[str], seed: int = 1) -> dict[str, float]:
    """Writes familiar.onnx and its table; gives what was measured."""
    ear, store = Ear(pack), Store(cache, corpora)
    fits, judges = {}, {}
    for corpus in corpora:
        fits[corpus], judges[corpus] = collect(ear, store, corpus, seed)
    if not any(judges.values()):
        raise RecipeError("familiar: no clip of a held-out speaker; prepare CREMA-D, EMO-DB or LibriSpeech whole")
    space = fit(np.stack([row for rows in fits.values() for row in rows]))
    strange = {corpus: space.strangeness(np.stack(rows)) for corpus, rows in judges.items() if rows}
    usual = float(np.quantile(np.concatenate(list(strange.values())), USUAL))
    folder.mkdir(parents=True, exist_ok=True)
    save(graph(space), folder / "familiar.onnx")
    tables = {"familiar": {"usual": round(usual, 4), "strange": round(usual * MARGIN, 4)}}
    atomically(folder / "tables.json", lambda part: part.write_text(json.dumps(tables), encoding="utf-8"))
    return {"usual": usual, **{f"{corpus}_median": float(np.median(rows)) for corpus, rows in strange.items()}}
