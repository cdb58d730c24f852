"""The speech emotion head: statistics over time, the speaker's baseline, a small classifier."""

import math

import torch
from torch import Tensor, nn

from . import labels
from .trunk import EMOTION_LAYERS, WIDTH

MIX = WIDTH * len(EMOTION_LAYERS)
STATS = 2 * MIX
PRIOR = 5.0  # how many clips' weight the population's mean has in a speaker's baseline
NEVER = -12.0  # the logit of a label that no training clip carried
_EPS = 1e-5


def statistics(mix: Tensor, lengths: Tensor | None = None) -> Tensor:
    """Mean and deviation over time of frames [batch, frames, MIX]."""
    if lengths is None:
        mean = mix.mean(dim=1)
        variance = (mix - mean.unsqueeze(1)).square().mean(dim=1)
    else:
        inside = (torch.arange(mix.shape[1], device=mix.device)[None, :] < lengths[:, None]).unsqueeze(-1).to(mix.dtype)
        count = lengths.to(mix.dtype)[:, None]
        mean = (mix * inside).sum(dim=1) / count
        variance = ((mix - mean.unsqueeze(1)).square() * inside).sum(dim=1) / count
    return torch.cat([mean, torch.sqrt(variance + _EPS)], dim=-1)


class SpeechHead(nn.Module):
    """Logits and affect from an utterance's statistics and the speaker's past ones."""

    def __init__(self, hidden: int = 256, dropout: float = 0.4, width: int = STATS):
        super().__init__()
        self.register_buffer("population_mean", torch.zeros(width))
        self.register_buffer("population_scale", torch.ones(width))
        self.register_buffer("trained", torch.ones(len(labels.LABELS)))
        self.linear = nn.Linear(2 * width, len(labels.LABELS))
        self.enter = nn.Linear(2 * width, hidden)
        self.leave = nn.Linear(hidden, len(labels.LABELS))
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.linear.weight)
        self.register_buffer("affect_map", torch.tensor([labels.AFFECT[n] for n in labels.LABELS]))

    def settle(self, stats: Tensor, trained: list[int]) -> None:
        """Takes the population's mean and scale from training statistics, and which labels there were."""
        self.population_mean.copy_(stats.mean(dim=0))
        self.population_scale.copy_(stats.std(dim=0).clamp_min(1e-3))
        self.trained.zero_()
        self.trained[trained] = 1.0

    def features(self, stats: Tensor, past_mean: Tensor, past_clips: Tensor) -> Tensor:
        """The utterance against the speaker's baseline, and against the population."""
        baseline = (past_clips * past_mean + PRIOR * self.population_mean) / (past_clips + PRIOR)
        own = (stats - baseline) / self.population_scale
        plain = (stats - self.population_mean) / self.population_scale
        return torch.cat([own, plain], dim=-1)

    def classify(self, features: Tensor) -> Tensor:
        """Untempered logits."""
        x = self.dropout(features)
        logits = self.linear(x) + self.leave(self.dropout(torch.relu(self.enter(x))))
        return logits * self.trained + NEVER * (1.0 - self.trained)

    def affect(self, logits: Tensor) -> Tensor:
        """Valence, arousal and dominance: the labels' places, weighted by their scores."""
        point = torch.softmax(logits, dim=-1) @ self.affect_map
        return torch.tanh(point * (math.atanh(0.8) / 0.8))

    def forward(self, mix: Tensor, past_mean: Tensor, past_clips: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        stats = statistics(mix)
        logits = self.classify(self.features(stats, past_mean, past_clips))
        return logits, self.affect(logits), stats
