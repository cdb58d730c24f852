"""Makes the trunk small: 8-bit dynamic matrix products, and 8-bit storage for convolutions."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper


def _pack_convolutions(model: onnx.ModelProto, smallest: int = 65536) -> None:
    """Stores large convolution weights as int8 with a scale per output channel; runtimes unfold them at load."""
    graph = model.graph
    weights = {t.name: t for t in graph.initializer}
    unpack = []
    for node in graph.node:
        if node.op_type != "Conv" or node.input[1] not in weights:
            continue
        tensor = weights[node.input[1]]
        value = numpy_helper.to_array(tensor)
        if value.size < smallest:
            continue
        scale = np.abs(value).max(axis=(1, 2), keepdims=True) / 127.0
        packed = np.clip(np.round(value / scale), -127, 127).astype(np.int8)
        name = tensor.name
        graph.initializer.remove(tensor)
        graph.initializer.append(numpy_helper.from_array(packed, f"{name}_int8"))
        graph.initializer.append(numpy_helper.from_array(scale.astype(np.float32), f"{name}_scale"))
        unpack.append(helper.make_node("Cast", [f"{name}_int8"], [f"{name}_cast"], name=f"n_{name}_cast", to=onnx.TensorProto.FLOAT))
        unpack.append(helper.make_node("Mul", [f"{name}_cast", f"{name}_scale"], [name], name=f"n_{name}_unpack"))
    nodes = unpack + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def dynamic_int8(model: onnx.ModelProto) -> onnx.ModelProto:
    """An int8 copy. Weights keep to 7 bits, so that processors without VNNI add them up without overflow."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "f32.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, before)
        quantize_dynamic(before, after, op_types_to_quantize=["MatMul"], per_channel=True, reduce_range=True, weight_type=QuantType.QInt8)
        small = onnx.load(after)
    _pack_convolutions(small)
    kept = [o for o in small.opset_import if o.domain in ("", "ai.onnx")]
    foreign = {n.domain for n in small.graph.node} - {"", "ai.onnx"}
    if foreign:
        raise ValueError(f"the int8 graph has operators of {foreign}; only standard ones are allowed")
    del small.opset_import[:]
    small.opset_import.extend(kept)
    onnx.checker.check_model(small)
    return small
