"""Checkpoints of a training run: written whole or not at all, and read back to go on exactly."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from ..errors import DgnamError
from ..files.paths import replacing

CHECKPOINT = "checkpoint.pt"
LOG = "log.jsonl"


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write `state` as the run's checkpoint, in place of the one before."""
    with replacing(folder / CHECKPOINT) as partial:
        torch.save(state, partial)


def load_checkpoint(folder: Path, recipe: dict[str, Any]) -> dict[str, Any] | None:
    """The run's checkpoint; None where there is none; an error where it belongs to another recipe."""
    path = folder / CHECKPOINT
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise DgnamError(f"{path}: not a readable checkpoint ({error}); remove it to start anew") from None
    if state["recipe"] != recipe:
        what = ", ".join(changes(recipe, state["recipe"]))
        raise DgnamError(f"{path} belongs to another recipe (changed: {what}); give another folder or remove it")
    return state


def changes(recipe: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The parts in which two recipes differ."""
    return sorted(part for part in recipe.keys() | other.keys() if recipe.get(part) != other.get(part))


def append_log(folder: Path, entry: dict[str, Any]) -> None:
    """Add a line to the run's log, `log.jsonl`."""
    with (folder / LOG).open("a") as log:
        log.write(json.dumps(entry) + "\n")
