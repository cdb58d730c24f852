"""Makes the trunk small: 8-bit dynamic matrix products where they are harmless, 8-bit storage for the other weights."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .trunk import EMOTION_LAYERS


def grid(value: np.ndarray, axes: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A weight on 8 bits, and its scale per output channel."""
    scale = np.maximum(np.abs(value).max(axis=axes, keepdims=True), 1e-12).astype(np.float32) / np.float32(127.0)
    return np.clip(np.round(value / scale), -127, 127).astype(np.int8), scale


def _pack(model: onnx.ModelProto, kind: str, smallest: int = 65536) -> None:
    """Stores an operator's large weights as a sum of two int8 terms, the second of what the first left; runtimes unfold them at load."""
    graph = model.graph
    weights = {t.name: t for t in graph.initializer}
    unpack = []
    for node in graph.node:
        if node.op_type != kind or node.input[1] not in weights:
            continue
        name = node.input[1]
        rest = numpy_helper.to_array(weights[name])
        if rest.size < smallest:
            continue
        graph.initializer.remove(weights[name])
        parts = []
        axes = tuple(range(1, rest.ndim)) if kind == "Conv" else (0,)  # all but the output channels
        for term in range(2):
            packed, scale = grid(rest, axes)
            rest = rest - packed * scale
            stem = f"{name}_{term}"
            graph.initializer.append(numpy_helper.from_array(packed, f"{stem}_int8"))
            graph.initializer.append(numpy_helper.from_array(scale, f"{stem}_scale"))
            unpack.append(helper.make_node("Cast", [f"{stem}_int8"], [f"{stem}_cast"], name=f"n_{stem}_cast", to=onnx.TensorProto.FLOAT))
            parts.append(f"{stem}_part")
            unpack.append(helper.make_node("Mul", [f"{stem}_cast", f"{stem}_scale"], [parts[-1]], name=f"n_{stem}_unpack"))
        unpack.append(helper.make_node("Add", parts, [name], name=f"n_{name}_unpack"))
    nodes = unpack + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def shrink(model: onnx.ModelProto) -> None:
    """Halves the storage of large f32 weights, at no loss that a score could show; a small convolution is left as it is."""
    _pack(model, "Conv")
    _pack(model, "MatMul")


SPARED = tuple(f"layer{n}_{part}" for n in range(1, max(EMOTION_LAYERS) + 1) for part in ("qkv", "o", "fc1", "fc2"))


def dynamic_int8(model: onnx.ModelProto, spared: tuple[str, ...] = SPARED) -> onnx.ModelProto:
    """An int8 copy. Weights of 8-bit products keep to 7 bits, so that processors without VNNI add them up without
    overflow. `spared` are weights whose products stay f32, the emotion branch being touchy; only their storage halves."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "f32.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, before)
        quantize_dynamic(before, after, op_types_to_quantize=["MatMul"], nodes_to_exclude=[n.name for n in model.graph.node if n.op_type == "MatMul" and n.input[1] in spared],
                         per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
        small = onnx.load(after)
    shrink(small)
    kept = [o for o in small.opset_import if o.domain in ("", "ai.onnx")]
    foreign = {n.domain for n in small.graph.node} - {"", "ai.onnx"}
    if foreign:
        raise ValueError(f"the int8 graph has operators of {foreign}; only standard ones are allowed")
    del small.opset_import[:]
    small.opset_import.extend(kept)
    onnx.checker.check_model(small)
    return small
