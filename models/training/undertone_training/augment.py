"""What microphones, rooms, networks and recorders do to a voice, done to training audio at random."""

import io

import numpy as np
import soundfile
from scipy.signal import butter, fftconvolve, sosfilt

from .store import RATE

Audio = np.ndarray


def _level(x: Audio) -> float:
    return float(np.sqrt(np.mean(np.square(x)) + 1e-10))


def coloured_noise(samples: int, slope: float, rng: np.random.Generator) -> Audio:
    """Noise whose power falls with frequency to the given power: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    shape = np.maximum(np.arange(len(spectrum)), 1.0) ** (-slope / 2.0)
    noise = np.fft.irfft(spectrum * shape, samples)
    return (noise / _level(noise)).astype(np.float32)


def add_noise(x: Audio, rng: np.random.Generator, babble: Audio | None = None) -> Audio:
    """Noise, or other voices, 3 to 30 dB under the voice."""
    if babble is not None and len(babble) and rng.random() < 0.4:
        noise = np.resize(babble, len(x)) / _level(babble)
    else:
        noise = coloured_noise(len(x), rng.uniform(0.0, 2.0), rng)
    ratio = 10.0 ** (-rng.uniform(3.0, 30.0) / 20.0)
    return x + noise * (_level(x) * ratio)


def room(x: Audio, rng: np.random.Generator) -> Audio:
    """A made-up room: the direct sound and a decaying tail."""
    tail = rng.uniform(0.1, 0.7)
    n = int(tail * RATE)
    response = rng.standard_normal(n).astype(np.float32) * np.exp(-6.9 * np.arange(n) / n).astype(np.float32)
    response *= 10.0 ** (-rng.uniform(3.0, 20.0) / 20.0) / _level(response) / np.sqrt(n)
    response[0] = 1.0
    return fftconvolve(x, response)[: len(x)].astype(np.float32)


def band_limit(x: Audio, rng: np.random.Generator) -> Audio:
    """A telephone's, a small microphone's or a narrow link's band."""
    low, high = rng.uniform(50.0, 350.0), rng.uniform(3000.0, 7500.0)
    return sosfilt(butter(4, [low, high], "bandpass", fs=RATE, output="sos"), x).astype(np.float32)


def tilt(x: Audio, rng: np.random.Generator) -> Audio:
    """A gentle rise or fall of the spectrum, as microphones differ."""
    a = rng.uniform(-0.5, 0.5)
    y = x.copy()
    y[1:] -= a * x[:-1]
    return y * (_level(x) / _level(y))


def clip(x: Audio, rng: np.random.Generator) -> Audio:
    """An overdriven input."""
    ceiling = np.quantile(np.abs(x), rng.uniform(0.9, 0.995)) + 1e-6
    return np.clip(x, -ceiling, ceiling)


def codec(x: Audio, rng: np.random.Generator) -> Audio:
    """Opus there and back, as voice chat does."""
    memory = io.BytesIO()
    soundfile.write(memory, np.clip(x, -1.0, 1.0), RATE, format="OGG", subtype="OPUS", compression_level=float(rng.uniform(0.75, 0.98)))
    memory.seek(0)
    y, _ = soundfile.read(memory, dtype="float32")
    return np.resize(y, len(x)) if len(y) >= len(x) else np.pad(y, (0, len(x) - len(y)))


def resynthesise(x: Audio, rng: np.random.Generator, rounds: int = 6) -> Audio:
    """The voice rebuilt from its spectrum's magnitudes on a coarse scale, its phases guessed."""
    size, hop = 512, 128
    window = np.hanning(size).astype(np.float32)
    count = max(1, 1 + (len(x) - size) // hop)
    padded = np.pad(x, (0, max(0, (count - 1) * hop + size - len(x))))
    places = np.arange(count)[:, None] * hop + np.arange(size)[None, :]
    magnitude = np.abs(np.fft.rfft(padded[places] * window, axis=1))
    # Fold to bands and back: what a picture of few rows keeps.
    bands = int(rng.integers(64, 129))
    edges = 700.0 * (10.0 ** (np.linspace(0, 2595 * np.log10(1 + 8000 / 700), bands) / 2595) - 1.0)
    bins = np.fft.rfftfreq(size, 1 / RATE)
    nearest = np.abs(bins[:, None] - edges[None, :]).argmin(axis=1)
    share = np.zeros((len(bins), bands), np.float32)
    share[np.arange(len(bins)), nearest] = 1.0
    mean = magnitude @ (share / np.maximum(share.sum(axis=0), 1.0))
    magnitude = mean[:, nearest]
    weight = np.zeros(len(padded), np.float32)
    np.add.at(weight, places, np.broadcast_to(window**2, places.shape))
    phase = np.exp(2j * np.pi * rng.random(magnitude.shape))
    for _ in range(rounds):
        y = np.zeros(len(padded), np.float32)
        np.add.at(y, places, (np.fft.irfft(magnitude * phase, size, axis=1) * window).astype(np.float32))
        y /= np.maximum(weight, 1e-3)
        phase = np.exp(1j * np.angle(np.fft.rfft(y[places] * window, axis=1)))
    return (y[: len(x)] * (_level(x) / _level(y))).astype(np.float32)


def gain(x: Audio, rng: np.random.Generator) -> Audio:
    """Any loudness from a whisper across the table to full scale."""
    peak = np.abs(x).max() + 1e-6
    return x * (10.0 ** (-rng.uniform(0.0, 30.0) / 20.0) / peak)


def augment(x: Audio, rng: np.random.Generator, babble: Audio | None = None, resynthesis: float = 0.0) -> Audio:
    """A random chain; often nothing but another loudness."""
    if rng.random() < resynthesis:
        x = resynthesise(x, rng)
    if rng.random() < 0.25:
        x = room(x, rng)
    if rng.random() < 0.35:
        x = add_noise(x, rng, babble)
    if rng.random() < 0.3:
        x = tilt(x, rng)
    if rng.random() < 0.2:
        x = band_limit(x, rng)
    x = gain(x, rng)
    if rng.random() < 0.12:
        x = clip(x, rng)
    if rng.random() < 0.15:
        x = codec(x, rng)
    return np.ascontiguousarray(np.clip(x, -1.0, 1.0), dtype=np.float32)


def crop(x: Audio, rng: np.random.Generator, shortest: float = 0.5, longest: float = 4.0) -> Audio:
    """A stretch of 0.5 to 4 s, more often from the beginning, since that is what is heard first."""
    n = int(RATE * rng.uniform(shortest, longest))
    if n >= len(x):
        return x
    start = 0 if rng.random() < 0.5 else int(rng.integers(0, len(x) - n + 1))
    return x[start : start + n]
