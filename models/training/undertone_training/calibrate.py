"""Finds the temperatures and the `unknown` threshold on speakers the head never heard."""

import numpy as np
import torch
from torch import Tensor

from . import judge, metrics
from .pack import Calibration
from .speech_head import SpeechHead
from .store import Item


def pooled(head: SpeechHead, items: list[Item], stats: Tensor, past: Tensor | None = None, columns: list[int] | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Logits over the labels that were trained and the truth, at first hearing and within streams together."""
    truth = np.array([i.label for i in items])
    z, order, _ = judge.streamed(head, items, stats, past)
    trained = [c for c in range(len(head.trained)) if head.trained[c] > 0]
    both = np.concatenate([judge.logits(head, stats), z])[:, trained]
    return both, np.searchsorted(trained, np.concatenate([truth, truth[order]]))


def calibrate(head: SpeechHead, items: list[Item], stats: Tensor, short: dict[float, Tensor], accuracy: float = 0.8) -> tuple[Calibration, dict]:
    """The calibration and the curves behind it."""
    z, truth = pooled(head, items, stats)
    heat = metrics.temperature(z, truth)
    scores = metrics.softmax(z, heat)
    bound, reached, coverage = metrics.threshold(scores, truth, accuracy)
    points = []
    for seconds, values in sorted(short.items()):
        zs, ts = pooled(head, items, values, stats)
        points.append((float(seconds), metrics.temperature(zs, ts)))
    points.append((3.0, heat))
    curves = {
        "ece_before": metrics.ece(metrics.softmax(z), truth), "ece": metrics.ece(scores, truth),
        "reliability": metrics.reliability(scores, truth), "risk_coverage": metrics.risk_coverage(scores, truth),
    }
    return Calibration(heat, points, bound, reached, coverage), curves


def honest(head: SpeechHead, items: list[Item], stats: Tensor, accuracy: float = 0.8) -> dict[str, float]:
    """Calibration error and selective accuracy where every speaker was left out of what their own scores were calibrated on.

    The speakers' scores are put together before the error is taken: that of one speaker's few clips is mostly chance.
    """
    scores, truths, kept = [], [], []
    for speaker in sorted({i.speaker for i in items}):
        rest = [n for n, i in enumerate(items) if i.speaker != speaker]
        own = [n for n, i in enumerate(items) if i.speaker == speaker]
        fitted, _ = calibrate(head, [items[n] for n in rest], stats[rest], {}, accuracy)
        z, truth = pooled(head, [items[n] for n in own], stats[own])
        scores.append(metrics.softmax(z, fitted.temperature))
        truths.append(truth)
        kept.append(scores[-1].max(axis=1) >= fitted.unknown_below)
    score, truth, keep = np.concatenate(scores), np.concatenate(truths), np.concatenate(kept)
    right = score.argmax(axis=1) == truth
    return {"ece": metrics.ece(score, truth), "selective_accuracy": float(right[keep].mean()), "selective_coverage": float(keep.mean())}


def short_figures(head: SpeechHead, items: list[Item], short: dict[float, Tensor]) -> dict[str, float]:
    """Recall of provisional scores by seconds of speech heard, no past."""
    truth = np.array([i.label for i in items])
    with torch.inference_mode():
        return {f"after_{s:g}s_of_speech": judge.uar(judge.logits(head, v), truth, None) for s, v in short.items()}
