"""DummyData: tops filled by fillers, for tests and timing."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from ...blob import Blob
from ...filler import fill
from ...layer import BlobLayer, Context, Shape, register
from ...proto import pb
from ...syncedmem import HOST

_LEGACY = ("num", "channels", "height", "width")


@register("DummyData")
class DummyData(BlobLayer):
    """Each top has the shape and the filler of its index, or the only one given; the default filler is 0.

    A constant top is filled once, at construction, and keeps values written by the caller; others are refilled in each
    pass.
    """

    bottoms = (0, 0)
    tops = (1, None)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        self.options = definition.dummy_data_param
        if len(self.options.data_filler) not in (0, 1, len(definition.top)):
            raise self.fail(
                f"has {len(self.options.data_filler)} data_fillers for {len(definition.top)} tops; "
                "give none, one for all or one for each"
            )
        fillers = list(self.options.data_filler) or [pb.FillerParameter(type="constant", value=0)]
        self.fillers = fillers if len(fillers) == len(definition.top) else fillers * len(definition.top)

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        if not any(getattr(self.options, field) for field in _LEGACY):
            return [tuple(shape.dim) for shape in self._each(list(self.options.shape), "shape")]
        if self.options.shape:
            raise self.fail("give either shape or the old num, channels, height and width")
        sizes = [self._each(list(getattr(self.options, field)), field) for field in _LEGACY]
        return list(zip(*sizes, strict=True))

    def set_up(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        super().set_up(context, bottoms, tops)
        self._fill(context, tops, constant=True)

    def forward_blobs(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        self._fill(context, tops, constant=False)

    def _fill(self, context: Context, tops: Sequence[Blob], *, constant: bool) -> None:
        for top, filler in zip(tops, self.fillers, strict=True):
            if constant and filler.type == "constant":
                top.fill_data(partial(fill, filler=filler))
            elif not constant and filler.type != "constant":
                device = HOST if context.generator is None else context.generator.device
                fill(top.data_on(device, mutable=True), filler, context.generator)

    def _each(self, given: list[Any], field: str) -> list[Any]:
        """One for each top of what was given once for all or once for each."""
        count = len(self.definition.top)
        if len(given) not in (1, count):
            raise self.fail(f"has {len(given)} {field} entries for {count} tops; give one for all or one for each")
        return given if len(given) == count else given * count
