"""Input: blobs filled by the caller."""

from __future__ import annotations

from collections.abc import Sequence

from ..blob import Blob
from ..layer import BlobLayer, Context, Shape, register
from ..proto import pb


@register("Input")
class Input(BlobLayer):
    """Tops that the caller fills, of the shapes that the prototxt gives: one for all or one for each."""

    bottoms = (0, 0)
    tops = (1, None)

    def __init__(self, definition: pb.LayerParameter):
        super().__init__(definition)
        shapes = len(definition.input_param.shape)
        if shapes > 1 and shapes != len(definition.top):
            raise self.fail(
                f"has {shapes} shapes for {len(definition.top)} tops; give one for all, one for each or none"
            )

    def top_shapes(self, bottom_shapes: Sequence[Shape]) -> list[Shape]:
        shapes = [tuple(s.dim) for s in self.definition.input_param.shape]
        return shapes if len(shapes) == len(self.definition.top) else (shapes or [()]) * len(self.definition.top)

    def forward_blobs(self, context: Context, bottoms: Sequence[Blob], tops: Sequence[Blob]) -> None:
        """Nothing: the tops keep the shapes and the numbers that the caller gives them."""
