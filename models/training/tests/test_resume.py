"""A killed training goes on from its last checkpoint and ends with the very weights of one that was never killed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import torch

from undertone_training import checkpoint

# The emotion phase on made-up clips, small and quick: its own process, so that it can be killed like a real one.
RUN = """
import sys
from pathlib import Path
import numpy as np, torch
from undertone_training import emotion_train, speech_head
from undertone_training.store import Item
from undertone_training.trunk import Trunk

class Sounds:
    def audio(self, item):
        return (np.random.default_rng(item.start).standard_normal(item.samples) * 0.1).astype(np.float32)

torch.set_num_threads(1)
torch.manual_seed(0)
items = [Item("emodb", str(n), f"s{n % 3}", n % 4, "", "train", [], n, 8000) for n in range(12)]
trunk, head = Trunk(), speech_head.SpeechHead()
clean = torch.randn(12, speech_head.STATS)
head.settle(clean, [0, 1, 2, 3])
plan = emotion_train.Plan(epochs=2.0, seconds=1.0, save_every=2)
emotion_train.train(trunk, head, emotion_train.Task(Sounds(), items, clean, items, plan), Path(sys.argv[1]))
"""


def start(work: Path) -> subprocess.Popen:
    root = str(Path(__file__).parents[1])
    return subprocess.Popen([sys.executable, "-c", RUN, str(work)], env={**os.environ, "PYTHONPATH": root})


def test_a_killed_training_ends_as_if_it_had_not_been(tmp_path):
    assert start(tmp_path / "whole").wait(300) == 0
    killed = start(tmp_path / "killed")
    deadline = time.monotonic() + 300
    while not (tmp_path / "killed" / "emotion.pt").exists():
        assert killed.poll() is None and time.monotonic() < deadline, "it ended before it could be killed"
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    assert killed.wait(60) == -signal.SIGKILL
    whole = checkpoint.load(tmp_path / "whole" / "emotion.pt")
    assert checkpoint.load(tmp_path / "killed" / "emotion.pt")["step"] < whole["step"]
    assert start(tmp_path / "killed").wait(300) == 0
    resumed = checkpoint.load(tmp_path / "killed" / "emotion.pt")
    assert resumed["step"] == whole["step"] == 12
    for part in ("trunk", "head"):
        for name, value in whole[part].items():
            assert torch.equal(value, resumed[part][name]), f"{part} {name}"
