"""Finds corpora in the folders a person names, by the usual names of their folders and files."""

import re
from pathlib import Path

from .errors import RecipeError

# The folder's name, small letters and digits only, by corpus.
_SPEECH = {
    "crema_d": {"cremad", "cremadmaster"}, "emodb": {"emodb", "berlin"}, "librispeech": {"librispeech"},
}
# Text sets, and the speaker-recognition network that `late_speech` starts from, are single files.
_TEXT = {
    "goemotions": {"goemotions.csv"}, "emobank": {"emobank.csv"},
    "davidson": {"tox_davidson.csv", "davidson.csv"}, "surge": {"tox_surge.csv", "surge.csv"}, "xed": {"xed_en.csv"},
    "speakers": {"voxceleb_resnet34.onnx", "voxceleb_resnet34_lm.onnx", "speaker_resnet34.ort"},
}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find(folders: list[Path]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Speech corpora and single files in the folders and their children; refuses if one is missing."""
    speech: dict[str, Path] = {}
    single: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise RecipeError(f"{folder}: not found; give folders that hold the corpora")
        for place in [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]:
            for name, names in _SPEECH.items():
                if _plain(place.name) in names:
                    speech.setdefault(name, place)
            for name, names in _TEXT.items():
                for file in sorted(f for f in place.iterdir() if f.is_file()):
                    if file.name.lower() in names:
                        single.setdefault(name, file)
    missing = [f"a folder {name}" for name in _SPEECH if name not in speech]
    missing += [f"a file {min(names)}" for name, names in _TEXT.items() if name not in single]
    if missing:
        raise RecipeError(f"{', '.join(map(str, folders))}: no {', no '.join(missing)}; README.md says where each comes from")
    return speech, single
