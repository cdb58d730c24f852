"""ResNet-34 over log-mel pictures, with the weights of a speaker-recognition network, its normalisations folded in.

Takes WeSpeaker's published ONNX file or the same network in ONNX Runtime's own format. Emotion is read off the third
stage's maps by default: the fourth tells who speaks, and has lost how.
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import Tensor, nn
from torch.nn import functional as F

from . import moonshine
from .errors import RecipeError

STAGES = ((32, 3, 1), (64, 4, 2), (128, 6, 2), (256, 3, 2))
MAPS = 128 * 20  # channels × rows of the third stage's maps, for pictures of 80 rows; the fourth's 256 × 10 are as many
DEPTH = 3  # stages used


class Block(nn.Module):
    """Two convolutions and a way round them."""

    def __init__(self, inner: int, outer: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inner, outer, 3, stride, 1)
        self.second = nn.Conv2d(outer, outer, 3, 1, 1)
        self.round = nn.Conv2d(inner, outer, 1, stride) if stride > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        other = x if self.round is None else self.round(x)
        y = self.second(F.relu(self.first(x), inplace=True))  # in place: a fifth of a training step
        y += other
        return F.relu(y, inplace=True)


class ResNet(nn.Module):
    """Pictures [batch, 1, 80, frames] to maps [batch, 128, 20, frames / 4], or with four stages [batch, 256, 10, frames / 8]."""

    def __init__(self, depth: int = DEPTH) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, STAGES[0][0], 3, 1, 1)
        self.stages = nn.ModuleList()
        width = STAGES[0][0]
        for outer, count, stride in STAGES[:depth]:
            self.stages.append(nn.Sequential(*[Block(width if k == 0 else outer, outer, stride if k == 0 else 1) for k in range(count)]))
            width = outer
        self.scratch()

    def scratch(self) -> None:
        """Fresh weights; each block begins as nothing but its way round, since there is no normalisation to tame it."""
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                nn.init.zeros_(part.bias)
        for part in self.modules():
            if isinstance(part, Block):
                nn.init.zeros_(part.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.stem(x), inplace=True)
        for stage in self.stages:
            x = stage(x)
        return x


def columns_of(frames: Tensor, depth: int = DEPTH) -> Tensor:
    """How many columns of the last maps so many frames make."""
    for _ in range(depth - 1):
        frames = (frames + 1) // 2
    return frames


def statistics(maps: Tensor, columns: Tensor | None = None) -> Tensor:
    """Mean and deviation over time of every row of every channel: [batch, 2 · MAPS]."""
    x = maps.flatten(1, 2).float()
    if columns is None:
        mean = x.mean(dim=2, keepdim=True)
        variance = (x - mean).square().mean(dim=2)
    else:
        inside = (torch.arange(x.shape[2])[None, :] < columns[:, None]).to(x.dtype)[:, None, :]
        count = columns.to(x.dtype)[:, None, None]
        mean = (x * inside).sum(dim=2, keepdim=True) / count
        variance = ((x - mean).square() * inside).sum(dim=2) / count[:, :, 0]
    return torch.cat([mean[:, :, 0], torch.sqrt(variance + 1e-5)], dim=-1)


def _read(path: Path) -> tuple[list[tuple[str, list[str], list[str]]], dict[str, np.ndarray]]:
    """Nodes (operator, inputs, outputs) in their order, and stored values."""
    if not path.exists():
        raise RecipeError(f"{path}: not found; give WeSpeaker's ResNet34 as ONNX, or the same in ORT format")
    if path.suffix == ".ort":
        graph = moonshine._open(path)
        nodes = [graph.Nodes(i) for i in range(graph.NodesLength())]
        nodes = sorted(nodes, key=lambda n: n.Index())
        tensors = [graph.Initializers(i) for i in range(graph.InitializersLength())]
        stored = {t.Name().decode(): moonshine._array(t) for t in tensors if t.DataType() != onnx.TensorProto.STRING}
        return [(n.OpType().decode(), [n.Inputs(i).decode() for i in range(n.InputsLength())],
                 [n.Outputs(i).decode() for i in range(n.OutputsLength())]) for n in nodes], stored
    graph = onnx.load(path).graph
    return [(n.op_type, list(n.input), list(n.output)) for n in graph.node], {t.name: numpy_helper.to_array(t) for t in graph.initializer}


def _value(name: str, made: dict, stored: dict) -> np.ndarray | None:
    """A stored value, or one that small constant steps make of it."""
    if name in stored:
        return stored[name]
    if name not in made:
        return None
    kind, inputs = made[name]
    parts = [_value(i, made, stored) for i in inputs if i]
    if any(p is None for p in parts):
        return None
    if kind in ("Cast", "Identity"):
        return parts[0].astype(np.float32)
    if kind == "Mul":
        return parts[0] * parts[1]
    if kind == "Add":
        return parts[0] + parts[1]
    if kind == "DequantizeLinear":
        zero = parts[2].astype(np.float32) if len(parts) > 2 else np.float32(0)
        return (parts[0].astype(np.float32) - zero) * parts[1]
    return None


def _ordered(nodes: list, stored: dict) -> list:
    """The nodes so that each comes after what it needs."""
    makers = {o: n for n in nodes for o in n[2]}
    done, found = set(), []

    def visit(node) -> None:
        stack = [(node, False)]
        while stack:
            now, ready = stack.pop()
            if id(now) in done:
                continue
            if ready:
                done.add(id(now))
                found.append(now)
                continue
            stack.append((now, True))
            stack += [(makers[i], False) for i in now[1] if i in makers]

    for node in nodes:
        visit(node)
    return found


def load(path: Path, depth: int = DEPTH) -> tuple[ResNet, dict[str, Tensor]]:
    """The network with published weights, and its embedding layer's weight and bias."""
    nodes, stored = _read(path)
    made = {o: (kind, inputs) for kind, inputs, outputs in nodes for o in outputs}
    found = {3: [], 1: []}
    embedding: dict[str, Tensor] = {}
    for kind, inputs, _ in _ordered(nodes, stored):
        if kind in ("Conv", "FusedConv"):
            weight, bias = _value(inputs[1], made, stored), _value(inputs[2], made, stored) if len(inputs) > 2 else None
            if weight is None or bias is None or weight.ndim != 4:
                raise RecipeError(f"{path}: a convolution's weights cannot be read; give the network with its normalisations folded in")
            found.setdefault(weight.shape[2], []).append((weight, bias))
        elif kind == "Gemm":
            weight, bias = _value(inputs[1], made, stored), _value(inputs[2], made, stored)
            if weight is not None and weight.shape[1] == 2 * MAPS:
                embedding = {"weight": torch.from_numpy(weight.copy()), "bias": torch.from_numpy(bias.copy())}
    net = ResNet(depth)
    if len(found[3]) != 1 + 2 * sum(count for _, count, _ in STAGES) or len(found[1]) != len(STAGES) - 1:
        raise RecipeError(f"{path}: holds {len(found[3])} and {len(found[1])} convolutions of sizes 3 and 1, ResNet-34 has 33 and 3; is it WeSpeaker's ResNet34?")
    squares = [net.stem] + [c for stage in net.stages for block in stage for c in (block.first, block.second)]
    rounds = [block.round for stage in net.stages for block in stage if block.round is not None]
    for convs, weights in ((squares, found[3]), (rounds, found[1])):
        for conv, (weight, bias) in zip(convs, weights):
            if conv.weight.shape != weight.shape:
                raise RecipeError(f"{path}: a convolution has shape {weight.shape}, {tuple(conv.weight.shape)} is needed; is it WeSpeaker's ResNet34?")
            conv.weight.data = torch.from_numpy(np.array(weight, np.float32))
            conv.bias.data = torch.from_numpy(np.array(bias, np.float32))
    return net, embedding
