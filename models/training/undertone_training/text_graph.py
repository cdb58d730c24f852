"""The text branch as a graph: token numbers in; emotion, affect, toxicity and two layers' states out."""

import math

import numpy as np
import onnx
from onnx import TensorProto

from . import labels, quantise
from .graph import Graph
from .text_model import TextModel


def _array(tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def dense(g: Graph, x: str, linear, name: str | None = None) -> str:
    """A linear layer."""
    product = g.op("MatMul", x, g.const(_array(linear.weight).T, name=name))
    return g.op("Add", product, g.const(_array(linear.bias)))


def _norm(g: Graph, x: str, norm) -> str:
    return g.layer_norm(x, _array(norm.weight), norm.eps, _array(norm.bias))


def bert_layer(g: Graph, layer, name: str, x: str, heads: int) -> str:
    """One layer of BERT over states [1, tokens, width]."""
    attention, width = layer.attention, layer.attention.self.query.in_features
    size = width // heads
    own = attention.self
    joined = np.concatenate([_array(own.query.weight).T / math.sqrt(size), _array(own.key.weight).T, _array(own.value.weight).T], axis=1)
    bias = np.concatenate([_array(own.query.bias) / math.sqrt(size), _array(own.key.bias), _array(own.value.bias)])
    parts = g.split(g.add(g.op("MatMul", x, g.const(joined, name=f"{name}_qkv")), bias), [width] * 3, axis=-1)
    q, k, v = (g.op("Transpose", g.reshape(p, [0, 0, heads, size]), perm=[0, 2, 1, 3]) for p in parts)
    weights = g.op("Softmax", g.op("MatMul", q, g.op("Transpose", k, perm=[0, 1, 3, 2])), axis=-1)
    h = g.reshape(g.op("Transpose", g.op("MatMul", weights, v), perm=[0, 2, 1, 3]), [0, 0, width])
    x = _norm(g, g.op("Add", x, dense(g, h, attention.output.dense, f"{name}_o")), attention.output.LayerNorm)
    h = dense(g, g.gelu(dense(g, x, layer.intermediate.dense, f"{name}_fc1")), layer.output.dense, f"{name}_fc2")
    return _norm(g, g.op("Add", x, h), layer.output.LayerNorm)


def _embedding(g: Graph, model: TextModel) -> str:
    """Word, place and kind vectors; the words' table is kept on 8 bits a number, with a scale a word, and only what is asked for is unfolded."""
    table = model.bert.embeddings
    packed, scale = quantise.grid(_array(table.word_embeddings.weight), (1,))
    word = g.op("Cast", g.op("Gather", g.const(packed, np.int8, "vocabulary"), "ids", axis=0), to=TensorProto.FLOAT)
    word = g.op("Mul", word, g.op("Gather", g.const(scale, name="vocabulary_scale"), "ids", axis=0))
    count = g.op("Gather", g.op("Shape", "ids"), g.const(1, np.int64), axis=0)
    place = g.op("Range", g.const(0, np.int64), count, g.const(1, np.int64))
    places = _array(table.position_embeddings.weight) + _array(table.token_type_embeddings.weight)[0]
    from .text_model import LONGEST

    return _norm(g, g.op("Add", word, g.op("Gather", g.const(places[: LONGEST + 32], name="places"), place, axis=0)), table.LayerNorm)


def text(model: TextModel, frozen: int) -> onnx.ModelProto:
    """ids [1, tokens] → logits, affect, toxic, tokens (last layer), lower (after the frozen layers)."""
    g = Graph("text")
    heads, width = model.bert.config.num_attention_heads, model.bert.config.hidden_size
    x = _embedding(g, model)
    layers = list(model.bert.encoder.layer)
    for number, layer in enumerate(layers, start=1):
        x = bert_layer(g, layer, f"layer{number}", x, heads)
        if number == frozen:
            g.op("Identity", x, name="lower")
        if number == len(layers):
            g.op("Identity", x, name="tokens")
    first = g.op("Gather", x, g.const(0, np.int64), axis=1)
    summary = g.op("Concat", g.mean(x, [1], keep=False), first, axis=-1)
    h = g.gelu(dense(g, summary, model.dense, "summary"))
    g.op("Identity", dense(g, h, model.emotion), name="logits")
    g.op("Tanh", dense(g, h, model.affect), name="affect")
    g.op("Identity", dense(g, h, model.toxic), name="toxic")
    return g.model(
        [("ids", [1, "tokens"], TensorProto.INT64)],
        [("logits", [1, len(labels.LABELS)]), ("affect", [1, 3]), ("toxic", [1, 1]), ("tokens", [1, "tokens", width]), ("lower", [1, "tokens", width])],
    )
