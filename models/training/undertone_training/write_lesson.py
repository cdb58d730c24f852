"""What the writer is taught with: clips and stretches of clips as the engine hears them, and the words that are whole in them.

A stretch begins and ends anywhere. A word that is cut by its edge is not written: so the writer learns to wait for
the rest of a word, and not to guess at the end of one.
"""

import random
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from . import augment, ctc, phones
from .store import RATE, Item, Store
from .tokens import BEGIN, END, Tokens
from .trunk import RECEPTIVE, STRIDE, frames_of

WINDOW = 3.2  # seconds that the engine hears at most before an utterance is over
SHORTEST = 0.6
WHOLE = 0.45  # share of clips that are heard whole
NOTHING = 0.03  # share in which nobody speaks
SPOILT = 0.5


@dataclass
class Heard:
    """One clip's stretch: its sound and the words that are whole in it."""

    audio: np.ndarray
    words: list[str]


def seconds_of(frame: float) -> float:
    """Where an edge between two frames lies."""
    return (frame * STRIDE + (RECEPTIVE - STRIDE) / 2) / RATE


class Lesson:
    """Clips, and the frames at which each of their words begins (and, last, at which the last one ends)."""

    def __init__(self, store: Store, items: list[Item], edges: list[list[int] | None], tokens: Tokens):
        self.store, self.items, self.edges, self.tokens = store, items, edges, tokens

    def length(self, clip: int, whole: bool) -> float:
        """Seconds that a clip takes in a batch."""
        seconds = self.items[clip].seconds
        return seconds if whole else min(seconds, WINDOW)

    def hear(self, clip: int, whole: bool, dice: random.Random) -> Heard:
        """The clip, or a stretch of it, spoilt perhaps."""
        numbers = np.random.default_rng(dice.getrandbits(32))
        audio, words = self.store.audio(self.items[clip]), ctc.spelt(self.items[clip].text).split()
        edges = self.edges[clip]
        if not whole and edges is not None:
            length = dice.uniform(SHORTEST, WINDOW) if dice.random() < 0.5 else WINDOW
            last = max(0.0, len(audio) / RATE - length)
            start = 0.0 if dice.random() < 0.25 else dice.uniform(0.0, last)
            end = min(start + length, len(audio) / RATE)
            times = [seconds_of(edge) for edge in edges]
            words = [w for n, w in enumerate(words) if (times[n] >= start - 0.03 or (n == 0 and start == 0.0)) and times[n + 1] <= end + 0.02]
            audio = audio[int(start * RATE) : int(end * RATE)]
        if dice.random() < NOTHING:
            audio, words = augment.coloured_noise(len(audio), dice.uniform(0.0, 2.0), numbers) * 10.0 ** (-dice.uniform(10.0, 60.0) / 20.0), []
        if dice.random() < SPOILT:
            audio = augment.augment(audio, numbers)
        return Heard(np.asarray(audio, np.float32), words)

    def batch(self, picked: list[int], whole: bool, dice: random.Random) -> "Batch":
        """Sound of several clips, and what is to be written."""
        return Batch.of([self.hear(clip, whole, dice) for clip in picked], self.tokens)


@dataclass
class Batch:
    """Padded sound, and rows of tokens, letters and phones."""

    audio: Tensor
    samples: Tensor
    frames: Tensor
    ids: Tensor
    wanted: Tensor  # what follows each id; -100 where nothing is asked
    letters: list[list[int]]
    sounds: list[list[int] | None]

    @staticmethod
    def of(heard: list[Heard], tokens: Tokens) -> "Batch":
        """Pads and numbers them."""
        samples = torch.tensor([len(h.audio) for h in heard])
        audio = torch.zeros(len(heard), int(samples.max()))
        for row, h in enumerate(heard):
            audio[row, : len(h.audio)] = torch.from_numpy(h.audio)
        rows = [[BEGIN, *(piece for w in h.words for piece in tokens.word(w)), END] for h in heard]
        longest = max(map(len, rows))
        table = torch.full((len(rows), longest), -100)
        for at, row in enumerate(rows):
            table[at, : len(row)] = torch.tensor(row)
        said = [[phones.transcribe(w) for w in h.words] for h in heard]
        return Batch(
            audio, samples, torch.tensor([frames_of(int(n)) for n in samples]),
            torch.where(table < 0, END, table)[:, :-1], table[:, 1:],
            [ctc.spell(" ".join(h.words)) for h in heard],
            [[p for word in s for p in word] if all(s) else None for s in said],
        )
