"""The speech encoder: raw 16 kHz audio in, 41.67 frames a second out, in Moonshine-tiny's architecture."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH = 288
HEADS = 8
HEAD_WIDTH = WIDTH // HEADS
ROTARY = 32  # of each head's 36 channels, the rotated ones
LAYERS = 6
STRIDE = 384  # samples from one frame to the next
RECEPTIVE = 895  # samples the first frame needs
EMOTION_LAYERS = (2, 3)  # counted from 1; the layers the emotion branch reads


def frames_of(samples: int) -> int:
    """How many frames the stem makes of so many samples."""
    n = (samples - 127) // 64 + 1
    n = (n - 7) // 3 + 1
    return (n - 3) // 2 + 1


def rotary_frequencies() -> Tensor:
    """The angle each pair of rotated channels turns per frame."""
    return 1.0 / (10000.0 ** (torch.arange(0, ROTARY, 2).float() / ROTARY))


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turns a head's first ROTARY channels; pairs are (i, i + ROTARY/2)."""
    half = ROTARY // 2
    a, b, rest = x[..., :half], x[..., half:ROTARY], x[..., ROTARY:]
    return torch.cat([a * cos - b * sin, b * cos + a * sin, rest], dim=-1)


def _attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None) -> Tensor:
    """Scaled dot-product attention. In bfloat16 on a CPU the plain products take a third of the time of torch's own."""
    if q.dtype != torch.bfloat16:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    weights = torch.matmul(q * HEAD_WIDTH**-0.5, k.transpose(-1, -2))
    if mask is not None:
        weights = weights.masked_fill(~mask, -torch.inf)
    return torch.matmul(torch.softmax(weights, dim=-1), v)


class Layer(nn.Module):
    """One pre-norm transformer layer with rotary attention."""

    dropout = 0.0  # of what attention and the feed-forward part add, while training

    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH, bias=False)
        self.q = nn.Linear(WIDTH, WIDTH, bias=False)
        self.k = nn.Linear(WIDTH, WIDTH, bias=False)
        self.v = nn.Linear(WIDTH, WIDTH, bias=False)
        self.o = nn.Linear(WIDTH, WIDTH, bias=False)
        self.norm2 = nn.LayerNorm(WIDTH, bias=False)
        self.fc1 = nn.Linear(WIDTH, 4 * WIDTH)
        self.fc2 = nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor, mask: Tensor | None) -> Tensor:
        batch, frames, _ = x.shape
        h = self.norm1(x)
        q, k, v = (part(h).view(batch, frames, HEADS, HEAD_WIDTH).transpose(1, 2) for part in (self.q, self.k, self.v))
        h = _attend(_rotate(q, cos, sin), _rotate(k, cos, sin), v, mask)
        x = x + self._thin(self.o(h.transpose(1, 2).reshape(batch, frames, WIDTH)))
        return x + self._thin(self.fc2(F.gelu(self.fc1(self.norm2(x)))))

    def _thin(self, added: Tensor) -> Tensor:
        return F.dropout(added, self.dropout, self.training) if self.dropout else added


class Trunk(nn.Module):
    """Three convolutions, six transformer layers, a last norm."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(1, WIDTH, 127, stride=64, bias=False)
        self.groupnorm = nn.GroupNorm(1, WIDTH, eps=1e-5)
        self.conv2 = nn.Conv1d(WIDTH, 2 * WIDTH, 7, stride=3)
        self.conv3 = nn.Conv1d(2 * WIDTH, WIDTH, 3, stride=2)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        self.register_buffer("frequencies", rotary_frequencies(), persistent=False)

    def stem(self, audio: Tensor, samples: Tensor | None = None) -> Tensor:
        """Audio [batch, samples] to frames [batch, frames, WIDTH]; with lengths, each clip is normalised over itself alone."""
        x = torch.tanh(self.conv1(audio.unsqueeze(1)))
        if samples is None:
            x = self.groupnorm(x)
        else:
            x = self._masked_groupnorm(x, (samples - 127) // 64 + 1)
        x = F.gelu(self.conv3(F.gelu(self.conv2(x))))
        return x.transpose(1, 2)

    def _masked_groupnorm(self, x: Tensor, steps: Tensor) -> Tensor:
        inside = (torch.arange(x.shape[2], device=x.device)[None, :] < steps[:, None])[:, None, :].to(x.dtype)
        count = steps.to(x.dtype)[:, None, None] * x.shape[1]
        mean = (x * inside).sum(dim=(1, 2), keepdim=True) / count
        var = ((x - mean).square() * inside).sum(dim=(1, 2), keepdim=True) / count
        x = (x - mean) * torch.rsqrt(var + self.groupnorm.eps)
        return x * self.groupnorm.weight[None, :, None] + self.groupnorm.bias[None, :, None]

    def angles(self, frames: int) -> tuple[Tensor, Tensor]:
        """Cosine and sine of every frame's rotation."""
        angle = torch.arange(frames, device=self.frequencies.device)[:, None] * self.frequencies[None, :]
        return angle.cos(), angle.sin()

    def run_layers(self, x: Tensor, first: int, last: int, lengths: Tensor | None = None) -> list[Tensor]:
        """The outputs of layers first … last (counted from 1) for frames that come out of layer first − 1."""
        cos, sin = self.angles(x.shape[1])
        mask = None
        if lengths is not None and int(lengths.min()) < x.shape[1]:
            inside = torch.arange(x.shape[1], device=x.device)[None, :] < lengths[:, None]
            mask = inside[:, None, None, :]
        outputs = []
        for layer in self.layers[first - 1 : last]:
            x = layer(x, cos, sin, mask)
            outputs.append(x)
        return outputs

    def forward(self, audio: Tensor) -> tuple[Tensor, Tensor]:
        """`mix` (the emotion layers, side by side) and `top` (the last layer, normed)."""
        outputs = self.run_layers(self.stem(audio), 1, LAYERS)
        return torch.cat([outputs[i - 1] for i in EMOTION_LAYERS], dim=-1), self.norm(outputs[-1])
