"""Figures on a lent corpus under its papers' own protocol: a head trained on its training part over the finished trunk.

The trunk stays as it is, so what is measured is how far its features carry, not what a network made for this
corpus alone would reach. No clip of a test part, and no clip of its speakers' session or fold, is trained on.
"""

import json
from pathlib import Path

import numpy as np

from . import head_train, judge, metrics, speech_recipe, views
from .errors import RecipeError
from .speech_recipe import Place
from .store import Item, Store, atomically

# One part left out at a time; elsewhere the corpus names its own test parts.
LEAVE_ONE_OUT = {"iemocap", "ravdess"}
TESTS = {"meld": ["test"], "mosei": ["test"], "msp_podcast": ["test1", "test2"]}


def parts(corpus: str, items: list[Item]) -> list[tuple[str, list[int], list[int]]]:
    """Name, training clips and test clips of every part of the protocol."""
    def where(splits: set[str]) -> list[int]:
        return [n for n, i in enumerate(items) if i.split in splits]

    if corpus in LEAVE_ONE_OUT:
        splits = sorted({i.split for i in items})
        found = [(s, where(set(splits) - {s}), where({s})) for s in splits]
    elif corpus in TESTS:
        found = [(s, where({"train"}), where({s})) for s in TESTS[corpus]]
    else:
        raise RecipeError(f"evaluate --corpus {corpus}: has no protocol here; those that have one are {', '.join(sorted(LEAVE_ONE_OUT | set(TESTS)))}")
    for name, train, test in found:
        if not train or not test:
            raise RecipeError(f"evaluate --corpus {corpus}: part {name} has {len(train)} clips to train on and {len(test)} to test on; prepare the whole corpus")
    return found


def run(place: Place, corpus: str, out: Path, seed: int = 1) -> dict:
    """Every part's figures and, over all test clips together, recall with its interval; written as JSON too."""
    store = Store(place.cache, [corpus])
    items = [i for i in store.items if i.label is not None]
    trunk, _ = speech_recipe.final_trunk(place)
    stats = views.cached(trunk, store, items, "clean", [], place.work / f"views_{corpus}")
    plan = head_train.Plan(seed=seed)
    report: dict = {"corpus": corpus, "parts": {}}
    truths, firsts, streams = [], [], []
    for name, train, test in parts(corpus, items):
        head = speech_recipe.fit_head(items, [stats], train, plan)
        chosen, truth = [items[n] for n in test], np.array([items[n].label for n in test])
        first = judge.logits(head, stats[test])
        later, order, _ = judge.streamed(head, chosen, stats[test])
        stream = np.empty_like(later)
        stream[order] = later
        report["parts"][name] = {
            "n": len(test), "speakers": len({i.speaker for i in chosen}),
            "uar_first": judge.uar(first, truth, None), "uar_stream": judge.uar(stream, truth, None),
            "accuracy_first": 100.0 * float((first.argmax(axis=1) == truth).mean()),
        }
        truths, firsts, streams = [*truths, truth], [*firsts, first], [*streams, stream]
    truth = np.concatenate(truths)
    for name, z in (("first", np.concatenate(firsts)), ("stream", np.concatenate(streams))):
        low, high = metrics.interval(truth, z.argmax(axis=1))
        report[name] = {"n": len(truth), "uar": judge.uar(z, truth, None), "interval": [100 * low, 100 * high]}
    atomically(out, lambda part: part.write_text(json.dumps(report, indent=1), encoding="utf-8"))
    return report
