"""Writes what the writer's lesson made as a pack's graphs: the trunk's upper layers, the words head, the writer and its tokens."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime

from . import ctc, graft, phones, words_error, writer_graph
from .graph import Graph, save
from .store import Item, Store
from .tokens import BEGIN, END, FILE, Tokens
from .trunk import WIDTH
from .write_train import Heads, Pupils


def words(heads: Heads) -> onnx.ModelProto:
    """top → log_probs, phone_log_probs."""
    g = Graph("words")
    x = g.op("Conv", g.op("Transpose", "top", perm=[0, 2, 1]), g.const(heads.near.weight.detach().numpy(), name="near"), g.const(heads.near.bias.detach().numpy()), pads=[1, 1], strides=[1], dilations=[1])
    x = g.gelu(g.op("Transpose", x, perm=[0, 2, 1]))
    for name, linear in (("log_probs", heads.words), ("phone_log_probs", heads.phones)):
        y = g.op("Add", g.op("MatMul", x, g.const(linear.weight.detach().numpy().T)), g.const(linear.bias.detach().numpy()))
        g.op("LogSoftmax", y, axis=-1, name=name)
    return g.model([("top", [1, "frames", WIDTH])], [("log_probs", [1, "frames", len(ctc.ALPHABET)]), ("phone_log_probs", [1, "frames", len(phones.PHONES)])])


def write(pack: Path, pupils: Pupils, table: Tokens, folder: Path) -> None:
    """All graphs into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    save(graft.grafted(pack / "trunk.onnx", pupils.trunk), folder / "trunk.onnx")
    save(words(pupils.heads), folder / "words.onnx")
    save(writer_graph.small(writer_graph.sound(pupils.writer)), folder / "writer_sound.onnx")
    save(writer_graph.small(writer_graph.steps(pupils.writer)), folder / "writer.onnx")
    (folder / FILE).write_bytes(table.bytes())


class Written:
    """The written graphs, run as the engine runs them: one token after another."""

    def __init__(self, folder: Path):
        self.run = {name: onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), providers=["CPUExecutionProvider"]) for name in ("trunk", "words", "writer_sound", "writer")}

    def hear(self, audio: np.ndarray) -> tuple[list[int], np.ndarray, np.ndarray]:
        """The row of tokens of a clip, its letters and its phones."""
        _, top = self.run["trunk"].run(None, {"audio": audio[None]})
        letters, sounds = self.run["words"].run(None, {"top": top})
        sound_keys, sound_values = self.run["writer_sound"].run(None, {"top": top})
        past = [np.zeros((0, writer_graph.KEPT), np.float32)] * 2
        row, token = [], BEGIN
        while len(row) < min(writer_graph.LONGEST - 1, int(len(audio) / 16000 * 6.5) + 2):
            feeds = {"ids": np.array([[token]]), "places": np.array([len(row)]), "mask": np.zeros((1, len(row) + 1), np.float32),
                     "past_keys": past[0], "past_values": past[1], "sound_keys": sound_keys, "sound_values": sound_values}
            logits, *new = self.run["writer"].run(None, feeds)
            past = [np.concatenate([old, more]) for old, more in zip(past, new)]
            token = int(logits[0, -1].argmax())
            if token == END:
                break
            row.append(token)
        return row, letters[0], sounds[0]


def judge(folder: Path, store: Store, items: list[Item], table: Tokens) -> tuple[float, float]:
    """The writer's word error rate and the phones' greedy one, of the written graphs."""
    graphs, written, said = Written(folder), words_error.Rate(), words_error.Rate()
    for item in items:
        row, _, sounds = graphs.hear(store.audio(item))
        text = ctc.spelt(item.text)
        written.add(text.split(), table.text(row).split())
        if known := phones.transcribe(text):
            said.add(known, words_error.folded(sounds.argmax(-1).tolist()))
    return written.value(), said.value()
