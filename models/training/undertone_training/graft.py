"""Puts new upper layers into a pack's own trunk graph; every other byte of weight stays as it was."""

import re
from pathlib import Path

import onnx

from . import graphs, pack_trunk, quantise
from .errors import RecipeError
from .layers_cache import KEPT_LAYER
from .trunk import LAYERS, Trunk


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
