"""Finds how a system weighs its evidence, on held-out speakers beside texts that no training saw, under promises it must keep.

Promises, in points of unweighted recall: beside neutral text and beside wrong words not under the voice alone by more than
one; with the voice at 0 dB over noise not under the text alone; beside fitting words over both. Among the weights that keep
them with something to spare, the best beside fitting words wins. All of it is synthetic pairing.
"""

from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from scipy.optimize import minimize_scalar

from . import fuse, metrics
from .fuse import Evidence, Weights

SLACK = 0.01
SPARE = 0.0075  # what is kept to spare, so that other texts do not break a promise by chance
SURE = 0.81  # accuracy over the threshold, for the same reason a little over the 0.80 that is stated
TEXT = (0.0, 0.025, 0.05, 0.075, 0.1, 0.125, 0.15, 0.175, 0.2, 0.25, 0.3, 0.4)
GAMMA = (0.5, 1.0, 2.0)
OWN = (0.0, 0.15, 0.3, 0.4, 0.5, 0.6, 0.75, 0.9, 1.0, 1.25, 1.5, 2.0)
DOUBT = (1.0, 2.0, 4.0, 8.0)
LIFT = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0)
ROUNDS = 4


@dataclass
class Case:
    """One way of pairing clips with texts. A clip may come as several utterances, or as none that was heard."""

    name: str
    evidence: Evidence
    truth: np.ndarray  # of clips
    clip: np.ndarray | None = None  # whose utterance each row of the evidence is; each row a clip where there is none
    seconds: np.ndarray | None = None

    def whole(self, scores: np.ndarray) -> np.ndarray:
        """Scores of clips: their utterances', each with the weight of its length; nothing heard is nothing known."""
        if self.clip is None:
            return scores
        sums = np.zeros((len(self.truth), scores.shape[1]))
        np.add.at(sums, self.clip, scores * self.seconds[:, None])
        total = sums.sum(axis=1, keepdims=True)
        return np.where(total > 0.0, sums / np.maximum(total, 1e-12), 1.0 / scores.shape[1])

    def part(self, mask: np.ndarray) -> "Case":
        """Some of the clips."""
        if self.clip is None:
            return Case(self.name, self.evidence.part(np.flatnonzero(mask)), self.truth[mask])
        rows = np.flatnonzero(mask[self.clip])
        place = np.cumsum(mask) - 1
        return Case(self.name, self.evidence.part(rows), self.truth[mask], place[self.clip[rows]], self.seconds[rows])


def recall(case: Case, scores: np.ndarray) -> float:
    """Unweighted recall of clips."""
    return metrics.uar(case.truth, case.whole(scores).argmax(axis=1))


def alone(case: Case, side: str) -> float:
    """Recall of one side."""
    return recall(case, case.evidence.voice if side == "voice" else case.evidence.words)


class Promises:
    """What must hold, and the sides' own recall that it is held against."""

    def __init__(self, cases: dict[str, Case], trained: list[bool]):
        self.cases, self.trained = cases, trained
        self.least = {n: alone(cases[n], "voice") - SLACK for n in ("plain", "clash")}
        self.least["noisy"] = alone(cases["noisy"], "words")
        self.least["same"] = max(alone(cases["same"], side) for side in ("voice", "words"))

    def shortfalls(self, w: Weights) -> dict[str, float]:
        """By how much each promise is missed; 0 or less where it is kept."""
        return {n: least - recall(self.cases[n], fuse.scores(self.cases[n].evidence, w, self.trained)) for n, least in self.least.items()}


def cost(missed: dict[str, float]) -> float:
    """One number for broken promises; those to a clean voice come first."""
    over = {name: max(0.0, value + SPARE) for name, value in missed.items()}
    return 10.0 * max(over["plain"], over["clash"], over["same"]) + over["noisy"]


def tried(w: Weights, own: bool) -> list[list[Weights]]:
    """Other weights than these: how sides lie beside each other, and what becomes of a voice that is poorly heard."""
    beside = [replace(w, own=c, text=text, gamma=gamma) for text, gamma, c in product(TEXT, GAMMA, OWN if own else (0.0,))]
    return [beside, [replace(w, doubt=doubt, lift=lift) for doubt, lift in product(DOUBT, LIFT)]]


def surprise(case: Case, w: Weights, trained: list[bool]) -> float:
    """Cross-entropy of clips."""
    scores = case.whole(fuse.scores(case.evidence, w, trained))
    return float(-np.mean(np.log(scores[np.arange(len(case.truth)), case.truth] + 1e-12)))


def fit(cases: dict[str, Case], trained: list[bool], own: bool) -> tuple[Weights, dict[str, float]]:
    """The weights, and by how much they miss each promise.

    Two questions, each settled with the other's best answer in turn. How the sides lie beside each other: what is best beside
    fitting words. What becomes of a voice that is poorly heard: what leaves scores at 0 dB that are as sure as they are right.
    """
    promises, mixed = Promises(cases, trained), mixture(cases)

    def worth(w: Weights, question: int) -> tuple[float, float]:
        missed = promises.shortfalls(w)
        return -cost(missed), -surprise(cases["noisy"], w, trained) if question else -missed["same"]

    w, before = Weights(text=0.1, lift=4.0), None
    for _ in range(ROUNDS):
        for question in range(2):
            w = max(tried(w, own)[question], key=lambda other, question=question: worth(other, question))
            calibrate(w, mixed, trained)
        if w == before:
            break
        before = replace(w)
    return w, promises.shortfalls(w)


def calibrate(w: Weights, case: Case, trained: list[bool]) -> None:
    """Sets the temperature of least cross-entropy, and the threshold over which the wanted accuracy holds."""

    def at(log_t: float) -> float:
        return surprise(case, replace(w, temperature=float(np.exp(log_t))), trained)

    w.temperature = float(np.exp(minimize_scalar(at, bounds=(-2.5, 2.5), method="bounded").x))
    w.unknown_below = metrics.threshold(case.whole(fuse.scores(case.evidence, w, trained)), case.truth, SURE)[0]


def mixture(cases: dict[str, Case]) -> Case:
    """What calibration is fitted on: as many pairs with text of the same feeling, of none, and of another."""
    parts = [cases[name] for name in ("same", "plain", "clash")]
    e = [p.evidence for p in parts]

    def join(name: str):
        values = [getattr(x, name) for x in e]
        return None if values[0] is None else np.concatenate(values)

    joined = Evidence(*(join(n) for n in ("voice", "words", "voice_quality", "words_quality", "own")))
    truth = np.concatenate([p.truth for p in parts])
    if parts[0].clip is None:
        return Case("mixture", joined, truth)
    firsts = np.cumsum([0] + [len(p.truth) for p in parts[:-1]])
    return Case("mixture", joined, truth, np.concatenate([p.clip + first for p, first in zip(parts, firsts)]), np.concatenate([p.seconds for p in parts]))


def figures(cases: dict[str, Case], w: Weights, trained: list[bool]) -> dict:
    """Every case: the voice alone, the words alone, fused with its interval; and how honest the scores are."""
    found = {}
    for name, case in cases.items():
        scores = fuse.scores(case.evidence, w, trained)
        low, high = metrics.interval(case.truth, case.whole(scores).argmax(axis=1))
        found[name] = {
            "n": len(case.truth), "voice": 100 * alone(case, "voice"), "words": 100 * alone(case, "words"),
            "fused": 100 * recall(case, scores), "interval": [100 * low, 100 * high],
        }
    mixed = mixture(cases)
    scores = mixed.whole(fuse.scores(mixed.evidence, w, trained))
    sure = scores.max(axis=1) >= w.unknown_below
    found["calibration"] = {
        "ece": metrics.ece(scores, mixed.truth), "selective_coverage": float(sure.mean()),
        "selective_accuracy": float((scores.argmax(axis=1) == mixed.truth)[sure].mean()),
    }
    return found


def crossed(fitting: dict[str, Case], testing: dict[str, Case], speakers: tuple[list[str], list[str]], trained: list[bool], own: bool) -> dict:
    """Weights found on half of the speakers beside one set of texts, measured on the other half beside another; both ways, averaged."""
    names = sorted(set(speakers[0]))
    fitted, tested = ([np.array([names.index(s) % 2 == k for s in own]) for k in (0, 1)] for own in speakers)
    both = []
    for here, there in zip(fitted, tested[::-1]):
        w, _ = fit({n: c.part(here) for n, c in fitting.items()}, trained, own)
        both.append(figures({n: c.part(there) for n, c in testing.items()}, w, trained))
    return {name: {k: float(np.mean([b[name][k] for b in both])) for k in both[0][name] if k not in ("n", "interval")} for name in both[0]}
