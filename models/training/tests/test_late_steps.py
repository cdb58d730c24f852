"""The step `late_speech` on tiny corpora: what it leaves is what is judged and exported."""

import numpy as np
import pytest
import torch

from conftest import tone
from undertone_training import fused_recipe, late_train, store


@pytest.fixture
def place(tmp_path, published):
    """Training and held-out speakers of CREMA-D, an EMO-DB of one clip, and no read speech but one clip."""
    for actor, pitch in (("1001", 110), ("1002", 170), ("1007", 140)):
        for k, code in enumerate(("ANG", "HAP", "NEU", "SAD")):
            tone(tmp_path / "crema" / "AudioWAV" / f"{actor}_DFA_{code}_XX.wav", pitch=pitch + 15 * k)
    tone(tmp_path / "emodb" / "wav" / "03a01Fa.wav")
    folder = tmp_path / "libri" / "test-clean" / "1089" / "134686"
    tone(folder / "1089-134686-0000.flac")
    (folder / "1089-134686.trans.txt").write_text("1089-134686-0000 HE HOPED\n", encoding="utf-8")
    for name, corpus in (("crema_d", "crema"), ("emodb", "emodb"), ("librispeech", "libri")):
        store.build(tmp_path / "cache", name, tmp_path / corpus)
    return fused_recipe.Place(tmp_path / "cache", tmp_path / "work", speakers=published[1])


def test_the_head_that_is_kept_belongs_to_the_network_that_is_kept(place):
    plan = late_train.Plan(epochs=1.0, batch=4, seconds=(0.3, 0.4))
    made = fused_recipe.late_speech(place, plan)
    kept = fused_recipe.trained_late(place)
    for name, value in made.state_dict().items():
        assert torch.equal(value, kept.state_dict()[name]), name
    whole = np.load(place.work / "late_whole.npy")
    assert whole.shape == (13, late_train.STATS)
    # The training speakers' clips alone made the population.
    assert np.allclose(kept.head.population_mean.numpy(), whole[:8].mean(axis=0), atol=1e-4)
    # A second run finds everything done and comes to the same.
    again = fused_recipe.late_speech(place, plan)
    assert all(torch.equal(v, again.state_dict()[n]) for n, v in made.state_dict().items())
