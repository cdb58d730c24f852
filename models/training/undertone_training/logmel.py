"""Kaldi-like log-mel pictures out of raw audio, as one convolution and two small steps, so that a graph can hold them.

25 ms frames every 10 ms; each loses its mean, is pre-emphasised and windowed (Hamming) before the Fourier transform: all
of it linear, so one kernel does it. 80 mel bands, 20 to 8000 Hz, logarithm, and each band's mean over time taken away.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

FRAME, HOP, FFT, BANDS = 400, 160, 512, 80
FLOOR = float(np.finfo(np.float32).eps)


def frames_of(samples: int) -> int:
    """How many frames so many samples make."""
    return 1 + (samples - FRAME) // HOP


def kernel() -> np.ndarray:
    """[2 · 256, 400]: cosine and sine parts of a frame's spectrum, on Kaldi's scale of 16-bit samples."""
    eye = np.eye(FRAME)
    centred = eye - 1.0 / FRAME
    emphasis = eye - 0.97 * np.eye(FRAME, k=-1)
    emphasis[0, 0] = 1.0 - 0.97
    window = np.hamming(FRAME)[:, None]
    angle = 2.0 * np.pi * np.arange(FFT // 2)[:, None] * np.arange(FRAME)[None, :] / FFT
    fourier = np.concatenate([np.cos(angle), -np.sin(angle)])
    return (32768.0 * fourier @ (window * (emphasis @ centred))).astype(np.float32)


def bands(rate: int = 16000, low: float = 20.0, high: float = 8000.0) -> np.ndarray:
    """[256, 80]: triangles of equal width on the mel scale."""
    def mel(f):
        return 1127.0 * np.log(1.0 + np.asarray(f) / 700.0)

    edges = np.linspace(mel(low), mel(high), BANDS + 2)
    places = mel(np.arange(FFT // 2) * rate / FFT)[:, None]
    up = (places - edges[:-2]) / (edges[1:-1] - edges[:-2])
    down = (edges[2:] - places) / (edges[2:] - edges[1:-1])
    return np.maximum(0.0, np.minimum(up, down)).astype(np.float32)


class LogMel(nn.Module):
    """Audio [batch, samples] to pictures [batch, 1, bands, frames]; with lengths, each is centred over itself alone."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.from_numpy(kernel())[:, None], persistent=False)
        self.register_buffer("bands", torch.from_numpy(bands()), persistent=False)

    def forward(self, audio: Tensor, samples: Tensor | None = None) -> Tensor:
        parts = F.conv1d(audio.unsqueeze(1), self.kernel, stride=HOP)
        real, imaginary = parts.chunk(2, dim=1)
        power = (real.square() + imaginary.square()).transpose(1, 2)
        picture = torch.log(torch.clamp(power @ self.bands, min=FLOOR))
        if samples is None:
            return (picture - picture.mean(dim=1, keepdim=True)).transpose(1, 2).unsqueeze(1)
        count = 1 + (samples - FRAME) // HOP
        inside = (torch.arange(picture.shape[1])[None, :] < count[:, None]).unsqueeze(-1)
        mean = (picture * inside).sum(dim=1, keepdim=True) / count[:, None, None]
        return ((picture - mean) * inside).transpose(1, 2).unsqueeze(1)


def mask(picture: Tensor, dice: np.random.Generator, share: float = 1.0, times: int = 2, widest: int = 16, rows: int = 2, tallest: int = 8) -> Tensor:
    """Hides stretches of time and bands of frequency of a share of the pictures, another set for each."""
    picture = picture.clone()
    for image in picture[:, 0]:
        if dice.random() >= share:
            continue
        for _ in range(times):
            width = int(dice.integers(0, min(widest, image.shape[1] // 3) + 1))
            start = int(dice.integers(0, image.shape[1] - width + 1))
            image[:, start : start + width] = 0.0
        for _ in range(rows):
            height = int(dice.integers(0, tallest + 1))
            start = int(dice.integers(0, image.shape[0] - height + 1))
            image[start : start + height] = 0.0
    return picture
