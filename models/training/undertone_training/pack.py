"""Writes a pack folder: graphs, manifest with hashes, card."""

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import onnx

from . import graph, labels, speech_head, trunk
from .ctc import ALPHABET


@dataclass
class Calibration:
    """What turns logits into honest scores."""

    temperature: float = 1.0
    short: list[tuple[float, float]] = field(default_factory=list)
    unknown_below: float = 0.0
    accuracy: float = 0.0
    coverage: float = 0.0


@dataclass
class Shape:
    """How the trunk cuts time, in samples, and how wide its `mix` is."""

    stride: int = trunk.STRIDE
    receptive: int = trunk.RECEPTIVE
    mix: int = speech_head.MIX


@dataclass
class Pack:
    """Everything a pack folder is written from."""

    name: str
    version: str
    description: str
    licence: str
    graphs: dict[str, onnx.ModelProto]
    trained_labels: list[str]
    calibration: Calibration
    training: list[dict[str, str]]
    figures: dict[str, float] = field(default_factory=dict)
    shape: Shape = field(default_factory=Shape)


def _toml(value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(round(value, 6))
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


def _table(header: str, rows: dict) -> list[str]:
    return [header] + [f"{key} = {_toml(value)}" for key, value in rows.items()] + [""]


def manifest(pack: Pack, files: list[dict]) -> str:
    """The text of pack.toml."""
    lines = _table("", {
        "schema": 1, "name": pack.name, "version": pack.version, "licence": pack.licence, "description": pack.description,
        "sample_rate": 16000, "labels": labels.LABELS, "systems": ["speech_only"], "default_system": "speech_only",
    })[1:]
    lines += _table("[trunk]", {"frame_stride": pack.shape.stride, "min_samples": pack.shape.receptive, "receptive_field": pack.shape.receptive})
    c = pack.calibration
    lines += _table("[speech]", {
        "trained_labels": pack.trained_labels, "temperature": c.temperature, "temperature_short": c.short,
        "unknown_below": c.unknown_below, "selective_accuracy": c.accuracy, "selective_coverage": c.coverage,
        "mix_width": pack.shape.mix, "stats_width": 2 * pack.shape.mix, "prior_clips": speech_head.PRIOR,
    })
    if "words" in pack.graphs:
        lines += _table("[words]", {"alphabet": ALPHABET})
    for role, model in pack.graphs.items():
        lines += _table("[[graphs]]", {
            "role": role, "file": f"{role}.onnx",
            "inputs": [i.name for i in model.graph.input], "outputs": [o.name for o in model.graph.output],
        })
    for entry in files:
        lines += _table("[[files]]", entry)
    for entry in pack.training:
        lines += _table("[[training]]", entry)
    if pack.figures:
        lines += _table("[figures]", pack.figures)
    return "\n".join(lines).rstrip() + "\n"


def write(pack: Pack, folder: Path, card: str = "") -> None:
    """Writes the folder; the manifest comes last, so a half-written pack is never taken for a whole one."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pack.toml").unlink(missing_ok=True)
    files = []
    for role, model in pack.graphs.items():
        path = folder / f"{role}.onnx"
        graph.save(model, path)
        data = path.read_bytes()
        files.append({"path": path.name, "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    if card:
        (folder / "CARD.md").write_text(card, encoding="utf-8")
    (folder / "pack.toml").write_text(manifest(pack, files), encoding="utf-8")
