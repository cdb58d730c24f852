"""Readers for CMU-MOSI and CMU-MOSEI: the SDK's label file, its folds, and the raw sound it was cut from."""

import re
from collections.abc import Iterator
from pathlib import Path

from . import labels
from .clip import Clip
from .errors import RecipeError
from .held_corpora import folds

# The columns of CMU_MOSEI_Labels.csd: sentiment −3 … 3, then six emotions 0 … 3.
_EMOTIONS = ("happy", "sad", "anger", "surprise", "disgust", "fear")


def _segments(file: Path, width: int) -> Iterator[tuple[str, int, float, float, list[float]]]:
    """Every rated segment: video, number in time, start, end, ratings."""
    try:
        import h5py
    except ImportError as problem:
        raise RecipeError("h5py is not installed; install the recipe's requirements, the label file is in its format") from problem
    try:
        with h5py.File(file, "r") as opened:
            data = next((group["data"] for group in opened.values() if "data" in group), None)
            if data is None:
                raise RecipeError(f"{file}: holds no computational sequence; take the SDK's own label file")
            for video in sorted(data):
                values, times = data[video]["features"][()], data[video]["intervals"][()]
                if values.ndim != 2 or values.shape[1] != width or times.shape != (len(values), 2):
                    raise RecipeError(f"{file}: {video} has ratings of shape {values.shape}, [segments, {width}] is needed")
                for number, at in enumerate(sorted(range(len(times)), key=lambda i: float(times[i][0]))):
                    yield video, number, float(times[at][0]), float(times[at][1]), [float(v) for v in values[at]]
    except OSError as problem:
        raise RecipeError(f"{file}: cannot be read ({problem}); take the SDK's own label file") from problem


def _labels_file(root: Path, pattern: str) -> Path:
    file = next(iter(sorted(root.rglob(pattern))), None)
    if file is None:
        raise RecipeError(f"{root}: no {pattern}; fetch the labels with the CMU Multimodal SDK")
    return file


def _sounds(root: Path) -> dict[str, Path]:
    """Whole videos' sound by name; the cut copies are passed by."""
    return {f.stem: f for f in sorted(root.rglob("*.wav")) if "Segmented" not in f.parts}


def _clips(root: Path, pattern: str, width: int, corpus: str, text) -> Iterator[tuple[Clip, list[float]]]:
    split, sounds = folds(root), _sounds(root)
    for video, number, start, end, ratings in _segments(_labels_file(root, pattern), width):
        if video not in split:
            continue  # rated, but in none of the standard folds
        file = sounds.get(video, root / f"{video}.wav")
        clip = Clip(file, f"{corpus}_{video}", None, text(video, number, start), split[video], name=f"{video}_{number}", cut=(start, end))
        clip.affect = [ratings[0] / 3.0, None, None]
        yield clip, ratings


def mosei(root: Path) -> Iterator[Clip]:
    """CMU-MOSEI: CMU_MOSEI_Labels.csd, cmu_mosei_std_folds.py, VIDEO.wav, Segmented/Combined/VIDEO.txt.

    A segment's label is its strongest emotion, neutral where nobody saw any, none where two are as strong.
    """
    sheets = {f.stem: f for f in root.rglob("*.txt") if "Combined" in f.parts}
    said: dict[str, list[tuple[float, str]]] = {}

    def text(video: str, _number: int, start: float) -> str:
        if video not in said:
            lines = sheets[video].read_text(encoding="utf-8", errors="replace").splitlines() if video in sheets else []
            parts = [line.split("___", 4) for line in lines]
            said[video] = [(float(p[2]), p[4].strip()) for p in parts if len(p) == 5]
        nearest = min(said[video], key=lambda s: abs(s[0] - start), default=None)
        return nearest[1] if nearest and abs(nearest[0] - start) < 0.5 else ""

    for clip, ratings in _clips(root, "*MOSEI*abels*.csd", 7, "mosei", text):
        strengths = [max(0.0, r) for r in ratings[1:]]
        top = max(strengths)
        if top <= 0.0:
            clip.label = labels.INDEX["neutral"]
        else:
            strongest = [n for n, s in zip(_EMOTIONS, strengths) if s == top]
            clip.label = labels.to_index(strongest[0], "CMU-MOSEI") if len(strongest) == 1 else None
            clip.votes = [0.0] * len(labels.LABELS)
            for name, strength in zip(_EMOTIONS, strengths):
                clip.votes[labels.to_index(name, "CMU-MOSEI")] = strength / sum(strengths)
        yield clip


def mosi(root: Path) -> Iterator[Clip]:
    """CMU-MOSI: CMU_MOSI_Opinion_Labels.csd, cmu_mosi_std_folds.py, VIDEO.wav, Segmented/VIDEO.annotprocessed.

    It rates sentiment and no emotion: its clips carry valence, text and no label.
    """
    sheets = {f.stem: f for f in root.rglob("*.annotprocessed")}
    said: dict[str, dict[int, str]] = {}

    def text(video: str, number: int, _start: float) -> str:
        if video not in said:
            body = sheets[video].read_text(encoding="utf-8", errors="replace") if video in sheets else ""
            said[video] = {int(n): t.strip() for n, t in re.findall(r"^(\d+)_DELIM_(.*)$", body, re.MULTILINE)}
        return said[video].get(number + 1, "")

    for clip, _ in _clips(root, "*MOSI*abels*.csd", 1, "mosi", text):
        yield clip
