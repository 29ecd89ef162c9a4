"""Occlusion: which part of a picture a unit responds to, by covering one small square after the other.

    occluder = Occluder.for_size((56, 56))
    found = occlusion_map(unit_score(target, Unit("fc8", 3)), image, occluder)
    cut_out(picture, region(found))

After B. Zhou, A. Khosla, A. Lapedriza, A. Oliva, A. Torralba: Object detectors emerge in deep scene CNNs. ICLR 2015,
arXiv:1412.6856, Sec. 3.2: occluders of 11x11 pixels in a dense grid of stride 3, and the change of the unit's
activation by each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from ..am import Objective, Target
from ..am.checks import check_number, whole_number
from ..am.objectives import read_layers
from ..caffe.mode import exact
from ..data.preprocessing import MEAN_BGR
from ..errors import DgnamError
from .receptive_field import Box

Score = Callable[[Tensor], Tensor]
"""From images (N, 3, H, W) to a unit's values (N,)."""

PUBLISHED_SIDE, PUBLISHED_STRIDE = 11, 3
HALF = 0.5
"""The least drop of a unit's region, as a part of the greatest."""

_SMALL = 112
_OUTSIDE = tuple(round(value) for value in MEAN_BGR[::-1])


@dataclass(frozen=True)
class Occluder:
    """A square of `side` pixels, moved by `stride` pixels at a time until it reaches the far border.

    noise: whether it is filled with random colors, drawn anew at each place from `seed`; else with the mean color.
    """

    side: int
    stride: int
    noise: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.side < 1 or self.stride < 1:
            raise DgnamError(f"{self}: give a side and a stride of at least 1 pixel")
        if self.stride > self.side:
            raise DgnamError(
                f"an occluder of {self.side} pixels at a stride of {self.stride} never covers the pixels between its "
                f"places; give a stride of at most {self.side}"
            )
        whole_number("seed", self.seed, 0)

    @classmethod
    def for_size(cls, size: tuple[int, int]) -> Occluder:
        """The published one, 11 by 3 pixels; for images of less than 112 pixels an eighth and a 32nd of the side.

        (As small a part of them as the published one is, it would cover less than small nets' first filters see.)
        """
        side = min(size)
        if side >= _SMALL:
            return cls(PUBLISHED_SIDE, PUBLISHED_STRIDE)
        return cls(max(1, round(side / 8)), max(1, round(side / 32)))

    def places(self, size: tuple[int, int], box: Box) -> list[tuple[int, int]]:
        """The top left corners at which it covers a part of `box` in an image of this height and width."""
        rows, columns = self._line(size[0], box.top, box.bottom), self._line(size[1], box.left, box.right)
        return [(row, column) for row in rows for column in columns]

    def _line(self, length: int, first: int, last: int) -> list[int]:
        """The starts along one axis of those that overlap [first, last); the last one ends at the border."""
        if self.side > length:
            raise DgnamError(f"an occluder of {self.side} pixels does not fit into an image of {length}")
        starts = [*range(0, length - self.side, self.stride), length - self.side]
        return [start for start in starts if start < last and start + self.side > first]


def occlusion_map(
    score: Score,
    image: np.ndarray,
    occluder: Occluder,
    *,
    box: Box | None = None,
    batch_size: int = 64,
    device: str | torch.device = "cpu",
) -> np.ndarray:
    """By how much a unit falls on average when a pixel is covered, (H, W) float32; negative where it rises.

    image: (3, H, W) float32, BGR, mean-subtracted.
    box: the part that the unit depends on, such as its receptive field: occluders that cover none of it, which change
        nothing, are not tried.  None takes all.
    """
    place, size = torch.device(device), (image.shape[1], image.shape[2])
    inside = Box.whole(size) if box is None else box
    plain = torch.from_numpy(np.ascontiguousarray(image, np.float32)).to(place)
    total, covered = np.zeros(size), np.zeros(size)
    with torch.inference_mode(), exact():
        before = float(score(plain[None])[0])
        places = iter(occluder.places(size, inside))
        colors = _colors(occluder)
        while some := list(islice(places, batch_size)):
            images = plain.repeat(len(some), 1, 1, 1)
            for copy, (top, left), patch in zip(images, some, colors, strict=False):
                copy[:, top : top + occluder.side, left : left + occluder.side] = torch.from_numpy(patch).to(copy)
            for (top, left), after in zip(some, score(images).tolist(), strict=True):
                part = np.s_[top : top + occluder.side, left : left + occluder.side]
                total[part] += before - after
                covered[part] += 1
    if not np.isfinite(total).all():
        raise DgnamError("the unit's value is not finite under some occluder")
    return (total / np.maximum(covered, 1)).astype(np.float32)


def region(found: np.ndarray, threshold: float = HALF) -> np.ndarray:
    """Where an occlusion map is at least `threshold` times its greatest drop, (H, W) bool; nowhere if nothing drops."""
    check_number("threshold", threshold)
    if not 0 < threshold <= 1:
        raise DgnamError(f"threshold {threshold:g}: give a part of the greatest drop, above 0 and at most 1")
    greatest = float(found.max())
    return found >= threshold * greatest if greatest > 0 else np.zeros(found.shape, bool)


def cut_out(picture: np.ndarray, mask: np.ndarray, dim: float | None = None) -> np.ndarray:
    """A picture (H, W, 3) uint8 RGB in the mean color outside a mask (H, W), or there `dim` times as bright."""
    outside = np.broadcast_to(np.array(_OUTSIDE), picture.shape) if dim is None else np.rint(picture * dim)
    return np.where(mask[..., None], picture, outside).astype(np.uint8)


def unit_score(target: Target, unit: Objective) -> Score:
    """The values of an objective that reads one image at a time."""

    def score(images: Tensor) -> Tensor:
        values = read_layers(target, images, unit.layers)
        total = images.new_zeros(len(images))
        for weight, term in unit.terms:
            total = total + weight * term.measure(values[term.layer]).to(total)
        return total

    return score


def _colors(occluder: Occluder) -> Iterator[np.ndarray]:
    """What fills the occluder at each place, (3, side, side) BGR, mean-subtracted."""
    shape, mean = (3, occluder.side, occluder.side), np.reshape(MEAN_BGR, (3, 1, 1))
    draw = np.random.default_rng(occluder.seed)
    while True:
        yield (draw.uniform(0, 255, shape) - mean if occluder.noise else np.zeros(shape)).astype(np.float32)
