"""Papers' protocols: what is trained on, what is tested on, and one run from end to end."""

import json

import pytest
import torch
from conftest import tone

from undertone_training import checkpoint, ctc, held_evaluate, store
from undertone_training.cli import main
from undertone_training.errors import RecipeError
from undertone_training.store import Item
from undertone_training.trunk import Trunk


def item(split, speaker="a"):
    return Item("x", split, speaker, 0, "", split, [], 0, 16000)


def test_a_session_is_left_out_and_never_trained_on():
    items = [item(f"session{n % 5 + 1}") for n in range(20)]
    found = held_evaluate.parts("iemocap", items)
    assert [name for name, _, _ in found] == [f"session{n}" for n in range(1, 6)]
    for name, train, test in found:
        assert {items[n].split for n in test} == {name} and name not in {items[n].split for n in train}
        assert len(train) + len(test) == 20


def test_a_corpus_with_its_own_test_part_is_trained_on_its_training_part_alone():
    items = [item(s) for s in ("train", "dev", "test1", "test2", "train")]
    assert held_evaluate.parts("msp_podcast", items) == [("test1", [0, 4], [2]), ("test2", [0, 4], [3])]
    with pytest.raises(RecipeError, match="part test has 2 clips to train on and 0 to test on"):
        held_evaluate.parts("meld", items)
    with pytest.raises(RecipeError, match="emodb: has no protocol here; .*iemocap, meld"):
        held_evaluate.parts("emodb", items)


def test_ravdess_is_judged_fold_by_fold(tmp_path):
    for actor in (1, 2, 3, 10, 8):  # one of each fold
        for emotion in ("01", "03", "04", "05"):
            tone(tmp_path / "ravdess" / f"Actor_{actor:02}" / f"03-01-{emotion}-01-01-01-{actor:02}.wav", pitch=100.0 * int(emotion) + actor)
    store.build(tmp_path / "cache", "ravdess", tmp_path / "ravdess")
    torch.manual_seed(0)
    checkpoint.save(tmp_path / "work" / "adapt.pt", {"trunk": Trunk().state_dict(), "head": ctc.head().state_dict()})
    words = ["evaluate", "--cache", tmp_path / "cache", "--work", tmp_path / "work", "--corpus", "ravdess", "--json", tmp_path / "out.json"]
    assert main([str(w) for w in words]) == 0
    report = json.loads((tmp_path / "out.json").read_text())
    assert set(report["parts"]) == {f"fold{n}" for n in range(5)} and report["first"]["n"] == 20
    low, high = report["first"]["interval"]
    assert low <= report["first"]["uar"] <= high
