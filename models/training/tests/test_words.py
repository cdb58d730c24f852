"""The words branch over a pack: reading a trunk back, views, training, grafting, the lexicon."""

import struct

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from undertone_training import ctc, ctc_align, graft, graph, graphs, lexicon, pack_trunk, phones, quantise, words_error
from undertone_training.cli import main
from undertone_training.trunk import LAYERS, Trunk


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """A trunk, and a folder with it as a pack holds it."""
    torch.manual_seed(0)
    trunk = Trunk().eval()
    folder = tmp_path_factory.mktemp("pack")
    graph.save(quantise.dynamic_int8(graphs.trunk(trunk)), folder / "trunk.onnx")
    graph.save(graphs.words(ctc.head(), len(ctc.ALPHABET)), folder / "words.onnx")
    return trunk, folder


def test_a_trunk_is_read_back_from_its_graph(packed):
    trunk, folder = packed
    read = pack_trunk.load(folder / "trunk.onnx")
    for (name, a), b in zip(trunk.state_dict().items(), read.state_dict().values()):
        assert torch.allclose(a, b, atol=0.02 * float(a.abs().max()) + 1e-6), name
    audio = np.random.default_rng(1).standard_normal((1, 8000)).astype(np.float32) * 0.1
    mix = onnxruntime.InferenceSession(folder / "trunk.onnx").run(["mix"], {"audio": audio})[0]
    with torch.inference_mode():
        own = read(torch.from_numpy(audio))[0].numpy()
    assert np.abs(own - mix).max() < 1e-3 * np.abs(mix).max()


def test_a_file_that_is_no_trunk_is_refused_by_what_it_lacks(packed, tmp_path):
    _, folder = packed
    model = onnx.load(folder / "trunk.onnx")
    for tensor in model.graph.initializer:
        if tensor.name == "layer5_fc1_quantized":
            tensor.name = "other"
    onnx.save(model, tmp_path / "trunk.onnx")
    with pytest.raises(pack_trunk.RecipeError, match="layer5_fc1"):
        pack_trunk.load(tmp_path / "trunk.onnx")


def renumbered(path, out):
    """The graph as a builder writes it that counts its unnamed weights otherwise."""
    model = onnx.load(path)
    fresh = {name: f"const_{int(name.removeprefix('const_')) + 1000}" for name in pack_trunk.small(model)}
    for tensor in model.graph.initializer:
        tensor.name = fresh.get(tensor.name, tensor.name)
    for node in model.graph.node:
        node.input[:] = [fresh.get(i, i) for i in node.input]
    onnx.save(model, out)


def test_a_trunk_of_another_builder_is_read_and_grafted_all_the_same(packed, tmp_path):
    _, folder = packed
    renumbered(folder / "trunk.onnx", tmp_path / "trunk.onnx")
    read, same = (pack_trunk.load(f / "trunk.onnx").state_dict() for f in (tmp_path, folder))
    assert all(torch.equal(read[name], same[name]) for name in same)
    torch.manual_seed(3)
    changed = Trunk().eval()
    audio = np.random.default_rng(4).standard_normal((1, 8000)).astype(np.float32) * 0.1
    tops = [onnxruntime.InferenceSession(graft.grafted(f / "trunk.onnx", changed).SerializeToString()).run(["top"], {"audio": audio})[0] for f in (tmp_path, folder)]
    assert np.array_equal(*tops)


def test_grafting_changes_the_upper_layers_and_nothing_else(packed):
    _, folder = packed
    changed = Trunk().eval()
    made = graft.grafted(folder / "trunk.onnx", changed)
    old, new = ({t.name: t.SerializeToString() for t in m.graph.initializer} for m in (onnx.load(folder / "trunk.onnx"), made))
    differ = {n for n in old if old[n] != new[n]}
    assert differ and all(n.startswith(("layer4", "layer5", "layer6", "const_")) for n in differ)
    audio = np.random.default_rng(2).standard_normal((1, 8000)).astype(np.float32) * 0.1
    run = [onnxruntime.InferenceSession(m.SerializeToString()).run(["mix", "top"], {"audio": audio}) for m in (onnx.load(folder / "trunk.onnx"), made)]
    assert np.array_equal(run[0][0], run[1][0]) and not np.allclose(run[0][1], run[1][1])
    with torch.inference_mode():
        assert np.corrcoef(changed.norm(changed.run_layers(torch.from_numpy(run[0][0][..., -288:]), 4, LAYERS)[-1]).numpy().ravel(), run[1][1].ravel())[0, 1] > 0.99


def placed(text):
    """Log probabilities that spell a text, two frames a symbol, and the frame of each symbol."""
    symbols = ctc.spell(text)
    spelt = np.full((2 * len(symbols), len(ctc.ALPHABET)), -9.0, np.float32)
    spelt[::2, 0] = 0.0
    spelt[2 * np.arange(len(symbols)) + 1, symbols] = 0.0
    return spelt, symbols


def test_every_symbol_is_found_where_it_was_heard():
    spelt, symbols = placed("see all")
    assert ctc_align.align(spelt, symbols) == [(2 * n + 1, 2 * n + 1) for n in range(len(symbols))]
    assert ctc_align.align(spelt[:4], symbols) is None
    assert ctc_align.cuts(spelt, "See all!") == [0, 7, 14]


def test_words_are_said_by_the_book_or_by_their_ending():
    assert phones.say("cat") == ("K", "AE", "T")
    assert phones.say("cats")[-1] == "S" and phones.say("xqzt's") is None
    assert phones.transcribe("the cat") == [phones.PHONES.index(p) for p in ("DH", "AH", "K", "AE", "T")]
    assert phones.transcribe("the xqzt") is None


def unpacked(data):
    """A file of words, read as its description says."""
    head, _, body = data.partition(b"\n\n")
    lines = head.decode("ascii").splitlines()
    assert lines[0] == "undertone-lexicon 2" and all(line.startswith("# ") for line in lines[1:])
    count, pairs, start_left = struct.unpack("<IIB", body[:9])
    at, words, before = 9, [], ""
    for _ in range(count):
        shared, more = body[at], body[at + 1]
        before = before[:shared] + body[at + 2 : at + 2 + more].decode("ascii")
        at += 2 + more
        cost, left, ways = body[at : at + 3]
        at += 3
        said = []
        for _ in range(ways):
            said.append([phones.PHONES[p] for p in body[at + 1 : at + 1 + body[at]]])
            at += 1 + body[at]
        words.append((before, cost, left, said))
    lists = []

    def number():
        nonlocal at
        value = place = 0
        while True:
            at, byte = at + 1, body[at]
            value |= (byte & 127) << place
            place += 7
            if byte < 128:
                return value

    for _ in range(count + 1):
        last, listed = 0, {}
        for _ in range(number()):
            last += number()
            listed[words[last][0]] = body[at]
            at += 1
        lists.append(listed)
    assert at == len(body) and pairs == sum(map(len, lists))
    return lines, words, lists, start_left


def test_the_lexicon_names_every_word_with_its_sounds_and_costs():
    sources = lexicon.Sources.of([["The cat sat. The cat's here!", "A cat sat"]], ["the cat sat"], ["the", "##s", "house", *["qz"] * 400, "aardvark"])
    sounds, model, said = lexicon.learn(sources)
    lines, words, lists, _ = unpacked(lexicon.pack(sounds, model))
    assert "Carnegie Mellon" in "".join(lines)
    costs = {word: cost for word, cost, _, _ in words}
    assert costs["cat"] < costs["zucchini"] and costs["house"] < costs["aardvark"] < costs["zucchini"] and "x" not in costs
    assert [w[0] for w in words] == sorted(costs) and said["words"] == len(costs)
    assert dict((w, ways) for w, _, _, ways in words)["cat"] == [["K", "AE", "T"]]
    after = dict(zip([*costs, ""], lists))
    assert set(after["cat"]) == {"sat"} and set(after[""]) == {"the"}
    assert after["cat"]["sat"] < costs["sat"]


def test_a_mixture_of_sources_is_a_probability_and_leans_to_what_is_held_out():
    counts = lexicon.Sources.of([["the cat sat on the mat", "the cat ran"], ["buy now buy more", "buy now"]], ["the cat ran on the mat"])
    sounds, model, said = lexicon.learn(counts)
    assert said["weight_0"] > 0.9 > 0.1 > said["weight_1"]
    number = {w: n for n, w in enumerate(sounds)}
    assert model.alone.sum() == pytest.approx(1.0)
    for first in ("the", "buy", "zucchini"):
        assert sum(model.after(number[first], n) for n in range(len(number))) == pytest.approx(1.0, abs=1e-6)
    assert model.after(number["the"], number["cat"]) > model.after(number["the"], number["ran"])


def test_error_rates():
    rate = words_error.Rate()
    rate.add("the cat sat".split(), "a cat sat down".split())
    assert rate.value() == pytest.approx(2 / 3)
    assert words_error.folded([0, 1, 1, 0, 1, 2]) == [1, 1, 2]


def test_the_commands_say_what_they_need(tmp_path, capsys):
    assert main(["train", "--step", "write", "--work", str(tmp_path)]) == 2
    assert "--pack" in capsys.readouterr().err
    assert main(["words", "--cache", str(tmp_path), "--work", str(tmp_path), "--pack", str(tmp_path), "--out", str(tmp_path)]) == 2
    assert "--step write" in capsys.readouterr().err
