"""Another speech encoder in the trunk's place: a wav2vec 2.0, HuBERT or WavLM checkpoint, and a learnt mix of its layers."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from .errors import RecipeError

KINDS = ("wav2vec2", "hubert", "wavlm")


@dataclass(frozen=True)
class Cut:
    """How an encoder cuts time, in samples."""

    stride: int
    receptive: int

    def frames(self, samples: int) -> int:
        """How many frames it makes of so many samples."""
        return max(0, (samples - self.receptive) // self.stride + 1)


class Encoder(nn.Module):
    """The checkpoint, its input's normalisation, and the weights with which its layers are mixed."""

    def __init__(self, model: nn.Module, normalise: bool):
        super().__init__()
        self.model, self.normalise = model, normalise
        config = model.config
        self.width, self.layers = config.hidden_size, config.num_hidden_layers + 1
        self.register_buffer("mixing", torch.full((self.layers,), 1.0 / self.layers))
        stride, receptive = 1, 1
        for kernel, step in zip(config.conv_kernel, config.conv_stride):
            receptive += (kernel - 1) * stride
            stride *= step
        self.cut = Cut(stride, receptive)

    def levels(self, audio: Tensor) -> list[Tensor]:
        """Audio [batch, samples] of one length to the output of every layer [batch, frames, width]; the first is what enters layer 1."""
        if self.normalise:
            centred = audio - audio.mean(dim=-1, keepdim=True)
            audio = centred * torch.rsqrt(centred.square().mean(dim=-1, keepdim=True) + 1e-7)
        heard = self.model(audio, output_hidden_states=True)
        # Some versions give the last layer before its norm: it is the one after it that others read.
        return [*heard.hidden_states[:-1], heard.last_hidden_state]

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """`mix`, the layers in their learnt shares, and `top`, the last layer."""
        levels = self.levels(audio)
        return torch.einsum("l,lbtw->btw", self.mixing, torch.stack(levels)), levels[-1]


def load(folder: Path) -> Encoder:
    """A checkpoint folder as `save_pretrained` writes it; refuses a kind or a setting that the graph writer does not know."""
    import json

    from transformers import AutoModel

    file = folder / "config.json"
    if not file.exists():
        raise RecipeError(f"{file}: not found; give the folder of a wav2vec 2.0, HuBERT or WavLM checkpoint, or Moonshine's encoder_model.ort")
    config = json.loads(file.read_text(encoding="utf-8"))
    if config.get("model_type") not in KINDS:
        raise RecipeError(f"{file}: model_type is '{config.get('model_type')}'; the encoders understood are {', '.join(KINDS)}")
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    strange = [
        f"{name} = {value}"
        for name, value, fine in (
            ("hidden_act", model.config.hidden_act, ("gelu",)),
            ("feat_extract_activation", model.config.feat_extract_activation, ("gelu",)),
            ("add_adapter", getattr(model.config, "add_adapter", False), (False,)),
            ("conv_pos_batch_norm", getattr(model.config, "conv_pos_batch_norm", False), (False,)),
        )
        if value not in fine
    ]
    if strange:
        raise RecipeError(f"{file}: {', '.join(strange)} is not understood; take a checkpoint in the published base or large form")
    preparing = folder / "preprocessor_config.json"
    # Those without the file were trained as the base models were: on normalised sound where layers are normalised.
    default = model.config.feat_extract_norm == "layer"
    normalise = json.loads(preparing.read_text(encoding="utf-8")).get("do_normalize", default) if preparing.exists() else default
    return Encoder(model, bool(normalise))


def learn_mixing(stats: Tensor, labels: Tensor, steps: int = 300, rate: float = 0.02, seed: int = 1) -> Tensor:
    """Each layer's share in the mix: a softmax learnt together with a linear classifier over every layer's statistics [clips, layers, features]."""
    torch.manual_seed(seed)
    levelled = (stats - stats.mean(dim=0)) / stats.std(dim=0).clamp_min(1e-3)
    shares = nn.Parameter(torch.zeros(stats.shape[1]))
    judge = nn.Linear(stats.shape[2], int(labels.max()) + 1)
    optimizer = torch.optim.AdamW([{"params": [shares], "weight_decay": 0.0, "lr": 5 * rate}, {"params": judge.parameters()}], lr=rate, weight_decay=0.1)
    counts = torch.bincount(labels, minlength=int(labels.max()) + 1)
    weights = torch.where(counts > 0, len(labels) / counts.clamp_min(1), 0.0)
    for _ in range(steps):
        mixed = torch.einsum("l,nlf->nf", shares.softmax(dim=0), levelled)
        loss = nn.functional.cross_entropy(judge(nn.functional.dropout(mixed, 0.3)), labels, weights)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return shares.detach().softmax(dim=0)
