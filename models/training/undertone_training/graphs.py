"""The graphs of a pack, written from the trained modules: trunk, speech head, words head."""

import math

import numpy as np
import onnx

from . import labels
from .graph import Graph
from .speech_head import _EPS, MIX, NEVER, PRIOR, STATS, SpeechHead
from .trunk import EMOTION_LAYERS, HEAD_WIDTH, HEADS, ROTARY, WIDTH, Trunk


def _array(tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _stem(g: Graph, t: Trunk) -> str:
    x = g.op("Unsqueeze", "audio", g.const([1], np.int64))
    x = g.op("Tanh", g.op("Conv", x, g.const(_array(t.conv1.weight), name="conv1"), strides=[64], pads=[0, 0], dilations=[1]))
    centred = g.op("Sub", x, g.mean(x, [1, 2]))
    spread = g.op("Sqrt", g.add(g.mean(g.op("Mul", centred, centred), [1, 2]), t.groupnorm.eps))
    x = g.op("Div", centred, spread)
    x = g.add(g.mul(x, _array(t.groupnorm.weight)[None, :, None]), _array(t.groupnorm.bias)[None, :, None])
    for name, conv, stride in (("conv2", t.conv2, 3), ("conv3", t.conv3, 2)):
        x = g.gelu(g.op("Conv", x, g.const(_array(conv.weight), name=name), g.const(_array(conv.bias)), strides=[stride], pads=[0, 0], dilations=[1]))
    return g.op("Transpose", x, perm=[0, 2, 1])


def _angles(g: Graph, t: Trunk, x: str) -> tuple[str, str]:
    frames = g.op("Gather", g.op("Shape", x), g.const(1, np.int64), axis=0)
    steps = g.op("Range", g.const(0, np.int64), frames, g.const(1, np.int64))
    steps = g.op("Unsqueeze", g.op("Cast", steps, to=onnx.TensorProto.FLOAT), g.const([1], np.int64))
    angle = g.op("Mul", steps, g.const(_array(t.frequencies)[None, :]))
    return g.op("Cos", angle), g.op("Sin", angle)


def _rotate(g: Graph, x: str, cos: str, sin: str) -> str:
    half = ROTARY // 2
    a, b, rest = g.split(x, [half, half, HEAD_WIDTH - ROTARY], axis=-1)
    first = g.op("Sub", g.op("Mul", a, cos), g.op("Mul", b, sin))
    second = g.op("Add", g.op("Mul", b, cos), g.op("Mul", a, sin))
    return g.op("Concat", first, second, rest, axis=-1)


def _layer(g: Graph, layer, name: str, x: str, cos: str, sin: str) -> str:
    h = g.layer_norm(x, _array(layer.norm1.weight))
    query = _array(layer.q.weight).T / math.sqrt(HEAD_WIDTH)
    joined = np.concatenate([query, _array(layer.k.weight).T, _array(layer.v.weight).T], axis=1)
    parts = g.split(g.op("MatMul", h, g.const(joined, name=f"{name}_qkv")), [WIDTH] * 3, axis=-1)
    q, k, v = (g.op("Transpose", g.reshape(p, [0, 0, HEADS, HEAD_WIDTH]), perm=[0, 2, 1, 3]) for p in parts)
    q, k = _rotate(g, q, cos, sin), _rotate(g, k, cos, sin)
    weights = g.op("Softmax", g.op("MatMul", q, g.op("Transpose", k, perm=[0, 1, 3, 2])), axis=-1)
    h = g.reshape(g.op("Transpose", g.op("MatMul", weights, v), perm=[0, 2, 1, 3]), [0, 0, WIDTH])
    x = g.op("Add", x, g.op("MatMul", h, g.const(_array(layer.o.weight).T, name=f"{name}_o")))
    h = g.layer_norm(x, _array(layer.norm2.weight))
    h = g.gelu(g.op("Add", g.op("MatMul", h, g.const(_array(layer.fc1.weight).T, name=f"{name}_fc1")), g.const(_array(layer.fc1.bias))))
    h = g.op("Add", g.op("MatMul", h, g.const(_array(layer.fc2.weight).T, name=f"{name}_fc2")), g.const(_array(layer.fc2.bias)))
    return g.op("Add", x, h)


def trunk(t: Trunk) -> onnx.ModelProto:
    """audio [1, samples] → mix [1, frames, MIX], top [1, frames, WIDTH]."""
    g = Graph("trunk")
    x = _stem(g, t)
    cos, sin = _angles(g, t, x)
    outputs = []
    for number, layer in enumerate(t.layers, start=1):
        x = _layer(g, layer, f"layer{number}", x, cos, sin)
        outputs.append(x)
    g.op("Concat", *[outputs[i - 1] for i in EMOTION_LAYERS], axis=-1, name="mix")
    g.op("LayerNormalization", x, g.const(_array(t.norm.weight)), g.const(np.zeros(WIDTH)), axis=-1, epsilon=1e-5, name="top")
    return g.model([("audio", [1, "samples"])], [("mix", [1, "frames", MIX]), ("top", [1, "frames", WIDTH])])


def judge(g: Graph, head: SpeechHead, stats: str) -> None:
    """The head over an utterance's statistics: `logits` and `affect`."""
    population = _array(head.population_mean)[None, :]
    inverse = 1.0 / _array(head.population_scale)[None, :]
    past = g.op("Add", g.op("Mul", "past_mean", "past_clips"), g.const(PRIOR * population))
    baseline = g.op("Div", past, g.add("past_clips", PRIOR))
    own = g.mul(g.op("Sub", stats, baseline), inverse)
    plain = g.mul(g.add(stats, -population), inverse)
    x = g.op("Concat", own, plain, axis=-1)

    def dense(value: str, linear) -> str:
        return g.op("Add", g.op("MatMul", value, g.const(_array(linear.weight).T)), g.const(_array(linear.bias)))

    total = g.op("Add", dense(x, head.linear), dense(g.op("Relu", dense(x, head.enter)), head.leave))
    trained = _array(head.trained)[None, :]
    logits = g.op("Add", g.op("Mul", total, g.const(trained)), g.const(NEVER * (1.0 - trained)), name="logits")
    point = g.op("MatMul", g.op("Softmax", logits, axis=-1), g.const(_array(head.affect_map)))
    g.op("Tanh", g.mul(point, math.atanh(0.8) / 0.8), name="affect")


def speech(head: SpeechHead) -> onnx.ModelProto:
    """mix, past_mean, past_clips → logits, affect, stats."""
    g = Graph("speech")
    mean = g.mean("mix", [1])
    centred = g.op("Sub", "mix", mean)
    deviation = g.op("Sqrt", g.add(g.mean(g.op("Mul", centred, centred), [1], keep=False), _EPS))
    stats = g.op("Concat", g.reshape(mean, [1, MIX]), deviation, axis=-1, name="stats")
    judge(g, head, stats)
    return g.model(
        [("mix", [1, "frames", MIX]), ("past_mean", [1, STATS]), ("past_clips", [1, 1])],
        [("logits", [1, len(labels.LABELS)]), ("affect", [1, 3]), ("stats", [1, STATS])],
    )


def words(linear, width: int) -> onnx.ModelProto:
    """top → log_probs."""
    g = Graph("words")
    x = g.op("Add", g.op("MatMul", "top", g.const(_array(linear.weight).T)), g.const(_array(linear.bias)))
    g.op("LogSoftmax", x, axis=-1, name="log_probs")
    return g.model([("top", [1, "frames", WIDTH])], [("log_probs", [1, "frames", width])])
