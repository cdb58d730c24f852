"""A small builder of plain ONNX graphs: standard operators only, readable names, the same bytes every time."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OPSET = 17


class Graph:
    """Nodes and weights as they are added; every method returns the name of its result."""

    def __init__(self, name: str):
        self.name = name
        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._constants: dict[tuple, str] = {}
        self._count = 0

    def _fresh(self, op: str) -> str:
        self._count += 1
        return f"{op.lower()}_{self._count}"

    def const(self, value, kind=np.float32, name: str | None = None) -> str:
        """A weight; equal small constants are kept once."""
        array = np.asarray(value, dtype=kind)
        array = np.ascontiguousarray(array) if array.ndim else array  # which would make a list of one of a single number
        key = (array.dtype.str, array.shape, array.tobytes()) if array.size <= 16 and name is None else None
        if key in self._constants:
            return self._constants[key]
        name = name or self._fresh("const")
        self.weights.append(numpy_helper.from_array(array, name))
        if key is not None:
            self._constants[key] = name
        return name

    def op(self, kind: str, *inputs: str, name: str | None = None, **attributes) -> str:
        """One node with one output."""
        result = name or self._fresh(kind)
        self.nodes.append(helper.make_node(kind, list(inputs), [result], name=f"n_{result}", **attributes))
        return result

    def split(self, x: str, sizes: list[int], axis: int) -> list[str]:
        """Parts of a tensor along an axis."""
        results = [self._fresh("part") for _ in sizes]
        self.nodes.append(helper.make_node("Split", [x, self.const(sizes, np.int64)], results, name=f"n_{results[0]}", axis=axis))
        return results

    def reshape(self, x: str, shape: list[int]) -> str:
        """A new shape; 0 keeps, −1 fills."""
        return self.op("Reshape", x, self.const(shape, np.int64))

    def mean(self, x: str, axes: list[int], keep: bool = True) -> str:
        """The mean over axes."""
        return self.op("ReduceMean", x, axes=axes, keepdims=int(keep))

    def add(self, x: str, value) -> str:
        """x plus a constant."""
        return self.op("Add", x, self.const(value))

    def mul(self, x: str, value) -> str:
        """x times a constant."""
        return self.op("Mul", x, self.const(value))

    def gelu(self, x: str) -> str:
        """The exact Gelu, of operators that opset 17 has."""
        bell = self.add(self.op("Erf", self.mul(x, np.sqrt(0.5))), 1.0)
        return self.mul(self.op("Mul", x, bell), 0.5)

    def layer_norm(self, x: str, weight: np.ndarray, epsilon: float = 1e-5, bias: np.ndarray | None = None) -> str:
        """Normalisation over the last axis."""
        bias = np.zeros_like(weight) if bias is None else bias
        return self.op("LayerNormalization", x, self.const(weight), self.const(bias), axis=-1, epsilon=epsilon)

    def model(self, inputs: list[tuple], outputs: list[tuple]) -> onnx.ModelProto:
        """The finished model, checked; entries are (name, shape), or (name, shape, type) for what is not a float."""
        def info(entries):
            return [helper.make_tensor_value_info(name, kind[0] if kind else TensorProto.FLOAT, shape) for name, shape, *kind in entries]

        graph = helper.make_graph(self.nodes, self.name, info(inputs), info(outputs), self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="undertone_training")
        onnx.checker.check_model(model, full_check=True)
        return model


def save(model: onnx.ModelProto, path: Path) -> None:
    """Writes a model."""
    path.write_bytes(model.SerializeToString(deterministic=True))
