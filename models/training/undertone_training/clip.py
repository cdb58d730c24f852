"""What a reader says of one recording."""

from dataclasses import dataclass, field
from pathlib import Path

from .errors import RecipeError


@dataclass
class Clip:
    """One recording: where it is, and what is known of it."""

    path: Path
    speaker: str
    label: int | None = None
    text: str = ""
    split: str = ""
    votes: list[float] = field(default_factory=list)
    affect: list[float | None] | None = None  # rated valence, arousal, dominance, −1 … 1; None where one was not asked
    name: str = ""  # unlike any other of its corpus; the file's unless said
    cut: tuple[float, float] | None = None  # seconds of a longer recording

    def __post_init__(self) -> None:
        self.name = self.name or self.path.stem


def need(folder: Path, what: str) -> Path:
    """The folder, or a refusal that says what to give instead."""
    if not folder.exists():
        raise RecipeError(f"{folder}: not found; {what}")
    return folder
