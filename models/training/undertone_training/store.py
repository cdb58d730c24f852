"""Decoded audio on disk: one flat file of 16-bit samples a corpus, read in place, and an index of its clips."""

import json
import os
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly
from tqdm import tqdm

from . import corpora
from .clip import Clip
from .errors import RecipeError

RATE = 16000
FILMS = {".mp4", ".mkv", ".avi", ".mov"}


@dataclass
class Item:
    """One clip of a store."""

    corpus: str
    name: str
    speaker: str
    label: int | None
    text: str
    split: str
    votes: list[float]
    start: int
    samples: int
    span: list[int] | None = None  # where the engine found the voice, if it was asked
    affect: list[float | None] | None = None  # rated valence, arousal, dominance

    @property
    def seconds(self) -> float:
        """Its length."""
        return self.samples / RATE


def atomically(path: Path, write) -> None:
    """Calls `write(temporary path)` and moves the result into place, so that a kill never leaves half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    write(part)
    os.replace(part, path)


def _film(path: Path) -> tuple[np.ndarray, int]:
    """The sound of a film, by way of `ffmpeg`."""
    command = ["ffmpeg", "-nostdin", "-v", "error", "-i", str(path), "-vn", "-ac", "1", "-ar", str(RATE), "-f", "f32le", "-"]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except FileNotFoundError as problem:
        raise RecipeError(f"{path}: a film needs `ffmpeg`; install it, or put a .wav of the same name beside it") from problem
    if done.returncode:
        raise ValueError(done.stderr.decode(errors="replace").strip().splitlines()[-1:] or "ffmpeg failed")
    return np.frombuffer(done.stdout, np.float32)[:, None], RATE


def _read(path: Path, cut: tuple[float, float] | None) -> tuple[np.ndarray, int]:
    if path.suffix.lower() in FILMS:
        audio, rate = _film(path)
        return (audio[int(cut[0] * rate) : int(cut[1] * rate)] if cut else audio), rate
    with soundfile.SoundFile(path) as opened:
        if cut:
            opened.seek(min(opened.frames, int(cut[0] * opened.samplerate)))
            return opened.read(int((cut[1] - cut[0]) * opened.samplerate), dtype="float32", always_2d=True), opened.samplerate
        return opened.read(dtype="float32", always_2d=True), opened.samplerate


def decode(path: Path, cut: tuple[float, float] | None = None) -> np.ndarray:
    """A recording, or a stretch of it, as 16 kHz mono 16-bit samples."""
    try:
        audio, rate = _read(path, cut)
    except RecipeError:
        raise
    except Exception as problem:
        raise RecipeError(f"{path}: cannot be decoded ({problem}); replace the file or pass --allow-missing") from problem
    mono = audio.mean(axis=1)
    if mono.size == 0:
        raise RecipeError(f"{path}: holds no samples{f' from {cut[0]:g} to {cut[1]:g} s' if cut else ''}; replace the file or pass --allow-missing")
    if rate != RATE:
        step = np.gcd(rate, RATE)
        mono = resample_poly(mono, RATE // step, rate // step)
    return (np.clip(mono, -1.0, 1.0) * 32767.0).astype(np.int16)


def build(cache: Path, corpus: str, root: Path, allow_missing: bool = False, workers: int = 2) -> list[Path]:
    """Decodes a corpus into the cache; returns the files left out (only with `allow_missing`)."""
    clips, left_out = corpora.read(corpus, root, allow_missing)

    def attempt(clip: Clip) -> np.ndarray | RecipeError:
        try:
            return decode(clip.path, clip.cut)
        except RecipeError as problem:
            return problem

    rows: list[dict] = []
    position = 0

    def write(part: Path) -> None:
        nonlocal position
        with open(part, "wb") as out, ThreadPoolExecutor(workers) as pool:
            for clip, audio in zip(clips, tqdm(pool.map(attempt, clips), total=len(clips), desc=f"decode {corpus}", disable=None)):
                if isinstance(audio, RecipeError):
                    if not allow_missing:
                        raise audio
                    left_out.append(clip.path)
                    continue
                out.write(audio.tobytes())
                rows.append({
                    "name": clip.name, "speaker": clip.speaker, "label": clip.label, "text": clip.text,
                    "split": clip.split, "votes": clip.votes, "affect": clip.affect, "start": position, "samples": len(audio),
                })
                position += len(audio)

    atomically(cache / f"{corpus}.i16", write)
    atomically(cache / f"{corpus}.json", lambda part: part.write_text(json.dumps(rows), encoding="utf-8"))
    return left_out


def mark(cache: Path, corpus: str, spans: dict[str, tuple[int, int]]) -> int:
    """Notes where the engine found the voice in each clip; returns how many clips it found one in."""
    index = cache / f"{corpus}.json"
    if not index.exists():
        raise RecipeError(f"{index}: not found; prepare {corpus} before giving its spans")
    rows = json.loads(index.read_text(encoding="utf-8"))
    for row in rows:
        row["span"] = spans.get(row["name"])
    atomically(index, lambda part: part.write_text(json.dumps(rows), encoding="utf-8"))
    return sum(row["span"] is not None for row in rows)


class Store:
    """The decoded clips of some corpora."""

    def __init__(self, cache: Path, names: Iterable[str]):
        self.items: list[Item] = []
        self._audio: dict[str, np.ndarray] = {}
        for name in names:
            index = cache / f"{name}.json"
            if not index.exists():
                raise RecipeError(f"{index}: not found; run `prepare --cache {cache} --corpus {name}=FOLDER` first")
            self._audio[name] = np.memmap(cache / f"{name}.i16", dtype=np.int16, mode="r")
            self.items += [Item(corpus=name, **row) for row in json.loads(index.read_text(encoding="utf-8"))]

    def audio(self, item: Item) -> np.ndarray:
        """A clip's samples, −1 … 1."""
        return self._audio[item.corpus][item.start : item.start + item.samples].astype(np.float32) / 32768.0

    def select(self, corpus: str, split: str | None = None) -> list[Item]:
        """The clips of a corpus, or of one of its splits."""
        return [i for i in self.items if i.corpus == corpus and (split is None or i.split == split)]
