"""The fusion of voice and words as the engine does it, for whole sets at once: log-linear, and a mixture where they clash.

Must stay the same as the engine's own; the weights found here are only right if it is.
"""

from dataclasses import dataclass

import numpy as np

from . import metrics
from .labels import INDEX

FLOOR = 0.02  # what a branch gives at least to a label it never learnt
SURE = 0.6  # a side is sure from this probability on
FIT = 0.5  # poorer evidence cannot contradict
HEARD_OUT = 0.3  # in a clash, the least the words weigh beside a voice whose evidence is as good
NEUTRAL = INDEX["neutral"]


@dataclass
class Weights:
    """A system's row of the manifest."""

    own: float = 0.0
    speech: float = 1.0
    text: float = 0.0
    gamma: float = 1.0
    doubt: float = 1.0
    lift: float = 0.0
    temperature: float = 1.0
    unknown_below: float = 0.0


@dataclass
class Evidence:
    """Scores of every pair's voice and words, how good each is, and the system's own scores where it has a graph."""

    voice: np.ndarray
    words: np.ndarray
    voice_quality: np.ndarray
    words_quality: np.ndarray
    own: np.ndarray | None = None

    def part(self, rows: np.ndarray) -> "Evidence":
        """Some of the pairs."""
        return Evidence(self.voice[rows], self.words[rows], self.voice_quality[rows], self.words_quality[rows], None if self.own is None else self.own[rows])


def floored(scores: np.ndarray, trained: list[bool]) -> np.ndarray:
    """Untrained labels raised to the floor, the others making room."""
    never = ~np.array(trained)
    raised = np.where(never, np.maximum(scores, FLOOR), scores)
    return raised / raised.sum(axis=1, keepdims=True)


def scores(e: Evidence, w: Weights, trained: list[bool]) -> np.ndarray:
    """Fused scores [pairs, labels]."""
    telling = np.clip(1.0 - e.words[:, NEUTRAL], 0.0, 1.0) ** w.gamma
    # Words stand in for what cannot be heard of the voice, but never grow surer than they are alone.
    lifted = np.minimum(w.text + w.lift * (1.0 - e.voice_quality) ** 2, max(w.text, w.temperature))
    heard = e.voice_quality**w.doubt  # some branches are lost in noise sooner than others
    speech, text = heard * w.speech, e.words_quality * lifted * telling
    said = e.words.argmax(axis=1)
    clash = (e.voice.argmax(axis=1) != said) & (said != NEUTRAL) & (e.voice.max(axis=1) > SURE) & (e.words.max(axis=1) > SURE)
    clash &= (e.voice_quality >= FIT) & (e.words_quality >= FIT)
    text = np.where(clash, np.maximum(text, speech * e.words_quality * HEARD_OUT), text)
    parts = [(floored(e.voice, trained), speech), (e.words, text)]
    if e.own is not None:
        # Of two opinions that contradict each other a third would hide one. It speaks where a pack weighs neither.
        asked = ~clash | (speech + text <= 0.0)
        parts.append((e.own, np.where(asked, w.own * np.minimum(heard, e.words_quality), 0.0)))
    total = sum(weight[:, None] * np.log(np.maximum(p, 1e-12)) for p, weight in parts)
    product = metrics.softmax(total, w.temperature)
    mixed = sum(weight[:, None] * p for p, weight in parts)
    mixed = mixed / np.maximum(mixed.sum(axis=1, keepdims=True), 1e-12)
    return np.where(clash[:, None], mixed, product)
