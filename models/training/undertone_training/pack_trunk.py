"""Reads a trunk back out of a pack's `trunk.onnx`, so that layers can be trained further without the checkpoints that made it."""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from . import graphs
from .errors import RecipeError
from .trunk import HEAD_WIDTH, WIDTH, Trunk


def small(model: onnx.ModelProto) -> list[str]:
    """The unnamed weights (norms and biases), in the order in which the builder wrote them: their numbers differ from
    one version of the builder to the next, their order does not."""
    return [t.name for t in model.graph.initializer if t.name.startswith("const_") and t.data_type == onnx.TensorProto.FLOAT and int(np.prod(t.dims)) >= WIDTH]


def _values(model: onnx.ModelProto) -> dict[str, np.ndarray]:
    """Every weight of a graph as f32, whatever it is stored as."""
    stored = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    found = {name: value for name, value in stored.items() if value.dtype == np.float32}
    for name, value in stored.items():
        if name.endswith("_quantized"):
            stem = name.removesuffix("_quantized")
            offset = stored[f"{stem}_zero_point"].astype(np.float32)
            found[stem] = (value.astype(np.float32) - offset) * stored[f"{stem}_scale"]
        elif name.endswith("_0_int8"):
            stem = name.removesuffix("_0_int8")
            found[stem] = sum(stored[f"{stem}_{n}_int8"].astype(np.float32) * stored[f"{stem}_{n}_scale"] for n in range(2))
    return found


def names(model: onnx.ModelProto) -> dict[str, str]:
    """Which weight of a graph is which of the trunk's, by filling each of a fresh graph with its own number."""
    marked = Trunk()
    numbers = {}
    with torch.no_grad():
        for number, (name, value) in enumerate(marked.state_dict().items(), start=1):
            value.fill_(float(number))
            numbers[float(number)] = name
    found = {}
    fresh = graphs.trunk(marked)
    stored = dict(zip(small(fresh), small(model)))
    for tensor in fresh.graph.initializer:
        value = numpy_helper.to_array(tensor)
        if value.dtype == np.float32 and value.size >= WIDTH and value.min() == value.max() and float(value.flat[0]) in numbers:
            found[stored.get(tensor.name, tensor.name)] = numbers[float(value.flat[0])]
    return found


def load(path: Path) -> Trunk:
    """The trunk of a pack; what was rounded when the pack was made stays rounded."""
    if not path.exists():
        raise RecipeError(f"{path}: not found; give the trunk.onnx of a pack")
    model = onnx.load(path)
    values = _values(model)
    state = {}
    for name, own in names(model).items():
        if name in values:
            state[own] = values[name]
    for number in range(len(Trunk().layers)):
        try:
            query, key, value = np.split(values[f"layer{number + 1}_qkv"], 3, axis=1)
            state[f"layers.{number}.q.weight"] = query.T * np.sqrt(HEAD_WIDTH).astype(np.float32)
            state[f"layers.{number}.k.weight"], state[f"layers.{number}.v.weight"] = key.T, value.T
            for part in ("o", "fc1", "fc2"):
                state[f"layers.{number}.{part}.weight"] = values[f"layer{number + 1}_{part}"].T
        except KeyError as missing:
            raise RecipeError(f"{path}: holds no weight named {missing}; was it made by this recipe?") from missing
    trunk = Trunk()
    for name, own in trunk.state_dict().items():
        if name not in state:
            raise RecipeError(f"{path}: holds no {name}; was it made by this recipe?")
        state[name] = torch.tensor(state[name].reshape(own.shape))
    trunk.load_state_dict(state)
    return trunk.eval()
