"""The writer: a small attention decoder that reads the trunk's top frames and writes words, in Moonshine-tiny's form."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from . import moonshine
from .errors import RecipeError
from .tokens import BEGIN, END, Tokens
from .trunk import HEAD_WIDTH, HEADS, LAYERS, ROTARY, WIDTH, _rotate, rotary_frequencies

_PARTS = ("self_attn.q", "self_attn.k", "self_attn.v", "self_attn.o", "encoder_attn.q", "encoder_attn.k", "encoder_attn.v", "encoder_attn.o", "mlp.fc1", "mlp.fc2")


def _heads(x: Tensor) -> Tensor:
    return x.view(*x.shape[:2], HEADS, HEAD_WIDTH).transpose(1, 2)


def _joined(x: Tensor) -> Tensor:
    return x.transpose(1, 2).reshape(x.shape[0], x.shape[2], WIDTH)


class Attention(nn.Module):
    """Projections of one attention."""

    def __init__(self) -> None:
        super().__init__()
        for name in "qkvo":
            setattr(self, name, nn.Linear(WIDTH, WIDTH, bias=False))


class Layer(nn.Module):
    """Attention to what is written, attention to the sound, a gated feed-forward part; each after a norm."""

    dropout = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(WIDTH, bias=False) for _ in range(3))
        self.self_attn, self.encoder_attn = Attention(), Attention()
        self.fc1 = nn.Linear(WIDTH, 8 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor, sound: Tensor, cos: Tensor, sin: Tensor, heard: Tensor | None) -> Tensor:
        own, h = self.self_attn, self.norm1(x)
        q, k, v = _heads(own.q(h)), _heads(own.k(h)), _heads(own.v(h))
        h = F.scaled_dot_product_attention(_rotate(q, cos, sin), _rotate(k, cos, sin), v, is_causal=True)
        x = x + self._thin(own.o(_joined(h)))
        other = self.encoder_attn
        h = F.scaled_dot_product_attention(_heads(other.q(self.norm2(x))), _heads(other.k(sound)), _heads(other.v(sound)), attn_mask=heard)
        x = x + self._thin(other.o(_joined(h)))
        value, gate = self.fc1(self.norm3(x)).chunk(2, dim=-1)
        return x + self._thin(self.fc2(F.silu(gate) * value))

    def _thin(self, added: Tensor) -> Tensor:
        return F.dropout(added, self.dropout, self.training) if self.dropout else added


class Writer(nn.Module):
    """Frames and the tokens so far → what may come next, after each of them."""

    def __init__(self, tokens: int):
        super().__init__()
        self.embedding = nn.Embedding(tokens, WIDTH)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        self.register_buffer("frequencies", rotary_frequencies(), persistent=False)

    def forward(self, top: Tensor, counts: Tensor, ids: Tensor) -> Tensor:
        """Logits [clips, tokens, vocabulary] for rows of ids over top frames [clips, frames, WIDTH]."""
        angle = torch.arange(ids.shape[1])[:, None] * self.frequencies[None, :]
        heard = None
        if int(counts.min()) < top.shape[1]:
            heard = (torch.arange(top.shape[1])[None, :] < counts[:, None])[:, None, None, :]
        x = self.embedding(ids)
        for layer in self.layers:
            x = layer(x, top, angle.cos(), angle.sin(), heard)
        return F.linear(self.norm(x), self.embedding.weight)

    @torch.inference_mode()
    def write(self, top: Tensor, most: int) -> list[int]:
        """The likeliest next token each time, for one clip."""
        row = [BEGIN]
        counts = torch.tensor([top.shape[1]])
        while len(row) <= most:
            best = int(self(top, counts, torch.tensor([row]))[0, -1].argmax())
            if best == END:
                break
            row.append(best)
        return row[1:]


def load(path: Path, tokens: Tokens) -> Writer:
    """A writer with the weights of Moonshine's `decoder_model_merged.ort`, of the tokens that are kept."""
    found = moonshine.decoder(path)
    state = {"norm.weight": moonshine.pick(found, path, "norm.weight"), "embedding.weight": moonshine.pick(found, path, "proj_out").T[tokens.kept]}
    order = moonshine.halves()
    for i in range(LAYERS):
        for part in _PARTS:
            value = moonshine.pick(found, path, f"layers.{i}.{part}").T
            own = part.removeprefix("mlp.")
            state[f"layers.{i}.{own}.weight"] = value[order] if part in ("self_attn.q", "self_attn.k") else value
        for part in ("fc1", "fc2"):
            state[f"layers.{i}.{part}.bias"] = moonshine.pick(found, path, f"layers.{i}.mlp.{part}.bias")
        for own, name in (("norm1", "input_layernorm"), ("norm2", "post_attention_layernorm"), ("norm3", "final_layernorm")):
            state[f"layers.{i}.{own}.weight"] = moonshine.pick(found, path, f"layers.{i}.{name}.weight")
    writer = Writer(len(tokens))
    wanted = writer.state_dict()
    for name, value in state.items():
        if tuple(value.shape) != tuple(wanted[name].shape):
            raise RecipeError(f"{path}: weight {name} has shape {tuple(value.shape)}, {tuple(wanted[name].shape)} is needed")
    writer.load_state_dict({name: torch.from_numpy(np.ascontiguousarray(value, dtype=np.float32)) for name, value in state.items()})
    return writer
