"""Fillers: initial values of learned blobs, by their names in prototxts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..errors import CaffeError, closest
from .proto import pb

_LARGEST = torch.finfo(torch.float32).max

Filler = Callable[[Tensor, pb.FillerParameter, torch.Generator | None], None]


def fill(blob: Tensor, filler: pb.FillerParameter, generator: torch.Generator | None = None) -> None:
    """Fill `blob` in place, with random numbers from `generator` (None: torch's global one)."""
    check_filler(tuple(blob.shape), filler)
    if blob.numel():
        with torch.no_grad():
            _FILLERS[filler.type](blob, filler, generator)


def check_filler(shape: Sequence[int], filler: pb.FillerParameter) -> None:
    """Raise CaffeError if `filler` is unknown, has contradictory options or does not fit a blob of `shape`."""
    if filler.type not in _FILLERS:
        raise CaffeError(f"unknown filler '{filler.type}'; known ones: {closest(filler.type, _FILLERS)}")
    if filler.type == "uniform" and filler.min > filler.max:
        raise CaffeError(f"the uniform filler's min {filler.min} is above its max {filler.max}")
    if filler.type == "uniform" and not filler.max - filler.min <= _LARGEST:
        raise CaffeError(f"the uniform filler's range [{filler.min}, {filler.max}] exceeds float32")
    if filler.type == "gaussian":
        _check_gaussian(shape, filler)
    elif filler.sparse != -1:
        raise CaffeError(f"the {filler.type} filler can't be sparse; only gaussian can")
    if filler.type in _BY_OUTPUT and not shape:
        raise CaffeError(f"the {filler.type} filler needs a blob of at least one axis")
    if filler.type == "bilinear" and (len(shape) != 4 or shape[2] != shape[3]):
        raise CaffeError(f"the bilinear filler needs a blob of 4 axes with square planes; got shape {tuple(shape)}")


def _check_gaussian(shape: Sequence[int], filler: pb.FillerParameter) -> None:
    if not filler.std > 0:
        raise CaffeError(f"the gaussian filler's std {filler.std} must be positive")
    if filler.sparse < -1 or (filler.sparse >= 0 and filler.sparse > (shape[0] if shape else -1)):
        raise CaffeError(
            f"the gaussian filler's sparse {filler.sparse} must be -1, or at most the outputs of a blob of shape "
            f"{tuple(shape)}"
        )


def _constant(blob: Tensor, filler: pb.FillerParameter, generator: torch.Generator | None) -> None:
    blob.fill_(filler.value)


def _uniform(blob: Tensor, filler: pb.FillerParameter, generator: torch.Generator | None) -> None:
    blob.uniform_(filler.min, filler.max, generator=generator)


def _gaussian(blob: Tensor, filler: pb.FillerParameter, generator: torch.Generator | None) -> None:
    """Normal; `sparse` keeps about that many inputs of each output and sets the others to zero."""
    blob.normal_(filler.mean, filler.std, generator=generator)
    if filler.sparse >= 0:
        keep = torch.empty_like(blob).bernoulli_(filler.sparse / blob.shape[0], generator=generator)
        blob.mul_(keep)


def _positive_unitball(blob: Tensor, filler: pb.FillerParameter, generator: torch.Generator | None) -> None:
    """Uniform in [0, 1], then each output's inputs divided by their sum."""
    blob.uniform_(0, 1, generator=generator)
    rows = blob.view(blob.shape[0], -1)
    rows.div_(rows.sum(1, keepdim=True))


def _fan(blob: Tensor, filler: pb.FillerParameter) -> float:
    """Return the divisor of the variance: fan-in, fan-out or their mean."""
    fan_in = blob.numel() / blob.shape[0]
    fan_out = blob.numel() / blob.shape[1] if blob.dim() > 1 else blob.numel()
    fans = {pb.FillerParameter.FAN_IN: fan_in, pb.FillerParameter.FAN_OUT: fan_out}
    return fans.get(filler.variance_norm, (fan_in + fan_out) / 2)


def _xavier(blob: Tensor, filler: pb.FillerParameter, generator: torch.Generator | None) -> None:
    """Uniform in +-sqrt(3 / fan) (Glorot & Bengio 2010, as Caffe has it)."""
    bound = math.sqrt(3 / _fan(blob, filler))
    blob.uniform_(-bound, bound, generator=generator)


def _msra(blob: Tensor, filler: pb.FillerParameter, generator: torch.Generator | None) -> None:
    """Normal with standard deviation sqrt(2 / fan) (He et al. 2015)."""
    blob.normal_(0, math.sqrt(2 / _fan(blob, filler)), generator=generator)


def _bilinear(blob: Tensor, filler: pb.FillerParameter, generator: torch.Generator | None) -> None:
    """Bilinear interpolation weights in each plane, for a Deconvolution that upsamples."""
    size = blob.shape[3]
    factor = math.ceil(size / 2)
    center = (size - 1) / (2 * factor)
    line = 1 - (torch.arange(size, dtype=blob.dtype) / factor - center).abs()
    blob.copy_((line[:, None] * line[None, :]).expand_as(blob))


_BY_OUTPUT = {"positive_unitball", "xavier", "msra"}
"""Fillers that depend on a blob's first axis, the outputs."""

_FILLERS: dict[str, Filler] = {
    "constant": _constant,
    "uniform": _uniform,
    "gaussian": _gaussian,
    "positive_unitball": _positive_unitball,
    "xavier": _xavier,
    "msra": _msra,
    "bilinear": _bilinear,
}
