"""What the passes of a training are computed in; parameters, losses and updates are float32 in any case."""

from __future__ import annotations

import torch

from ..caffe.modules.precision import BFLOAT16, FLOAT32, check_precision, fast_precision
from ..errors import DgnamError, closest

PRECISIONS = (BFLOAT16, FLOAT32)


class Passes:
    """The precision of a training's passes on a device, and the context that they run in.

    precision: "bfloat16" or "float32"; None takes bfloat16 where the device has it, otherwise float32, which is ten
        times as fast there.
    Raises DgnamError for another, and for bfloat16 on a device that lacks it.
    """

    def __init__(self, device: str | torch.device, precision: str | None = None):
        if precision is not None and precision not in PRECISIONS:
            raise DgnamError(f"precision '{precision}': give one of {closest(precision, PRECISIONS)}")
        self.precision = fast_precision(device) if precision is None else precision
        check_precision(self.precision, device)
        self.device = torch.device(device).type

    def __call__(self) -> torch.autocast:
        """While this lasts, what torch computes in bfloat16 without harm is so computed, where that was chosen."""
        return torch.autocast(self.device, torch.bfloat16, enabled=self.precision == BFLOAT16)
