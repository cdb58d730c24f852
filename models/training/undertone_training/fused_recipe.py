"""The steps of the systems beside the speech pack: late_speech, multilevel, joint, and the weights that fuse them.

Everything is kept under `work`; graphs and manifest tables go to `work/parts`, from where `assemble` takes them.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor

from . import (calibrate, checkpoint, frames_cache, fused_train, graph, judge, late_graph, late_train, metrics, moonshine, pairing,
               pairs, quantise, speech_recipe, spoilt, text_corpora, text_graph, text_model)
from .errors import RecipeError
from .frames_cache import Frames
from .fused_train import Pairs
from .joint import Joint
from .multilevel import Multilevel
from .pairing import Texts
from .store import Item, Store, atomically
from .streams import online
from .trunk import LAYERS

FROZEN = 2  # text layers that stay as published and serve both graphs


@dataclass
class Place:
    """Where a run reads and writes."""

    cache: Path
    work: Path
    pack: Path | None = None  # a speech pack: trunk.onnx, speech.onnx, pack.toml
    encoder: Path | None = None
    text_encoder: Path | None = None
    goemotions: Path | None = None
    speakers: Path | None = None  # the speaker-recognition network
    frames: Path | None = None

    @property
    def parts(self) -> Path:
        """Where graphs and tables go."""
        return self.work / "parts"

    @property
    def text_graph(self) -> Path:
        """The text branch's graph: this run's own, or a finished pack's."""
        own = self.parts / "text.onnx"
        return own if own.exists() or self.pack is None else self.pack / "text.onnx"

    def need(self, *names: str) -> None:
        """Refuses to go on without what a step reads."""
        options = {"encoder": "--speech-encoder", "text_encoder": "--text-encoder", "speakers": "--speaker-network"}
        missing = [options.get(n, f"--{n}") for n in names if getattr(self, n) is None]
        if missing:
            raise RecipeError(f"this step needs {', '.join(missing)}")

    def table(self, name: str, values: dict) -> None:
        """Adds a table to the parts' manifest."""
        file = self.parts / "tables.json"
        tables = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        tables[name] = values
        atomically(file, lambda part: part.write_text(json.dumps(tables, indent=1), encoding="utf-8"))

    def save(self, role: str, model) -> None:
        """Writes a part's graph."""
        self.parts.mkdir(parents=True, exist_ok=True)
        graph.save(model, self.parts / f"{role}.onnx")


def session(path: Path) -> onnxruntime.InferenceSession:
    """A graph on one thread."""
    if not path.exists():
        raise RecipeError(f"{path}: not found; export it first")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


class Corpus:
    """The clips, their frames, and the texts beside them."""

    def __init__(self, place: Place, texts: tuple[str, ...] = ("train",)):
        place.need("pack", "text_encoder", "goemotions")
        self.store = Store(place.cache, ["crema_d", "emodb"])
        self.items = speech_recipe.emotional(self.store)
        self.train = speech_recipe.trunk_items(self.items)
        self.dev = [n for n, i in enumerate(self.items) if i.corpus == "crema_d" and i.split == "dev"]
        self.frames = frames_cache.build(place.pack / "trunk.onnx", self.store, self.items, place.frames or place.work / "frames.f16")
        rows = text_corpora.goemotions(place.goemotions)
        self.texts = {}
        for split in texts:
            chosen, labels = pairing.choose(rows, split, pairs.TEXTS[split])
            self.texts[split] = pairing.states(place.text_graph, place.text_encoder / "tokenizer.json", chosen, labels, place.work / f"texts_{split}.npz")

    def pairs(self, rows: list[int], texts: Texts) -> Pairs:
        """Some of the clips beside some texts."""
        return Pairs([self.items[n] for n in rows], np.array(rows), self.frames, texts)


def multilevel(place: Place, plan: fused_train.Plan, name: str = "multilevel", **changes) -> Multilevel:
    """Trains system `multilevel`."""
    corpus = Corpus(place)
    torch.manual_seed(plan.seed)
    model = Multilevel(**changes)
    fused_train.train(model, corpus.pairs(corpus.train, corpus.texts["train"]), place.work / f"{name}.pt", plan)
    return model


def trained_text(place: Place) -> text_model.TextModel:
    """The text branch as it was trained."""
    model, _ = text_model.load(place.text_encoder)
    state = checkpoint.load(place.work / "text.pt")
    if state is None:
        raise RecipeError(f"{place.work / 'text.pt'}: not found; run `train --step text` first")
    checkpoint.fit(model, state["model"], place.work / "text.pt")
    return model.eval()


def fresh_joint(place: Place, head: str) -> Joint:
    """System `joint` before training: the speech encoder's fourth layer as published, the text branch's upper ones as trained."""
    place.need("encoder", "text_encoder")
    text = trained_text(place)
    return Joint(moonshine.load(place.encoder).layers[LAYERS - 3], list(text.bert.encoder.layer[FROZEN:]), head)


def joint(place: Place, plan: fused_train.Plan, head: str) -> Joint:
    """Trains system `joint` with one of its heads."""
    corpus = Corpus(place)
    torch.manual_seed(plan.seed)
    model = fresh_joint(place, head)
    fused_train.train(model, corpus.pairs(corpus.train, corpus.texts["train"]), place.work / f"joint_{head}.pt", plan)
    return model


def export_text(place: Place) -> None:
    """The text graph, int8, with its vocabulary."""
    place.need("text_encoder")
    place.save("text", quantise.dynamic_int8(text_graph.text(trained_text(place), FROZEN), ()))
    vocabulary = (place.text_encoder / "vocab.txt").read_text(encoding="utf-8")
    (place.parts / "vocab.txt").write_text(vocabulary, encoding="utf-8")


def late_items(store: Store) -> tuple[list[Item], list[int]]:
    """The labelled clips and those that `late_speech` learns from."""
    items = speech_recipe.emotional(store)
    return items, speech_recipe.trunk_items(items)


def late_speech(place: Place, plan: late_train.Plan) -> late_train.LateSpeech:
    """Trains the speech branch of system `late`: a head on the network as published, everything together, and another head."""
    place.need("speakers")
    store = Store(place.cache, ["crema_d", "emodb", "librispeech"])
    items, chosen = late_items(store)
    model = late_train.begin(place.speakers, plan)
    mine, babble = [items[n] for n in chosen], speech_recipe.read_speech(store)
    task = late_train.Task(store, mine, babble, plan, late_train.STATS)
    if not (place.work / "late_speech.pt").exists():
        late_train.ready(model, task, late_train.all_stats(model, store, mine, place.work / "late_before.npy", longest=1.6))
    late_train.train(model, task, place.work / "late_speech.pt")
    whole = late_whole(place, model, store)[chosen]
    spoilt_view = late_train.all_stats(model, store, mine, place.work / "late_spoilt.npy", spoil=late_train.spoiling(store, babble, plan.seed))
    late_train.refit(model, mine, [whole, whole, spoilt_view], plan.seed)
    checkpoint.save(place.work / "late_head.pt", {"model": model.head.state_dict()})
    return model


def late_whole(place: Place, model: late_train.LateSpeech, store: Store) -> Tensor:
    """Statistics of every labelled clip's voice through the trained network."""
    return late_train.all_stats(model, store, late_items(store)[0], place.work / "late_whole.npy")


def export_late(place: Place, model: late_train.LateSpeech) -> None:
    """The graph of `late_speech`."""
    made = late_graph.late_speech(model)
    quantise.shrink(made)
    place.save("late_speech", made)


def heard(corpus: Corpus, rows: list[int], stats: Tensor) -> tuple[Tensor, Tensor]:
    """Each speaker's clips in a random order, as one stream: the past before each clip, in the clips' own order."""
    order = pairs.order(len(rows))
    items = [corpus.items[rows[k]] for k in order]
    means, clips, _ = online([i.speaker for i in items], [i.seconds for i in items], stats[order])
    back = np.argsort(order)
    return means[back], clips[back]


def noisy_frames(place: Place, corpus: Corpus) -> Frames:
    """Frames of the dev clips at 0 dB."""
    return frames_cache.build(place.pack / "trunk.onnx", spoilt.Drowned(corpus.store), [corpus.items[n] for n in corpus.dev], place.work / "frames_0_db.f16")


def speech_scores(graph_file: Path, frames: Frames, rows: list[int], means: Tensor, clips: Tensor, temperature: float) -> np.ndarray:
    """What the shipped speech head says."""
    run = session(graph_file)
    found = [run.run(["logits"], {"mix": frames.clip(n)[None], "past_mean": means[k : k + 1].numpy(), "past_clips": clips[k : k + 1].numpy()})[0][0]
             for k, n in enumerate(rows)]
    return metrics.softmax(np.array(found), temperature)


def load(model: torch.nn.Module, file: Path):
    """A trained model, ready to use."""
    state = checkpoint.load(file)
    if state is None:
        raise RecipeError(f"{file}: not found; train it first")
    checkpoint.fit(model, state["model"], file)
    return model.eval()


def trained_late(place: Place) -> late_train.LateSpeech:
    """The speech branch of `late` as it was trained."""
    model = load(late_train.LateSpeech(), place.work / "late_speech.pt")
    model.head = load(model.head, place.work / "late_head.pt")
    return model


def judge_late(place: Place, model: late_train.LateSpeech) -> dict:
    """The branch alone: dev speakers, and EMO-DB, which it never heard; calibration on dev."""
    store = Store(place.cache, ["crema_d", "emodb"])
    items, _ = late_items(store)
    stats = late_whole(place, model, store)
    dev = [n for n, i in enumerate(items) if i.corpus == "crema_d" and i.split == "dev"]
    german = [n for n, i in enumerate(items) if i.corpus == "emodb"]
    picked = [items[n] for n in dev]
    fitted, curves = calibrate.calibrate(model.head, picked, stats[dev], {})
    truth = np.array([i.label for i in picked])
    low, high = metrics.interval(truth, judge.logits(model.head, stats[dev]).argmax(axis=1))
    # Short speech was not measured: the temperature rises under a second as much as the trunk's head was found to need.
    short = [(0.3, 1.9 * fitted.temperature), (0.5, 1.4 * fitted.temperature), (1.0, 1.1 * fitted.temperature), (2.0, fitted.temperature)]
    return {
        "crema_d_dev": judge.figures(model.head, picked, stats[dev]) | {"interval": [100 * low, 100 * high]},
        "crema_d_to_emodb_4": judge.figures(model.head, [items[n] for n in german], stats[german], [0, 1, 2, 3]),
        "calibration": {"temperature": fitted.temperature, "short": short, "unknown_below": fitted.unknown_below,
                        "accuracy": fitted.accuracy, "coverage": fitted.coverage, "ece": curves["ece"], "unseen_speakers": calibrate.honest(model.head, picked, stats[dev])},
    }
