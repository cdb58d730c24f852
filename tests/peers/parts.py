"""The parts that somebody would otherwise join by hand, each on onnxruntime with one thread.

Nothing of them is kept here: Silero VAD and Moonshine come from their Python packages, the networks from a pack.
"""

import tomllib
from pathlib import Path

import numpy as np
import onnxruntime as ort

RATE = 16_000


def session(path: Path) -> ort.InferenceSession:
    """A network on one thread of the processor, in silence."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Silero:
    """Voice activity, 32 ms at a time."""

    FRAME = 512
    CONTEXT = 64

    def __init__(self, path: Path):
        self.net = session(path)
        self.state = np.zeros((2, 1, 128), np.float32)
        self.context = np.zeros(self.CONTEXT, np.float32)

    def __call__(self, frame: np.ndarray) -> float:
        sound = np.concatenate([self.context, frame])[None]
        self.context = frame[-self.CONTEXT :]
        out, self.state = self.net.run(None, {"input": sound, "state": self.state, "sr": np.array(RATE, np.int64)})
        return float(out[0, 0])


class Moonshine:
    """Words, by decoding the whole segment anew."""

    def __init__(self, folder: Path):
        self.encoder = session(folder / "encoder_model.ort")
        self.decoder = session(folder / "decoder_model_merged.ort")
        self.pieces = self._pieces((folder / "tokenizer.bin").read_bytes())
        self.past = [i for i in self.decoder.get_inputs() if i.name.startswith("past")]
        self.wants = {i.name for i in self.decoder.get_inputs()}
        self.gives = [o.name for o in self.decoder.get_outputs()]

    @staticmethod
    def _pieces(data: bytes) -> list[bytes]:
        """Each piece stands behind its length, which takes two bytes from 128 on."""
        at, pieces = 0, []
        while at < len(data):
            length = data[at]
            at += 1
            if length >= 128:
                length = length - 128 + 128 * data[at]
                at += 1
            pieces.append(data[at : at + length])
            at += length
        return pieces

    def __call__(self, sound: np.ndarray) -> str:
        audio = sound[None].astype(np.float32)
        mask = np.ones(audio.shape, np.int64)
        hidden = self.encoder.run(None, {"input_values": audio, "attention_mask": mask})[0]
        past = {}
        for entry in self.past:
            heads, width = entry.shape[1], entry.shape[3]
            frames = 0 if ".decoder." in entry.name else hidden.shape[1]
            past[entry.name] = np.zeros((1, heads, frames, width), np.float32)
        token, told = 1, []
        for step in range(int(np.ceil(len(sound) / RATE * 6.5)) + 1):
            feed = {"input_ids": np.array([[token]], np.int64), "encoder_hidden_states": hidden, **past}
            if "encoder_attention_mask" in self.wants:
                feed["encoder_attention_mask"] = mask
            if "use_cache_branch" in self.wants:
                feed["use_cache_branch"] = np.array([step > 0])
            result = dict(zip(self.gives, self.decoder.run(None, feed)))
            for name in past:
                # What the encoder gave stays the same after the first step.
                if step == 0 or ".decoder." in name:
                    past[name] = result[name.replace("past_key_values", "present")]
            token = int(result["logits"][0, -1].argmax())
            if token == 2:
                break
            told.append(token)
        text = b"".join(self.pieces[token] for token in told if token > 2)
        return text.decode("utf-8", "replace").replace("\u2581", " ").strip()


class Pack:
    """The pack's own networks: the same that `undertone` runs."""

    def __init__(self, folder: Path):
        self.manifest = tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))
        graphs = {graph["role"]: graph for graph in self.manifest["graphs"]}
        self.trunk = session(folder / graphs["trunk"]["file"])
        self.speech = session(folder / graphs["speech"]["file"])
        self.text = session(folder / graphs["text"]["file"]) if "text" in graphs else None
        if self.text:
            lines = (folder / self.manifest["text"]["vocab"]).read_text(encoding="utf-8").splitlines()
            self.vocabulary = {piece: number for number, piece in enumerate(lines)}
            self.longest = self.manifest["text"]["longest"]

    def voice(self, sound: np.ndarray) -> np.ndarray:
        """Logits from the voice."""
        shortest = self.manifest["trunk"]["min_samples"]
        if len(sound) < shortest:
            sound = np.pad(sound, (0, shortest - len(sound)))
        mix = self.trunk.run(["mix"], {"audio": sound[None]})[0]
        stats = self.manifest["speech"]["stats_width"]
        feed = {"mix": mix, "past_mean": np.zeros((1, stats), np.float32), "past_clips": np.zeros((1, 1), np.float32)}
        return self.speech.run(["logits"], feed)[0][0]

    def words(self, text: str) -> np.ndarray | None:
        """Logits from the words, where the pack has a text branch."""
        if self.text is None or not text:
            return None
        ids = [self.vocabulary["[CLS]"], *self._pieces(text)[: self.longest - 2], self.vocabulary["[SEP]"]]
        return self.text.run(["logits"], {"ids": np.array([ids], np.int64)})[0][0]

    def _pieces(self, text: str) -> list[int]:
        """WordPiece: the longest known beginning, again and again."""
        found = []
        words = "".join(c if c.isalnum() else f" {c} " for c in text.lower()).split()
        for word in words:
            start = 0
            while start < len(word):
                for end in range(len(word), start, -1):
                    piece = ("##" if start else "") + word[start:end]
                    if piece in self.vocabulary:
                        found.append(self.vocabulary[piece])
                        break
                else:
                    found.append(self.vocabulary["[UNK]"])
                    break
                start = end
        return found
