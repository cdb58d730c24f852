"""The steps of the words branch over a pack that exists: spell (train), then words (write graphs and lexicon)."""

import csv
import json
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from . import checkpoint, ctc, lexicon, pack_trunk, phones, spell_export, spell_train
from .errors import RecipeError
from .spell_views import VIEWS, Frames
from .store import Store, atomically
from .words_train import TEST_SPLIT


def _start(pack: Path) -> tuple:
    """The pack's trunk, and heads that begin where its letters are."""
    trunk, heads = pack_trunk.load(pack / "trunk.onnx"), spell_train.Heads()
    weights = [numpy_helper.to_array(t) for t in onnx.load(pack / "words.onnx").graph.initializer]
    for value in weights:
        if value.shape == tuple(reversed(heads.words.weight.shape)):
            heads.words.weight.data = torch.tensor(value.T.copy())
        if value.shape == tuple(heads.words.bias.shape):
            heads.words.bias.data = torch.tensor(value)
    return trunk, heads


def train(cache: Path, work: Path, pack: Path, plan: spell_train.Plan) -> None:
    """Trains the upper layers and both heads over every view."""
    store = Store(cache, ["librispeech"])
    trunk, heads = _start(pack)
    items = [i for i in store.select("librispeech") if i.split != TEST_SPLIT]
    views = [Frames(work, view, items).build(trunk, store, plan.seed) for view in VIEWS]
    spell_train.train(trunk, heads, views, work, plan)


def counted(store: Store, texts: list[Path]) -> lexicon.Counts:
    """Words of the training transcripts, three times over, and of texts with a `text` column."""
    counts = lexicon.Counts()
    learnt = [i for i in store.select("librispeech") if i.split != TEST_SPLIT and i.speaker not in spell_train.HELD_OUT]
    counts.add((i.text for i in learnt), 3.0)
    for file in texts:
        with open(file, newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            if "text" not in (reader.fieldnames or []):
                raise RecipeError(f"{file}: no column text; give a CSV that has one")
            counts.add((row["text"] for row in reader), 1.0)
    return counts


def tables() -> dict:
    """What the manifest says of the words."""
    return {
        "words": {"alphabet": ctc.ALPHABET, "phones": phones.PHONES, "lexicon": "lexicon.txt"},
        "training": [
            {"name": "LibriSpeech test-clean", "licence": "CC BY 4.0", "use": "words: upper layers, heads, word costs"},
            {"name": "CMU Pronouncing Dictionary", "licence": "BSD-2-Clause", "use": "pronunciations of lexicon.txt and of the training transcripts"},
            {"name": "GoEmotions", "licence": "CC BY 4.0", "use": "word costs of lexicon.txt"},
            {"name": "XED", "licence": "CC BY 4.0", "use": "word costs of lexicon.txt"},
        ],
    }


def write(cache: Path, work: Path, pack: Path, texts: list[Path], folder: Path) -> dict[str, float]:
    """Writes trunk.onnx, words.onnx and lexicon.txt; gives the graphs' greedy error rates on the held-out speakers."""
    file = work / "spell_best.pt"
    state = checkpoint.load(file)
    if state is None:
        raise RecipeError(f"{file}: not found; run `train --step spell` first")
    trunk, heads = pack_trunk.load(pack / "trunk.onnx"), spell_train.Heads()
    checkpoint.fit(trunk, state["trunk"], file)
    checkpoint.fit(heads, state["heads"], file)
    store = Store(cache, ["librispeech"])
    spell_export.write(pack, trunk.eval(), heads.eval(), folder)
    atomically(folder / "tables.json", lambda part: part.write_text(json.dumps(tables()), encoding="utf-8"))
    size = lexicon.write(counted(store, texts), folder / "lexicon.txt")
    held_out = [i for i in store.select("librispeech") if i.speaker in spell_train.HELD_OUT]
    letters, sounds = spell_export.judge(folder, store, held_out)
    return {"greedy_wer": letters, "per": sounds, "trained_wer": state["wer"], "trained_per": state["per"], "lexicon_bytes": size, "alphabet": len(ctc.ALPHABET), "phones": len(phones.PHONES)}
