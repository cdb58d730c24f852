"""The words head: characters by connectionist temporal classification."""

import re

import numpy as np
import torch
from torch import Tensor, nn

from .trunk import WIDTH

ALPHABET = ["", " ", "'"] + [chr(c) for c in range(ord("a"), ord("z") + 1)]
_PLACE = {symbol: i for i, symbol in enumerate(ALPHABET)}


def spelt(text: str) -> str:
    """A transcript in the alphabet's letters."""
    plain = re.sub(r"[^a-z' ]+", " ", text.lower().replace("’", "'"))
    return re.sub(r"\s+", " ", plain).strip()


def spell(text: str) -> list[int]:
    """A transcript as alphabet indices."""
    return [_PLACE[c] for c in spelt(text)]


def greedy(log_probs: np.ndarray) -> str:
    """The best symbol of every frame, repeats folded, blanks dropped."""
    best = log_probs.argmax(axis=-1)
    kept = [b for i, b in enumerate(best) if b and (i == 0 or b != best[i - 1])]
    return re.sub(r"\s+", " ", "".join(ALPHABET[b] for b in kept)).strip()


def head() -> nn.Linear:
    """Frames to symbols."""
    return nn.Linear(WIDTH, len(ALPHABET))


def loss(logits: Tensor, frames: Tensor, texts: list[list[int]]) -> Tensor:
    """CTC loss per symbol; a clip too short for its transcript counts nothing."""
    targets = torch.tensor([s for t in texts for s in t], dtype=torch.long)
    lengths = torch.tensor([len(t) for t in texts], dtype=torch.long)
    log_probs = torch.log_softmax(logits.float(), dim=-1).transpose(0, 1)
    return nn.functional.ctc_loss(log_probs, targets, frames, lengths, blank=0, reduction="sum", zero_infinity=True) / max(1, int(lengths.sum()))
