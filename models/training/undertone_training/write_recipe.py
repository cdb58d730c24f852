"""The steps of the words over a pack that exists: `write` (train), then `words` (write the graphs, the tokens, the lexicon)."""

import json
from pathlib import Path

import onnxruntime
import torch
from tqdm import tqdm

from . import checkpoint, ctc, ctc_align, lexicon, moonshine, pack_trunk, phones, tokens, word_counts, write_export, writer, writer_graph
from .errors import RecipeError
from .layers_cache import KEPT_LAYER
from .store import Item, Store, atomically
from .trunk import Trunk
from .words_train import HELD_OUT, TEST_SPLIT
from .write_lesson import Lesson
from .write_train import Heads, Plan, Pupils, train

ENCODER, DECODER, TABLE = "encoder_model.ort", "decoder_model_merged.ort", "tokenizer.bin"


def locate(pack: Path, store: Store, items: list[Item], file: Path) -> list[list[int] | None]:
    """Where each clip's words begin, told by the pack's own letters; kept in a file."""
    if file.exists():
        return json.loads(file.read_text(encoding="utf-8"))
    run = {name: onnxruntime.InferenceSession(str(pack / f"{name}.onnx"), providers=["CPUExecutionProvider"]) for name in ("trunk", "words")}
    edges = []
    for item in tqdm(items, desc="words' places", disable=None):
        top = run["trunk"].run(["top"], {"audio": store.audio(item)[None]})[0]
        edges.append(ctc_align.cuts(run["words"].run(["log_probs"], {"top": top})[0][0], item.text))
    atomically(file, lambda part: part.write_text(json.dumps(edges), encoding="utf-8"))
    return edges


def vocabulary(table: tokens.Tokens, items: list[Item]) -> tokens.Tokens:
    """The tokens that any listed word, or any word of the transcripts, is cut into."""
    words = set(phones.pronunciations()) | {w for i in items for w in ctc.spelt(i.text).split()}
    return table.only({piece for word in words for piece in table.word(word)})


def beginning(pack: Path, moon: Path) -> Trunk:
    """The pack's layers 1 to 3, which the emotion branch reads, under Moonshine's own layers above."""
    trunk, own = pack_trunk.load(pack / "trunk.onnx"), moonshine.load(moon / ENCODER)
    for number in range(KEPT_LAYER, len(trunk.layers)):
        trunk.layers[number].load_state_dict(own.layers[number].state_dict())
    trunk.norm.load_state_dict(own.norm.state_dict())
    return trunk


def teach(cache: Path, work: Path, pack: Path, moon: Path, plan: Plan) -> None:
    """Trains the upper layers, the heads and the writer."""
    store = Store(cache, ["librispeech"])
    items = [i for i in store.select("librispeech") if i.split != TEST_SPLIT]
    edges = locate(pack, store, items, work / "places.json")
    table = vocabulary(tokens.Tokens.read(moon / TABLE), items)
    atomically(work / tokens.FILE, lambda part: part.write_bytes(table.bytes()))
    torch.manual_seed(plan.seed)
    pupils = Pupils(beginning(pack, moon), Heads(), writer.load(moon / DECODER, table))
    train(pupils, Lesson(store, items, edges, table), work, plan)


def tables() -> dict:
    """What the manifest says of the words."""
    return {
        "words": {"alphabet": ctc.ALPHABET, "phones": phones.PHONES, "lexicon": lexicon.FILE},
        "writer": {"tokens": tokens.FILE, "longest": writer_graph.LONGEST, "width": writer_graph.KEPT},
        "training": [
            {"name": "LibriSpeech test-clean", "licence": "CC BY 4.0", "use": "words: upper layers, heads, writer, word costs"},
            {"name": "Moonshine tiny-en decoder", "licence": "MIT", "use": f"starting weights of the writer, all of them trained further; its pieces of words ({tokens.FILE})"},
            {"name": "CMU Pronouncing Dictionary", "licence": "BSD-2-Clause", "use": f"pronunciations of {lexicon.FILE} and of the training transcripts"},
            *({"name": name, "licence": licence, "use": f"word costs of {lexicon.FILE}"} for name, licence in word_counts.COUNTED),
        ],
    }


def write(cache: Path, work: Path, pack: Path, texts: list[Path], vocab: Path | None, folder: Path) -> dict[str, float]:
    """Writes trunk, words graph, writer, tokens and lexicon; gives the graphs' error rates on the held-out speakers."""
    file = work / "write_calm.pt"
    state = checkpoint.load(file)
    if state is None:
        raise RecipeError(f"{file}: not found; run `train --step write` first")
    table = tokens.Tokens.read(work / tokens.FILE)
    pupils = Pupils(pack_trunk.load(pack / "trunk.onnx"), Heads(), writer.Writer(len(table))).eval()
    checkpoint.fit(pupils, state["pupils"], file)
    store = Store(cache, ["librispeech"])
    write_export.write(pack, pupils, table, folder)
    atomically(folder / "tables.json", lambda part: part.write_text(json.dumps(tables()), encoding="utf-8"))
    said = lexicon.write(word_counts.counted(store.select("librispeech"), texts, vocab), folder / lexicon.FILE)
    wer, per = write_export.judge(folder, store, [i for i in store.select("librispeech") if i.speaker in HELD_OUT], table)
    return {"wer": wer, "per": per, "trained_wer": state["wer"], "trained_per": state["per"], "lexicon_bytes": said["bytes"], "tokens": len(table)}
