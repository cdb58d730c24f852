"""Checkpoints that survive a kill: written beside, then moved into place."""

import os
from pathlib import Path

import torch

from .errors import RecipeError


def save(path: Path, state: dict) -> None:
    """Writes a checkpoint atomically."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    torch.save(state, part)
    os.replace(part, path)


def load(path: Path) -> dict | None:
    """The last checkpoint, or None if there is none."""
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


def fit(module: torch.nn.Module, state: dict, path: Path) -> None:
    """Loads weights, refusing by name what does not fit."""
    own = module.state_dict()
    for name, value in state.items():
        if name not in own:
            raise RecipeError(f"{path}: weight {name} belongs to another model; remove the file or give another --work folder")
        if own[name].shape != value.shape:
            raise RecipeError(f"{path}: weight {name} has shape {tuple(value.shape)}, {tuple(own[name].shape)} is needed; remove the file or give another --work folder")
    module.load_state_dict(state)
