"""Weights of a training before its end, for intermediate models, each file beside another that says by which recipe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..caffe.proto import pb, write_caffemodel
from ..caffe.wiring.weights import Weights
from ..errors import DgnamError
from ..files.paths import replacing
from .checkpoint import changes

_ORIGIN = "weights"


def intermediate_file(folder: Path, iteration: int) -> Path:
    """Where a run has its weights of this iteration."""
    return folder / f"weights-{iteration:06d}.caffemodel"


def write_intermediate(path: Path, definition: pb.NetParameter, weights: Weights, recipe: Mapping[str, Any]) -> None:
    """Write the weights, and beside them the digests of the recipe's parts, as `.json`."""
    write_caffemodel(path, definition, weights)
    with replacing(_about(path)) as partial:
        partial.write_text(json.dumps({"recipe": _digests(recipe)}, indent=2) + "\n")


def check_intermediate(path: Path, recipe: Mapping[str, Any]) -> None:
    """Raise DgnamError where the weights are of another recipe, or nothing beside them says of which.

    What the training started from isn't compared, beyond what the solver says of it.
    """
    try:
        made = dict(json.loads(_about(path).read_text())["recipe"])
    except (OSError, ValueError, KeyError, TypeError):
        raise DgnamError(
            f"{path}: {_about(path).name} beside it doesn't say by which recipe it was made; remove it, or give "
            "another folder"
        ) from None
    changed = changes({**_digests(recipe), _ORIGIN: ""}, {**made, _ORIGIN: ""})
    if changed:
        raise DgnamError(
            f"{path} belongs to another recipe (changed: {', '.join(changed)}); give another folder or remove it"
        )


def _about(path: Path) -> Path:
    return path.with_suffix(".json")


def _digests(recipe: Mapping[str, Any]) -> dict[str, str]:
    return {part: hashlib.sha256(json.dumps(value).encode()).hexdigest() for part, value in recipe.items()}
