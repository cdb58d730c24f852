"""Finds corpora in the folders a person names, by the usual names of their folders and files."""

import re
from pathlib import Path

from .errors import RecipeError

# The folder's name, small letters and digits only, by corpus.
_SPEECH = {
    "crema_d": {"cremad", "cremadmaster"}, "emodb": {"emodb", "berlin"}, "librispeech": {"librispeech"},
}
# Text sets are single files.
_TEXT = {
    "goemotions": {"goemotions.csv"}, "emobank": {"emobank.csv"},
    "davidson": {"tox_davidson.csv", "davidson.csv"}, "surge": {"tox_surge.csv", "surge.csv"},
}


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find(folders: list[Path]) -> tuple[dict[str, Path], dict[str, Path]]:
    """Speech corpora and text files among the folders, their children and a child named `text`; refuses if one is missing."""
    speech: dict[str, Path] = {}
    text: dict[str, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise RecipeError(f"{folder}: not found; give folders that hold the corpora")
        for place in [folder, *sorted(p for p in folder.iterdir() if p.is_dir())]:
            for name, names in _SPEECH.items():
                if _plain(place.name) in names:
                    speech.setdefault(name, place)
            for name, names in _TEXT.items():
                for file in sorted(place.glob("*.csv")):
                    if file.name.lower() in names:
                        text.setdefault(name, file)
    missing = [f"a folder {name}" for name in _SPEECH if name not in speech]
    missing += [f"a file {min(names)}" for name, names in _TEXT.items() if name not in text]
    if missing:
        raise RecipeError(f"{', '.join(map(str, folders))}: no {', no '.join(missing)}; README.md says where each comes from")
    return speech, text
