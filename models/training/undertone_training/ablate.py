"""Ablations at an equal, small budget: every row of a table has the same seed, clips and steps, so that rows compare.

Not what the recipe reaches with time. Rows that are done are kept; a killed run goes on where it was.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from . import fused_recipe, fused_train, judge, late_train, metrics, pairs, speech_recipe
from .errors import RecipeError
from .fused_recipe import Corpus, Place
from .multilevel import LEVELS, Multilevel
from .speech_head import statistics
from .store import Store, atomically

LATE = {
    "late_speech: speaker network's weights, masked, third stage's maps": {},
    "late_speech: from scratch": {"transferred": False},
    "late_speech: without masking": {"masked": 0.0},
    "late_speech: the network's embedding instead of maps": {"embedding": True},
}
PAIRED = {f"multilevel: {name} only": (name,) for name in LEVELS} | {"multilevel: all levels": LEVELS}
LONGEST = 1.6  # seconds of a clip that are heard, to save time


@dataclass
class Budget:
    """What each row of a table may cost."""

    clips: int = 1024  # of CREMA-D's training speakers, for `late_speech`
    steps: int = 64  # of 16 stretches, for `late_speech`
    epochs: float = 4.0  # for `multilevel`
    seed: int = 1


def _percent(truth: np.ndarray, guess: np.ndarray) -> str:
    low, high = metrics.interval(truth, guess)
    return f"{100 * metrics.uar(truth, guess):.1f} ({100 * low:.1f}–{100 * high:.1f})"


def late(place: Place, name: str, budget: Budget) -> dict:
    """One variant of `late_speech`: a head fitted to the network as it begins, then a few steps of every layer."""
    place.need("speakers")
    store = Store(place.cache, ["crema_d"])
    items = [i for i in store.items if i.label is not None]
    mine = [i for i in items if i.split == "train"]
    mine = [mine[k] for k in np.random.default_rng(budget.seed).permutation(len(mine))[: budget.clips]]
    held = [i for i in items if i.split == "dev"]
    plan = late_train.Plan(batch=min(late_train.Plan.batch, len(mine)), seed=budget.seed, **LATE[name])
    model = late_train.begin(place.speakers, plan)
    folder = place.work / "ablate" / name.split(": ")[1].replace(" ", "_").replace("'", "")
    before = late_train.all_stats(model, store, mine, folder / "before.npy", LONGEST)
    task = late_train.Task(store, mine, [], plan, before.shape[1])
    late_train.ready(model, task, before)
    late_train.train(model, task, folder / "model.pt", budget.steps)
    stats = late_train.all_stats(model, store, held, folder / "held.npy", LONGEST)
    truth = np.array([i.label for i in held])
    found = judge.figures(model.head, held, stats)
    return {
        "name": name, "budget": f"{len(mine)} clips, {budget.steps} steps of {plan.batch} stretches of {plan.seconds[0]:g} to {plan.seconds[1]:g} s; clips cut to {LONGEST:g} s",
        "figure": f"first {_percent(truth, judge.logits(model.head, stats).argmax(axis=1))}, stream {found['stream']:.1f}",
    }


def paired(place: Place, corpus: Corpus, name: str, budget: Budget) -> dict:
    """One variant of `multilevel`, alone, with no scores of the branches beside it."""
    torch.manual_seed(budget.seed)
    model = Multilevel(PAIRED[name])
    file = place.work / "ablate" / f"{name.split(': ')[1].replace(' ', '_')}.pt"
    file.parent.mkdir(parents=True, exist_ok=True)
    plan = fused_train.Plan(epochs=budget.epochs, batch=min(fused_train.Plan.batch, len(corpus.train)), seed=budget.seed)
    fused_train.train(model, corpus.pairs(corpus.train, corpus.texts["train"]), file, plan)
    held = corpus.pairs(corpus.dev, corpus.texts["test"])
    means, clips = fused_recipe.heard(corpus, corpus.dev, torch.cat([statistics(torch.from_numpy(corpus.frames.clip(n))[None]) for n in corpus.dev]))
    told = []
    for case, words in (("same", "same feeling"), ("plain", "neutral text"), ("clash", "wrong words")):
        z = fused_train.logits(model, held, pairs.chosen(held.labels(), held.texts.labels, case), means, clips)
        told.append(f"{words} {_percent(held.labels(), z.argmax(axis=1))}")
    return {"name": name, "budget": f"{len(corpus.train)} clips, {budget.epochs:g} epochs", "figure": ", ".join(told)}


def run(place: Place, budget: Budget, only: str | None = None) -> list[dict]:
    """Every row that is not there yet, in `work/ablations.json`; a table whose needs are not given is left out."""
    file = place.work / "ablations.json"
    rows = json.loads(file.read_text(encoding="utf-8")) if file.exists() else []
    wanted = [n for n, needs in [(n, place.speakers) for n in LATE] + [(n, place.pack) for n in PAIRED] if needs and (only is None or only in n)]
    if not wanted:
        raise RecipeError("nothing to do; give --speaker-network, or --pack with --text-encoder and --goemotions, and an --only that is part of a row's name")
    corpus = None
    for name in wanted:
        if any(r["name"] == name for r in rows):
            continue
        if name in PAIRED:
            corpus = corpus or Corpus(place, ("train", "test"))
            row = paired(place, corpus, name, budget)
        else:
            row = late(place, name, budget)
        print(f"{row['name']}: {row['figure']}", flush=True)
        rows.append(row)
        atomically(file, lambda part, text=json.dumps(rows, indent=1, ensure_ascii=False): part.write_text(text, encoding="utf-8"))
    return rows
