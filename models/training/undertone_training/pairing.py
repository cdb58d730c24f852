"""Synthetic pairing: clips of acted speech beside texts of the same, of no, or of another feeling.

The clips' own words are neutral sentences, so nothing here is natural speech with its own words; every figure that comes of
it must say so.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from . import text_corpora
from .errors import RecipeError
from .labels import INDEX, LABELS
from .store import atomically
from .text_corpora import Row

KINDS = ("same", "plain", "clash")
NEUTRAL = INDEX["neutral"]
LONGEST = 40  # tokens of a text that is paired


@dataclass
class Texts:
    """Texts with one label each, and what the shipped text graph makes of them."""

    labels: np.ndarray
    logits: np.ndarray
    states: dict[str, np.ndarray]  # `tokens` and `lower`, all texts' rows one after the other
    starts: np.ndarray

    def pick(self, rows: np.ndarray, name: str) -> tuple[Tensor, Tensor]:
        """States [batch, longest, width] of some texts, and their lengths."""
        counts = [int(self.starts[r + 1] - self.starts[r]) for r in rows]
        out = torch.zeros(len(rows), max(counts), self.states[name].shape[1])
        for place, (r, n) in enumerate(zip(rows, counts)):
            out[place, :n] = torch.from_numpy(self.states[name][self.starts[r] : self.starts[r + 1]].astype(np.float32))
        return out, torch.tensor(counts)


def choose(rows: list[Row], split: str, count: int, seed: int = 1) -> tuple[list[str], np.ndarray]:
    """Texts of a split with one label each, as a recogniser writes them; as many of each label as there are, evenly."""
    dice = np.random.default_rng(seed)
    single = [(text_corpora.as_spoken(r.text), int(np.argmax(r.emotion))) for r in rows if r.split == split and r.emotion is not None and max(r.emotion) == 1.0]
    single = [(t, c) for t, c in single if len(t.split()) >= 2]
    texts, labels = [], []
    for label in range(len(LABELS)):
        own = [t for t, c in single if c == label]
        for k in dice.permutation(len(own))[: count // len(LABELS)]:
            texts.append(own[k])
            labels.append(label)
    return texts, np.array(labels)


def states(graph: Path, tokenizer_file: Path, texts: list[str], labels: np.ndarray, file: Path) -> Texts:
    """What the text graph makes of the texts, kept in a file."""
    if not file.exists():
        import onnxruntime

        from .text_evaluate import _one_thread

        if not graph.exists():
            raise RecipeError(f"{graph}: not found; run `export --step text` first")
        tokenizer = Tokenizer.from_file(str(tokenizer_file))
        tokenizer.enable_truncation(LONGEST)
        tokenizer.no_padding()
        session = onnxruntime.InferenceSession(str(graph), _one_thread(), providers=["CPUExecutionProvider"])
        found = [session.run(["logits", "tokens", "lower"], {"ids": np.array([e.ids], np.int64)}) for e in tokenizer.encode_batch(texts)]
        starts = np.concatenate([[0], np.cumsum([f[1].shape[1] for f in found])])
        values = {
            "labels": labels, "starts": starts, "logits": np.concatenate([f[0] for f in found]),
            "tokens": np.concatenate([f[1][0] for f in found]).astype(np.float16), "lower": np.concatenate([f[2][0] for f in found]).astype(np.float16),
        }

        def write(part: Path) -> None:
            with open(part, "wb") as out:
                np.savez(out, **values)

        atomically(file, write)
    kept = np.load(file)
    return Texts(kept["labels"], kept["logits"], {k: kept[k] for k in ("tokens", "lower")}, kept["starts"])


def partners(labels: np.ndarray, texts: np.ndarray, kind: str | np.ndarray, dice: np.random.Generator) -> np.ndarray:
    """A text for each clip, by the texts' labels: of its own feeling, of none, or of another one."""
    pools = [np.flatnonzero(texts == c) for c in range(len(LABELS))]
    found = np.zeros(len(labels), int)
    for row, label in enumerate(labels):
        now = kind if isinstance(kind, str) else kind[row]
        if now == "plain":
            wanted = NEUTRAL
        elif now == "same":
            wanted = int(label)
        else:
            others = [c for c in range(len(LABELS)) if c not in (label, NEUTRAL) and len(pools[c])]
            wanted = int(dice.choice(others))
        found[row] = dice.choice(pools[wanted])
    return found


def kinds(count: int, shares: tuple[float, float, float], dice: np.random.Generator) -> np.ndarray:
    """For each clip, how its text relates to it."""
    return dice.choice(np.array(KINDS), size=count, p=np.array(shares) / sum(shares))
