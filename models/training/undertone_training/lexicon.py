"""Writes the words file of a pack: how words sound, how often they come, and which follow which.

Words and pronunciations are the CMU Pronouncing Dictionary's (BSD-2-Clause); how often they come is counted in the
transcripts and texts that the caller gives, and for words never seen there guessed from a list of word pieces in the
order of their frequency. The form, version 2: lines of text up to an empty one, then bytes.

    undertone-lexicon 2
    # any number of lines of notice

    u32 words N, u32 pairs M, u8 cost of what the beginning of an utterance leaves     little-endian
    N words, sorted by their bytes:
        u8 letters shared with the word before, u8 further letters, the letters
        u8 cost, u8 cost of what it leaves to words not listed after it
        u8 ways of being said, most usual first; each: u8 phones, the phones (1 is phones.PHONES[1])
    N + 1 lists of what follows, one for each word and last the beginning of an utterance:
        number of pairs; each: number of the word less that of the one before it in the list, u8 cost

A cost is −12 ln p, 255 at most. Numbers without a width are LEB128. Nothing follows.
"""

import html
import math
import re
import struct
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import ngrams, phones, store

NOTICE = """# Words and pronunciations: the CMU Pronouncing Dictionary, Copyright (C) 1993-2015 Carnegie Mellon University,
# used under its BSD-2-Clause licence. Costs counted in LibriSpeech transcripts (CC BY 4.0) and the texts named in the
# pack's manifest; ranks of words from a BERT's vocabulary (Apache-2.0)."""
FILE = "lexicon.bin"
COST = 12.0
UNRANKED = 0.3  # share of what a source never saw, by words without a rank
LEAST_GAIN = 3e-8
_SHORT_FROM = 20  # times that a word of one or two letters must have been seen: the shortest strange words fit anywhere


def sentences(text: str) -> list[list[str]]:
    """A text as lists of plain words."""
    plain = re.sub(r"https?://\S+|@\w+|\bRT\b|#", " ", html.unescape(text)).lower().replace("’", "'")
    found = []
    for part in re.split(r"[.!?\n]+", plain):
        words = [w if w in ("'em", "'tis", "'twas") else w.strip("'") for w in re.findall(r"[a-z']+", part)]
        found.append([w for w in words if w])
    return [s for s in found if s]


@dataclass
class Sources:
    """What is counted: sentences of each source, and some held out by which the sources are weighed."""

    sources: list[list[list[str]]]
    held_out: list[list[str]]
    ranked: list[str]

    @staticmethod
    def of(texts: Iterable[Iterable[str]], held_out: Iterable[str], ranked: Iterable[str] = ()) -> "Sources":
        """Texts as sentences."""
        read = lambda lines: [s for line in lines for s in sentences(line)]  # noqa: E731
        return Sources([read(lines) for lines in texts], read(held_out), [w for w in ranked if re.fullmatch(r"[a-z]+", w)])


def spoken(counts: Counter) -> dict[str, list[list[str]]]:
    """Every word that can be recognised, with its ways of being said."""
    found = {w: ways for w, ways in phones.pronunciations().items() if len(w) > 2 or counts[w] >= _SHORT_FROM or w == "o"}
    for letter in "bcdefghjklmnpqrstuvwxyz":  # names of letters are no words of running speech
        found.pop(letter, None)
    for word in counts:
        if word not in found and len(word) > 2 and (known := phones.say(word)):
            found[word] = [list(known)]
    return found


def prior(words: dict[str, int], ranked: list[str]) -> np.ndarray:
    """How likely words are that a source never saw."""
    share = np.full(len(words), 1.0)
    ranks = [(words[w], r) for r, w in enumerate(ranked) if w in words]
    if not ranks:
        return share / share.sum()
    share *= UNRANKED / share.sum()
    total = sum(1.0 / (r + 100) for _, r in ranks)
    for at, r in ranks:
        share[at] += (1.0 - UNRANKED) / (r + 100) / total
    return share


def learn(given: Sources) -> tuple[dict[str, list[list[str]]], ngrams.Model, dict[str, float]]:
    """Words with their sounds, in order; the model over their numbers; and what there is to say of it."""
    counts = Counter(w for source in given.sources for s in source for w in s)
    sounds = spoken(counts)
    sounds = {w: sounds[w] for w in sorted(sounds)}
    number = {w: n for n, w in enumerate(sounds)}
    start = len(number)
    numbered = lambda lines: [[number.get(w, -1) for w in s] for s in lines]  # noqa: E731
    guess = prior(number, given.ranked)
    sources = [ngrams.Source(numbered(s), guess, start) for s in given.sources]
    held_out = numbered(given.held_out)
    share = ngrams.weights(sources, held_out, start)
    model = ngrams.model(sources, share, LEAST_GAIN)
    said = {"words": len(sounds), "pairs": sum(map(len, model.pairs.values())), "perplexity_held_out": round(ngrams.perplexity(model, held_out, start), 1)}
    return sounds, model, said | {f"weight_{n}": round(float(w), 3) for n, w in enumerate(share)}


def _cost(probability: float) -> int:
    return min(255, max(0, round(-COST * math.log(probability))))


def _number(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def pack(sounds: dict[str, list[list[str]]], model: ngrams.Model) -> bytes:
    """The file's bytes."""
    place = {p: n for n, p in enumerate(phones.PHONES)}
    start, pairs = len(sounds), sum(map(len, model.pairs.values()))
    out = bytearray(f"undertone-lexicon 2\n{NOTICE}\n\n".encode("ascii"))
    out += struct.pack("<IIB", start, pairs, _cost(model.left.get(start, 1.0)))
    before = b""
    for number, (word, ways) in enumerate(sounds.items()):
        letters = word.encode("ascii")
        shared = next((n for n, (a, b) in enumerate(zip(before, letters)) if a != b), min(len(before), len(letters)))
        out += bytes([shared, len(letters) - shared]) + letters[shared:]
        out += bytes([_cost(model.alone[number]), _cost(model.left.get(number, 1.0)), len(ways)])
        for way in ways:
            out += bytes([len(way), *(place[p] for p in way)])
        before = letters
    for first in range(start + 1):
        listed = sorted(model.pairs.get(first, {}).items())
        out += _number(len(listed))
        last = 0
        for second, probability in listed:
            out += _number(second - last) + bytes([_cost(probability)])
            last = second
    return bytes(out)


def write(given: Sources, path: Path) -> dict[str, float]:
    """Writes the file; says what is in it."""
    sounds, model, said = learn(given)
    data = pack(sounds, model)
    store.atomically(path, lambda part: part.write_bytes(data))
    return said | {"bytes": len(data)}
