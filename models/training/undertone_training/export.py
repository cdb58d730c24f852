"""Writes the pack: graphs checked against PyTorch, int8 trunk, calibration and figures from the evaluation."""

import json
import logging
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from . import card, ctc, graphs, pack, quantise, speech_recipe
from .errors import RecipeError
from .labels import LABELS
from .speech_head import STATS
from .speech_recipe import Place

TRAINING = [
    {"name": "CREMA-D", "licence": "ODbL 1.0 (database), DbCL 1.0 (contents)", "use": "speech emotion: lower layers and head"},
    {"name": "EMO-DB", "licence": "CC0 1.0", "use": "speech emotion: head only"},
    {"name": "LibriSpeech test-clean", "licence": "CC BY 4.0", "use": "words: upper layers and head; background voices"},
    {"name": "Moonshine tiny-en encoder", "licence": "MIT", "use": "starting weights of the trunk, all of them trained further"},
]
LICENCE = "ODbL-1.0 AND CC-BY-4.0 AND MIT"
DESCRIPTION = "English and German acted emotion from the voice alone: seven labels, six of them learnt, with streaming words."


def _worst(a: torch.Tensor, b: np.ndarray) -> float:
    scale = max(1.0, float(a.abs().max()))
    return float(np.abs(a.detach().numpy() - b).max()) / scale


def check(trunk, head, spell, models: dict) -> dict[str, float]:
    """The largest differences, over each output's own scale, between PyTorch and the f32 graphs on noise of several lengths."""
    run = {role: onnxruntime.InferenceSession(m.SerializeToString(), providers=["CPUExecutionProvider"]) for role, m in models.items()}
    dice = np.random.default_rng(1)
    worst = {"mix": 0.0, "top": 0.0, "logits": 0.0, "affect": 0.0, "stats": 0.0, "log_probs": 0.0}
    with torch.inference_mode():
        for samples in (895, 8000, 40001):
            audio = (dice.standard_normal((1, samples)) * 0.1).astype(np.float32)
            mix, top = run["trunk"].run(None, {"audio": audio})
            past = dice.standard_normal((1, STATS)).astype(np.float32)
            clips = np.array([[3.0]], np.float32)
            own = trunk(torch.from_numpy(audio))
            felt = head(own[0], torch.from_numpy(past), torch.from_numpy(clips))
            got = run["speech"].run(None, {"mix": own[0].numpy(), "past_mean": past, "past_clips": clips})
            spelt = run["words"].run(None, {"top": own[1].numpy()})
            pairs = zip(worst, (*own, *felt, torch.log_softmax(spell(own[1]), dim=-1)), (mix, top, *got, *spelt))
            worst = {name: max(worst[name], _worst(a, b)) for name, a, b in pairs}
    for name, value in worst.items():
        if value > 1e-3:
            raise RecipeError(f"export: {name} differs from PyTorch by {value:.2g} of its scale; the graph is wrong, do not ship it")
    return worst


def run(place: Place, evaluation: Path, folder: Path, name: str, version: str) -> dict[str, float]:
    """Writes the pack folder."""
    logging.getLogger().setLevel(logging.ERROR)  # ONNX Runtime's hint about shape inference
    if not evaluation.exists():
        raise RecipeError(f"{evaluation}: not found; run `evaluate` first, a pack states its own figures")
    report = json.loads(evaluation.read_text(encoding="utf-8"))
    trunk, spell = speech_recipe.final_trunk(place)
    head = speech_recipe.load_head(place)
    models = {"trunk": graphs.trunk(trunk), "speech": graphs.speech(head), "words": graphs.words(spell, len(ctc.ALPHABET))}
    worst = check(trunk, head, spell, models)
    models["trunk"] = quantise.dynamic_int8(models["trunk"])
    quantise.shrink(models["speech"])
    c = report["calibration"]
    calibration = pack.Calibration(
        c["temperature"], [(s, t) for s, t in c["short"]], c["unknown_below"], c["selective_accuracy"], c["selective_coverage"],
    )
    trained = [label for label, there in zip(LABELS, head.trained.tolist()) if there]
    made = pack.Pack(name, version, DESCRIPTION, LICENCE, models, trained, calibration, TRAINING, card.figures(report))
    pack.write(made, folder, card.text(made, report))
    return worst
