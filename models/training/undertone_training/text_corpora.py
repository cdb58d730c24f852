"""Readers for the text sets: GoEmotions, EmoBank, Davidson and Surge, in their published columns."""

import csv
import hashlib
import html
import re
from dataclasses import dataclass
from pathlib import Path

from . import labels
from .errors import RecipeError


@dataclass
class Row:
    """One text and whatever is known of it."""

    text: str
    split: str
    emotion: list[float] | None = None  # shares over the seven labels
    fine: list[float] | None = None  # GoEmotions' own 28 names, 0 or 1
    affect: list[float] | None = None  # valence, arousal, dominance, −1 … 1
    toxic: float | None = None


FINE = list(labels.GOEMOTIONS)


def _rows(file: Path, need: set[str]):
    if not file.exists():
        raise RecipeError(f"{file}: not found; give the CSV's path")
    with open(file, newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle)
        missing = need - set(reader.fieldnames or [])
        if missing:
            raise RecipeError(f"{file}: no column {', '.join(sorted(missing))}; the first line must name {', '.join(sorted(need))}")
        for number, row in enumerate(reader, start=2):
            yield f"{file}: row {number}", row


def clean(text: str) -> str:
    """Undoes HTML escapes and hides names, handles and links, which say nothing of feeling."""
    text = html.unescape(text or "")
    text = re.sub(r"https?://\S+", "", text)
    text = re.sub(r"@\w+:?", "", text)
    text = re.sub(r"\bRT\b", "", text)
    return re.sub(r"\s+", " ", text).strip()


def as_spoken(text: str) -> str:
    """The text as a recogniser would write it: small letters, no punctuation."""
    return re.sub(r"\s+", " ", re.sub(r"[^a-z' ]+", " ", text.lower().replace("’", "'"))).strip()


def goemotions(file: Path) -> list[Row]:
    """`text,label,split,id`; several labels are joined by `|`, their shares are equal."""
    found = []
    for where, row in _rows(file, {"text", "label", "split"}):
        indices = labels.goemotions_indices(row["label"], where)
        names = {n.strip().lower() for n in row["label"].split("|")}
        emotion = [1.0 / len(indices) if i in indices else 0.0 for i in range(len(labels.LABELS))]
        found.append(Row(clean(row["text"]), row["split"], emotion, [1.0 if n in names else 0.0 for n in FINE]))
    return found


def emobank(file: Path) -> list[Row]:
    """`text,split,V,A,D` on a scale of 1 to 5."""
    return [Row(clean(row["text"]), row["split"], affect=[(float(row[k]) - 3.0) / 2.0 for k in "VAD"])
            for _, row in _rows(file, {"text", "split", "V", "A", "D"})]


def _split_of(text: str) -> str:
    """A split that depends on the text alone, so that a repeated text never sits in two: 80, 10, 10 in a hundred."""
    number = int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 100
    return "train" if number < 80 else "dev" if number < 90 else "test"


_TOXIC = {"hate": 1.0, "offensive": 1.0, "neither": 0.0, "toxic": 1.0, "not toxic": 0.0}


def toxicity(file: Path) -> list[Row]:
    """`text,label` of Davidson (hate, offensive, neither) or Surge (Toxic, Not Toxic)."""
    found = []
    for where, row in _rows(file, {"text", "label"}):
        key = row["label"].strip().lower()
        if key not in _TOXIC:
            raise RecipeError(f"{where}: unknown label '{row['label']}'; the names understood are: {', '.join(_TOXIC)}")
        text = clean(row["text"])
        found.append(Row(text, _split_of(text), toxic=_TOXIC[key]))
    return found
