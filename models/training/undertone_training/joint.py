"""System `joint`: the upper layers of both encoders, fine-tuned together over the shared lower ones, under one head.

The lower layers (three of the speech encoder, two of the text encoder) are the pack's own trunk and text graphs, unchanged.
"""

import copy

import torch
from torch import Tensor, nn

from . import multilevel, trunk
from .labels import LABELS
from .multilevel import Attention, average, inside
from .speech_head import MIX, PRIOR

HEADS = ("shallow", "attention")


class Joint(nn.Module):
    """One more speech layer and four more text layers; the head is two summaries and one linear layer, or co-attention."""

    def __init__(self, speech_layer: trunk.Layer, text_layers: list[nn.Module], head: str = "shallow", dropout: float = 0.3) -> None:
        super().__init__()
        self.kind = head
        self.register_buffer("population_mean", torch.zeros(2 * MIX))
        self.register_buffer("population_scale", torch.ones(2 * MIX))
        self.register_buffer("frequencies", trunk.rotary_frequencies(), persistent=False)
        self.speech_layer = copy.deepcopy(speech_layer)
        self.text_layers = nn.ModuleList(copy.deepcopy(layer) for layer in text_layers)
        self.dropout = nn.Dropout(dropout)
        width = trunk.WIDTH + 2 * MIX + multilevel.TOKENS
        if head == "attention":
            self.speech_in, self.text_in = nn.Linear(trunk.WIDTH, multilevel.WIDTH), nn.Linear(multilevel.TOKENS, multilevel.WIDTH)
            self.speech_norm, self.text_norm = nn.LayerNorm(multilevel.WIDTH), nn.LayerNorm(multilevel.WIDTH)
            self.speech, self.text = Attention(), Attention()
            width += 2 * multilevel.WIDTH
        self.summary_norm = nn.LayerNorm(trunk.WIDTH)
        self.leave = nn.Linear(width, len(LABELS))

    settle = multilevel.Multilevel.settle
    baseline = multilevel.Multilevel.baseline

    def forward(self, mix: Tensor, past_mean: Tensor, past_clips: Tensor, lower: Tensor, frames: Tensor, token_counts: Tensor) -> Tensor:
        there, said = inside(frames, mix.shape[1]), inside(token_counts, lower.shape[1])
        before = self.baseline(past_mean, past_clips)
        mean = average(mix, there)
        deviation = torch.sqrt(average((mix - mean[:, None]).square(), there) + 1e-5)
        own = (torch.cat([mean, deviation], dim=-1) - before) / self.population_scale
        angle = torch.arange(mix.shape[1])[:, None] * self.frequencies[None, :]
        x = self.speech_layer(mix[..., MIX - trunk.WIDTH :], angle.cos(), angle.sin(), there[:, None, None, :])
        x = self.summary_norm(x)
        t = lower
        mask = torch.where(said, 0.0, torch.finfo(torch.float32).min)[:, None, None, :].to(t.dtype)
        for layer in self.text_layers:
            found = layer(t, mask)
            t = found[0] if isinstance(found, tuple) else found
        parts = [average(x, there), own, average(t, said)]
        if self.kind == "attention":
            a, b = self.speech_norm(self.speech_in(x)), self.text_norm(self.text_in(t))
            parts += [average(self.speech(a, b, said), there), average(self.text(b, a, there), said)]
        return self.leave(self.dropout(torch.cat([p.to(torch.float32) for p in parts], dim=-1)))
