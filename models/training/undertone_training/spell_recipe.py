"""The steps of the words branch over a pack that exists: spell (train), then words (write graphs and lexicon)."""

import csv
import json
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from . import checkpoint, corpora, ctc, lexicon, pack_trunk, phones, spell_export, spell_train
from .errors import RecipeError
from .spell_views import VIEWS, Frames
from .store import Store, atomically
from .trunk import Trunk
from .words_train import TEST_SPLIT


COUNTED = (
    ("GoEmotions", "CC BY 4.0"),
    ("EmoBank", "CC BY-SA 4.0"),
    ("XED", "CC BY 4.0"),
    ("Davidson et al., hate and offensive speech", "MIT"),
    ("Surge AI toxicity", "MIT"),
    ("all-MiniLM-L6-v2", "Apache-2.0"),  # the order of its vocabulary
)


def start(pack: Path) -> tuple[Trunk, spell_train.Heads]:
    """The pack's trunk, and heads that begin where its letters are, and its phones if it has them."""
    trunk, heads = pack_trunk.load(pack / "trunk.onnx"), spell_train.Heads()
    stored = [torch.tensor(numpy_helper.to_array(t).copy()) for t in onnx.load(pack / "words.onnx").graph.initializer]
    for linear in (heads.words, heads.phones):
        for value in stored:
            if value.shape == linear.weight.T.shape:
                linear.weight.data = value.T.contiguous()
            if value.shape == linear.bias.shape:
                linear.bias.data = value
    heads.middle.load_state_dict(heads.phones.state_dict())
    return trunk, heads


def train(cache: Path, work: Path, pack: Path, plan: spell_train.Plan) -> None:
    """Trains the upper layers and both heads over every view."""
    torch.manual_seed(plan.seed)
    store = Store(cache, ["librispeech"])
    trunk, heads = start(pack)
    items = [i for i in store.select("librispeech") if i.split != TEST_SPLIT]
    views = [Frames(work, view, items).build(trunk, store, plan.seed) for view in VIEWS]
    spell_train.train(trunk, heads, views, work, plan)


def counted(clips: list, texts: list[Path], vocab: Path | None) -> lexicon.Sources:
    """What words are counted in: the training transcripts, and texts with a `text` column, each a source of its own."""
    learnt = [c for c in clips if c.split != TEST_SPLIT]
    sources = [[c.text for c in learnt if c.speaker not in spell_train.HELD_OUT]]
    for file in texts:
        with open(file, newline="", encoding="utf-8") as handle:
            reader = csv.DictReader(handle)
            if "text" not in (reader.fieldnames or []):
                raise RecipeError(f"{file}: no column text; give a CSV that has one")
            sources.append([row["text"] for row in reader])
    ranked = vocab.read_text(encoding="utf-8").splitlines() if vocab else []
    return lexicon.Sources.of(sources, [c.text for c in learnt if c.speaker in spell_train.HELD_OUT], ranked)


def write_lexicon(librispeech: Path, texts: list[Path], vocab: Path | None, file: Path) -> dict[str, float]:
    """Writes the file of words alone."""
    clips, _ = corpora.read("librispeech", librispeech, allow_missing=True)
    return lexicon.write(counted(clips, texts, vocab), file)


def tables() -> dict:
    """What the manifest says of the words."""
    return {
        "words": {"alphabet": ctc.ALPHABET, "phones": phones.PHONES, "lexicon": lexicon.FILE},
        "training": [
            {"name": "LibriSpeech test-clean", "licence": "CC BY 4.0", "use": "words: upper layers, heads, word costs"},
            {"name": "CMU Pronouncing Dictionary", "licence": "BSD-2-Clause", "use": f"pronunciations of {lexicon.FILE} and of the training transcripts"},
            *({"name": name, "licence": licence, "use": f"word costs of {lexicon.FILE}"} for name, licence in COUNTED),
        ],
    }


def write(cache: Path, work: Path, pack: Path, texts: list[Path], vocab: Path | None, folder: Path) -> dict[str, float]:
    """Writes trunk.onnx, words.onnx and the lexicon; gives the graphs' greedy error rates on the held-out speakers."""
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
    said = lexicon.write(counted(store.select("librispeech"), texts, vocab), folder / lexicon.FILE)
    held_out = [i for i in store.select("librispeech") if i.speaker in spell_train.HELD_OUT]
    letters, sounds = spell_export.judge(folder, store, held_out)
    return {"greedy_wer": letters, "per": sounds, "trained_wer": state["wer"], "trained_per": state["per"], "lexicon_bytes": said["bytes"], "alphabet": len(ctc.ALPHABET), "phones": len(phones.PHONES)}
