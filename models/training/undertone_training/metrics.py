"""Figures: unweighted recall, macro F1, calibration error, risk and coverage, word error rate."""

import numpy as np


def uar(truth: np.ndarray, guess: np.ndarray) -> float:
    """The mean of the recalls of the labels that occur."""
    return float(np.mean([np.mean(guess[truth == c] == c) for c in np.unique(truth)])) if len(truth) else float("nan")


def interval(truth: np.ndarray, guess: np.ndarray, draws: int = 1000, seed: int = 1) -> tuple[float, float]:
    """A bootstrap 95 % interval of the unweighted recall."""
    rng = np.random.default_rng(seed)
    values = [uar(truth[pick], guess[pick]) for pick in (rng.integers(0, len(truth), len(truth)) for _ in range(draws))]
    return float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))


def macro_f1(truth: np.ndarray, guess: np.ndarray) -> float:
    """The mean F1 of the labels that occur."""
    scores = []
    for c in np.unique(truth):
        hit = np.sum((guess == c) & (truth == c))
        scores.append(2 * hit / max(1, np.sum(guess == c) + np.sum(truth == c)))
    return float(np.mean(scores))


def softmax(logits: np.ndarray, temperature: float | np.ndarray = 1.0) -> np.ndarray:
    """Scores of logits [n, classes]."""
    z = logits / np.asarray(temperature).reshape(-1, 1)
    z = np.exp(z - z.max(axis=1, keepdims=True))
    return z / z.sum(axis=1, keepdims=True)


def ece(scores: np.ndarray, truth: np.ndarray, bins: int = 15) -> float:
    """Expected calibration error over equal-width bins of confidence."""
    confidence = scores.max(axis=1)
    right = scores.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return float(sum(abs(right[place == b].mean() - confidence[place == b].mean()) * np.mean(place == b) for b in np.unique(place)))


def reliability(scores: np.ndarray, truth: np.ndarray, bins: int = 10) -> list[dict]:
    """The points of a reliability diagram."""
    confidence = scores.max(axis=1)
    right = scores.argmax(axis=1) == truth
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    return [{"confidence": float(confidence[place == b].mean()), "accuracy": float(right[place == b].mean()), "n": int((place == b).sum())} for b in np.unique(place)]


def temperature(logits: np.ndarray, truth: np.ndarray) -> float:
    """The temperature of least cross-entropy."""
    from scipy.optimize import minimize_scalar

    def cost(log_t: float) -> float:
        scores = softmax(logits, np.exp(log_t))
        return float(-np.mean(np.log(scores[np.arange(len(truth)), truth] + 1e-12)))

    return float(np.exp(minimize_scalar(cost, bounds=(-2.5, 2.5), method="bounded").x))


def threshold(scores: np.ndarray, truth: np.ndarray, accuracy: float = 0.8) -> tuple[float, float, float]:
    """The lowest confidence threshold that keeps the wanted accuracy: threshold, accuracy there, coverage."""
    confidence = scores.max(axis=1)
    order = np.argsort(-confidence)
    right = (scores.argmax(axis=1) == truth)[order]
    running = np.cumsum(right) / np.arange(1, len(right) + 1)
    good = np.flatnonzero(running >= accuracy)
    last = int(good[-1]) if len(good) else 0
    return float(confidence[order][last]), float(running[last]), (last + 1) / len(right)


def risk_coverage(scores: np.ndarray, truth: np.ndarray, points: int = 10) -> list[dict]:
    """Error among the most confident shares."""
    order = np.argsort(-scores.max(axis=1))
    wrong = (scores.argmax(axis=1) != truth)[order]
    cuts = [max(1, round(len(wrong) * (i + 1) / points)) for i in range(points)]
    return [{"coverage": c / len(wrong), "risk": float(wrong[:c].mean())} for c in cuts]


def edits(truth: list[str], guess: list[str]) -> int:
    """Words to insert, delete or replace."""
    row = list(range(len(guess) + 1))
    for i, a in enumerate(truth, 1):
        before, row[0] = row[0], i
        for j, b in enumerate(guess, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (a != b))
    return row[-1]


def word_error_rate(pairs: list[tuple[str, str]]) -> float:
    """Edits over words, for (truth, guess) pairs."""
    return sum(edits(t.split(), g.split()) for t, g in pairs) / max(1, sum(len(t.split()) for t, _ in pairs))


def auroc(scores: np.ndarray, truth: np.ndarray) -> float:
    """Area under the curve, by ranks."""
    from scipy.stats import rankdata

    ranks = rankdata(scores)
    positive = truth > 0.5
    n = positive.sum()
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(truth) - n)))
