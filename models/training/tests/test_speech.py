"""Trunk, head, streams and augmentation, with random weights."""

import numpy as np
import pytest
import torch

from undertone_training import augment, calibrate, checkpoint, ctc, speech_head, spans, streams
from undertone_training.errors import RecipeError
from undertone_training.store import Item
from undertone_training.trunk import RECEPTIVE, Trunk, frames_of


@pytest.fixture(scope="module")
def trunk():
    torch.manual_seed(0)
    return Trunk().eval()


def test_padding_changes_nothing(trunk):
    torch.manual_seed(1)
    short, long = torch.randn(8000) * 0.1, torch.randn(12000) * 0.1
    audio = torch.zeros(2, 12000)
    audio[0, :8000], audio[1] = short, long
    lengths = torch.tensor([8000, 12000])
    frames = torch.tensor([frames_of(8000), frames_of(12000)])
    with torch.inference_mode():
        both = trunk.norm(trunk.run_layers(trunk.stem(audio, lengths), 1, 6, frames)[-1])
        alone = trunk(short[None])[1]
    assert torch.allclose(both[0, : frames[0]], alone[0], atol=1e-4)


def test_the_shortest_input_makes_one_frame(trunk):
    with torch.inference_mode():
        assert trunk(torch.zeros(1, RECEPTIVE))[1].shape[1] == 1 == frames_of(RECEPTIVE)


def test_the_baseline_shrinks_toward_the_population():
    head = speech_head.SpeechHead().eval()
    stats = torch.randn(40, speech_head.STATS)
    head.settle(stats, [0, 1])
    none = head.features(stats[:1], torch.full((1, speech_head.STATS), 9.0), torch.zeros(1, 1))
    plain = (stats[:1] - head.population_mean) / head.population_scale
    assert torch.allclose(none[:, : speech_head.STATS], plain, atol=1e-5)
    many = head.features(stats[:1], stats[:1], torch.full((1, 1), 1e6))
    assert many[:, : speech_head.STATS].abs().max() < 1e-2
    logits = head.classify(plain.repeat(1, 2))
    assert torch.all(logits[:, 2:] == speech_head.NEVER)


def test_a_stream_never_looks_ahead():
    torch.manual_seed(2)
    stats = torch.randn(6, 4)
    names, seconds = ["a", "b", "a", "a", "b", "a"], [1.0] * 6
    means, counts, heard = streams.online(names, seconds, stats)
    changed = stats.clone()
    changed[3:] += 100.0
    again, _, _ = streams.online(names, seconds, changed)
    assert torch.equal(means[:4], again[:4])
    assert counts[:, 0].tolist() == [0, 0, 1, 2, 1, 3] and heard.tolist() == [0, 0, 1, 2, 1, 3]
    assert torch.allclose(means[3], stats[[0, 2]].mean(dim=0))


def test_a_drawn_past_is_of_the_same_speaker_and_not_the_clip_itself():
    pasts = streams.Pasts(["a"] * 5 + ["b"] * 5, [0, 1, 2, 3, 4] * 2, seed=3)
    for _ in range(200):
        past = pasts.draw(2)
        assert 2 not in past and all(p < 5 for p in past)
    alone = streams.Pasts(["a", "b"], [0, 1])
    assert all(len(alone.draw(0)) == 0 for _ in range(50))  # who is heard once has no past


def test_augmentation_is_finite_repeatable_and_keeps_the_length():
    x = np.sin(np.arange(16000) / 20).astype(np.float32) * 0.3
    for seed in range(30):
        y = augment.augment(x, np.random.default_rng(seed), x, 0.3)
        assert y.shape == x.shape and y.dtype == np.float32 and np.isfinite(y).all() and np.abs(y).max() <= 1.0
        assert np.array_equal(y, augment.augment(x, np.random.default_rng(seed), x, 0.3))


def test_silence_around_the_voice_is_cut_as_the_engine_cuts():
    x = np.random.default_rng(0).standard_normal(32000).astype(np.float32) * 1e-4
    x[12000:20000] += 0.3 * np.sin(np.arange(8000) / 10).astype(np.float32)
    start, end = spans.voiced(x)
    assert abs(start - 12000) < 700 and abs(end - 20000) < 700
    audio, first, last = spans.heard(x)
    assert abs(len(audio) - (8000 + 3200 + 1280)) < 1400 and first == (3200 - 447) // 384 and last > first


def test_spelling_and_reading_agree():
    text = "don't look back"
    path = []
    for symbol in ctc.spell("Don't LOOK, back"):
        path += [0, symbol, symbol]
    assert ctc.greedy(np.eye(len(ctc.ALPHABET))[path]) == text


def test_a_checkpoint_of_another_shape_is_refused_by_name(tmp_path):
    checkpoint.save(tmp_path / "x.pt", {"head": torch.nn.Linear(3, 2).state_dict()})
    state = checkpoint.load(tmp_path / "x.pt")
    with pytest.raises(RecipeError, match=r"x.pt: weight weight has shape \(2, 3\), \(29, 288\) is needed"):
        checkpoint.fit(ctc.head(), state["head"], tmp_path / "x.pt")


def test_calibration_is_judged_on_speakers_it_did_not_see(monkeypatch):
    items = [Item("emodb", str(n), f"s{n % 3}", n % 2, "", "", [], 0, 16000) for n in range(30)]
    head = speech_head.SpeechHead(hidden=4).eval()
    stats = torch.randn(30, speech_head.STATS)
    head.settle(stats, [0, 1])
    seen = []
    whole = calibrate.calibrate

    def watch(head, items, *rest):
        seen.append({i.speaker for i in items})
        return whole(head, items, *rest)

    monkeypatch.setattr(calibrate, "calibrate", watch)
    found = calibrate.honest(head, items, stats)
    assert seen == [{"s1", "s2"}, {"s0", "s2"}, {"s0", "s1"}]
    assert 0.0 <= found["ece"] <= 1.0 and 0.0 <= found["selective_coverage"] <= 1.0
