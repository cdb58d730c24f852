"""Tiny corpora in the published layouts, made of tones."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))


def tone(path: Path, seconds: float = 0.6, pitch: float = 200.0, rate: int = 16000) -> None:
    """Writes a short tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(int(seconds * rate)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch * t), rate)


@pytest.fixture
def crema(tmp_path: Path) -> Path:
    """CREMA-D's own layout."""
    for i, code in enumerate(["ANG", "HAP", "NEU", "SAD", "FEA", "DIS"]):
        tone(tmp_path / "crema" / "AudioWAV" / f"1001_DFA_{code}_XX.wav", pitch=150 + 30 * i)
    tone(tmp_path / "crema" / "AudioWAV" / "1007_IEO_ANG_HI.wav", rate=48000)
    return tmp_path / "crema"


@pytest.fixture
def emodb(tmp_path: Path) -> Path:
    """EMO-DB's own layout."""
    for name in ["03a01Fa", "03a01Nc", "08a02La"]:
        tone(tmp_path / "emodb" / "wav" / f"{name}.wav")
    return tmp_path / "emodb"


@pytest.fixture
def librispeech(tmp_path: Path) -> Path:
    """LibriSpeech's own layout."""
    folder = tmp_path / "libri" / "test-clean" / "1089" / "134686"
    tone(folder / "1089-134686-0000.flac")
    (folder / "1089-134686.trans.txt").write_text("1089-134686-0000 HE HOPED THERE'D BE STEW\n", encoding="utf-8")
    return tmp_path / "libri"
