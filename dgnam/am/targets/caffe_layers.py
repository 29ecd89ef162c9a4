"""The layers of a Caffe net: their shapes for batches of one image and of two, and which axis holds the units.

That is the second, as Caffe has it, but after an InnerProduct or Embed that keeps axes before its own, (N, T, C), and
after layers that take the values of those one by one.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ...caffe.layer import BlobLayer
from ...caffe.modules.caffe_module import free_batch
from ...caffe.wiring.build import NetPlan, WiredLayer
from ...errors import DgnamError
from ..rows import missing_rows

Shape = tuple[int, ...]


@dataclass(frozen=True)
class CaffeLayer:
    """A layer with a top.

    shape: of one image's values, (C,), (T, C) or (C, H, W); a single number is one unit, (1,); () of a loss.
    axis: of the units, in the blob.
    fault: why it has no units; None where it has some, or where that can't be told without running the net.
    """

    shape: Shape
    axis: int
    fault: str | None

    def arranged(self, values: Tensor) -> Tensor:
        """The blob as (N, C), (N, T, C) or (N, C, H, W)."""
        if values.dim() == 1:
            return values.unsqueeze(-1)
        return values.movedim(self.axis, 2) if values.dim() == 3 else values


def caffe_layers(plan: NetPlan) -> dict[str, CaffeLayer]:
    """The layers that have a top, by name, but for the splits that are put in between."""
    free_batch(plan)
    alone, both = _shapes(plan, 1), _shapes(plan, 2)
    axes = _axes(plan)
    found: dict[str, CaffeLayer] = {}
    for wired in plan.layers:
        if not wired.tops or wired.layer.type == "Split" or wired.name in found:
            continue
        top, what = wired.tops[0], f"layer '{wired.name}'"
        fault = missing_rows(what, alone[top], both[top]) if top in alone and top in both else None
        axis, shape = axes.get(top, 1), tuple(plan.blob_shapes[top])
        own = (*shape[2:], shape[1]) if len(shape) == 3 and axis == 1 else (1,) if len(shape) == 1 else shape[1:]
        found[wired.name] = CaffeLayer(own, axis, fault)
    return found


def _shapes(plan: NetPlan, batch: int) -> dict[int, Shape]:
    """The shape of each blob for a batch of this size, where it can be told without running the net."""
    found: dict[int, Shape] = {}
    for wired in plan.layers:
        if wired.layer.type == "Input":
            found |= {top: (batch, *plan.blob_shapes[top][1:]) for top in wired.tops}
            continue
        known = not isinstance(wired.layer, BlobLayer) and all(bottom in found for bottom in wired.bottoms)
        try:
            tops = wired.layer.top_shapes([found[bottom] for bottom in wired.bottoms]) if known else []
        except DgnamError:  # it takes no batch of this size
            tops = []
        for top in wired.tops:
            found.pop(top, None)
        found |= zip(wired.tops, map(tuple, tops), strict=False)
    return found


def _axes(plan: NetPlan) -> dict[int, int]:
    """The axis of the units of each blob (N, T, C) where it isn't the second."""
    found: dict[int, int] = {}
    for wired in plan.layers:
        like = [bottom for bottom in wired.bottoms if bottom in found and _same_shape(plan, wired, bottom)]
        last = _last_axis(wired) or bool(like)
        for top in wired.tops:
            if last and len(plan.blob_shapes[top]) == 3:
                found[top] = 2
    return found


def _last_axis(wired: WiredLayer) -> bool:
    if wired.layer.type == "Embed":
        return True
    return wired.layer.type == "InnerProduct" and wired.layer.definition.inner_product_param.axis in (2, -1)


def _same_shape(plan: NetPlan, wired: WiredLayer, bottom: int) -> bool:
    return bool(wired.tops) and plan.blob_shapes[wired.tops[0]] == plan.blob_shapes[bottom]
