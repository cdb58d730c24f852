"""Error rates of what was recognised: edits over the length of the truth."""

from collections.abc import Sequence


def edits(truth: Sequence, found: Sequence) -> int:
    """The fewest insertions, deletions and substitutions between two sequences."""
    row = list(range(len(found) + 1))
    for i, wanted in enumerate(truth, start=1):
        before, row[0] = row[0], i
        for j, got in enumerate(found, start=1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (wanted != got))
    return row[-1]


def folded(path: list[int]) -> list[int]:
    """A CTC path without repeats and blanks."""
    return [p for n, p in enumerate(path) if p and (n == 0 or p != path[n - 1])]


class Rate:
    """Edits over a whole set."""

    def __init__(self) -> None:
        self.wrong, self.total = 0, 0

    def add(self, truth: Sequence, found: Sequence) -> None:
        """One more clip."""
        self.wrong += edits(truth, found)
        self.total += len(truth)

    def value(self) -> float:
        """The rate."""
        return self.wrong / max(1, self.total)
