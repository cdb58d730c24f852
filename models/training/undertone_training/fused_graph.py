"""`multilevel` and `joint` as graphs, for one pair at a time."""

import math

import numpy as np
import onnx

from . import graphs, labels, trunk
from .graph import Graph
from .joint import Joint
from .multilevel import HEADS, LEVELS, TOKENS, WIDTH, Multilevel
from .speech_head import MIX, PRIOR, STATS
from .text_graph import bert_layer, dense


def _array(tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _norm(g: Graph, x: str, norm) -> str:
    return g.layer_norm(x, _array(norm.weight), norm.eps, _array(norm.bias))


def _baseline(g: Graph, model) -> str:
    past = g.op("Add", g.op("Mul", "past_mean", "past_clips"), g.const(PRIOR * _array(model.population_mean)[None, :]))
    return g.op("Div", past, g.add("past_clips", PRIOR))


def _own(g: Graph, model, before: str) -> str:
    """The utterance's statistics against the speaker's baseline."""
    mean = g.mean("mix", [1])
    centred = g.op("Sub", "mix", mean)
    deviation = g.op("Sqrt", g.add(g.mean(g.op("Mul", centred, centred), [1], keep=False), 1e-5))
    stats = g.op("Concat", g.reshape(mean, [1, MIX]), deviation, axis=-1)
    return g.mul(g.op("Sub", stats, before), 1.0 / _array(model.population_scale)[None, :])


def _attention(g: Graph, part, name: str, x: str, other: str) -> str:
    size = WIDTH // HEADS

    def heads(value: str, turn: list[int]) -> str:
        return g.op("Transpose", g.reshape(value, [0, -1, HEADS, size]), perm=turn)

    key, value = g.split(dense(g, other, part.offer, f"{name}_offer"), [WIDTH, WIDTH], axis=-1)
    asked = g.mul(dense(g, x, part.ask, f"{name}_ask"), 1.0 / math.sqrt(size))
    weights = g.op("Softmax", g.op("MatMul", heads(asked, [0, 2, 1, 3]), heads(key, [0, 2, 3, 1])), axis=-1)
    found = g.reshape(g.op("Transpose", g.op("MatMul", weights, heads(value, [0, 2, 1, 3])), perm=[0, 2, 1, 3]), [0, -1, WIDTH])
    return _norm(g, g.op("Add", x, found), part.norm)


_PAST = [("past_mean", [1, STATS]), ("past_clips", [1, 1])]
_OUT = [("logits", [1, len(labels.LABELS)])]


def of_multilevel(model: Multilevel) -> onnx.ModelProto:
    """mix, past_mean, past_clips, phones, syllables, words, tokens → logits."""
    g = Graph("multilevel")
    before = _baseline(g, model)
    own = _own(g, model, before)
    inverse = 1.0 / (3.0 * _array(model.population_scale)[:MIX])
    speaker, _ = g.split(before, [MIX, MIX], axis=-1)
    x = g.op("Concat", g.mul(g.op("Sub", "mix", speaker), inverse), g.mul(g.add("mix", -_array(model.population_mean)[:MIX]), inverse), axis=-1)
    x = _norm(g, dense(g, x, model.speech_in, "speech_in"), model.speech_norm)
    t = _norm(g, dense(g, "tokens", model.text_in, "text_in"), model.text_norm)
    parts = [own, g.mean(x, [1], keep=False), g.mean(t, [1], keep=False)]
    for name in LEVELS:
        level = model.levels[name]
        u = x if name == "frames" else g.op("MatMul", name, x)
        heard = _attention(g, level.speech, f"{name}_speech", u, t)
        read = _attention(g, level.text, f"{name}_text", t, u)
        parts += [g.mean(heard, [1], keep=False), g.mean(read, [1], keep=False)]
    h = g.gelu(dense(g, g.op("Concat", *parts, axis=-1), model.enter, "enter"))
    g.op("Identity", dense(g, h, model.leave), name="logits")
    inputs = [("mix", [1, "frames", MIX]), *_PAST]
    inputs += [(name, [1, f"{name}_count", "frames"]) for name in LEVELS[1:]]
    return g.model([*inputs, ("tokens", [1, "tokens_count", TOKENS])], _OUT)


def of_joint(model: Joint, text_heads: int = 12) -> onnx.ModelProto:
    """mix, past_mean, past_clips, lower → logits."""
    g = Graph("joint")
    own = _own(g, model, _baseline(g, model))
    _, frames = g.split("mix", [MIX - trunk.WIDTH, trunk.WIDTH], axis=-1)
    count = g.op("Gather", g.op("Shape", "mix"), g.const(1, np.int64), axis=0)
    steps = g.op("Range", g.const(0, np.int64), count, g.const(1, np.int64))
    steps = g.op("Unsqueeze", g.op("Cast", steps, to=onnx.TensorProto.FLOAT), g.const([1], np.int64))
    angle = g.op("Mul", steps, g.const(_array(model.frequencies)[None, :]))
    x = graphs._layer(g, model.speech_layer, "speech_layer", frames, g.op("Cos", angle), g.op("Sin", angle))
    x = _norm(g, x, model.summary_norm)
    t = "lower"
    for number, layer in enumerate(model.text_layers, start=1):
        t = bert_layer(g, layer, f"text_layer{number}", t, text_heads)
    parts = [g.mean(x, [1], keep=False), own, g.mean(t, [1], keep=False)]
    if model.kind == "attention":
        a = _norm(g, dense(g, x, model.speech_in, "speech_in"), model.speech_norm)
        b = _norm(g, dense(g, t, model.text_in, "text_in"), model.text_norm)
        parts += [g.mean(_attention(g, model.speech, "speech", a, b), [1], keep=False), g.mean(_attention(g, model.text, "text", b, a), [1], keep=False)]
    g.op("Identity", dense(g, g.op("Concat", *parts, axis=-1), model.leave, "leave"), name="logits")
    return g.model([("mix", [1, "frames", MIX]), *_PAST, ("lower", [1, "tokens_count", TOKENS])], _OUT)
