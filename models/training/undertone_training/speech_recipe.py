"""The steps that make a speech pack, each resuming from the work folder: words, emotion, adapt, views, head."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from . import checkpoint, ctc, emotion_train, head_train, moonshine, views, words_adapt, words_train
from .errors import RecipeError
from .layers_cache import KEPT_LAYER, LayerCache
from .speech_head import SpeechHead
from .store import Item, Store
from .trunk import Trunk

TRAINING_VIEWS = (("clean", 1), ("clean", 1), ("clean", 1), ("begun", 1))  # beginnings are a quarter: more of them cost recall elsewhere


@dataclass
class Place:
    """Where a run reads and writes."""

    cache: Path
    work: Path
    encoder: Path

    def store(self) -> Store:
        """All speech corpora."""
        return Store(self.cache, ["crema_d", "emodb", "librispeech"])


def emotional(store: Store) -> list[Item]:
    """The labelled clips, CREMA-D before EMO-DB."""
    return [i for i in store.select("crema_d") + store.select("emodb") if i.label is not None]


def trunk_items(items: list[Item]) -> list[int]:
    """What the trunk's emotion phase may learn from: CREMA-D's training speakers, nothing else, so that all others stay unheard."""
    return [n for n, i in enumerate(items) if i.corpus == "crema_d" and i.split == "train"]


def read_speech(store: Store) -> list[Item]:
    """LibriSpeech without its testing clips."""
    return [i for i in store.select("librispeech") if i.split != words_train.TEST_SPLIT]


def words(place: Place, plan: words_train.Plan) -> None:
    """Phase 1: the upper layers learn to spell over the untouched lower ones."""
    store = place.store()
    trunk = moonshine.load(place.encoder)
    cache = LayerCache(place.work / "librispeech_layer.npy", read_speech(store)).build(trunk, store)
    words_train.train(trunk, cache, place.work, plan)


def emotion(place: Place, plan: emotion_train.Plan) -> None:
    """Phase 2: the lower layers learn to feel."""
    store = place.store()
    items = emotional(store)
    trunk = moonshine.load(place.encoder)
    clean = views.cached(trunk, store, items, "whole", [], place.work / "untouched")
    chosen = trunk_items(items)
    picked = [items[i] for i in chosen]
    head = head_train.train(picked, [clean[chosen]], head_train.Plan())
    emotion_train.train(trunk, head, emotion_train.Task(store, picked, clean[chosen], read_speech(store), plan), place.work)


def _state(file: Path, step: str) -> dict:
    state = checkpoint.load(file)
    if state is None:
        raise RecipeError(f"{file}: not found; run `train --step {step}` first")
    return state


def adapt(place: Place, plan: words_train.Plan) -> None:
    """Phase 3: the upper layers spell over the new lower ones, from spoilt audio."""
    store = place.store()
    low, high = _state(place.work / "emotion.pt", "emotion"), _state(place.work / "words.pt", "words")
    trunk, head = Trunk(), ctc.head()
    uppers = tuple(f"layers.{i}." for i in range(KEPT_LAYER, len(trunk.layers))) + ("norm.",)
    joined = {name: (high if name.startswith(uppers) else low)["trunk"][name] for name in trunk.state_dict()}
    checkpoint.fit(trunk, joined, place.work / "words.pt")
    checkpoint.fit(head, high["head"], place.work / "words.pt")
    words_adapt.train(trunk, head, store, read_speech(store), place.work, plan)


def final_trunk(place: Place) -> tuple[Trunk, torch.nn.Linear]:
    """The trunk and the words head as they will be shipped."""
    state = _state(place.work / "adapt.pt", "adapt")
    trunk, head = Trunk(), ctc.head()
    checkpoint.fit(trunk, state["trunk"], place.work / "adapt.pt")
    checkpoint.fit(head, state["head"], place.work / "adapt.pt")
    return trunk.eval(), head.eval()


def view(place: Place, kind: str, seed: int = 1) -> tuple[list[Item], Tensor]:
    """One view of every emotional clip through the final trunk, cached."""
    store = place.store()
    items = emotional(store)
    trunk, _ = final_trunk(place)
    return items, views.cached(trunk, store, items, kind, read_speech(store), place.work / "views", seed)


def fit_head(items: list[Item], stats: list[Tensor], chosen: list[int], plan: head_train.Plan) -> SpeechHead:
    """A head trained on some of the clips."""
    return head_train.train([items[i] for i in chosen], [s[chosen] for s in stats], plan)


def head(place: Place, plan: head_train.Plan) -> SpeechHead:
    """Phase 4: the shipped head, from CREMA-D's training speakers and all of EMO-DB."""
    items = emotional(place.store())
    stats = [view(place, kind, seed)[1] for kind, seed in TRAINING_VIEWS]
    chosen = [n for n, i in enumerate(items) if i.split != "dev"]
    made = fit_head(items, stats, chosen, plan)
    checkpoint.save(place.work / "head.pt", {"head": made.state_dict()})
    return made


def load_head(place: Place) -> SpeechHead:
    """The trained head."""
    made = SpeechHead()
    checkpoint.fit(made, _state(place.work / "head.pt", "head")["head"], place.work / "head.pt")
    return made.eval()
