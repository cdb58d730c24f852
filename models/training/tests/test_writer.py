"""The writer: its pieces of words, its graphs against PyTorch, and what it is taught with."""

import random

import numpy as np
import onnxruntime
import pytest
import torch

from undertone_training import ctc, graph, graphs, pack_trunk, quantise, store, tokens, write_export, write_lesson, write_train, writer_graph
from undertone_training.errors import RecipeError
from undertone_training.tokens import BEGIN, END, SPACE, Tokens
from undertone_training.trunk import HEAD_WIDTH, HEADS, LAYERS, WIDTH, Trunk
from undertone_training.write_lesson import Batch, Heard, Lesson
from undertone_training.writer import Writer

PIECES = ["<unk>", "<s>", "</s>", f"{SPACE}t", "he", f"{SPACE}the", "Th", "re", f"{SPACE}the", SPACE, *"abcdefghijklmnopqrstuvwxyz'", "!"]


@pytest.fixture(name="table")
def _table() -> Tokens:
    return Tokens([piece.encode() for piece in PIECES])


def test_only_plain_pieces_are_kept_and_a_text_comes_back(table):
    assert "Th" not in table.number and "!" not in table.number
    row = table.cut("the rest isn't there")
    assert table.text(row) == "the rest isn't there"
    assert table.texts[row[0]] == f"{SPACE}the"


def test_pieces_of_a_lower_number_are_joined_first(table):
    # "▁t" + "he" would be one way of two pieces; "▁the" is one piece, made of what is joined first.
    assert [table.texts[n] for n in table.word("there")] == [f"{SPACE}the", "re"]
    with pytest.raises(RecipeError, match="no token writes"):
        table.word("naïve")


def test_a_table_is_read_as_it_was_written(table, tmp_path):
    (tmp_path / "t.bin").write_bytes(table.bytes())
    assert [t.decode() for t in tokens.read(tmp_path / "t.bin")] == table.texts
    fewer = table.only(set(table.word("the")))
    assert fewer.text(fewer.cut("the hat")) == "the hat" and len(fewer) < len(table)
    (tmp_path / "t.bin").write_bytes(b"")
    with pytest.raises(RecipeError, match="no table"):
        tokens.read(tmp_path / "t.bin")


def _run(model, feeds):
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"]).run(None, feeds)


def _pieces_of(row: list[int], cuts: list[int], writer: Writer, sound: list[np.ndarray], made) -> np.ndarray:
    """Logits after every token of a row that is given in several parts."""
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    past, logits, begin = [np.zeros((0, writer_graph.KEPT), np.float32)] * 2, [], 0
    for end in [*cuts, len(row)]:
        new = end - begin
        mask = np.concatenate([np.zeros((new, begin)), np.triu(np.full((new, new), -1e9), 1)], axis=1).astype(np.float32)
        feeds = {"ids": np.array([row[begin:end]]), "places": np.arange(begin, end), "mask": mask,
                 "past_keys": past[0], "past_values": past[1], "sound_keys": sound[0], "sound_values": sound[1]}
        out, *more = session.run(None, feeds)
        past = [np.concatenate(pair) for pair in zip(past, more)]
        logits.append(out[0])
        begin = end
    return np.concatenate(logits)


def test_the_graphs_write_what_pytorch_writes_however_a_row_is_cut():
    torch.manual_seed(3)
    writer, top, row = Writer(50).eval(), torch.randn(1, 23, WIDTH), [BEGIN, 7, 9, 30, 12, 44, 3]
    with torch.inference_mode():
        wanted = writer(top, torch.tensor([23]), torch.tensor([row]))[0].numpy()
    sound = _run(writer_graph.sound(writer), {"top": top.numpy()})
    assert sound[0].shape == (LAYERS, HEADS, HEAD_WIDTH, 23)
    for cuts in ([], [1, 2, 3, 4, 5, 6], [4]):
        assert np.abs(_pieces_of(row, cuts, writer, sound, writer_graph.steps(writer)) - wanted).max() < 1e-4
    rounded = _pieces_of(row, [4], writer, _run(writer_graph.small(writer_graph.sound(writer)), {"top": top.numpy()}), writer_graph.small(writer_graph.steps(writer)))
    assert np.abs(rounded - wanted).max() < 0.1 * np.abs(wanted).max()


class _Store:
    def audio(self, item) -> np.ndarray:
        return np.linspace(-0.1, 0.1, item.samples, dtype=np.float32)


class _Item:
    text, samples, seconds = "one two three four", 64_000, 4.0


def test_a_word_that_is_cut_is_not_written(table):
    frames = [0, 40, 80, 120, 166]  # about a second each
    lesson = Lesson(_Store(), [_Item()], [frames], table)
    write_lesson.SPOILT, before = 0.0, write_lesson.SPOILT
    try:
        for seed in range(40):
            heard = lesson.hear(0, False, random.Random(seed))
            assert len(heard.audio) <= write_lesson.WINDOW * 16_000 + 1
            assert len(heard.words) <= len(heard.audio) / 16_000 + 0.3
            at = heard.words and _Item.text.split().index(heard.words[0])
            assert heard.words == _Item.text.split()[at : at + len(heard.words)] if heard.words else True
        assert lesson.hear(0, True, random.Random(5)).words == _Item.text.split()
    finally:
        write_lesson.SPOILT = before


def test_rows_begin_and_end_and_ask_nothing_of_what_is_padded(table):
    sound = np.zeros(16_000, np.float32)
    batch = Batch.of([Heard(sound, ["the"]), Heard(sound[:9_000], [])], table)
    assert batch.ids[:, 0].tolist() == [BEGIN, BEGIN]
    assert batch.wanted[0].tolist() == [*table.word("the"), END]
    assert batch.wanted[1].tolist() == [END, -100]


def test_the_words_graph_says_what_the_heads_say():
    torch.manual_seed(0)
    heads, top = write_train.Heads().eval(), torch.randn(1, 7, WIDTH)
    for got, want in zip(_run(write_export.words(heads), {"top": top.numpy()}), heads(top)):
        assert np.allclose(got, torch.log_softmax(want, -1).detach().numpy(), atol=1e-4)


@pytest.fixture(name="held")
def _held(librispeech, tmp_path, table):
    store.build(tmp_path / "cache", "librispeech", librispeech)
    held = store.Store(tmp_path / "cache", ["librispeech"])
    return Lesson(held, held.items, [None] * len(held.items), table)


def _pupils(table) -> write_train.Pupils:
    torch.manual_seed(0)
    return write_train.Pupils(Trunk(), write_train.Heads(), Writer(len(table)))


def test_a_run_goes_on_where_it_was_stopped_and_leaves_the_lower_layers_alone(held, table, tmp_path, monkeypatch):
    plan = write_train.Plan(steps=14, heads_alone=1, judge_every=2, save_every=2, half=False)
    whole = _pupils(table)
    write_train.train(whole, held, tmp_path / "whole", plan)
    fresh = _pupils(table).state_dict()
    moved = {n for n, v in whole.state_dict().items() if not torch.equal(v, fresh[n])}
    assert any(n.startswith("writer.") for n in moved) and any(n.startswith("heads.") for n in moved)
    assert {n for n in moved if n.startswith("trunk.")} and all(n.split(".")[2] in "345" or "norm" in n for n in moved if n.startswith("trunk."))
    # Killed after the second step: the judging that follows a save fails.
    judged = write_train.judge

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(write_train, "judge", killed)
    with pytest.raises(KeyboardInterrupt):
        write_train.train(_pupils(table), held, tmp_path / "again", plan)
    monkeypatch.setattr(write_train, "judge", judged)
    again = _pupils(table)
    write_train.train(again, held, tmp_path / "again", plan)
    assert all(torch.allclose(v, whole.state_dict()[n], atol=1e-3) for n, v in again.state_dict().items())
    calm = torch.load(tmp_path / "whole" / "write_calm.pt", weights_only=True)["pupils"]
    assert not torch.equal(calm["heads.words.weight"], whole.heads.words.weight), "the moving average is kept, not the last step"


def test_the_others_hold_still_while_the_heads_begin(held, table, tmp_path):
    pupils = _pupils(table)
    before = {n: v.clone() for n, v in pupils.state_dict().items()}
    write_train.train(pupils, held, tmp_path, write_train.Plan(steps=2, heads_alone=2, judge_every=2, half=False))
    moved = {n for n, v in pupils.state_dict().items() if not torch.equal(v, before[n])}
    assert moved and all(n.startswith("heads.") for n in moved)


def test_what_is_written_to_a_pack_writes_what_was_taught(held, table, tmp_path):
    pupils = _pupils(table).eval()
    graph.save(quantise.dynamic_int8(graphs.trunk(Trunk().eval())), tmp_path / "trunk.onnx")
    write_export.write(tmp_path, pupils, table, tmp_path / "out")
    assert pack_trunk.load(tmp_path / "out" / "trunk.onnx")
    assert tokens.Tokens.read(tmp_path / "out" / tokens.FILE).texts == table.texts
    row, letters, sounds = write_export.Written(tmp_path / "out").hear(held.store.audio(held.items[0]))
    assert all(0 <= piece < len(table) for piece in row) and letters.shape[1] == len(ctc.ALPHABET) and sounds.shape[0] == letters.shape[0]
