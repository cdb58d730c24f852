"""Reads the weights of Moonshine-tiny's encoder out of its published ORT-format file, by name."""

import re
import sys
from pathlib import Path

import numpy as np
import torch
from onnx import TensorProto, helper

from .errors import RecipeError
from .trunk import HEAD_WIDTH, HEADS, LAYERS, ROTARY, WIDTH, Trunk

_PRODUCTS = {"MatMul": (1, None, None), "DynamicQuantizeMatMul": (1, 2, 3), "MatMulIntegerToFloat": (1, 3, 5), "FusedMatMul": (1, None, None)}
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


def tensors(path: Path) -> dict[str, np.ndarray]:
    """Every weight of the encoder as float32; projections under `layers.N.q|k|v|o|fc1|fc2` as [in, out]."""
    graph = _open(path)
    stored = {}
    for i in range(graph.InitializersLength()):
        tensor = graph.Initializers(i)
        if tensor.DataType() != TensorProto.STRING:
            stored[tensor.Name().decode()] = _array(tensor)
    found = {name: value.astype(np.float32) for name, value in stored.items() if value.dtype == np.float32}
    # A Cast that only unpacks int8 weights hides their name: follow it back.
    behind = {}
    nodes = [graph.Nodes(i) for i in range(graph.NodesLength())]
    for node in nodes:
        if node.OpType().decode() in ("Cast", "DequantizeLinear") and node.Inputs(0).decode() in stored:
            scale = stored[node.Inputs(1).decode()] if node.InputsLength() > 1 else np.float32(1)
            zero = stored[node.Inputs(2).decode()] if node.InputsLength() > 2 else np.int32(0)
            behind[node.Outputs(0).decode()] = (stored[node.Inputs(0).decode()].astype(np.float32) - zero.astype(np.float32)) * scale
    for node in nodes:
        kind = node.OpType().decode()
        # Fused nodes carry no path of their own: any of their names may hold it.
        names = [node.Outputs(i).decode() for i in range(node.OutputsLength())] + [node.Name().decode()]
        match = next((m for m in map(_PROJECTION.search, names) if m), None)
        if kind not in _PRODUCTS or match is None:
            continue
        inputs = [node.Inputs(i).decode() for i in range(node.InputsLength())] + [""] * 8
        weight, scale, zero = (inputs[i] if i is not None else "" for i in _PRODUCTS[kind])
        if weight not in stored and weight not in behind:
            continue
        value = behind[weight] if weight in behind else stored[weight].astype(np.float32)
        if scale:
            offset = stored[zero].astype(np.float32) if zero else np.float32(0)
            value = (value - offset) * stored[scale].astype(np.float32)
        found[f"layers.{match[1]}.{match[2] or match[3]}"] = value
    return found


def _pick(found: dict[str, np.ndarray], path: Path, *names: str) -> np.ndarray:
    for name in names:
        if name in found:
            return found[name]
    raise RecipeError(f"{path}: holds no weight named {' or '.join(names)}; is it Moonshine-tiny's encoder_model.ort?")


def _halves() -> np.ndarray:
    """Moonshine rotates neighbouring channels; this order puts each pair half the rotated width apart."""
    within = np.concatenate([np.arange(0, ROTARY, 2), np.arange(1, ROTARY, 2), np.arange(ROTARY, HEAD_WIDTH)])
    return np.concatenate([head * HEAD_WIDTH + within for head in range(HEADS)])


def load(path: Path) -> Trunk:
    """A trunk with Moonshine's weights; refuses a file whose shapes do not fit."""
    found = tensors(path)
    state = {
        "conv1.weight": _pick(found, path, "conv1.weight", "conv1.weight_add_tensor"),
        "conv2.weight": _pick(found, path, "conv2.weight", "conv2.weight_add_tensor"),
        "conv2.bias": _pick(found, path, "conv2.bias"),
        "conv3.weight": _pick(found, path, "conv3.weight", "conv3.weight_add_tensor"),
        "conv3.bias": _pick(found, path, "conv3.bias"),
        "norm.weight": _pick(found, path, "layer_norm.weight"),
    }
    columns = {name: value.reshape(-1) for name, value in found.items() if value.shape == (WIDTH, 1)}
    state["groupnorm.weight"] = _pick(columns, path, *[n for n in columns if "Mul" in n])
    state["groupnorm.bias"] = _pick(columns, path, *[n for n in columns if "Add" in n])
    order = _halves()
    for i in range(LAYERS):
        for part in ("q", "k", "v", "o", "fc1", "fc2"):
            value = _pick(found, path, f"layers.{i}.{part}").T
            state[f"layers.{i}.{part}.weight"] = value[order] if part in "qk" else value
        for part in ("fc1", "fc2"):
            state[f"layers.{i}.{part}.bias"] = _pick(found, path, f"layers.{i}.mlp.{part}.bias")
        state[f"layers.{i}.norm1.weight"] = _pick(found, path, f"layers.{i}.input_layernorm.weight")
        state[f"layers.{i}.norm2.weight"] = _pick(found, path, f"layers.{i}.post_attention_layernorm.weight")
    trunk = Trunk()
    expected = trunk.state_dict()
    for name, value in state.items():
        if tuple(value.shape) != tuple(expected[name].shape):
            raise RecipeError(f"{path}: weight {name} has shape {tuple(value.shape)}, {tuple(expected[name].shape)} is needed")
    trunk.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in state.items()})
    return trunk
