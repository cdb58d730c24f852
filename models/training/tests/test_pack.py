"""Graphs against PyTorch, int8, the manifest; figures."""

import hashlib
import tomllib

import numpy as np
import onnxruntime
import pytest
import torch

from undertone_training import ctc, export, graphs, labels, metrics, pack, quantise, speech_head
from undertone_training.cli import main
from undertone_training.trunk import Trunk


@pytest.fixture(scope="module")
def modules():
    torch.manual_seed(0)
    head = speech_head.SpeechHead().eval()
    head.settle(torch.randn(20, speech_head.STATS), [0, 1, 2, 3])
    torch.nn.init.normal_(head.linear.weight, std=0.02)
    return Trunk().eval(), head, ctc.head().eval()


@pytest.fixture(scope="module")
def models(modules):
    trunk, head, spell = modules
    return {"trunk": graphs.trunk(trunk), "speech": graphs.speech(head), "words": graphs.words(spell, len(ctc.ALPHABET))}


def test_graphs_equal_pytorch(modules, models):
    assert max(export.check(*modules, models).values()) < 1e-4


def test_int8_stays_close_and_standard(models):
    small = quantise.dynamic_int8(models["trunk"])
    assert {n.domain for n in small.graph.node} <= {""}
    assert small.ByteSize() < 0.45 * models["trunk"].ByteSize()
    audio = (np.random.default_rng(1).standard_normal((1, 16000)) * 0.1).astype(np.float32)
    a, b = (onnxruntime.InferenceSession(m.SerializeToString()).run(["top"], {"audio": audio})[0] for m in (models["trunk"], small))
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.99


def test_the_manifest_states_the_files(tmp_path, models):
    made = pack.Pack("tiny", "0.0.1", 'says "hello"', "CC0-1.0", models, labels.LABELS[:4], pack.Calibration(1.2, [(0.5, 2.0), (3.0, 1.2)], 0.4),
                     [{"name": "none", "licence": "CC0-1.0", "use": "testing"}], {"uar": 0.5})
    pack.write(made, tmp_path, "# tiny\n")
    read = tomllib.loads((tmp_path / "pack.toml").read_text())
    assert read["labels"] == labels.LABELS and read["speech"]["temperature_short"] == [[0.5, 2.0], [3.0, 1.2]]
    assert read["words"]["alphabet"][0] == "" and read["description"] == 'says "hello"'
    assert [g["role"] for g in read["graphs"]] == ["trunk", "speech", "words"] and read["graphs"][0]["outputs"] == ["mix", "top"]
    for entry in read["files"]:
        data = (tmp_path / entry["path"]).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (entry["sha256"], entry["bytes"])


def test_figures():
    truth, guess = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 1])
    assert metrics.uar(truth, guess) == pytest.approx((2 / 3 + 1) / 2)
    assert metrics.macro_f1(truth, guess) == pytest.approx((0.8 + 2 / 3) / 2)
    assert metrics.word_error_rate([("a b c d", "a x c")]) == 0.5
    assert metrics.auroc(np.array([0.1, 0.4, 0.35, 0.8]), np.array([0, 0, 1, 1])) == 0.75
    sure = np.array([[0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.55, 0.45]])
    bound, accuracy, coverage = metrics.threshold(sure, np.array([0, 0, 1, 0]), 0.8)
    assert (bound, accuracy, coverage) == (0.8, 1.0, 0.5)


def test_temperature_cools_what_is_too_sure():
    dice = np.random.default_rng(0)
    truth = dice.integers(0, 3, 3000)
    z = np.eye(3)[truth] * 1.0 + dice.gumbel(size=(3000, 3))  # the argmax of this is a draw from softmax(eye)
    right = np.eye(3)[z.argmax(axis=1)] * 1.0
    assert metrics.temperature(right * 8.0, truth) > 4.0


def test_a_users_mistake_is_one_sentence_and_exit_code_2(tmp_path, capsys):
    assert main(["prepare", "--cache", str(tmp_path), "--corpus", "nothing=/nowhere"]) == 2
    assert "unknown corpus 'nothing'" in capsys.readouterr().err
    assert main(["export", "--cache", str(tmp_path), "--work", str(tmp_path), "--json", str(tmp_path / "f.json"), "--out", str(tmp_path / "p")]) == 2
    assert "run `evaluate` first" in capsys.readouterr().err
