"""Ablations on tiny corpora: every row is made once, under the budget it names."""

import json
from pathlib import Path

import pytest

from conftest import tone
from undertone_training import ablate, store
from undertone_training.cli import main

PACK = Path(__file__).parents[2] / "packs" / "english"


@pytest.fixture
def cache(tmp_path):
    """Training and held-out speakers of CREMA-D, and an EMO-DB of one clip."""
    for actor, pitch in (("1001", 110), ("1002", 170), ("1007", 140)):
        for k, code in enumerate(("ANG", "HAP", "NEU", "SAD")):
            tone(tmp_path / "crema" / "AudioWAV" / f"{actor}_DFA_{code}_XX.wav", pitch=pitch + 15 * k)
    tone(tmp_path / "emodb" / "wav" / "03a01Fa.wav")
    for name, folder in (("crema_d", "crema"), ("emodb", "emodb")):
        store.build(tmp_path / "cache", name, tmp_path / folder)
    return tmp_path / "cache"


def test_every_variant_of_late_speech_runs_and_is_kept(tmp_path, cache, published, capsys):
    words = ["--threads", 1, "ablate", "--cache", cache, "--work", tmp_path / "work", "--speaker-network", published[1], "--clips", 8, "--steps", 1]
    assert main([str(w) for w in words]) == 0
    rows = json.loads((tmp_path / "work" / "ablations.json").read_text(encoding="utf-8"))
    assert [r["name"] for r in rows] == list(ablate.LATE)
    assert len({r["budget"] for r in rows}) == 1 and rows[0]["budget"].startswith("8 clips, 1 steps of 8 stretches")
    made = sorted((tmp_path / "work" / "ablate").glob("*/model.pt"))
    assert len(made) == 4
    before = [f.stat().st_mtime_ns for f in made]
    assert main([str(w) for w in words]) == 0
    assert [f.stat().st_mtime_ns for f in made] == before and "| late_speech: from scratch | 8 clips" in capsys.readouterr().out


def test_every_granularity_runs(tmp_path, cache):
    from tokenizers import Tokenizer, models, pre_tokenizers

    (tmp_path / "bert").mkdir()
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 100, "good": 2204, "bad": 2919}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.save(str(tmp_path / "bert" / "tokenizer.json"))
    fine = ("neutral", "joy", "sadness", "anger", "fear", "disgust", "surprise")
    rows = [f"{text} {name},{name},{split}" for split in ("train", "test") for name in fine for text in ("good bad", "bad good")]
    (tmp_path / "go.csv").write_text("\n".join(["text,label,split", *rows]), encoding="utf-8")
    words = ["ablate", "--cache", cache, "--work", tmp_path / "work", "--pack", PACK, "--text-encoder", tmp_path / "bert", "--goemotions", tmp_path / "go.csv", "--epochs", 4]
    # A batch is 32 pairs; eight clips make none, so the batch must give way.
    assert main(["--threads", "1", *(str(w) for w in words)]) == 0
    found = json.loads((tmp_path / "work" / "ablations.json").read_text(encoding="utf-8"))
    assert [r["name"] for r in found] == list(ablate.PAIRED) and all("wrong words" in r["figure"] for r in found)


def test_nothing_to_do_is_refused(tmp_path, cache, capsys):
    assert main(["ablate", "--cache", str(cache), "--work", str(tmp_path / "work")]) == 2
    assert "give --speaker-network" in capsys.readouterr().err
