"""What files and objects are, for a run's record: checksums of files, definitions and weights, and preprocessing.

So a run doesn't go on with another network by mistake.  What a torch module's code does with its weights can't be told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..am import ClipPrior, JointTarget
from ..caffe.modules.caffe_module import CaffeModule
from ..files.checksums import sha256

_DECIDING = (
    *("size", "image_size", "frames", "frame_size", "code_shape", "output", "decay", "memory_format"),
    *("mean", "std", "scale", "channels", "shift"),
)
"""The attributes of targets and priors that change what they compute."""


def file_checksums(*paths: Path) -> dict[str, str]:
    """The sha256 of files, by `folder/name`."""
    return {f"{path.parent.name}/{path.name}": sha256(path) for path in paths}


def fingerprint(made: object) -> dict[str, Any]:
    """As JSON can hold it; of what is no `Target` or prior of ours, and has no module, no more than the class."""
    found: dict[str, Any] = {"class": type(made).__name__}
    if isinstance(made, JointTarget):
        found["joint"] = {name: fingerprint(target) for name, target in made.targets.items()}
    if isinstance(made, ClipPrior):
        found["prior"] = fingerprint(made.prior)
    module = getattr(made, "module", None)
    if isinstance(module, nn.Module):
        found["module"], found["weights"] = type(module).__name__, f"sha256:{_weights(module)}"
        nets = [part for part in module.modules() if isinstance(part, CaffeModule)]
        if nets:
            found["definition"] = f"sha256:{_definition(nets)}"
    for part in (made, getattr(made, "values", None)):
        found |= {name: _plain(vars(part)[name]) for name in _DECIDING if name in getattr(part, "__dict__", ())}
    return found


def _weights(module: nn.Module) -> str:
    """The checksum of all parameters and buffers, with their names, types and shapes."""
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        if isinstance(value, Tensor):
            digest.update(f"{name} {value.dtype} {tuple(value.shape)};".encode())
            digest.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _definition(nets: Iterable[CaffeModule]) -> str:
    """The checksum of all layers of Caffe nets, in their order."""
    digest = hashlib.sha256()
    for net in nets:
        for wired in net.plan.layers:
            layer = wired.layer.definition.SerializeToString(deterministic=True)
            digest.update(f"{len(layer)};".encode() + layer)
    return digest.hexdigest()


def _plain(value: Any) -> Any:
    """A number, a text, a list of numbers, or the checksum of many."""
    if isinstance(value, torch.memory_format):
        return str(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    numbers = np.asarray(value.detach().cpu() if isinstance(value, Tensor) else value, np.float64).reshape(-1)
    return numbers.tolist() if numbers.size <= 3 else f"sha256:{hashlib.sha256(numbers.tobytes()).hexdigest()}"
