"""Pairs as the engine reads them, what it makes of them, and the weights found on that; with a stand-in for the engine."""

import csv
import json
import sys
import tomllib
import zlib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from conftest import tone
from undertone_training import fuse, fusion_fit, heard, labels, pairs, store
from undertone_training.cli import main
from undertone_training.errors import RecipeError

RECIPE = Path(__file__).parents[1]
CODES = {"ANG": "angry", "HAP": "happy", "NEU": "neutral", "SAD": "sad", "FEA": "fearful", "DIS": "disgusted"}
GO = {"neutral": "neutral", "joy": "happy", "sadness": "sad", "anger": "angry", "fear": "fearful", "disgust": "disgusted", "surprise": "surprised"}
MANIFEST = """schema = 1
name = "tiny"
labels = ["neutral"]
systems = ["multilevel"]

[speech]
trained_labels = ["neutral", "happy", "sad", "angry", "fearful", "disgusted"]

[multilevel]
own = 0.3
speech = 1.0
text = 0.15
gamma = 0.5
temperature = 1.0
unknown_below = 0.5

[[files]]
path = "graph.onnx"
sha256 = "0"
bytes = 1
"""

# Says of every clip and text what their names say, more or less; of a drowned voice hardly anything. Weighs as the pack tells it to.
ENGINE = """#!{python}
import csv, json, sys, tomllib, zlib
from pathlib import Path
sys.path[:0] = [{recipe!r}, {tests!r}]
import numpy as np
from test_weigh import opinion
from undertone_training import fuse, labels
args = [a for a in sys.argv[2:] if a != "--quiet"]
told = dict(zip(args[::2], args[1::2]))
w = fuse.Weights(**tomllib.loads((Path(told["--pack"]) / "pack.toml").read_text())[told["--system"]])
trained = [True] * 6 + [False]
with open(told["--updates"], "w") as out:
    for row in csv.DictReader(open(told["--manifest"])):
        updates = []
        for part in range(1 + zlib.crc32(row["path"].encode()) % 2):
            voice, words, own, quality = opinion(row, part)
            known = 0.8
            e = fuse.Evidence(voice[None], words[None], np.array([quality]), np.array([known]), own[None])
            fused = fuse.scores(e, w, trained)[0]
            said = words.argmax()
            clash = bool(voice.argmax() != said and said != 0 and min(voice.max(), words.max()) > fuse.SURE and quality >= fuse.FIT)
            name = lambda s: dict(zip(labels.LABELS, s.tolist()))
            updates.append({{"kind": "final", "start_s": 0.0, "end_s": 1.0 + part, "scores": name(fused), "clash": clash,
                             "speech": {{"scores": name(voice), "quality": quality}}, "text": {{"scores": name(words), "quality": known}}}})
        print(json.dumps({{"path": row["path"], "label": row["label"], "updates": updates}}), file=out)
"""


def opinion(row: dict, part: int):
    """What voice, words and graph say of a pair, and how good the voice is."""
    dice = np.random.default_rng(zlib.crc32(f"{row['path']} {row['text']} {part}".encode()))
    drowned = row["path"].startswith("noisy")

    def says(label: int, right: float, sure: float) -> np.ndarray:
        guess = label if dice.random() < right else int(dice.integers(0, 6))
        return 0.9 * np.eye(7)[guess] * sure + (1.0 - 0.9 * sure) / 7.0

    truth, said = labels.INDEX[row["label"]], labels.INDEX[row["text"].split()[-1]]
    return says(truth, 0.1 if drowned else 0.6, 0.8), says(said, 0.7, 0.8), says(truth, 0.7, 0.5), 0.2 if drowned else 1.0


@pytest.fixture(scope="module")
def paired(tmp_path_factory):
    """The tiny cache, and the folder of pairs made of it."""
    root = tmp_path_factory.mktemp("weigh")
    for n, actor in enumerate(sorted(corpora_dev())[:4]):
        for k, code in enumerate(CODES):
            for sentence in ("DFA", "IEO", "TIE"):
                tone(root / "crema" / "AudioWAV" / f"{actor}_{sentence}_{code}_XX.wav", pitch=120 + 20 * k + 7 * n)
    store.build(root / "cache", "crema_d", root / "crema")
    rows = [f"so {w} {i} this is {ours},{theirs},{split}" for split in ("dev", "test") for theirs, ours in GO.items() for i, w in enumerate("abcdefgh")]
    (root / "go.csv").write_text("\n".join(["text,label,split", *rows]), encoding="utf-8")
    assert main(["pairs", "--cache", str(root / "cache"), "--goemotions", str(root / "go.csv"), "--out", str(root / "pairs")]) == 0
    return root


def corpora_dev():
    """CREMA-D's held-out actors."""
    from undertone_training import corpora

    return corpora._CREMA_DEV


def read(file: Path) -> list[dict]:
    with open(file, newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def test_pairs_are_what_their_names_say(paired):
    folder = paired / "pairs"
    for split, draws in pairs.SPLITS.items():
        for case in pairs.CASES:
            rows = read(folder / f"{split}_{case}.csv")
            assert len(rows) == 72 * draws and len({r["path"] for r in rows}) == 72 and len({r["speaker"] for r in rows}) == 4 * draws
            for row in rows:
                said = row["text"].split()[-1]
                assert said == "neutral" if case == "plain" else (said == row["label"]) == (case != "clash")
                assert case != "clash" or said != "neutral"
    drawn = read(folder / "dev_same.csv")
    assert [r["text"] for r in drawn[:72]] != [r["text"] for r in drawn[72:144]]  # a draw is not the other
    assert [r["label"] for r in rows[:12]] != sorted(r["label"] for r in rows[:12])  # no stream is sorted by feeling
    clean, noisy = (soundfile.read(folder / kind / Path(rows[0]["path"]).name)[0] for kind in ("clean", "noisy"))
    noise = noisy * (np.dot(clean, clean) / np.dot(noisy, clean)) - clean
    assert 0.5 < np.std(noise) / np.std(clean) < 2.0


def test_pairs_need_held_out_speakers(tmp_path, crema):
    store.build(tmp_path / "cache", "crema_d", crema)
    (tmp_path / "go.csv").write_text("text,label,split\n", encoding="utf-8")
    held = store.Store(tmp_path / "cache", ["crema_d"])
    held.items = [i for i in held.items if i.split == "train"]
    with pytest.raises(RecipeError, match="no labelled clip of the split `dev`"):
        pairs.held_out(held)


@pytest.fixture(scope="module")
def engine(paired):
    """The stand-in, and a pack for it."""
    file, pack = paired / "engine", paired / "pack"
    file.write_text(ENGINE.format(python=sys.executable, recipe=str(RECIPE), tests=str(RECIPE / "tests")), encoding="utf-8")
    file.chmod(0o755)
    pack.mkdir()
    (pack / "pack.toml").write_text(MANIFEST, encoding="utf-8")
    (pack / "graph.onnx").write_bytes(b"x")
    return file, pack


def test_the_graphs_own_scores_are_got_back(paired, engine):
    found, speakers = heard.cases(*engine, paired / "pairs", "dev", "multilevel", paired / "work")
    assert len(set(speakers)) == 4
    for name, case in found.items():
        rows = read(paired / "pairs" / f"dev_{name}.csv")
        assert len(case.truth) == 72 * pairs.SPLITS["dev"] < len(case.clip)
        for at, clip in enumerate(case.clip):
            part = int(case.seconds[at]) - 1
            assert np.allclose(case.evidence.own[at], opinion(rows[clip], part)[2], atol=1e-6), name


def test_a_pack_is_weighed_on_what_the_engine_hears(paired, engine, capsys):
    program, pack = engine
    words = ["weigh", "--engine", program, "--pack", pack, "--pairs", paired / "pairs", "--work", paired / "work", "--out", paired / "part", "--system", "multilevel"]
    assert main([str(w) for w in words]) == 0
    assert "multilevel: same" in capsys.readouterr().out
    table = json.loads((paired / "part" / "tables.json").read_text())["multilevel"]
    report = json.loads((paired / "work" / "weighed.json").read_text())["multilevel"]
    assert table["lift"] > 0.0 and report["all"]["noisy"]["fused"] > report["all"]["noisy"]["voice"] + 20.0
    made = tomllib.loads((paired / "work" / "pack" / "pack.toml").read_text())
    old = tomllib.loads(MANIFEST)
    assert made["multilevel"] == pytest.approx({k: round(v, 6) for k, v in table.items()}) and made["files"] == old["files"] and made["name"] == "tiny"
    # The engine under the new weights says what the fit said it would.
    lines = heard.hear(program, paired / "work" / "pack", paired / "pairs" / "test_noisy.csv", "multilevel", paired / "again.jsonl").read_text().splitlines()
    whole = heard.case("noisy", lines, False)[0]
    scores = np.array([[u["scores"][n] for n in labels.LABELS] for line in lines for u in json.loads(line)["updates"]])
    assert 100 * fusion_fit.recall(whole, scores) == pytest.approx(report["all"]["noisy"]["fused"], abs=0.01)


def test_an_engine_that_fails_is_told(paired, engine, tmp_path):
    broken = tmp_path / "engine"
    broken.write_text("#!/bin/sh\necho out of memory >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(RecipeError, match="failed on .*dev_same.csv: out of memory"):
        heard.cases(broken, engine[1], paired / "pairs", "dev", "multilevel", tmp_path)
    assert not list((tmp_path / "heard").glob("*.jsonl"))


def test_words_stand_in_for_a_voice_that_cannot_be_heard():
    voice, words = np.full((1, 7), 0.02), np.full((1, 7), 0.05)
    voice[0, 3], words[0, 1] = 0.88, 0.7
    trained, one = [True] * 6 + [False], np.ones(1)

    def under(quality, **more):
        e = fuse.Evidence(voice, words, np.full(1, quality), one)
        return fuse.scores(e, fuse.Weights(text=0.1, **more), trained)[0]

    assert np.allclose(under(1.0, lift=4.0), under(1.0))
    assert under(0.3).argmax() == 3 and under(0.3, lift=4.0).argmax() == 1
    # Never surer than the words alone.
    assert np.allclose(under(0.0, lift=99.0, gamma=0.0), words, atol=1e-6)
