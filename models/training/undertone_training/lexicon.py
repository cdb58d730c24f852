"""Writes the words file of a pack: how words sound, how often they come, and which follow which.

Words and pronunciations are the CMU Pronouncing Dictionary's (BSD-2-Clause), costs are counted in the transcripts and
texts that the caller gives. Costs are −100 ln p. The form, line by line:

    undertone-lexicon 1
    # any number of lines of notice
    words N
    COST BACKOFF PHONES WORD        N lines; one letter a phone, phones.PHONES[1] being '0', [2] being '1' and so on
    pairs M
    FIRST SECOND COST               M lines; numbers of words, from 0; FIRST is N for the beginning of an utterance
"""

import math
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from . import phones, store

NOTICE = """# Words and pronunciations: the CMU Pronouncing Dictionary, Copyright (C) 1993-2015 Carnegie Mellon University,
# used under its BSD-2-Clause licence. Costs counted in LibriSpeech transcripts (CC BY 4.0), GoEmotions (CC BY 4.0) and
# XED (CC BY 4.0)."""
KNOWN_SHARE = 0.985  # of what is said, by words of the counted texts; the rest is shared among all others
DISCOUNT = 0.75
_FIRST_LETTER = ord("0")


def sentences(text: str) -> list[list[str]]:
    """A text as lists of plain words."""
    found = []
    for part in re.split(r"[.!?;:\n\"()\[\]]+", text.lower().replace("’", "'")):
        words = [w.strip("'") if w not in ("'em", "'tis", "'twas") else w for w in re.findall(r"[a-z']+", part)]
        found.append([w for w in words if w])
    return [s for s in found if s]


def letters(spoken: Iterable[str]) -> str:
    """Phones as one letter each."""
    return "".join(chr(_FIRST_LETTER + phones.PHONES.index(p) - 1) for p in spoken)


class Counts:
    """Words and pairs of words, each source with its own weight."""

    def __init__(self) -> None:
        self.words: Counter[str] = Counter()
        self.pairs: Counter[tuple[str, str]] = Counter()

    def add(self, texts: Iterable[str], weight: float) -> None:
        """Counts a source."""
        for text in texts:
            for sentence in sentences(text):
                for first, second in zip(["", *sentence], sentence):
                    self.words[second] += weight
                    self.pairs[first, second] += weight


def _cost(probability: float) -> int:
    return round(-100.0 * math.log(probability))


def build(counts: Counts, most_pairs: int = 110_000) -> str:
    """The file's text."""
    # Names of letters are no words of running speech, and the shortest strange words fit anywhere.
    spoken = {word: sounds for word, sounds in phones.pronunciations().items() if len(word) > 2 or counts.words[word] >= 20 or word == "o"}
    for letter in "bcdefghjklmnpqrstuvwxyz":
        spoken.pop(letter, None)
    for word in counts.words:
        if word not in spoken and counts.words[word] >= 1 and (known := phones.say(word)):
            spoken[word] = [list(known)]
    words = sorted(spoken)
    place = {word: n for n, word in enumerate(words)}
    seen = sum(c for w, c in counts.words.items() if w in place)
    known = sum(w in counts.words for w in words)
    floor = (1.0 - KNOWN_SHARE) / max(1, len(words) - known)
    single = {w: KNOWN_SHARE * counts.words[w] / seen if w in counts.words else floor for w in words}
    following: dict[str, dict[str, float]] = {}
    for (first, second), count in counts.pairs.items():
        if second in place and (first in place or not first):
            following.setdefault(first, {})[second] = count
    pairs, backoff = [], {}
    for first, seconds in following.items():
        total = sum(seconds.values())
        left = sum(min(c, DISCOUNT) for c in seconds.values()) / total
        left = max(left, 1e-3)
        backoff[first] = left
        for second, count in seconds.items():
            probability = max(0.0, count - DISCOUNT) / total + left * single[second]
            gain = count * math.log(probability / (left * single[second]))
            if probability > left * single[second] and gain > 0.0:
                pairs.append((gain, first, second, probability))
    pairs.sort(reverse=True)
    lines = ["undertone-lexicon 1", NOTICE, f"words {sum(len(v) for v in spoken.values())}"]
    numbers, number = {}, 0
    for word in words:
        numbers[word] = number
        for sounds in spoken[word]:
            lines.append(f"{_cost(single[word])} {_cost(backoff.get(word, 1.0))} {letters(sounds)} {word}")
            number += 1
    kept = sorted((number if not f else numbers[f], numbers[s], _cost(p)) for _, f, s, p in pairs[:most_pairs])
    lines.append(f"pairs {len(kept)} {_cost(backoff.get('', 1.0))}")
    lines += [f"{f} {s} {c}" for f, s, c in kept]
    return "\n".join(lines) + "\n"


def write(counts: Counts, path: Path) -> int:
    """Writes the file; returns its size."""
    text = build(counts)
    store.atomically(path, lambda part: part.write_text(text, encoding="ascii"))
    return len(text)
