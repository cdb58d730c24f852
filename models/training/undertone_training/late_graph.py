"""The speech branch of system `late` as a graph: raw audio in, its log-mel picture and the whole network inside."""

import numpy as np
import onnx

from . import graphs, labels, logmel, resnet
from .graph import Graph
from .late_train import STATS, LateSpeech


def _array(tensor) -> np.ndarray:
    return tensor.detach().cpu().float().contiguous().numpy()


def _picture(g: Graph, model: LateSpeech) -> str:
    """[1, 1, bands, frames], centred over time."""
    x = g.op("Unsqueeze", "audio", g.const([1], np.int64))
    x = g.op("Conv", x, g.const(_array(model.logmel.kernel), name="fourier"), strides=[logmel.HOP], pads=[0, 0], dilations=[1])
    real, imaginary = g.split(x, [logmel.FFT // 2] * 2, axis=1)
    power = g.op("Transpose", g.op("Add", g.op("Mul", real, real), g.op("Mul", imaginary, imaginary)), perm=[0, 2, 1])
    bands = g.op("MatMul", power, g.const(_array(model.logmel.bands), name="bands"))
    x = g.op("Log", g.op("Max", bands, g.const([logmel.FLOOR])))
    x = g.op("Transpose", g.op("Sub", x, g.mean(x, [1])), perm=[0, 2, 1])
    return g.op("Unsqueeze", x, g.const([1], np.int64))


def _conv(g: Graph, x: str, conv, name: str) -> str:
    size, stride = conv.kernel_size[0], conv.stride[0]
    return g.op("Conv", x, g.const(_array(conv.weight), name=name), g.const(_array(conv.bias)), strides=[stride] * 2, pads=[size // 2] * 4, dilations=[1, 1])


def late_speech(model: LateSpeech) -> onnx.ModelProto:
    """audio, past_mean, past_clips → logits, affect, stats."""
    g = Graph("late_speech")
    x = g.op("Relu", _conv(g, _picture(g, model), model.net.stem, "stem"))
    for s, stage in enumerate(model.net.stages, start=1):
        for b, block in enumerate(stage, start=1):
            other = x if block.round is None else _conv(g, x, block.round, f"stage{s}_{b}_round")
            h = g.op("Relu", _conv(g, x, block.first, f"stage{s}_{b}_first"))
            x = g.op("Relu", g.op("Add", _conv(g, h, block.second, f"stage{s}_{b}_second"), other))
    x = g.reshape(x, [1, resnet.MAPS, -1])
    mean = g.mean(x, [2])
    centred = g.op("Sub", x, mean)
    deviation = g.op("Sqrt", g.add(g.mean(g.op("Mul", centred, centred), [2], keep=False), 1e-5))
    stats = g.op("Concat", g.reshape(mean, [1, resnet.MAPS]), deviation, axis=-1, name="stats")
    graphs.judge(g, model.head, stats)
    return g.model(
        [("audio", [1, "samples"]), ("past_mean", [1, STATS]), ("past_clips", [1, 1])],
        [("logits", [1, len(labels.LABELS)]), ("affect", [1, 3]), ("stats", [1, STATS])],
    )
