"""Pairs, units, the fused systems' graphs and training, the weights and the promises they keep."""

import numpy as np
import onnxruntime
import pytest
import torch
from transformers import BertConfig, BertModel

from undertone_training import assemble, fuse, fused_graph, fused_train, fusion_fit, joint, labels, multilevel, pairing, trunk, units
from undertone_training.errors import RecipeError
from undertone_training.frames_cache import Frames
from undertone_training.store import Item


def run(model, feeds):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, feeds)[0]


@pytest.fixture
def texts():
    dice = np.random.default_rng(2)
    kinds = np.repeat(np.arange(7), 6)
    starts = np.arange(len(kinds) + 1) * 5
    return pairing.Texts(kinds, np.eye(7)[kinds] * 3, {k: dice.standard_normal((5 * len(kinds), 384)).astype(np.float16) for k in ("tokens", "lower")}, starts)


def upper_text_layers():
    config = BertConfig(vocab_size=10, hidden_size=384, num_hidden_layers=1, num_attention_heads=12, intermediate_size=64)
    return list(BertModel(config, add_pooling_layer=False).encoder.layer)


def test_partners_have_the_feeling_they_should(texts):
    dice = np.random.default_rng(0)
    voice = np.array([1, 2, 3, 4, 5, 1, 2])
    assert (texts.labels[pairing.partners(voice, texts.labels, "same", dice)] == voice).all()
    assert (texts.labels[pairing.partners(voice, texts.labels, "plain", dice)] == 0).all()
    other = texts.labels[pairing.partners(voice, texts.labels, "clash", dice)]
    assert (other != voice).all() and (other != 0).all()


def test_units_are_means_of_stretches_in_order():
    dice = np.random.default_rng(0)
    made, counts = units.matrices([40, 17], 40, 8.5, dice)
    for clip, frames in enumerate((40, 17)):
        rows = made[clip, : counts[clip]]
        assert torch.allclose(rows.sum(dim=1), torch.ones(len(rows))) and not rows[:, frames:].any()
        first = [int(r.nonzero()[0]) for r in rows]
        assert first == sorted(first)


@pytest.mark.parametrize("head", ["multilevel", *joint.HEADS])
def test_the_graphs_equal_pytorch(head):
    torch.manual_seed(1)
    own = head == "multilevel"
    model = (multilevel.Multilevel() if own else joint.Joint(trunk.Layer(), upper_text_layers(), head)).eval()
    model.settle(torch.randn(30, 1152))
    mix, tokens, past, clips = torch.randn(1, 33, 576), torch.randn(1, 9, 384), torch.randn(1, 1152), torch.tensor([[4.0]])
    feeds = {"mix": mix.numpy(), "past_mean": past.numpy(), "past_clips": clips.numpy()}
    frames, count = torch.tensor([33]), torch.tensor([9])
    made = {name: units.matrices([33], 33, mean, np.random.default_rng(4)) for name, mean in units.LEVELS.items()}
    with torch.no_grad():
        if own:
            wanted = model(mix, past, clips, {k: v[0] for k, v in made.items()}, tokens, frames, {k: v[1] for k, v in made.items()}, count)
            got = run(fused_graph.of_multilevel(model), feeds | {k: v[0].numpy() for k, v in made.items()} | {"tokens": tokens.numpy()})
        else:
            wanted = model(mix, past, clips, tokens, frames, count)
            got = run(fused_graph.of_joint(model), feeds | {"lower": tokens.numpy()})
    assert np.abs(got - wanted.numpy()).max() < 1e-4


def test_padding_changes_nothing():
    torch.manual_seed(1)
    model = joint.Joint(trunk.Layer(), upper_text_layers(), "attention").eval()
    mix, lower, past, clips = torch.randn(1, 20, 576), torch.randn(1, 6, 384), torch.zeros(1, 1152), torch.zeros(1, 1)
    with torch.no_grad():
        plain = model(mix, past, clips, lower, torch.tensor([20]), torch.tensor([6]))
        padded = model(torch.nn.functional.pad(mix, (0, 0, 0, 9)), past, clips, torch.nn.functional.pad(lower, (0, 0, 0, 4)), torch.tensor([20]), torch.tensor([6]))
    assert torch.allclose(plain, padded, atol=1e-5)


def test_training_resumes_where_it_stopped(tmp_path, texts):
    dice = np.random.default_rng(0)
    counts = dice.integers(12, 30, 16)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    dice.standard_normal((int(counts.sum()), 576)).astype(np.float16).tofile(tmp_path / "frames.f16")
    np.save(tmp_path / "frames.idx.npy", np.stack([starts, counts, np.zeros(16, int), counts], axis=1))
    items = [Item("crema_d", str(i), f"s{i % 2}", i % 6, "", "train", [], 0, 16000) for i in range(16)]
    data = fused_train.Pairs(items, np.arange(16), Frames(tmp_path / "frames.f16"), texts)
    plan = fused_train.Plan(epochs=2, batch=4, save_every=1)
    whole = multilevel.Multilevel(("frames",))
    fused_train.train(whole, data, tmp_path / "a.pt", plan)
    again = multilevel.Multilevel(("frames",))
    fused_train.train(again, data, tmp_path / "a.pt", plan)  # nothing left to do
    assert all(torch.equal(a, b) for a, b in zip(whole.state_dict().values(), again.state_dict().values()))


TRAINED = [True] * 6 + [False]


def case(name, voice, words, quality=1.0):
    count = len(voice)
    truth = np.arange(count) % 6
    return fusion_fit.Case(name, fuse.Evidence(voice, words, np.full(count, quality), np.ones(count)), truth)


def said(truth, right, dice):
    """Scores that name the right label so often, and are surer where they do."""
    good = dice.random(len(truth)) < right
    guess = np.where(good, truth, dice.integers(0, 6, len(truth)))
    sure = np.where(good, dice.uniform(0.3, 0.9, len(truth)), dice.uniform(0.2, 0.5, len(truth)))
    scores = np.repeat(((1 - sure) / 6)[:, None], 7, axis=1)
    scores[np.arange(len(truth)), guess] = sure
    return scores


def test_plain_words_leave_the_voice_alone_and_a_clash_stays_two():
    voice, plain, angry = np.full((1, 7), 0.05), np.full((1, 7), 0.01), np.full((1, 7), 0.05)
    voice[0, 1], plain[0, 0], angry[0, 3] = 0.7, 0.94, 0.7
    one = np.ones(1)
    weights = fuse.Weights(text=1.0, gamma=2.0)
    assert fuse.scores(fuse.Evidence(voice, plain, one, one), weights, TRAINED).argmax() == 1
    both = fuse.scores(fuse.Evidence(voice, angry, one, one), weights, TRAINED)[0]
    assert set(np.argsort(both)[-2:]) == {1, 3}


def test_in_a_clash_words_that_weigh_nothing_else_are_still_seen():
    def side(label, share):
        scores = np.full((1, 7), (1.0 - share) / 6.0)
        scores[0, labels.INDEX[label]] = share
        return scores

    one = np.ones(1)
    torn = fuse.Evidence(side("neutral", 0.8), side("sad", 0.9), one, one, side("happy", 0.7))
    silent = fuse.Weights(own=1.0, text=0.0, gamma=0.5, lift=4.0, temperature=1.4)
    # The engine's tests hold the same numbers. What the graph for both names is neither's opinion.
    both = fuse.scores(torn, silent, TRAINED)[0]
    assert both[:3] == pytest.approx([0.619231, 0.029487, 0.233333], abs=1e-5)
    # A pack that weighs neither side leaves it to its graph.
    silent.speech = 0.0
    assert np.allclose(fuse.scores(torn, silent, TRAINED), torn.own)


def test_weights_keep_their_promises():
    dice = np.random.default_rng(0)
    truth = np.arange(1200) % 6
    voice = said(truth, 0.6, dice)
    neutral = np.full((1200, 7), 0.02)
    neutral[:, 0] = 0.88
    cases = {
        "same": case("same", voice, said(truth, 0.5, dice)), "plain": case("plain", voice, neutral),
        "clash": case("clash", voice, said((truth + 1 + dice.integers(0, 4, 1200)) % 6, 0.5, dice)),
        "noisy": case("noisy", said(truth, 0.1, dice), said(truth, 0.5, dice), 0.1),
    }
    weights, missed = fusion_fit.fit(cases, TRAINED, own=False)
    found = fusion_fit.figures(cases, weights, TRAINED)
    assert fusion_fit.cost(missed) == 0.0 and found["plain"]["fused"] >= found["plain"]["voice"] - 1.51 and found["clash"]["fused"] >= found["clash"]["voice"] - 1.51
    assert found["same"]["fused"] > max(found["same"]["voice"], found["same"]["words"])


def test_a_pack_is_put_together_from_parts(tmp_path):
    from undertone_training import graph, graphs, speech_head

    base, part = tmp_path / "base", tmp_path / "part"
    base.mkdir()
    part.mkdir()
    graph.save(graphs.speech(speech_head.SpeechHead().eval()), base / "speech.onnx")
    graph.save(graphs.trunk(trunk.Trunk().eval()), base / "trunk.onnx")
    (base / "pack.toml").write_text('licence = "CC0-1.0"\nlabels = ["neutral"]\n[speech]\ntemperature = 1.0\n', encoding="utf-8")
    (part / "tables.json").write_text('{"late": {"speech": 1.0}}', encoding="utf-8")
    made = assemble.write([base, part], tmp_path / "out", "x", "1.0.0")
    assert made["systems"] == ["speech_only"]  # `late` has weights but no graph
    import tomllib

    read = tomllib.loads((tmp_path / "out" / "pack.toml").read_text(encoding="utf-8"))
    assert read["late"] == {"speech": 1.0} and {f["path"] for f in read["files"]} == {"trunk.onnx", "speech.onnx"}
    with pytest.raises(RecipeError, match="system joint: a graph or its table is missing"):
        assemble.write([base, part], tmp_path / "out2", "x", "1.0.0", default="joint")
    assert labels.LABELS[6] == "surprised"
