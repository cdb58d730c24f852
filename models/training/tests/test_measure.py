"""What is measured in the engine, and the tables it becomes; with a stand-in for the engine."""

import json
import sys

import pytest

from conftest import tone
from undertone_training import fused_card, measure, store
from undertone_training.cli import main
from undertone_training.errors import RecipeError

# Judges nothing: writes two updates a clip and figures that do not depend on it.
ENGINE = """#!{python}
import csv, json, sys
args = sys.argv[1:]
told = {{a: b for a, b in zip(args, args[1:]) if a.startswith("--")}}
rows = list(csv.DictReader(open(told["--manifest"])))
with open(told["--updates"], "w") as out:
    for n, row in enumerate(rows):
        made = [{{"stream": row["speaker"], "label": label, "mood": {{"label": label}}, "kind": kind, "start_s": 2.0 * n, "end_s": 2.0 * n + 1.0, "emitted_s": 2.0 * n + 2.0}}
                for kind, label in (("provisional", "unknown"), ("final", row["label"]))]
        print(json.dumps({{"path": row["path"], "label": row["label"], "updates": made}}), file=out)
figures = {{"n": len(rows), "uar": 0.7, "uar_ci": [0.6, 0.8], "ece": 0.04, "selective": {{"threshold": 0.5, "coverage": 0.6, "accuracy": 0.8}},
            "first_hearing": {{"uar": 0.5, "n": 2}}, "after_30s": {{"uar": None, "n": 0}}}}
if "--provisional" in args:
    figures |= {{"provisional_agreement_1s": 0.75, "provisional_agreement_1s_n": 4, "provisional_agreement_2s": None, "provisional_agreement_2s_n": 0}}
print(json.dumps(figures))
"""


@pytest.fixture
def ready(tmp_path):
    """A cache with held-out speakers, and the stand-in."""
    for actor in ("1001", "1007"):
        for code in ("ANG", "NEU"):
            tone(tmp_path / "crema" / "AudioWAV" / f"{actor}_DFA_{code}_XX.wav")
    store.build(tmp_path / "cache", "crema_d", tmp_path / "crema")
    engine = tmp_path / "engine"
    engine.write_text(ENGINE.format(python=sys.executable), encoding="utf-8")
    engine.chmod(0o755)
    return tmp_path, engine


def test_a_majority_is_of_one_label():
    assert measure.majority([0.2, 0.5, 0.3]) == 1
    assert measure.majority([0.5, 0.5]) is None and measure.majority([]) is None and measure.majority([0.0, 0.0]) is None


def test_changes_are_counted_through_a_stream(tmp_path):
    def line(stream, *labels):
        made = [{"stream": stream, "label": x, "mood": {"label": labels[-1]}, "kind": "final", "start_s": 0.0, "end_s": 10.0, "emitted_s": 30.0} for x in labels]
        return json.dumps({"updates": made})

    (tmp_path / "u").write_text("\n".join([line("a", "neutral", "neutral", "unknown"), line("b", "sad"), line("a", "neutral", "sad")]), encoding="utf-8")
    found = measure.changes(tmp_path / "u")
    # neutral → unknown → neutral → sad in one stream, nothing in the other; a minute of speech.
    assert found["changes"] == 3 and found["changes_a_minute"] == pytest.approx(3.0) and found["known_changes_a_minute"] == pytest.approx(1.0)
    # The mood of each line is its last label: unknown, then sad.
    assert found["mood_changes_a_minute"] == pytest.approx(1.0)
    assert found["sound_minutes"] == pytest.approx(1.0)


def test_the_pack_is_measured_and_told(ready, capsys):
    root, engine = ready
    words = ["measure", "--engine", engine, "--pack", root, "--cache", root / "cache", "--work", root / "work"]
    assert main([str(w) for w in words]) == 0
    report = json.loads((root / "work" / "engine.json").read_text(encoding="utf-8"))
    assert report["CREMA-D, held-out speakers, acted label, 6 labels"]["n"] == 2
    assert report["flicker: CREMA-D, neutral clips of the held-out speakers"]["changes"] == 1
    told = fused_card.engine(report)
    assert "| CREMA-D, held-out speakers, acted label, 6 labels | 2 | 70.0 (60.0–80.0) | 50.0 of 2 |  | 0.040 | 0.80 at 0.60 |" in told
    assert "| 75.0 of 4 |  |" in told


def test_an_engine_that_fails_is_told(ready):
    root, engine = ready
    engine.write_text("#!/bin/sh\necho no such system >&2\nexit 2\n", encoding="utf-8")
    with pytest.raises(RecipeError, match="failed on .*crema_acted.csv: no such system"):
        measure.run(engine, root, root / "cache", None, root / "work")


def test_results_are_written_from_what_was_measured(tmp_path):
    cases = {c: {"n": 9, "voice": 60.0, "words": 50.0, "fused": 65.0, "interval": [60.0, 70.0]} for c in fused_card.CASES}
    weights = {"own": 0.5, "speech": 1.0, "text": 0.1, "gamma": 1.0, "doubt": 2.0, "lift": 6.0, "temperature": 1.0, "unknown_below": 0.5}
    made = {
        "alone": {c: 61.0 for c in cases}, "weights": weights, "missed": {"same": -0.1, "plain": -0.01, "clash": 0.002, "noisy": -0.1}, "missed_on_test": {"same": -0.1, "plain": -0.01, "clash": -0.01},
        "all": cases | {"calibration": {"ece": 0.03, "selective_accuracy": 0.81, "selective_coverage": 0.7}}, "halves": {c: {"fused": 64.0} for c in cases},
    }
    text = {
        "goemotions_test": {"n": 5, "macro_f1_argmax": 0.6, "interval": [0.5, 0.7], "macro_f1_as_spoken": 0.6, "ece": 0.02, "unknown_below": 0.5, "selective_accuracy": 0.8, "selective_coverage": 0.7},
        "toxicity_test": {"n": 5, "auroc": 0.98}, "emobank_test": {"valence": 0.6, "arousal": 0.3, "dominance": 0.2},
    }
    with pytest.raises(RecipeError, match="fused.json: not found"):
        fused_card.write(tmp_path)
    for name, values in (("fused", {"joint": {"head": "shallow"}, "joint_shallow": made}), ("text", text), ("weighed", {"multilevel": made}),
                         ("ablations", [{"name": "a", "budget": "b", "figure": "c"}])):
        (tmp_path / f"{name}.json").write_text(json.dumps(values), encoding="utf-8")
    told = fused_card.write(tmp_path)
    assert "| multilevel | 0.50 | 1.00 | 0.100 | 1.0 | 2 | 6.0 | 1.00 | 0.50 | wrong words missed by 0.2 | voice at 0 dB not tried |" in told
    assert "| a | b | c |" in told and "| shallow | 61.0 | 61.0 | 61.0 | 61.0 | 64.0 / 64.0 / 64.0 / 64.0 |" in told
