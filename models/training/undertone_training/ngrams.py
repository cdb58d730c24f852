"""Which word follows which: counts of several sources, each smoothed (modified Kneser-Ney), laid together and thinned.

A source is a list of sentences, a sentence a list of words. Sources are weighed so that text held out becomes likeliest:
a little text of the right kind then counts for more than much of another.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

Sentences = Sequence[Sequence[str]]
LEAST_LEFT = 1e-5  # of a context's share, for words never seen after it


@dataclass
class Model:
    """Probabilities of words, of pairs, and the share that each first word leaves to pairs that are not listed."""

    alone: np.ndarray
    pairs: dict[int, dict[int, float]]
    left: dict[int, float]

    def after(self, first: int, second: int) -> float:
        """Probability of a word after another."""
        known = self.pairs.get(first, {}).get(second)
        return self.left.get(first, 1.0) * float(self.alone[second]) if known is None else known


def _discounts(counts: Counter) -> list[float]:
    """What is taken off a count of 0, 1, 2, and 3 or more (Chen and Goodman)."""
    n = Counter(min(c, 5) for c in counts.values())
    ratio = n[1] / (n[1] + 2 * n[2]) if n[1] else 0.5
    return [0.0] + [min(max(k - (k + 1) * ratio * n[k + 1] / n[k], 0.1), k - 0.1) if n[k] else 0.5 for k in (1, 2, 3)]


class Source:
    """Smoothed probabilities of one source. Words are numbers, the beginning of a sentence is `start`."""

    def __init__(self, sentences: Iterable[Sequence[int]], prior: np.ndarray, start: int):
        self.pairs = Counter(pair for s in sentences for pair in zip([start, *s], s) if min(pair) >= 0)
        heads = Counter(second for _, second in self.pairs)  # in how many contexts a word was seen
        self.discounts = _discounts(self.pairs)
        taken = _discounts(heads)
        self.seen: Counter[int] = Counter()
        self.spared: Counter[int] = Counter()
        for (first, _), count in self.pairs.items():
            self.seen[first] += count
            self.spared[first] += self.discounts[min(count, 3)]
        total = max(1, sum(heads.values()))
        self.alone = prior * (sum(taken[min(c, 3)] for c in heads.values()) / total if heads else 1.0)
        for word, count in heads.items():
            self.alone[word] += (count - taken[min(count, 3)]) / total

    def after(self, first: int, second: int) -> float:
        """Probability of a word after another."""
        if not (total := self.seen.get(first, 0)):
            return float(self.alone[second])
        count = self.pairs.get((first, second), 0)
        return (count - self.discounts[min(count, 3)] + self.spared[first] * float(self.alone[second])) / total


def weights(sources: list[Source], held_out: Iterable[Sequence[int]], start: int, rounds: int = 30) -> np.ndarray:
    """The sources' shares under which the held-out sentences are likeliest."""
    pairs = [pair for s in held_out for pair in zip([start, *s], s) if min(pair) >= 0]
    share = np.full(len(sources), 1.0 / len(sources))
    if not pairs:
        return share
    each = np.array([[source.after(*pair) for source in sources] for pair in pairs])
    for _ in range(rounds):
        part = each * share
        share = (part / part.sum(1, keepdims=True)).mean(0)
    return share


def model(sources: list[Source], share: np.ndarray, least_gain: float) -> Model:
    """The sources together; a pair stays if it makes running speech likelier by `least_gain` nats a word."""
    alone = sum(weight * source.alone for weight, source in zip(share, sources))
    often: Counter[int] = Counter()
    after: dict[int, dict[int, float]] = {}
    for weight, source in zip(share, sources):
        said = sum(source.seen.values())
        for first, count in source.seen.items():
            often[first] += weight * count / said
        for first, second in source.pairs:
            after.setdefault(first, {})[second] = 0.0
    kept, left = {}, {}
    for first, seconds in after.items():
        for second in seconds:
            seconds[second] = sum(weight * source.after(first, second) for weight, source in zip(share, sources))

        def rest(listed: dict[int, float]) -> float:
            return max(LEAST_LEFT, (1.0 - sum(listed.values())) / max(1e-9, 1.0 - sum(float(alone[w]) for w in listed)))

        share_left = rest(seconds)
        gains = {w: often[first] * p * math.log(p / (share_left * float(alone[w]))) for w, p in seconds.items()}
        kept[first] = {w: p for w, p in seconds.items() if gains[w] > least_gain}
        left[first] = min(1.0, rest(kept[first]))
    return Model(alone, kept, left)


def perplexity(found: Model, sentences: Iterable[Sequence[int]], start: int) -> float:
    """How many words, all alike, the next word is as hard to guess as; unknown words are left out."""
    nats = [-math.log(found.after(*pair)) for s in sentences for pair in zip([start, *s], s) if min(pair) >= 0]
    return math.exp(sum(nats) / max(1, len(nats)))
