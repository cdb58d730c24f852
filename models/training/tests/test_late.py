"""Log-mel pictures, the speaker network's weights, and `late_speech` as a graph."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper

from undertone_training import late_graph, late_train, logmel, quantise, resnet
from undertone_training.errors import RecipeError


def run(model, feeds):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, feeds)


def test_a_picture_is_what_kaldi_draws():
    x = (np.random.default_rng(1).standard_normal(4000) * 0.1).astype(np.float32)
    rows = []
    for start in range(0, len(x) - logmel.FRAME + 1, logmel.HOP):
        frame = x[start : start + logmel.FRAME].astype(np.float64) * 32768
        frame -= frame.mean()
        frame = np.append(0.03 * frame[0], frame[1:] - 0.97 * frame[:-1]) * np.hamming(logmel.FRAME)
        power = np.abs(np.fft.rfft(frame, logmel.FFT))[: logmel.FFT // 2] ** 2
        rows.append(np.log(np.maximum(power @ logmel.bands(), logmel.FLOOR)))
    wanted = (np.array(rows) - np.mean(rows, axis=0)).T
    picture = logmel.LogMel()
    assert np.abs(picture(torch.from_numpy(x)[None])[0, 0].numpy() - wanted).max() < 1e-3
    padded = picture(torch.from_numpy(np.pad(x, (0, 3000)))[None], torch.tensor([len(x)]))[0, 0].numpy()
    assert np.abs(padded[:, : wanted.shape[1]] - wanted).max() < 1e-3 and not padded[:, wanted.shape[1] :].any()


def test_masking_hides_and_leaves_the_picture_itself_alone():
    picture = torch.ones(2, 1, 80, 100)
    hidden = logmel.mask(picture, np.random.default_rng(0))
    assert picture.min() == 1.0 and 0.3 < hidden.mean() < 1.0


def test_weights_are_read_in_order_whatever_they_are_called(published):
    net, path = published
    found, _ = resnet.load(path)
    assert len(found.stages) == 3
    for name, value in found.state_dict().items():
        assert torch.equal(value, net.state_dict()[name]), name


def test_another_network_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="net.onnx: not found"):
        resnet.load(tmp_path / "net.onnx")
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [helper.make_tensor_value_info("x", 1, [1])], [helper.make_tensor_value_info("y", 1, [1])])
    onnx.save(helper.make_model(graph), tmp_path / "net.onnx")
    with pytest.raises(RecipeError, match="holds 0 and 0 convolutions.*WeSpeaker"):
        resnet.load(tmp_path / "net.onnx")


def test_the_graph_equals_pytorch(published):
    model = late_train.begin(published[1], late_train.Plan()).eval()
    model.head.settle(torch.rand(20, late_train.STATS), [0, 1, 2, 3])
    torch.nn.init.normal_(model.head.linear.weight, std=0.01)
    audio, past, clips = torch.randn(1, late_train.MIN_SAMPLES + 77) * 0.1, torch.rand(1, late_train.STATS), torch.tensor([[2.0]])
    with torch.no_grad():
        stats = model.stats(audio)
        logits = model.head.classify(model.head.features(stats, past, clips))
    small = late_graph.late_speech(model)
    quantise.shrink(small)
    feeds = {"audio": audio.numpy(), "past_mean": past.numpy(), "past_clips": clips.numpy()}
    for graph, bound in ((late_graph.late_speech(model), 1e-3), (small, 2e-2)):
        got, affect, own = run(graph, feeds)
        scale = float(logits[:, :4].abs().max())
        assert np.abs(got - logits.numpy()).max() < bound * scale and affect.shape == (1, 3)
        assert np.abs(own - stats.numpy()).max() < bound * float(stats.abs().max())
