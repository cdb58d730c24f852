"""Finds how a system weighs its evidence, on dev speakers beside texts that no training saw, under promises it must keep.

Promises, in points of unweighted recall: beside neutral text and beside wrong words not under the voice alone by more than
one; with the voice at 0 dB over noise not under the text alone. Among the weights that keep them, the best beside text of
the same feeling wins. All of it is synthetic pairing.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from . import fuse, metrics
from .fuse import Evidence, Weights

SLACK = 0.01
TOLERANCE = 0.005
TEXT = (0.05, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0)
GAMMA = (0.5, 1.0, 1.5, 2.0)
OWN = (0.0, 0.15, 0.3, 0.4, 0.5, 0.75, 1.0)


@dataclass
class Case:
    """One way of pairing the dev clips."""

    name: str
    evidence: Evidence
    truth: np.ndarray


def recall(case: Case, scores: np.ndarray) -> float:
    """Unweighted recall."""
    return metrics.uar(case.truth, scores.argmax(axis=1))


def alone(case: Case, side: str, trained: list[bool]) -> float:
    """Recall of one side."""
    return recall(case, fuse.floored(case.evidence.voice, trained) if side == "voice" else case.evidence.words)


def shortfalls(cases: dict[str, Case], w: Weights, trained: list[bool]) -> dict[str, float]:
    """By how much each promise is missed; 0 or less where it is kept."""
    missed = {}
    for name in ("plain", "clash"):
        missed[name] = alone(cases[name], "voice", trained) - SLACK - recall(cases[name], fuse.scores(cases[name].evidence, w, trained))
    noisy = cases["noisy"]
    missed["noisy"] = alone(noisy, "words", trained) - recall(noisy, fuse.scores(noisy.evidence, w, trained))
    return missed


def cost(missed: dict[str, float]) -> float:
    """One number for broken promises; those to a clean voice come first, and half a point is within what chance does."""
    over = {name: max(0.0, value - TOLERANCE) for name, value in missed.items()}
    return 10.0 * max(over["plain"], over["clash"]) + over["noisy"]


def fit(cases: dict[str, Case], trained: list[bool], own: bool) -> tuple[Weights, dict[str, float]]:
    """The weights, and by how much they miss each promise."""
    best: tuple[tuple[float, float], Weights] | None = None
    for text, gamma, c in product(TEXT, GAMMA, OWN if own else (0.0,)):
        w = Weights(own=c, speech=1.0, text=text, gamma=gamma)
        value = (-cost(shortfalls(cases, w, trained)), recall(cases["same"], fuse.scores(cases["same"].evidence, w, trained)))
        if best is None or value > best[0]:
            best = (value, w)
    w = best[1]
    missed = shortfalls(cases, w, trained)
    mixed = mixture(cases)
    sums = np.log(np.maximum(fuse.scores(mixed.evidence, w, trained), 1e-12))
    w.temperature = metrics.temperature(sums, mixed.truth)
    scores = fuse.scores(mixed.evidence, w, trained)
    w.unknown_below = metrics.threshold(scores, mixed.truth)[0]
    return w, missed


def mixture(cases: dict[str, Case]) -> Case:
    """What calibration is fitted on: as many pairs with text of the same feeling, of none, and of another."""
    parts = [cases[name] for name in ("same", "plain", "clash")]
    e = [p.evidence for p in parts]

    def join(name: str):
        values = [getattr(x, name) for x in e]
        return None if values[0] is None else np.concatenate(values)

    joined = Evidence(*(join(n) for n in ("voice", "words", "voice_quality", "words_quality", "own")))
    return Case("mixture", joined, np.concatenate([p.truth for p in parts]))


def figures(cases: dict[str, Case], w: Weights, trained: list[bool]) -> dict:
    """Every case: the voice alone, the words alone, fused with its interval; and how honest the scores are."""
    found = {}
    for name, case in cases.items():
        scores = fuse.scores(case.evidence, w, trained)
        low, high = metrics.interval(case.truth, scores.argmax(axis=1))
        found[name] = {
            "n": len(case.truth), "voice": 100 * alone(case, "voice", trained), "words": 100 * alone(case, "words", trained),
            "fused": 100 * recall(case, scores), "interval": [100 * low, 100 * high],
        }
    mixed = mixture(cases)
    scores = fuse.scores(mixed.evidence, w, trained)
    sure = scores.max(axis=1) >= w.unknown_below
    found["calibration"] = {
        "ece": metrics.ece(scores, mixed.truth), "selective_coverage": float(sure.mean()),
        "selective_accuracy": float((scores.argmax(axis=1) == mixed.truth)[sure].mean()),
    }
    return found


def crossed(fitting: dict[str, Case], testing: dict[str, Case], speakers: list[str], trained: list[bool], own: bool) -> dict:
    """Weights found on half of the speakers beside one set of texts, measured on the other half beside another; both ways, averaged."""
    names = sorted(set(speakers))
    sides = [np.array([names.index(s) % 2 == k for s in speakers]) for k in (0, 1)]
    both = []
    for here, there in (sides, sides[::-1]):
        w, _ = fit(_part(fitting, here), trained, own)
        both.append(figures(_part(testing, there), w, trained))
    return {name: {k: float(np.mean([b[name][k] for b in both])) for k in both[0][name] if k not in ("n", "interval")} for name in both[0]}


def _part(cases: dict[str, Case], mask: np.ndarray) -> dict[str, Case]:
    return {n: Case(n, c.evidence.part(np.flatnonzero(mask)), c.truth[mask]) for n, c in cases.items()}
