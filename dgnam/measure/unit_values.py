"""The values of units for many images, as gradient ascent reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ..am import Objective, Target
from ..am.borrow import borrowed
from ..am.objectives import read_layers
from ..caffe.mode import exact


def unit_values(
    target: Target, units: Sequence[Objective], images: np.ndarray, *, batch_size: int = 100, device: str = "cpu"
) -> np.ndarray:
    """(N, U) float32: the value of each unit for each image (N, 3, *size) float32, BGR, mean-subtracted.

    batch_size: images at once, of clips their frames.
    A unit is read where the loop reads it, so before an in-place ReLU; the objectives read one image at a time.
    """
    place, found = torch.device(device), [np.zeros((0, len(units)), np.float32)]
    batch_size = max(1, batch_size // int(getattr(target, "frames", 1)))
    layers = list(dict.fromkeys(layer for unit in units for layer in unit.layers))
    target.to(place)
    with torch.inference_mode(), exact(), borrowed(target):
        for start in range(0, len(images), batch_size):
            part = torch.from_numpy(np.ascontiguousarray(images[start : start + batch_size])).to(place)
            values = read_layers(target, part, layers)
            found.append(torch.stack([_value(unit, values) for unit in units], 1).float().cpu().numpy())
    return np.concatenate(found)


def _value(unit: Objective, values: Mapping[str, Tensor]) -> Tensor:
    parts = [weight * term.measure(values[term.layer]) for weight, term in unit.terms]
    return torch.stack(parts).sum(0)
