"""Writes another encoder's graph in plain operators: wav2vec 2.0, HuBERT, WavLM, as `encoder.py` loads them."""

import math

import numpy as np
import onnx
from torch import nn

from .encoder import Encoder
from .graph import Graph


def _array(tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def _dense(g: Graph, x: str, linear: nn.Linear, name: str | None = None, scale: float = 1.0) -> str:
    x = g.op("MatMul", x, g.const(_array(linear.weight).T * scale, name=name))
    return x if linear.bias is None else g.op("Add", x, g.const(_array(linear.bias) * scale))


def _norm(g: Graph, x: str, norm: nn.LayerNorm) -> str:
    return g.layer_norm(x, _array(norm.weight), norm.eps, _array(norm.bias))


def _turn(g: Graph, x: str) -> str:
    return g.op("Transpose", x, perm=[0, 2, 1])


def _stem(g: Graph, encoder: Encoder) -> str:
    """The convolutions, the projection to the layers' width."""
    x = "audio"
    if encoder.normalise:
        centred = g.op("Sub", x, g.mean(x, [1]))
        x = g.op("Div", centred, g.op("Sqrt", g.add(g.mean(g.op("Mul", centred, centred), [1]), 1e-7)))
    x = g.op("Unsqueeze", x, g.const([1], np.int64))
    for number, layer in enumerate(encoder.model.feature_extractor.conv_layers):
        conv = layer.conv
        weights = [g.const(_array(conv.weight), name=f"conv{number}")] + ([] if conv.bias is None else [g.const(_array(conv.bias))])
        x = g.op("Conv", x, *weights, strides=list(conv.stride), pads=[0, 0], dilations=[1])
        norm = getattr(layer, "layer_norm", None)
        if isinstance(norm, nn.GroupNorm):  # a group for each channel: over time alone
            centred = g.op("Sub", x, g.mean(x, [2]))
            x = g.op("Div", centred, g.op("Sqrt", g.add(g.mean(g.op("Mul", centred, centred), [2]), norm.eps)))
            x = g.add(g.mul(x, _array(norm.weight)[None, :, None]), _array(norm.bias)[None, :, None])
        elif norm is not None:
            x = _turn(g, _norm(g, _turn(g, x), norm))
        x = g.gelu(x)
    x = _turn(g, x)
    projection = encoder.model.feature_projection
    if getattr(projection, "layer_norm", None) is not None:
        x = _norm(g, x, projection.layer_norm)
    return _dense(g, x, projection.projection, "projection")


def _places(g: Graph, encoder: Encoder, x: str) -> str:
    """Where a frame is, told by a wide grouped convolution."""
    conv = encoder.model.encoder.pos_conv_embed.conv
    pad, even = conv.padding[0], conv.kernel_size[0] % 2 == 0
    y = g.op("Conv", _turn(g, x), g.const(_array(conv.weight), name="places"), g.const(_array(conv.bias)), group=conv.groups,
             pads=[pad, pad - 1 if even else pad], strides=[1], dilations=[1])
    return g.op("Add", x, _turn(g, g.gelu(y)))


def _distances(g: Graph, attention, x: str) -> str:
    """WavLM: a bias [heads, frames, frames] by how far two frames lie apart, near ones exactly, far ones by logarithm."""
    frames = g.op("Gather", g.op("Shape", x), g.const(1, np.int64), axis=0)
    steps = g.op("Cast", g.op("Range", g.const(0, np.int64), frames, g.const(1, np.int64)), to=onnx.TensorProto.FLOAT)
    apart = g.op("Sub", g.op("Unsqueeze", steps, g.const([0], np.int64)), g.op("Unsqueeze", steps, g.const([1], np.int64)))
    half = attention.num_buckets // 2
    exact = half // 2
    after = g.op("Where", g.op("Greater", apart, g.const(0.0)), g.const(float(half)), g.const(0.0))
    apart = g.op("Abs", apart)
    # Floored at the first far place, so that nothing near is asked for its logarithm.
    far = g.op("Log", g.mul(g.op("Max", apart, g.const(float(exact))), 1.0 / exact))
    far = g.op("Floor", g.add(g.mul(far, (half - exact) / math.log(attention.max_distance / exact)), float(exact)))
    bucket = g.op("Where", g.op("Less", apart, g.const(float(exact))), apart, g.op("Min", far, g.const(float(half - 1))))
    bucket = g.op("Cast", g.op("Add", bucket, after), to=onnx.TensorProto.INT64)
    values = g.op("Gather", g.const(_array(attention.rel_attn_embed.weight), name="distances"), bucket, axis=0)
    return g.op("Transpose", values, perm=[2, 0, 1])


def _gate(g: Graph, attention, x: str, heads: int, width: int) -> str:
    """WavLM: how much each frame minds the distance."""
    y = g.op("Transpose", g.reshape(x, [0, 0, heads, width]), perm=[0, 2, 1, 3])
    y = _dense(g, y, attention.gru_rel_pos_linear)
    # [1, heads, frames, 2, 4], summed over the last.
    first, second = g.split(y, [4, 4], axis=-1)
    gates = [g.op("Sigmoid", g.op("ReduceSum", part, g.const([-1], np.int64), keepdims=1)) for part in (first, second)]
    inner = g.add(g.op("Mul", gates[1], g.const(_array(attention.gru_rel_pos_const))), -1.0)
    return g.add(g.op("Mul", gates[0], inner), 2.0)


def _attend(g: Graph, attention, name: str, x: str, heads: int, distances: str | None) -> str:
    width = attention.q_proj.out_features // heads
    q, k, v = (
        g.op("Transpose", g.reshape(_dense(g, x, part, f"{name}_{letter}", scale), [0, 0, heads, width]), perm=[0, 2, 1, 3])
        for letter, part, scale in (("q", attention.q_proj, 1 / math.sqrt(width)), ("k", attention.k_proj, 1.0), ("v", attention.v_proj, 1.0))
    )
    weights = g.op("MatMul", q, g.op("Transpose", k, perm=[0, 1, 3, 2]))
    if distances is not None:
        weights = g.op("Add", weights, g.op("Mul", _gate(g, attention, x, heads, width), distances))
    y = g.op("MatMul", g.op("Softmax", weights, axis=-1), v)
    y = g.reshape(g.op("Transpose", y, perm=[0, 2, 1, 3]), [0, 0, heads * width])
    return _dense(g, y, attention.out_proj, f"{name}_out")


def graph(encoder: Encoder) -> onnx.ModelProto:
    """audio [1, samples] → mix [1, frames, width], top [1, frames, width]."""
    g = Graph("encoder")
    config, stack = encoder.model.config, encoder.model.encoder
    early = bool(getattr(config, "do_stable_layer_norm", False))  # normalised before each part, or after it
    x = _places(g, encoder, _stem(g, encoder))
    if not early:
        x = _norm(g, x, stack.layer_norm)
    levels, distances = [x], None
    for number, layer in enumerate(stack.layers, start=1):
        name = f"layer{number}"
        heard = _norm(g, x, layer.layer_norm) if early else x
        if distances is None and hasattr(layer.attention, "rel_attn_embed"):
            distances = _distances(g, layer.attention, x)
        x = g.op("Add", x, _attend(g, layer.attention, name, heard, config.num_attention_heads, distances))
        x = x if early else _norm(g, x, layer.layer_norm)
        heard = _norm(g, x, layer.final_layer_norm) if early else x
        forward = layer.feed_forward
        y = _dense(g, g.gelu(_dense(g, heard, forward.intermediate_dense, f"{name}_in")), forward.output_dense, f"{name}_down")
        x = g.op("Add", x, y)
        x = x if early else _norm(g, x, layer.final_layer_norm)
        levels.append(x)
    if early:
        levels[-1] = _norm(g, x, stack.layer_norm)
    shares = _array(encoder.mixing)
    kept = [g.mul(level, share) for level, share in zip(levels, shares) if share > 1e-4]
    mix = kept[0]
    for level in kept[1:]:
        mix = g.op("Add", mix, level)
    g.op("Identity", mix, name="mix")
    g.op("Identity", levels[-1], name="top")
    width = ["frames", encoder.width]
    return g.model([("audio", [1, "samples"])], [("mix", [1, *width]), ("top", [1, *width])])
