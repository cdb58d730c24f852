"""Writes the graphs of the words branch: the pack's own trunk with new upper layers in it, and the words head."""

import re
from pathlib import Path

import onnx
import onnxruntime

from . import ctc, graphs, pack_trunk, phones, quantise, words_error
from .errors import RecipeError
from .graph import Graph, save
from .layers_cache import KEPT_LAYER
from .spell_train import Heads
from .store import Item, Store
from .trunk import LAYERS, WIDTH, Trunk


def _spread(linear, g: Graph, name: str) -> None:
    x = g.op("Add", g.op("MatMul", "top", g.const(linear.weight.detach().numpy().T)), g.const(linear.bias.detach().numpy()))
    g.op("LogSoftmax", x, axis=-1, name=name)


def words(heads: Heads) -> onnx.ModelProto:
    """top → log_probs, phone_log_probs."""
    g = Graph("words")
    _spread(heads.words, g, "log_probs")
    _spread(heads.phones, g, "phone_log_probs")
    return g.model([("top", [1, "frames", WIDTH])], [("log_probs", [1, "frames", len(ctc.ALPHABET)]), ("phone_log_probs", [1, "frames", len(phones.PHONES)])])


def _upper_names(model: onnx.ModelProto) -> set[str]:
    """The weights of the small graph that belong to the upper layers, whatever their names look like."""
    upper = re.compile(rf"layers\.[{KEPT_LAYER}-{LAYERS - 1}]\.|norm\.")
    return {name for name, own in pack_trunk.names(model).items() if upper.match(own)} | {f"layer{n}_qkv" for n in range(KEPT_LAYER + 1, LAYERS + 1)}


def grafted(pack_trunk_file: Path, trunk: Trunk) -> onnx.ModelProto:
    """The pack's graph with the upper layers of `trunk`; every other byte of weight is as it was."""
    model, made = onnx.load(pack_trunk_file), quantise.dynamic_int8(graphs.trunk(trunk))
    stored = dict(zip(pack_trunk.small(made), pack_trunk.small(model)))
    fresh = {stored.get(t.name, t.name): t for t in made.graph.initializer}
    upper = _upper_names(model)
    changed = 0
    for tensor in model.graph.initializer:
        name = tensor.name
        for ending in ("_quantized", "_scale", "_zero_point"):
            name = name.removesuffix(ending)
        if name not in upper:
            continue
        new = fresh.get(tensor.name)
        if new is None or list(new.dims) != list(tensor.dims) or new.data_type != tensor.data_type:
            raise RecipeError(f"{pack_trunk_file}: {tensor.name} is not stored as this recipe stores it; was the pack made by another version?")
        name = tensor.name
        tensor.CopyFrom(new)
        tensor.name = name
        changed += 1
    wanted = 3 * 4 * (LAYERS - KEPT_LAYER) + 4 * (LAYERS - KEPT_LAYER) + 1
    if changed != wanted:
        raise RecipeError(f"{pack_trunk_file}: {changed} weights of the upper layers were replaced, {wanted} should have been")
    onnx.checker.check_model(model)
    return model


def judge(folder: Path, store: Store, items: list[Item]) -> tuple[float, float]:
    """Greedy word and phone error rates of the written graphs."""
    run = {name: onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), providers=["CPUExecutionProvider"]) for name in ("trunk", "words")}
    spelt, said = words_error.Rate(), words_error.Rate()
    for item in items:
        _, top = run["trunk"].run(None, {"audio": store.audio(item)[None]})
        letters, sounds = run["words"].run(None, {"top": top})
        text = item.text.lower()
        spelt.add(text.split(), ctc.greedy(letters[0]).split())
        if known := phones.transcribe(text):
            said.add(known, words_error.folded(sounds[0].argmax(-1).tolist()))
    return spelt.value(), said.value()


def write(pack: Path, trunk: Trunk, heads: Heads, folder: Path) -> None:
    """Both graphs into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save(grafted(pack / "trunk.onnx", trunk), folder / "trunk.onnx")
    save(words(heads), folder / "words.onnx")
