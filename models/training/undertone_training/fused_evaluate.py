"""Fits and measures the three systems on dev speakers beside texts that no training saw. Synthetic pairing throughout.

The recipe's own evidence, good enough for a first set of weights; `weigh` finds the last on what the engine makes of the pairs.
"""

import json
import tomllib

import numpy as np
import torch
from torch import Tensor

from . import fused_graph, fused_recipe, fused_train, fusion_fit, judge, late_train, metrics, pairs, quantise, spoilt
from .fuse import Evidence
from .frames_cache import Frames
from .fused_recipe import Corpus, Place
from .fusion_fit import Case
from .joint import HEADS
from .labels import LABELS
from .multilevel import Multilevel
from .pairs import CASES
from .speech_head import PRIOR, statistics
from .store import atomically


class Bench:
    """Dev clips, their pasts, and what voice and words say of them in each case."""

    def __init__(self, place: Place):
        self.place = place
        self.corpus = Corpus(place, ("dev", "test"))
        self.rows = self.corpus.dev
        self.items = [self.corpus.items[n] for n in self.rows]
        self.truth = np.array([i.label for i in self.items])
        self.noisy = fused_recipe.noisy_frames(place, self.corpus)
        places = list(range(len(self.rows)))

        def past(frames: Frames, rows: list[int]) -> tuple[Tensor, Tensor]:
            return fused_recipe.heard(self.corpus, self.rows, torch.cat([statistics(torch.from_numpy(frames.clip(n))[None]) for n in rows]))

        # Noise stays: the past of a drowned voice is drowned too.
        clean, drowned_past = past(self.corpus.frames, self.rows), past(self.noisy, places)
        self.pasts = {name: drowned_past if name == "noisy" else clean for name in CASES}
        manifest = tomllib.loads((place.pack / "pack.toml").read_text(encoding="utf-8"))
        self.trained = [name in manifest["speech"]["trained_labels"] for name in LABELS]
        heat = manifest["speech"]["temperature"]
        graph = place.pack / "speech.onnx"
        said = fused_recipe.speech_scores(graph, self.corpus.frames, self.rows, *clean, heat)
        drowned = fused_recipe.speech_scores(graph, self.noisy, places, *drowned_past, heat)
        self.voice = {name: drowned if name == "noisy" else said for name in CASES}
        tables = json.loads((place.parts / "tables.json").read_text(encoding="utf-8"))
        self.text_heat = tables["text"]["temperature"]

    def chosen(self, split: str, case: str) -> np.ndarray:
        """The text beside each clip."""
        return pairs.chosen(self.truth, self.corpus.texts[split].labels, case)

    def cases(self, split: str, own: dict[str, np.ndarray] | None = None, voice: dict[str, np.ndarray] | None = None) -> dict[str, Case]:
        """All cases beside one set of texts."""
        found = {}
        for name in CASES:
            words = metrics.softmax(self.corpus.texts[split].logits[self.chosen(split, name)], self.text_heat)
            quality = np.full(len(self.rows), spoilt.QUALITY if name == "noisy" else 1.0)
            found[name] = Case(name, Evidence((voice or self.voice)[name], words, quality, np.ones(len(self.rows)), None if own is None else own[name]), self.truth)
        return found

    def own(self, model, split: str) -> dict[str, np.ndarray]:
        """A system's own scores in every case."""
        found = {}
        for name in CASES:
            data = self.corpus.pairs(self.rows, self.corpus.texts[split])
            z = fused_train.logits(model, data, self.chosen(split, name), *self.pasts[name], self.noisy if name == "noisy" else None)
            found[name] = metrics.softmax(z)
        return found

    def late_voice(self, model: late_train.LateSpeech, heat: float) -> dict[str, np.ndarray]:
        """`late_speech`'s scores in every case, as streams."""
        store = self.corpus.store
        clean = late_train.all_stats(model, store, self.items, self.place.work / "late_dev.npy")
        drowned = late_train.all_stats(model, spoilt.Drowned(store), self.items, self.place.work / "late_dev_0_db.npy")
        said = {name: metrics.softmax(judge.logits(model.head, stats, *fused_recipe.heard(self.corpus, self.rows, stats)), heat)
                for name, stats in (("clean", clean), ("noisy", drowned))}
        return {name: said["noisy" if name == "noisy" else "clean"] for name in CASES}


def system(bench: Bench, own: dict[str, dict[str, np.ndarray]] | None, voice: dict[str, np.ndarray] | None = None) -> tuple[fusion_fit.Weights, dict]:
    """Weights found on all dev speakers beside the dev texts; figures beside the test texts, by halves of the speakers."""
    fitting = bench.cases("dev", None if own is None else own["dev"], voice)
    testing = bench.cases("test", None if own is None else own["test"], voice)
    speakers = [i.speaker for i in bench.items]
    weights, missed = fusion_fit.fit(fitting, bench.trained, own is not None)
    return weights, {
        "weights": vars(weights), "missed": missed, "all": fusion_fit.figures(testing, weights, bench.trained),
        "halves": fusion_fit.crossed(fitting, testing, (speakers, speakers), bench.trained, own is not None),
    }


def table(weights: fusion_fit.Weights, own: bool) -> dict[str, float]:
    """The manifest's table."""
    row = {"speech": weights.speech, "text": weights.text, "gamma": weights.gamma, "doubt": weights.doubt, "lift": weights.lift, "temperature": weights.temperature, "unknown_below": weights.unknown_below}
    return ({"own": weights.own} if own else {}) | {k: float(v) for k, v in row.items()}


def alone(bench: Bench, own: dict[str, np.ndarray]) -> dict[str, float]:
    """Recall of a graph by itself, in every case."""
    return {name: 100 * metrics.uar(bench.truth, scores.argmax(axis=1)) for name, scores in own.items()}


def keep(place: Place, name: str, values: dict) -> None:
    """Adds to the figures' file."""
    file = place.work / "fused.json"
    report = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    report[name] = values
    atomically(file, lambda part: part.write_text(json.dumps(report, indent=1), encoding="utf-8"))


def export_own(place: Place, name: str, model) -> None:
    """A system's graph, small."""
    if name == "multilevel":
        made = fused_graph.of_multilevel(model)
        quantise.shrink(made)
    else:
        made = quantise.dynamic_int8(fused_graph.of_joint(model), ())
    place.save(name, made)


def late(place: Place, bench: Bench) -> dict:
    """System `late`: its speech branch judged and calibrated alone, then fused; writes its graph and tables."""
    model = fused_recipe.trained_late(place)
    report = fused_recipe.judge_late(place, model)
    fused_recipe.export_late(place, model)
    calibration = report["calibration"]
    place.table("late_speech", {
        "trained_labels": [n for n, there in zip(LABELS, model.head.trained.tolist()) if there], "min_samples": late_train.MIN_SAMPLES,
        "stats_width": late_train.STATS, "prior_clips": PRIOR, "temperature": calibration["temperature"], "temperature_short": calibration["short"],
        "unknown_below": calibration["unknown_below"],
    })
    weights, found = system(bench, None, bench.late_voice(model, calibration["temperature"]))
    place.table("late", table(weights, False))
    return {"speech": report} | found


def run(place: Place) -> dict:
    """Every system that was trained; figures in `work/fused.json`."""
    torch.set_flush_denormal(True)
    bench = Bench(place)
    if (place.work / "late_speech.pt").exists():
        keep(place, "late", late(place, bench))
    # The trunk's head and the words under the same fusion, with no graph for both together: what the others must beat.
    keep(place, "two_scores", system(bench, None)[1])
    if (place.work / "multilevel.pt").exists():
        model = fused_recipe.load(Multilevel(), place.work / "multilevel.pt")
        keep(place, "multilevel", _fused(place, bench, "multilevel", model))
    joints = {}
    for head in HEADS:
        file = place.work / f"joint_{head}.pt"
        if file.exists():
            model = fused_recipe.load(fused_recipe.fresh_joint(place, head), file)
            joints[head] = (model, _measured(bench, model))
            keep(place, f"joint_{head}", joints[head][1][1])
    if joints:
        best = max(joints, key=lambda h: (-round(fusion_fit.cost(joints[h][1][1]["missed"]), 3), joints[h][1][1]["halves"]["same"]["fused"]))
        model, (weights, found) = joints[best]
        export_own(place, "joint", model)
        place.table("joint", table(weights, True))
        keep(place, "joint", {"head": best} | found)
    return json.loads((place.work / "fused.json").read_text(encoding="utf-8"))


def _measured(bench: Bench, model) -> tuple[fusion_fit.Weights, dict]:
    own = {split: bench.own(model, split) for split in ("dev", "test")}
    weights, found = system(bench, own)
    return weights, {"alone": alone(bench, own["test"])} | found


def _fused(place: Place, bench: Bench, name: str, model) -> dict:
    weights, found = _measured(bench, model)
    export_own(place, name, model)
    place.table(name, table(weights, True))
    return found
