"""Log-mel pictures, the speaker network's weights, and `late_speech` as a graph."""

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import helper

from undertone_training import checkpoint, late_graph, late_train, logmel, quantise, resnet
from undertone_training.errors import RecipeError
from undertone_training.store import Item


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


class Sounds:
    """Clips of noise."""

    def audio(self, item):
        return (np.random.default_rng(item.start).standard_normal(item.samples) * 0.1).astype(np.float32)


def lesson(published, batch=4):
    items = [Item("crema_d", str(n), f"s{n % 3}", n % 4, "", "train", [], n, 9000) for n in range(12)]
    plan = late_train.Plan(epochs=1.4, batch=batch, seconds=(0.3, 0.4), save_every=2)
    model = late_train.begin(published[1], plan)
    return model, late_train.Task(Sounds(), items, items, plan, late_train.STATS)


def test_no_picture_is_masked_where_the_share_is_none():
    picture = torch.ones(6, 1, 80, 100)
    dice = np.random.default_rng(0)
    assert torch.equal(logmel.mask(picture, dice, 0.0), picture)
    hidden = (logmel.mask(picture, dice, 0.5) == 0).flatten(1).any(dim=1)
    assert hidden.any() and not hidden.all()


def test_a_killed_fine_tuning_ends_as_if_it_had_not_been(tmp_path, published, monkeypatch):
    model, task = lesson(published)
    late_train.train(model, task, tmp_path / "whole.pt")
    again, task = lesson(published)
    loss = task.loss

    def killed(model, picked, step):
        if step == 3:
            raise KeyboardInterrupt
        return loss(model, picked, step)

    monkeypatch.setattr(task, "loss", killed)
    with pytest.raises(KeyboardInterrupt):
        late_train.train(again, task, tmp_path / "killed.pt")
    assert checkpoint.load(tmp_path / "killed.pt")["step"] == 2
    again, task = lesson(published)
    late_train.train(again, task, tmp_path / "killed.pt")
    whole, resumed = checkpoint.load(tmp_path / "whole.pt"), checkpoint.load(tmp_path / "killed.pt")
    assert whole["step"] == resumed["step"] == 4
    for part in ("model", "latest"):
        for name, value in whole[part].items():
            assert torch.equal(value, resumed[part][name]), f"{part} {name}"
    # What is used afterwards is the average, which lies between where it began and where the last step led.
    name = "net.stages.2.0.first.weight"
    assert torch.equal(again.state_dict()[name], whole["model"][name]) and not torch.equal(whole["model"][name], whole["latest"][name])


def test_a_spoilt_voice_is_the_same_every_time():
    items = [Item("crema_d", str(n), "s", 0, "", "train", [], n, 40000) for n in range(6)]
    spoil = late_train.spoiling(Sounds(), items, 1)
    sounds = [Sounds().audio(i) for i in items]
    once, twice = ([spoil(i, x) for i, x in zip(items, sounds)] for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(once, twice))
    assert any(len(a) < len(x) for a, x in zip(once, sounds)) and any(len(a) == len(x) for a, x in zip(once, sounds))


def test_a_refitted_head_judges_the_network_it_was_fitted_to(published):
    model, task = lesson(published)
    first, second = torch.rand(12, late_train.STATS), torch.rand(12, late_train.STATS)
    before = model.head
    late_train.refit(model, task.items, [first, second], 1)
    assert model.head is not before and torch.allclose(model.head.population_mean, first.mean(dim=0))
    assert not model.head.training and model.head.trained.tolist() == [1, 1, 1, 1, 0, 0, 0]


def test_an_earlier_recipe_s_weights_are_refused(tmp_path, published):
    model, task = lesson(published)
    checkpoint.save(tmp_path / "late_speech.pt", {"model": model.state_dict(), "step": 2})
    with pytest.raises(RecipeError, match="late_speech.pt: an earlier recipe's; remove the file"):
        late_train.train(model, task, tmp_path / "late_speech.pt")
