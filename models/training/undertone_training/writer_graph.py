"""The writer's graphs: `writer_sound` once for a stretch of sound, `writer` once for each token or for several at once.

Keys and values of what is written are kept outside as plain rows, so that a row can be taken back.
"""

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from . import quantise
from .graph import Graph
from .graphs import _rotate
from .trunk import HEAD_WIDTH, HEADS, LAYERS, WIDTH
from .writer import Writer

KEPT = LAYERS * WIDTH  # numbers that one token leaves behind as keys, and as values
LONGEST = 192  # tokens of a row
_TABLE = "embedding"


def _weight(linear) -> np.ndarray:
    return linear.weight.detach().numpy().T


def _split_heads(g: Graph, x: str, perm: list[int]) -> str:
    return g.op("Transpose", g.reshape(x, [0, 0, HEADS, HEAD_WIDTH]), perm=perm)


def sound(writer: Writer) -> onnx.ModelProto:
    """top → sound_keys [layers, heads, HEAD_WIDTH, frames], sound_values [layers, heads, frames, HEAD_WIDTH]."""
    g = Graph("writer_sound")
    keys, values = [], []
    for number, layer in enumerate(writer.layers, start=1):
        joined = np.concatenate([_weight(layer.encoder_attn.k), _weight(layer.encoder_attn.v)], axis=1)
        k, v = g.split(g.op("MatMul", "top", g.const(joined, name=f"sound{number}")), [WIDTH] * 2, axis=-1)
        keys.append(_split_heads(g, k, [0, 2, 3, 1]))
        values.append(_split_heads(g, v, [0, 2, 1, 3]))
    g.op("Concat", *keys, axis=0, name="sound_keys")
    g.op("Concat", *values, axis=0, name="sound_values")
    return g.model(
        [("top", [1, "frames", WIDTH])],
        [("sound_keys", [LAYERS, HEADS, HEAD_WIDTH, "frames"]), ("sound_values", [LAYERS, HEADS, "frames", HEAD_WIDTH])],
    )


def _of_layer(g: Graph, x: str, number: int) -> str:
    """One layer's part, [1, …]."""
    return g.op("Slice", x, g.const([number], np.int64), g.const([number + 1], np.int64), g.const([0], np.int64))


def _kept(g: Graph, x: str, number: int, perm: list[int]) -> str:
    """One layer's part of rows [past, KEPT], as heads."""
    part = g.op("Slice", x, g.const([number * WIDTH], np.int64), g.const([(number + 1) * WIDTH], np.int64), g.const([1], np.int64))
    return g.op("Transpose", g.reshape(part, [1, -1, HEADS, HEAD_WIDTH]), perm=perm)


def steps(writer: Writer) -> onnx.ModelProto:
    """ids, places, mask, past_keys, past_values, sound_keys, sound_values → logits, keys, values (of the new tokens alone)."""
    g = Graph("writer")
    angle = np.arange(LONGEST)[:, None] * writer.frequencies.numpy()[None, :]
    cos = g.op("Gather", g.const(np.cos(angle), name="cosines"), "places", axis=0)
    sin = g.op("Gather", g.const(np.sin(angle), name="sines"), "places", axis=0)
    table = g.const(writer.embedding.weight.detach().numpy().T, name=_TABLE)
    column = g.op("Gather", table, g.reshape("ids", [-1]), axis=1, name="column")
    x = g.op("Unsqueeze", g.op("Transpose", column, perm=[1, 0]), g.const([0], np.int64))
    keys, values = [], []
    for number, layer in enumerate(writer.layers):
        name = f"write{number + 1}"
        own, other = layer.self_attn, layer.encoder_attn
        h = g.layer_norm(x, layer.norm1.weight.detach().numpy())
        joined = np.concatenate([_weight(own.q) / math.sqrt(HEAD_WIDTH), _weight(own.k), _weight(own.v)], axis=1)
        q, k, v = (_split_heads(g, p, [0, 2, 1, 3]) for p in g.split(g.op("MatMul", h, g.const(joined, name=f"{name}_qkv")), [WIDTH] * 3, axis=-1))
        q, k = _rotate(g, q, cos, sin), _rotate(g, k, cos, sin)
        keys.append(g.reshape(g.op("Transpose", k, perm=[0, 2, 1, 3]), [-1, WIDTH]))
        values.append(g.reshape(g.op("Transpose", v, perm=[0, 2, 1, 3]), [-1, WIDTH]))
        k = g.op("Concat", _kept(g, "past_keys", number, [0, 2, 1, 3]), k, axis=2)
        v = g.op("Concat", _kept(g, "past_values", number, [0, 2, 1, 3]), v, axis=2)
        weights = g.op("Softmax", g.op("Add", g.op("MatMul", q, g.op("Transpose", k, perm=[0, 1, 3, 2])), "mask"), axis=-1)
        h = g.reshape(g.op("Transpose", g.op("MatMul", weights, v), perm=[0, 2, 1, 3]), [0, 0, WIDTH])
        x = g.op("Add", x, g.op("MatMul", h, g.const(_weight(own.o), name=f"{name}_o")))
        h = g.layer_norm(x, layer.norm2.weight.detach().numpy())
        q = _split_heads(g, g.op("MatMul", h, g.const(_weight(other.q) / math.sqrt(HEAD_WIDTH), name=f"{name}_ask")), [0, 2, 1, 3])
        weights = g.op("Softmax", g.op("MatMul", q, _of_layer(g, "sound_keys", number)), axis=-1)
        h = g.op("MatMul", weights, _of_layer(g, "sound_values", number))
        h = g.reshape(g.op("Transpose", h, perm=[0, 2, 1, 3]), [0, 0, WIDTH])
        x = g.op("Add", x, g.op("MatMul", h, g.const(_weight(other.o), name=f"{name}_hear")))
        h = g.layer_norm(x, layer.norm3.weight.detach().numpy())
        h = g.op("Add", g.op("MatMul", h, g.const(_weight(layer.fc1), name=f"{name}_fc1")), g.const(layer.fc1.bias.detach().numpy()))
        value, gate = g.split(h, [4 * WIDTH] * 2, axis=-1)
        h = g.op("Mul", g.op("Mul", gate, g.op("Sigmoid", gate)), value)
        x = g.op("Add", x, g.op("Add", g.op("MatMul", h, g.const(_weight(layer.fc2), name=f"{name}_fc2")), g.const(layer.fc2.bias.detach().numpy())))
    x = g.layer_norm(x, writer.norm.weight.detach().numpy())
    g.op("MatMul", x, table, name="logits")
    g.op("Concat", *keys, axis=-1, name="keys")
    g.op("Concat", *values, axis=-1, name="values")
    heads = [LAYERS, HEADS]
    return g.model(
        [
            ("ids", [1, "new"], TensorProto.INT64), ("places", ["new"], TensorProto.INT64), ("mask", ["new", "all"]),
            ("past_keys", ["past", KEPT]), ("past_values", ["past", KEPT]),
            ("sound_keys", [*heads, HEAD_WIDTH, "frames"]), ("sound_values", [*heads, "frames", HEAD_WIDTH]),
        ],
        [("logits", [1, "new", writer.embedding.num_embeddings]), ("keys", ["new", KEPT]), ("values", ["new", KEPT])],
    )


def small(model: onnx.ModelProto) -> onnx.ModelProto:
    """8-bit products; the table of tokens, which is looked up in too, is kept once."""
    made = quantise.dynamic_int8(model, ())
    graph = made.graph
    kept = {t.name: t for t in graph.initializer}
    if f"{_TABLE}_quantized" not in kept:
        return made
    place = next(n for n, node in enumerate(graph.node) if node.output[0] == "column")
    ids = graph.node[place].input[1]
    scales = numpy_helper.to_array(kept[f"{_TABLE}_scale"]).reshape(1, -1)
    graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(scales), "table_scale"))
    unpack = [
        helper.make_node("Gather", [f"{_TABLE}_quantized", ids], ["column_int8"], name="n_column_int8", axis=1),
        helper.make_node("Gather", ["table_scale", ids], ["column_scale"], name="n_column_scale", axis=1),
        helper.make_node("Cast", ["column_int8"], ["column_cast"], name="n_column_cast", to=TensorProto.FLOAT),
        helper.make_node("Mul", ["column_cast", "column_scale"], ["column"], name="n_column"),
    ]
    nodes = [*graph.node[:place], *unpack, *graph.node[place + 1 :]]
    del graph.node[:]
    graph.node.extend(nodes)
    if _TABLE in kept:
        graph.initializer.remove(kept[_TABLE])
    onnx.checker.check_model(made, full_check=True)
    return made
