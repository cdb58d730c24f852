"""The whole recipe in order: what is found, what is skipped, what a kill costs; on tiny corpora."""

import json
import sys

import pytest

from undertone_training import find_corpora, make, store
from undertone_training.cli import main, parser
from undertone_training.errors import RecipeError


@pytest.fixture
def corpora_folder(tmp_path, crema, emodb, librispeech):
    root = tmp_path / "held"
    for name, folder in (("CREMA-D", crema), ("emodb", emodb), ("LibriSpeech", librispeech)):
        folder.rename(root / name) if root.exists() else (root.mkdir(), folder.rename(root / name))
    (root / "text").mkdir()
    (root / "speaker_resnet34.ort").write_bytes(b"")
    for name in ("goemotions", "emobank", "tox_davidson", "tox_surge", "xed_en"):
        (root / "text" / f"{name}.csv").write_text("text,label\n", encoding="utf-8")
    return root


# A stand-in for the engine: hears every clip from 0.1 to 0.5 s, and counts how often it was started.
ENGINE = """#!{python}
import json, sys, pathlib
log = pathlib.Path({log!r})
log.write_text(log.read_text() + "x" if log.exists() else "x")
if len(log.read_text()) == {dies_at}:
    sys.exit("killed")
for clip in [a for a in sys.argv[1:] if a.endswith(".wav")]:
    print(json.dumps({{"stream": clip, "start_s": 0.1, "end_s": 0.5}}))
"""


def engine(tmp_path, dies_at=0):
    file, log = tmp_path / "engine", tmp_path / "starts"
    file.write_text(ENGINE.format(python=sys.executable, log=str(log), dies_at=dies_at), encoding="utf-8")
    file.chmod(0o755)
    return file, log


def order(tmp_path, held, **more):
    return make.Order([held], tmp_path / "encoders", None, tmp_path / "work", tmp_path / "pack", **more)


def test_corpora_are_found_by_their_usual_names(corpora_folder):
    speech, text = find_corpora.find([corpora_folder])
    assert {k: v.name for k, v in speech.items()} == {"crema_d": "CREMA-D", "emodb": "emodb", "librispeech": "LibriSpeech"}
    assert set(text) == {"goemotions", "emobank", "davidson", "surge", "xed", "speakers"}
    (corpora_folder / "text" / "emobank.csv").unlink()
    with pytest.raises(RecipeError, match="no a file emobank.csv; README.md"):
        find_corpora.find([corpora_folder])


def test_a_dry_run_tells_every_stage_and_does_nothing(tmp_path, corpora_folder, capsys):
    words = ["make", "--corpora", corpora_folder, "--encoders", tmp_path / "e", "--work", tmp_path / "work", "--out", tmp_path / "pack", "--dry-run"]
    assert main([str(w) for w in words]) == 0
    told = capsys.readouterr().out
    assert [line.split("] ")[1] for line in told.splitlines() if line.startswith("[")] == [
        f"{n}: to do" for n in (
            "prepare", "words", "emotion", "adapt", "head", "evaluate", "export", "write", "written", "familiar", "text", "text graph",
            "late_speech", "multilevel", "joint", "fusion", "assemble",
        )
    ]
    # Every stage is a command that the recipe really has.
    for line in told.splitlines():
        if line.startswith("    "):
            parser().parse_args(line.split())
    assert "--seed 1" in told and not (tmp_path / "work").exists()


def test_with_an_engine_the_pack_is_weighed_on_what_it_hears(tmp_path, corpora_folder, capsys):
    told = order(tmp_path, corpora_folder, dry=True)
    told.engine, _ = engine(tmp_path)
    make.run(told)
    lines = capsys.readouterr().out.splitlines()
    names = [line.split("] ")[1].removesuffix(": to do") for line in lines if line.startswith("[")]
    assert names[0] == "spans" and names[-6:] == ["assemble", "pairs", "weigh", "assemble weighed", "measure", "results"]
    for line in lines[2:]:  # the first stage is the engine itself
        if line.startswith("    "):
            parser().parse_args(line.split())


def test_a_stage_is_done_once_and_again_when_it_is_told_otherwise(tmp_path, corpora_folder, capsys):
    told = order(tmp_path, corpora_folder, only="prepare")
    make.run(told)
    assert len(store.Store(tmp_path / "work" / "cache", ["crema_d", "emodb", "librispeech"]).items) == 11
    make.run(told)
    assert "[1/17] prepare: done before" in capsys.readouterr().out
    told.allow_missing = True
    make.run(told)
    assert "[1/17] prepare: to do" in capsys.readouterr().out


def test_a_stage_that_fails_is_not_taken_for_done(tmp_path, corpora_folder):
    told = order(tmp_path, corpora_folder, only="words")  # nothing was prepared
    with pytest.raises(RecipeError, match="stage words failed with exit code 2"):
        make.run(told)
    assert not (tmp_path / "work" / "done" / "words.json").exists()
    told.only = "dance"
    with pytest.raises(RecipeError, match="--only dance: not a stage; they are prepare, words"):
        make.run(told)


def test_the_engine_goes_on_where_it_was_killed(tmp_path, corpora_folder, monkeypatch):
    monkeypatch.setattr(make, "BATCH", 4)
    program, log = engine(tmp_path, dies_at=2)
    told = order(tmp_path, corpora_folder, only="spans")
    told.engine = program
    with pytest.raises(RecipeError, match="failed on clips 4 to 8: killed"):
        make.run(told)
    make.run(told)  # its third start hears clips 4 to 8, its fourth the rest; the first four are not heard again
    assert log.read_text() == "x" * 4
    lines = (tmp_path / "work" / "spans.jsonl").read_text().splitlines()
    assert len(lines) == len({json.loads(line)["stream"] for line in lines}) == 10
    told.only = "prepare"
    make.run(told)
    assert all(i.span == [1600, 8000] for i in store.Store(tmp_path / "work" / "cache", ["crema_d", "emodb"]).items)
