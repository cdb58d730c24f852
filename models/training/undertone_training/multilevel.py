"""System `multilevel`: frames and units of the voice and tokens of the words attend to each other at every granularity."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .labels import LABELS
from .speech_head import MIX, PRIOR

WIDTH = 96
TOKENS = 384
HEADS = 4
LEVELS = ("frames", "phones", "syllables", "words")


def inside(counts: Tensor, longest: int) -> Tensor:
    """[batch, longest]: which places are real."""
    return torch.arange(longest)[None, :] < counts[:, None]


def average(x: Tensor, there: Tensor) -> Tensor:
    """The mean over the real places."""
    weight = there.unsqueeze(-1).to(x.dtype)
    return (x * weight).sum(dim=1) / weight.sum(dim=1)


class Attention(nn.Module):
    """One side looks at the other; what it found comes in beside what it had."""

    def __init__(self) -> None:
        super().__init__()
        self.ask = nn.Linear(WIDTH, WIDTH)
        self.offer = nn.Linear(WIDTH, 2 * WIDTH)
        self.norm = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor, other: Tensor, there: Tensor | None = None) -> Tensor:
        batch, count, _ = x.shape

        def heads(value: Tensor) -> Tensor:
            return value.view(batch, -1, HEADS, WIDTH // HEADS).transpose(1, 2)

        key, value = self.offer(other).chunk(2, dim=-1)
        mask = None if there is None else there[:, None, None, :]
        found = F.scaled_dot_product_attention(heads(self.ask(x)), heads(key), heads(value), attn_mask=mask)
        return self.norm(x + found.transpose(1, 2).reshape(batch, count, WIDTH))


class Level(nn.Module):
    """Both directions at one granularity."""

    def __init__(self) -> None:
        super().__init__()
        self.speech, self.text = Attention(), Attention()

    def forward(self, units: Tensor, tokens: Tensor, units_there: Tensor | None, tokens_there: Tensor | None) -> tuple[Tensor, Tensor]:
        return self.speech(units, tokens, tokens_there), self.text(tokens, units, units_there)


class Multilevel(nn.Module):
    """Logits from frames, pooling matrices and tokens; `levels` are the granularities used."""

    def __init__(self, levels: tuple[str, ...] = LEVELS, dropout: float = 0.3, attends: bool = True) -> None:
        super().__init__()
        self.used, self.attends = levels, attends
        self.register_buffer("population_mean", torch.zeros(2 * MIX))
        self.register_buffer("population_scale", torch.ones(2 * MIX))
        self.speech_in, self.text_in = nn.Linear(2 * MIX, WIDTH), nn.Linear(TOKENS, WIDTH)
        self.speech_norm, self.text_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.levels = nn.ModuleDict({name: Level() for name in levels})
        self.dropout = nn.Dropout(dropout)
        width = 2 * MIX + 2 * WIDTH * (1 + len(levels))
        self.enter, self.leave = nn.Linear(width, 128), nn.Linear(128, len(LABELS))

    def settle(self, stats: Tensor) -> None:
        """Takes the population's mean and scale from training statistics."""
        self.population_mean.copy_(stats.mean(dim=0))
        self.population_scale.copy_(stats.std(dim=0).clamp_min(1e-3))

    def baseline(self, past_mean: Tensor, past_clips: Tensor) -> Tensor:
        """The speaker's past statistics, shrunk toward the population's."""
        return (past_mean * past_clips + PRIOR * self.population_mean) / (past_clips + PRIOR)

    def forward(self, mix: Tensor, past_mean: Tensor, past_clips: Tensor, units: dict[str, Tensor], tokens: Tensor,
                frames: Tensor, unit_counts: dict[str, Tensor], token_counts: Tensor) -> Tensor:
        there, said = inside(frames, mix.shape[1]), inside(token_counts, tokens.shape[1])
        before = self.baseline(past_mean, past_clips)
        mean = average(mix, there)
        deviation = torch.sqrt(average((mix - mean[:, None]).square(), there) + 1e-5)
        own = (torch.cat([mean, deviation], dim=-1) - before) / self.population_scale
        spread = self.population_scale[:MIX] * 3.0
        x = torch.cat([(mix - before[:, None, :MIX]) / spread, (mix - self.population_mean[:MIX]) / spread], dim=-1)
        x = self.speech_norm(self.speech_in(self.dropout(x)))
        t = self.text_norm(self.text_in(self.dropout(tokens)))
        parts = [own, average(x, there), average(t, said)]
        for name, level in self.levels.items():
            if not self.attends:
                parts += [parts[1], parts[2]]
                continue
            u, real = (x, there) if name == "frames" else (units[name] @ x, inside(unit_counts[name], units[name].shape[1]))
            heard, read = level(u, t, real, said)
            parts += [average(heard, real), average(read, said)]
        return self.leave(self.dropout(F.gelu(self.enter(self.dropout(torch.cat(parts, dim=-1))))))
