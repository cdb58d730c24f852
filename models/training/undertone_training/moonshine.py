"""Reads the weights of Moonshine-tiny's encoder and decoder out of their published ORT-format files, by name."""

import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from onnx import TensorProto, helper

from .errors import RecipeError
from .trunk import HEAD_WIDTH, HEADS, LAYERS, ROTARY, WIDTH, Trunk

_PRODUCTS = {"MatMul": (1, None, None), "DynamicQuantizeMatMul": (1, 2, 3), "MatMulIntegerToFloat": (1, 3, 5), "FusedMatMul": (1, None, None)}
_DECODING = re.compile(r"/layers\.(\d+)/(self_attn/[qkvo]|encoder_attn/[qkvo]|mlp/fc[12])|^/?proj_out/")
_PROJECTION = re.compile(r"/layers\.(\d+)/(?:self_attn/(q|k|v|o)_proj|mlp/(fc[12]))/")


def _open(path: Path):
    """The flatbuffer's root object, with the schema classes that ONNX Runtime brings along."""
    import onnxruntime

    sys.path.insert(0, str(Path(onnxruntime.__file__).parent / "tools" / "ort_format_model"))
    try:
        from ort_flatbuffers_py.fbs.InferenceSession import InferenceSession
    finally:
        sys.path.pop(0)
    data = bytearray(path.read_bytes())
    if data[4:8] != b"ORTM":
        raise RecipeError(f"{path}: not an ORT-format model; give encoder_model.ort from moonshine-voice's assets/tiny-en")
    return InferenceSession.GetRootAsInferenceSession(data, 0).Model().Graph()


def _array(tensor) -> np.ndarray:
    shape = [tensor.Dims(i) for i in range(tensor.DimsLength())]
    kind = helper.tensor_dtype_to_np_dtype(tensor.DataType())
    raw = tensor.RawDataAsNumpy() if tensor.RawDataLength() else np.zeros(0, np.uint8)
    return np.frombuffer(raw.tobytes(), dtype=kind).reshape(shape)


def _stored(graph) -> dict[str, np.ndarray]:
    found = {}
    for i in range(graph.InitializersLength()):
        tensor = graph.Initializers(i)
        if tensor.DataType() != TensorProto.STRING:
            found[tensor.Name().decode()] = _array(tensor)
    return found


def _nodes(graph) -> list:
    return [graph.Nodes(i) for i in range(graph.NodesLength())]


def _weights(stored: dict[str, np.ndarray], nodes: list, named: Callable[[str], str | None]) -> dict[str, np.ndarray]:
    """Every weight as float32; those of products under the names that `named` gives their nodes, as [in, out]."""
    found = {name: value.astype(np.float32) for name, value in stored.items() if value.dtype == np.float32}
    # A Cast that only unpacks int8 weights hides their name: follow it back.
    behind = {}
    for node in nodes:
        if node.OpType().decode() in ("Cast", "DequantizeLinear") and node.Inputs(0).decode() in stored:
            scale = stored[node.Inputs(1).decode()] if node.InputsLength() > 1 else np.float32(1)
            zero = stored[node.Inputs(2).decode()] if node.InputsLength() > 2 else np.int32(0)
            behind[node.Outputs(0).decode()] = (stored[node.Inputs(0).decode()].astype(np.float32) - zero.astype(np.float32)) * scale
    for node in nodes:
        kind = node.OpType().decode()
        # Fused nodes carry no path of their own: any of their names may hold it.
        names = [node.Outputs(i).decode() for i in range(node.OutputsLength())] + [node.Name().decode()]
        own = next((n for n in map(named, names) if n), None)
        if kind not in _PRODUCTS or own is None:
            continue
        inputs = [node.Inputs(i).decode() for i in range(node.InputsLength())] + [""] * 8
        weight, scale, zero = (inputs[i] if i is not None else "" for i in _PRODUCTS[kind])
        if weight not in stored and weight not in behind:
            continue
        value = behind[weight] if weight in behind else stored[weight].astype(np.float32)
        if scale:
            offset = stored[zero].astype(np.float32) if zero else np.float32(0)
            value = (value - offset) * stored[scale].astype(np.float32)
        found[own] = value
    return found


def tensors(path: Path) -> dict[str, np.ndarray]:
    """The encoder's weights; projections under `layers.N.q|k|v|o|fc1|fc2`."""
    graph = _open(path)

    def named(name: str) -> str | None:
        match = _PROJECTION.search(name)
        return match and f"layers.{match[1]}.{match[2] or match[3]}"

    return _weights(_stored(graph), _nodes(graph), named)


def decoder(path: Path) -> dict[str, np.ndarray]:
    """The decoder's weights; projections under `layers.N.self_attn|encoder_attn.q|k|v|o` and `layers.N.mlp.fc1|fc2`, and `proj_out`."""
    graph = _open(path)
    branch = next((a.G() for node in _nodes(graph) for a in map(node.Attributes, range(node.AttributesLength())) if a.Name() == b"else_branch"), None)
    if branch is None:
        raise RecipeError(f"{path}: has no branch for a first token; give decoder_model_merged.ort from moonshine-voice's assets/tiny-en")

    def named(name: str) -> str | None:
        match = _DECODING.search(name)
        return match and (f"layers.{match[1]}.{match[2].replace('/', '.')}" if match[1] else "proj_out")

    found = _weights(_stored(graph) | _stored(branch), _nodes(graph) + _nodes(branch), named)
    # Both branches of the file hold these, told apart by an ending.
    return {re.sub(r"^model\.decoder\.|_merged_\d+$", "", name) if name.startswith("model.") else name: value for name, value in found.items()}


def pick(found: dict[str, np.ndarray], path: Path, *names: str) -> np.ndarray:
    """A weight under one of its names; refuses a file that has none of them."""
    for name in names:
        if name in found:
            return found[name]
    raise RecipeError(f"{path}: holds no weight named {' or '.join(names)}; is it Moonshine-tiny's?")


def halves() -> np.ndarray:
    """Moonshine rotates neighbouring channels; this order puts each pair half the rotated width apart."""
    within = np.concatenate([np.arange(0, ROTARY, 2), np.arange(1, ROTARY, 2), np.arange(ROTARY, HEAD_WIDTH)])
    return np.concatenate([head * HEAD_WIDTH + within for head in range(HEADS)])


def load(path: Path) -> Trunk:
    """A trunk with Moonshine's weights; refuses a file whose shapes do not fit."""
    found = tensors(path)
    state = {
        "conv1.weight": pick(found, path, "conv1.weight", "conv1.weight_add_tensor"),
        "conv2.weight": pick(found, path, "conv2.weight", "conv2.weight_add_tensor"),
        "conv2.bias": pick(found, path, "conv2.bias"),
        "conv3.weight": pick(found, path, "conv3.weight", "conv3.weight_add_tensor"),
        "conv3.bias": pick(found, path, "conv3.bias"),
        "norm.weight": pick(found, path, "layer_norm.weight"),
    }
    columns = {name: value.reshape(-1) for name, value in found.items() if value.shape == (WIDTH, 1)}
    state["groupnorm.weight"] = pick(columns, path, *[n for n in columns if "Mul" in n])
    state["groupnorm.bias"] = pick(columns, path, *[n for n in columns if "Add" in n])
    order = halves()
    for i in range(LAYERS):
        for part in ("q", "k", "v", "o", "fc1", "fc2"):
            value = pick(found, path, f"layers.{i}.{part}").T
            state[f"layers.{i}.{part}.weight"] = value[order] if part in "qk" else value
        for part in ("fc1", "fc2"):
            state[f"layers.{i}.{part}.bias"] = pick(found, path, f"layers.{i}.mlp.{part}.bias")
        state[f"layers.{i}.norm1.weight"] = pick(found, path, f"layers.{i}.input_layernorm.weight")
        state[f"layers.{i}.norm2.weight"] = pick(found, path, f"layers.{i}.post_attention_layernorm.weight")
    trunk = Trunk()
    expected = trunk.state_dict()
    for name, value in state.items():
        if tuple(value.shape) != tuple(expected[name].shape):
            raise RecipeError(f"{path}: weight {name} has shape {tuple(value.shape)}, {tuple(expected[name].shape)} is needed")
    trunk.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in state.items()})
    return trunk
