"""Tiny corpora in the published layouts, made of tones."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

sys.path.insert(0, str(Path(__file__).parents[1]))


def tone(path: Path, seconds: float = 0.6, pitch: float = 200.0, rate: int = 16000) -> None:
    """Writes a short tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(int(seconds * rate)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * pitch * t), rate)


@pytest.fixture
def crema(tmp_path: Path) -> Path:
    """CREMA-D's own layout."""
    for i, code in enumerate(["ANG", "HAP", "NEU", "SAD", "FEA", "DIS"]):
        tone(tmp_path / "crema" / "AudioWAV" / f"1001_DFA_{code}_XX.wav", pitch=150 + 30 * i)
    tone(tmp_path / "crema" / "AudioWAV" / "1007_IEO_ANG_HI.wav", rate=48000)
    return tmp_path / "crema"


@pytest.fixture
def emodb(tmp_path: Path) -> Path:
    """EMO-DB's own layout."""
    for name in ["03a01Fa", "03a01Nc", "08a02La"]:
        tone(tmp_path / "emodb" / "wav" / f"{name}.wav")
    return tmp_path / "emodb"


@pytest.fixture
def librispeech(tmp_path: Path) -> Path:
    """LibriSpeech's own layout."""
    folder = tmp_path / "libri" / "test-clean" / "1089" / "134686"
    tone(folder / "1089-134686-0000.flac")
    (folder / "1089-134686.trans.txt").write_text("1089-134686-0000 HE HOPED THERE'D BE STEW\n", encoding="utf-8")
    return tmp_path / "libri"


@pytest.fixture(scope="session")
def published(tmp_path_factory):
    """All four stages of a speaker network, and the same as an ONNX file with nameless convolutions."""
    import onnx
    import torch
    from onnx import helper, numpy_helper

    from undertone_training import resnet

    torch.manual_seed(3)
    net = resnet.ResNet(4)
    nodes, weights = [], []

    def conv(x, layer):
        n = len(weights)
        weights.append(numpy_helper.from_array(layer.weight.detach().numpy(), f"w{n}"))
        weights.append(numpy_helper.from_array(layer.bias.detach().numpy(), f"b{n}"))
        nodes.append(helper.make_node("Conv", [x, f"w{n}", f"b{n}"], [f"c{n}"], strides=list(layer.stride), pads=[layer.kernel_size[0] // 2] * 4))
        return f"c{n}"

    x = conv("x", net.stem)
    for stage in net.stages:
        for block in stage:
            other = x if block.round is None else conv(x, block.round)
            x = conv(conv(x, block.first), block.second)
            nodes.append(helper.make_node("Add", [x, other], [f"{x}_sum"]))
            x = f"{x}_sum"
    for name, value in (("embed_w", torch.randn(256, 2 * resnet.MAPS) * 0.01), ("embed_b", torch.zeros(256))):
        weights.append(numpy_helper.from_array(value.numpy(), name))
    nodes.append(helper.make_node("Gemm", ["pooled", "embed_w", "embed_b"], ["embedding"], transB=1))
    graph = helper.make_graph(nodes, "g", [helper.make_tensor_value_info("x", 1, [1, 1, 80, "t"])], [helper.make_tensor_value_info(x, 1, None)], weights)
    path = tmp_path_factory.mktemp("net") / "net.onnx"
    onnx.save(helper.make_model(graph), path)
    return net, path
