"""What one batch of the spelling lesson is: frames with what is said in them, some clips cut between words and joined anew.

Joining breaks up sentences, so that the layers above learn sounds and not five hours of books by heart.
"""

import random

import numpy as np
import torch
from torch import Tensor

from . import ctc, phones
from .spell_align import GAP
from .spell_views import Frames
from .store import Item
from .trunk import WIDTH

Piece = tuple[np.ndarray, list[list[int]], list[list[int]] | None]  # frames, letters of each word, phones of each word


class Lesson:
    """Every clip's words as letters and as phones, and where they lie once that is known."""

    def __init__(self, items: list[Item]):
        words = [ctc.spelt(i.text).split() for i in items]
        self.letters = [[ctc.spell(w) for w in said] for said in words]
        known = [[phones.transcribe(w) for w in said] for said in words]
        self.sounds = [said if said and all(said) else None for said in known]
        self.edges: list[list[int] | None] = [None] * len(items)

    def learn(self, edges: list[list[int] | None], sounds: list[list[list[int]] | None]) -> None:
        """Takes over where the words lie, and the phones of unlisted ones as they were heard."""
        self.edges, self.sounds = edges, sounds

    def _piece(self, frames: Frames, clip: int) -> Piece:
        return frames.frames[frames.starts[clip] : frames.starts[clip + 1]], self.letters[clip], self.sounds[clip]

    def _halves(self, frames: Frames, clip: int, dice: random.Random) -> tuple[Piece, Piece]:
        """The clip cut before one of its words."""
        heard, letters, sounds = self._piece(frames, clip)
        word = dice.randint(1, len(letters) - 1)
        cut = min(len(heard) - 1, max(1, round(self.edges[clip][word] * frames.view.up / frames.view.down)))
        return (heard[:cut], letters[:word], sounds and sounds[:word]), (heard[cut:], letters[word:], sounds and sounds[word:])

    def batch(self, frames: Frames, picked: list[int], dice: random.Random, joined: float) -> tuple[Tensor, Tensor, list[list[int]], list[list[int] | None]]:
        """Frames [clips, longest, WIDTH], their counts, letters and phones; a share `joined` of the clips swap their ends."""
        first = [self._piece(frames, clip) for clip in picked]
        ends = {}
        for row, clip in enumerate(picked):
            if self.edges[clip] is not None and len(self.letters[clip]) > 1 and dice.random() < joined:
                first[row], ends[row] = self._halves(frames, clip, dice)
        others = list(ends)
        dice.shuffle(others)
        for row, other in zip(ends, others):
            (heard, letters, sounds), (heard2, letters2, sounds2) = first[row], ends[other]
            first[row] = np.concatenate([heard, heard2]), letters + letters2, sounds + sounds2 if sounds and sounds2 else None
        counts = torch.tensor([len(heard) for heard, _, _ in first])
        states = torch.zeros(len(first), int(counts.max()), WIDTH)
        for row, (heard, _, _) in enumerate(first):
            states[row, : len(heard)] = torch.from_numpy(heard.astype(np.float32))
        spelt = [[s for n, word in enumerate(letters) for s in ([GAP] if n else []) + word] for _, letters, _ in first]
        said = [[p for word in sounds for p in word] if sounds else None for _, _, sounds in first]
        return states, counts, spelt, said
