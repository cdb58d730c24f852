"""Weighs voice, words and a system's own graph anew in a finished pack, on what the engine makes of paired clips.

The last word on the weights: `fusion` finds a first set on the recipe's own evidence, which knows nothing of the engine's
spans, baselines and qualities. Synthetic pairing throughout.
"""

import json
import shutil
from pathlib import Path

from . import fusion_fit, heard, metrics
from .fused_evaluate import table
from .store import atomically

SYSTEMS = ("multilevel", "joint", "late")


def own_alone(cases: dict[str, fusion_fit.Case]) -> dict[str, float]:
    """Recall of a system's graph by itself, in every case."""
    return {n: 100 * metrics.uar(c.truth, c.whole(c.evidence.own).argmax(axis=1)) for n, c in cases.items()}


def two_scores(cases: dict[str, fusion_fit.Case]) -> dict[str, fusion_fit.Case]:
    """The same without the graph."""
    return {n: fusion_fit.Case(n, heard.Evidence(c.evidence.voice, c.evidence.words, c.evidence.voice_quality, c.evidence.words_quality), c.truth, c.clip, c.seconds)
            for n, c in cases.items()}


def system(fitting: dict, testing: dict, speakers: tuple[list[str], list[str]], trained: list[bool]) -> tuple[fusion_fit.Weights, dict]:
    """Weights found beside the dev texts; figures beside the test texts, by halves of the speakers."""
    own = fitting["same"].evidence.own is not None
    weights, missed = fusion_fit.fit(fitting, trained, own)
    found = {
        "weights": vars(weights), "missed": missed, "missed_on_test": fusion_fit.Promises(testing, trained).shortfalls(weights),
        "all": fusion_fit.figures(testing, weights, trained), "halves": fusion_fit.crossed(fitting, testing, speakers, trained, own),
    }
    return weights, ({"alone": own_alone(testing)} if own else {}) | found


def run(engine: Path, pack: Path, pairs: Path, work: Path, out: Path, names: list[str]) -> dict:
    """Tables in `out` for `assemble`, figures in `work/weighed.json`, and a pack under the new weights in `work/pack`."""
    report, tables = {}, {}
    for name in names:
        fitting, of_fitting = heard.cases(engine, pack, pairs, "dev", name, work)
        testing, of_testing = heard.cases(engine, pack, pairs, "test", name, work)
        speakers, trained = (of_fitting, of_testing), heard.trained(pack, name)
        weights, report[name] = system(fitting, testing, speakers, trained)
        tables[name] = table(weights, fitting["same"].evidence.own is not None)
        if name == "multilevel":  # what its graph must beat
            report["two_scores"] = system(two_scores(fitting), two_scores(testing), speakers, trained)[1]
    out.mkdir(parents=True, exist_ok=True)
    atomically(out / "tables.json", lambda part: part.write_text(json.dumps(tables, indent=1), encoding="utf-8"))
    atomically(work / "weighed.json", lambda part: part.write_text(json.dumps(report, indent=1), encoding="utf-8"))
    heard.changed(pack, work / "pack", tables)
    shutil.rmtree(work / "probe", ignore_errors=True)
    return report
