"""Where each word of a known transcript lies in a clip, told by the letters heard in it."""

import numpy as np

from . import ctc

GAP = ctc.ALPHABET.index(" ")


def align(log_probs: np.ndarray, symbols: list[int]) -> list[tuple[int, int]] | None:
    """The first and last frame of every symbol on the likeliest CTC path that spells them; None if there are too few frames."""
    labels = np.zeros(2 * len(symbols) + 1, np.int64)
    labels[1::2] = symbols
    skips = np.zeros(len(labels), bool)
    skips[3::2] = labels[3::2] != labels[1:-2:2]
    score = np.full(len(labels), -np.inf, np.float32)
    score[:2] = log_probs[0, labels[:2]]
    came = np.zeros((len(log_probs), len(labels)), np.int8)
    ways = np.full((3, len(labels)), -np.inf, np.float32)
    for t in range(1, len(log_probs)):
        ways[0] = score
        ways[1, 1:] = score[:-1]
        ways[2, 2:] = np.where(skips[2:], score[:-2], -np.inf)
        came[t] = ways.argmax(axis=0)
        score = ways.max(axis=0) + log_probs[t, labels]
    place = len(labels) - 1 - int(score[-1] < score[-2])
    if not np.isfinite(score[place]):
        return None
    spans: dict[int, tuple[int, int]] = {}
    for t in range(len(log_probs) - 1, -1, -1):
        if place % 2:
            spans[place // 2] = (t, spans.get(place // 2, (t, t))[1])
        place -= int(came[t, place])
    return [spans[n] for n in range(len(symbols))]


def cuts(log_probs: np.ndarray, text: str) -> list[int] | None:
    """The frames at which each word of a spelt text begins and, last, at which the last one ends."""
    symbols = ctc.spell(text)
    spans = align(log_probs, symbols)
    if spans is None:
        return None
    gaps = [n for n, s in enumerate(symbols) if s == GAP]
    return [0] + [(spans[n - 1][1] + spans[n + 1][0] + 1) // 2 for n in gaps] + [len(log_probs)]
