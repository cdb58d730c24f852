"""What the words of a pack are counted in, and the file of them."""

import csv
from pathlib import Path

from . import corpora, lexicon
from .errors import RecipeError
from .words_train import HELD_OUT, TEST_SPLIT

COUNTED = (
    ("GoEmotions", "CC BY 4.0"),
    ("EmoBank", "CC BY-SA 4.0"),
    ("XED", "CC BY 4.0"),
    ("Davidson et al., hate and offensive speech", "MIT"),
    ("Surge AI toxicity", "MIT"),
    ("all-MiniLM-L6-v2", "Apache-2.0"),  # the order of its vocabulary
)


def counted(clips: list, texts: list[Path], vocab: Path | None) -> lexicon.Sources:
    """What words are counted in: the training transcripts, and texts with a `text` column, each a source of its own."""
    learnt = [c for c in clips if c.split != TEST_SPLIT]
    sources = [[c.text for c in learnt if c.speaker not in HELD_OUT]]
    for file in texts:
        with open(file, newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            if "text" not in (reader.fieldnames or []):
                raise RecipeError(f"{file}: no column text; give a CSV that has one")
            sources.append([row["text"] for row in reader])
    ranked = vocab.read_text(encoding="utf-8").splitlines() if vocab else []
    return lexicon.Sources.of(sources, [c.text for c in learnt if c.speaker in HELD_OUT], ranked)


def write_lexicon(librispeech: Path, texts: list[Path], vocab: Path | None, file: Path) -> dict[str, float]:
    """Writes the file of words alone."""
    clips, _ = corpora.read("librispeech", librispeech, allow_missing=True)
    return lexicon.write(counted(clips, texts, vocab), file)
