"""Measures the text branch: macro F1 of emotion, correlation of affect, AUROC of toxicity."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from tqdm import tqdm

from . import metrics, text_corpora, text_model
from .text_corpora import Row


def outputs(model: text_model.TextModel, tokenizer, texts: list[str], batch: int = 64) -> dict[str, np.ndarray]:
    """Every head's output for every text."""
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    found: dict[str, np.ndarray] = {}
    with torch.inference_mode():
        for begin in tqdm(range(0, len(order), batch), desc="texts", disable=None):
            picked = order[begin : begin + batch]
            out = model(*text_model.batch(tokenizer, [texts[i] or "." for i in picked]))
            for name, value in out.items():
                found.setdefault(name, np.zeros((len(texts), value.shape[1]), np.float32))[picked] = value.numpy()
    return found


def graph_outputs(graph: Path, tokenizer, texts: list[str]) -> dict[str, np.ndarray]:
    """The same through an exported graph, as the engine runs it: one text at a time."""
    session = onnxruntime.InferenceSession(str(graph), _one_thread(), providers=["CPUExecutionProvider"])
    names = {"logits": "emotion", "affect": "affect", "toxic": "toxic"}
    found: dict[str, list[np.ndarray]] = {name: [] for name in names.values()}
    for encoded in tqdm(tokenizer.encode_batch([t or "." for t in texts]), desc="texts", disable=None):
        for name, value in zip(names.values(), session.run(list(names), {"ids": np.array([encoded.ids], np.int64)})):
            found[name].append(value[0])
    return {name: np.array(values) for name, values in found.items()}


def _one_thread() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return options


def single(rows: list[Row]) -> tuple[list[int], np.ndarray]:
    """The rows with one label of the seven, and that label."""
    kept = [n for n, r in enumerate(rows) if r.emotion is not None and max(r.emotion) == 1.0]
    return kept, np.array([int(np.argmax(rows[n].emotion)) for n in kept])


def biases(logits: np.ndarray, truth: np.ndarray, rounds: int = 3) -> np.ndarray:
    """What to add to each logit for the best macro F1; found one label at a time."""
    bias = np.zeros(logits.shape[1], np.float32)
    steps = np.linspace(-2.0, 2.0, 41, dtype=np.float32)
    for _ in range(rounds):
        for label in range(len(bias)):
            scores = []
            for step in steps:
                tried = bias.copy()
                tried[label] = step
                scores.append(metrics.macro_f1(truth, (logits + tried).argmax(axis=1)))
            bias[label] = steps[int(np.argmax(scores))]
    return bias


def f1_interval(truth: np.ndarray, guess: np.ndarray, draws: int = 300) -> list[float]:
    """A bootstrap 95 % interval of macro F1."""
    dice = np.random.default_rng(1)
    values = [metrics.macro_f1(truth[p], guess[p]) for p in (dice.integers(0, len(truth), len(truth)) for _ in range(draws))]
    return [float(np.percentile(values, q)) for q in (2.5, 97.5)]


def shares(rows: list[Row], scores: np.ndarray, bounds: np.ndarray) -> float:
    """Macro F1 when a row may carry several labels: each label is a yes or no at its own bound."""
    truth = np.array([r.emotion for r in rows]) > 0
    guess = scores >= bounds
    return float(np.mean([metrics_f1(truth[:, c], guess[:, c]) for c in range(truth.shape[1])]))


def metrics_f1(truth: np.ndarray, guess: np.ndarray) -> float:
    """F1 of one label."""
    return float(2 * np.sum(truth & guess) / max(1, truth.sum() + guess.sum()))


def best_bounds(rows: list[Row], scores: np.ndarray) -> np.ndarray:
    """The bound of best F1 for each label."""
    truth = np.array([r.emotion for r in rows]) > 0
    steps = np.linspace(0.05, 0.8, 60)
    return np.array([steps[int(np.argmax([metrics_f1(truth[:, c], scores[:, c] >= s) for s in steps]))] for c in range(truth.shape[1])])


def run(say: Callable[[list[str]], dict[str, np.ndarray]], emotion: list[Row], affect: list[Row], toxic: list[Row]) -> dict:
    """All figures of what `say` makes of texts; everything that is chosen is chosen on dev."""
    split = {name: [r for r in emotion if r.split == name] for name in ("dev", "test")}
    said = {name: say([r.text for r in rows])["emotion"] for name, rows in split.items()}
    kept_dev, truth_dev = single(split["dev"])
    kept, truth = single(split["test"])
    bias = biases(said["dev"][kept_dev], truth_dev)
    logits = said["test"][kept]
    guess = (logits + bias).argmax(axis=1)
    heat = metrics.temperature(said["dev"][kept_dev], truth_dev)
    bound, reached, coverage = metrics.threshold(metrics.softmax(said["dev"][kept_dev], heat), truth_dev)
    sure = metrics.softmax(said["test"][kept], heat)
    above = sure.max(axis=1) >= bound
    scores = {name: metrics.softmax(z, heat) for name, z in said.items()}
    bounds = best_bounds(split["dev"], scores["dev"])
    spoken = say([text_corpora.as_spoken(split["test"][n].text) for n in kept])["emotion"]
    report = {
        "goemotions_test": {
            "n": len(kept), "macro_f1_argmax": metrics.macro_f1(truth, logits.argmax(axis=1)), "macro_f1": metrics.macro_f1(truth, guess),
            "uar": metrics.uar(truth, guess), "accuracy": float(np.mean(truth == guess)), "bias": bias.tolist(),
            "macro_f1_as_spoken": metrics.macro_f1(truth, (spoken + bias).argmax(axis=1)),
            "macro_f1_several_labels": shares(split["test"], scores["test"], bounds), "n_several": len(split["test"]),
            "temperature": heat, "ece": metrics.ece(scores["test"][kept], truth),
            "unknown_below": bound, "selective_accuracy_dev": reached, "selective_coverage_dev": coverage,
            "selective_accuracy": float((sure.argmax(axis=1) == truth)[above].mean()), "selective_coverage": float(above.mean()),
            "interval": f1_interval(truth, guess),
        },
    }
    rated = [r for r in affect if r.split == "test"]
    point = say([r.text for r in rated])["affect"]
    wanted = np.array([r.affect for r in rated])
    report["emobank_test"] = {"n": len(rated)} | {k: float(np.corrcoef(point[:, c], wanted[:, c])[0, 1]) for c, k in enumerate(("valence", "arousal", "dominance"))}
    held = [r for r in toxic if r.split == "test"]
    rude = say([r.text for r in held])["toxic"][:, 0]
    report["toxicity_test"] = {"n": len(held), "auroc": metrics.auroc(rude, np.array([r.toxic for r in held]))}
    return report
