"""Scores of pictures: whether they can be used, and a network's unit as a `PictureScore`."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...caffe.mode import exact
from ...data.preprocessing import preprocess
from ...errors import DgnamError
from ..framing import frame_for
from ..objectives import Objective, read_layers
from ..targets import Target

CONTRACT = (
    "a score takes pictures (n, H, W, 3) uint8 RGB and returns n finite numbers, larger is better; lost trials are "
    "masked, as by np.ma.masked_invalid"
)


def check_scores(scores: Any, count: int, *, some: bool = True) -> np.ndarray:
    """The scores of `count` pictures as (count,) float64, NaN for the masked ones, which are lost trials.

    some: whether it is an error that all are lost.
    Raises DgnamError for another count, and for numbers that are neither finite nor masked.
    """
    if isinstance(scores, torch.Tensor):
        scores = scores.detach().cpu()
    try:
        given = np.ma.asarray(scores) if np.ma.isMaskedArray(scores) else np.asarray(scores)
        if np.iscomplexobj(given):
            raise TypeError("they are complex")
        values = np.asarray(np.ma.getdata(given)).astype(np.float64)
    except (TypeError, ValueError) as error:
        raise DgnamError(f"the scores are not numbers ({error}): {CONTRACT}") from None
    if values.shape not in ((count,), (count, 1)):
        raise DgnamError(f"{count} pictures were asked for, and the scores have shape {values.shape}: {CONTRACT}")
    values, lost = values.reshape(count).copy(), np.ma.getmaskarray(given).reshape(count)
    bad = np.flatnonzero(~np.isfinite(values) & ~lost)
    if len(bad):
        shown = ", ".join(f"{values[i]} of picture {i}" for i in bad[:3]) + (", …" if len(bad) > 3 else "")
        raise DgnamError(f"{len(bad)} of {count} scores are not finite ({shown}): {CONTRACT}")
    if some and lost.all():
        raise DgnamError(f"all {count} trials are lost: measure the pictures again")
    values[lost] = np.nan
    return values


def masked(scores: np.ndarray) -> np.ma.MaskedArray:
    """Scores whose NaN are lost trials, as `check_scores` takes them."""
    return np.ma.masked_array(scores, np.isnan(scores))


class UnitScore:
    """An objective on a target as a score, to treat a network's unit as a black box.

    Pictures are preprocessed and framed as the prior's images are in `synthesize`.

    batch_size: pictures per pass, unless the objective compares all of them (`Diversity`).
    """

    def __init__(
        self, target: Target, objective: Objective, *, device: str | torch.device = "cpu", batch_size: int = 100
    ):
        for _, term in objective.terms:
            term.check(target.layer_shape(term.layer))
        if batch_size < 1:
            raise DgnamError(f"batch_size {batch_size} must be at least 1")
        self.target, self.objective, self.device = target, objective, torch.device(device)
        self.batch_size = None if any(term.together for _, term in objective.terms) else batch_size
        target.to(self.device)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """(n,) float64, of pictures (n, H, W, 3) uint8 RGB."""
        step = len(pictures) if self.batch_size is None else self.batch_size
        parts = [self._read(pictures[first : first + step]) for first in range(0, len(pictures), max(1, step))]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _read(self, pictures: np.ndarray) -> np.ndarray:
        with torch.no_grad(), exact():
            images = torch.from_numpy(preprocess(pictures)).to(self.device)
            framing = frame_for((pictures.shape[1], pictures.shape[2]), self.target)
            values = read_layers(self.target, framing(images), self.objective.layers)
            total = sum(weight * term.measure(values[term.layer]) for weight, term in self.objective.terms)
        return torch.as_tensor(total).double().cpu().numpy()
