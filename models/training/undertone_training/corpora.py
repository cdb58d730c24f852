"""Readers that turn a speech corpus on disk, in its published layout or as a manifest, into plain rows."""

import csv
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from . import held_corpora, labels, mosei
from .clip import Clip, need
from .errors import RecipeError


def _manifest(root: Path, with_labels: bool) -> Iterator[tuple[dict, Clip]]:
    """Rows of `manifest.csv` (path, label, speaker, text, split, …)."""
    file = root / "manifest.csv"
    with open(file, newline="", encoding="utf-8") as handle:
        reader = csv.DictReader(handle)
        missing = {"path", "speaker"} - set(reader.fieldnames or [])
        if missing:
            raise RecipeError(f"{file}: no column {', '.join(sorted(missing))}; write a header line with at least path and speaker")
        for number, row in enumerate(reader, start=2):
            name = (row.get("label") or "").strip()
            label = labels.to_index(name, f"{file}:{number}") if with_labels and name else None
            yield row, Clip(root / row["path"], row["speaker"], label, row.get("text") or "", row.get("split") or "")


_VOTE = re.compile(r"(\w+):(\d+)")


def parse_votes(text: str, where: str) -> list[float]:
    """Human votes written as `angry:6 sad:1 …` as shares over the seven labels; empty if nobody voted."""
    counts = [0.0] * len(labels.LABELS)
    for name, number in _VOTE.findall(text or ""):
        index = labels.to_index(name, where)
        if index is not None:
            counts[index] += float(number)
    total = sum(counts)
    return [c / total for c in counts] if total else []


_CREMA_CODES = {"ANG": "angry", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
_CREMA_TEXT = {
    "IEO": "It's eleven o'clock.", "TIE": "That is exactly what happened.", "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.", "TAI": "The airplane is almost full.", "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.", "ITH": "I think I have a doctor's appointment.", "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.", "TSI": "The surface is slick.", "WSI": "We'll stop in a couple of minutes.",
}
# Held-out speakers for the published layout, which names no split.
_CREMA_DEV = {"1007", "1014", "1021", "1028", "1035", "1042", "1049", "1056", "1063", "1070"}


def crema_d(root: Path) -> Iterator[Clip]:
    """CREMA-D: a manifest, or AudioWAV/1001_DFA_ANG_XX.wav with processedResults/tabulatedVotes.csv if it is there."""
    if (root / "manifest.csv").exists():
        for row, clip in _manifest(root, True):
            clip.votes = parse_votes(row.get("votes", ""), f"{root / 'manifest.csv'}: {row['path']}")
            yield clip
        return
    folder = need(root / "AudioWAV", "give the folder that holds CREMA-D's AudioWAV, or one with a manifest.csv")
    for file in sorted(folder.glob("*.wav")):
        parts = file.stem.split("_")
        if len(parts) != 4 or parts[2] not in _CREMA_CODES:
            raise RecipeError(f"{file}: not a CREMA-D name; expected speaker_sentence_emotion_level with emotion one of {', '.join(_CREMA_CODES)}")
        label = labels.to_index(_CREMA_CODES[parts[2]], str(file))
        yield Clip(file, f"crema_{parts[0]}", label, _CREMA_TEXT.get(parts[1], ""), "dev" if parts[0] in _CREMA_DEV else "train")


_EMODB_CODES = {"W": "angry", "L": "boredom", "E": "disgust", "A": "fear", "F": "happy", "T": "sad", "N": "neutral"}


def emodb(root: Path) -> Iterator[Clip]:
    """EMO-DB: a manifest, or wav/03a01Fa.wav."""
    if (root / "manifest.csv").exists():
        yield from (clip for _, clip in _manifest(root, True))
        return
    folder = need(root / "wav", "give the folder that holds EMO-DB's wav, or one with a manifest.csv")
    for file in sorted(folder.glob("*.wav")):
        if len(file.stem) < 6 or file.stem[5] not in _EMODB_CODES:
            raise RecipeError(f"{file}: not an EMO-DB name; its sixth letter must be one of {', '.join(_EMODB_CODES)}")
        yield Clip(file, f"emodb_{file.stem[:2]}", labels.to_index(_EMODB_CODES[file.stem[5]], str(file)))


def librispeech(root: Path) -> Iterator[Clip]:
    """LibriSpeech: a manifest, or SPLIT/SPEAKER/CHAPTER/*.trans.txt with the recordings beside it."""
    if (root / "manifest.csv").exists():
        yield from (clip for _, clip in _manifest(root, False))
        return
    found = sorted(root.glob("*/*/*/*.trans.txt"))
    if not found:
        raise RecipeError(f"{root}: no SPLIT/SPEAKER/CHAPTER/*.trans.txt; give LibriSpeech's top folder, or one with a manifest.csv")
    for sheet in found:
        for line in sheet.read_text(encoding="utf-8").splitlines():
            name, _, text = line.partition(" ")
            yield Clip(sheet.parent / f"{name}.flac", f"ls_{sheet.parent.parent.name}", None, text, sheet.parents[2].name)


READERS: dict[str, Callable[[Path], Iterator[Clip]]] = {
    "crema_d": crema_d, "emodb": emodb, "librispeech": librispeech,
    "iemocap": held_corpora.iemocap, "meld": held_corpora.meld, "ravdess": held_corpora.ravdess,
    "msp_podcast": held_corpora.msp_podcast, "mosei": mosei.mosei, "mosi": mosei.mosi,
}


def read(name: str, root: Path, allow_missing: bool = False) -> tuple[list[Clip], list[Path]]:
    """All clips of a corpus, and those that are not there; refuses a gap unless told to allow it."""
    if name not in READERS:
        raise RecipeError(f"unknown corpus '{name}'; the readers are: {', '.join(READERS)}")
    need(root, f"give the folder of {name} with --corpus {name}=FOLDER")
    clips = list(READERS[name](root))
    if not clips:
        raise RecipeError(f"{root}: no clip found; check that it is the top folder of {name}")
    missing = [path for path in dict.fromkeys(c.path for c in clips) if not path.exists()]
    if missing and not allow_missing:
        shown = ", ".join(str(p) for p in missing[:5])
        raise RecipeError(f"{root}: {len(missing)} of {len({c.path for c in clips})} recordings are missing ({shown}…); restore them or pass --allow-missing")
    gone = set(missing)
    return [c for c in clips if c.path not in gone], missing
