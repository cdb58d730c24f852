"""The guard against strange voices: its fit and its graph."""

import numpy as np
import onnxruntime
import pytest

from undertone_training import familiar
from undertone_training.errors import RecipeError


def people(dice: np.random.Generator, count: int, ways: np.ndarray) -> np.ndarray:
    """Statistics that lie along a few directions."""
    return (3.0 + dice.standard_normal((count, len(ways))) @ ways + 0.1 * dice.standard_normal((count, ways.shape[1]))).astype(np.float32)


def test_strangers_are_familiar_and_noise_is_not():
    dice = np.random.default_rng(1)
    ways = dice.standard_normal((4, 40)).astype(np.float32)
    space = familiar.fit(people(dice, 300, ways), directions=6)
    strangers = space.strangeness(people(dice, 50, ways))
    machines = space.strangeness((3.0 + 2.0 * dice.standard_normal((50, 40))).astype(np.float32))
    assert strangers.max() * 2 < machines.min()
    run = onnxruntime.InferenceSession(familiar.graph(space).SerializeToString(), providers=["CPUExecutionProvider"])
    stats = people(dice, 1, ways)
    (told,) = run.run(None, {"stats": stats})
    assert np.allclose(told[0], space.strangeness(stats), atol=1e-4)


def test_too_few_clips_are_refused():
    with pytest.raises(RecipeError, match="too few"):
        familiar.fit(np.zeros((5, 40), np.float32), directions=6)


def test_the_voice_is_found_by_its_level():
    audio = np.zeros(16000, np.float32)
    audio[4000:9000] = 0.3
    start, end = familiar.voiced(audio)
    assert abs(start - 4000) < 400 and abs(end - 9000) < 400
    assert familiar.voiced(np.zeros(100, np.float32)) == (0, 100)
