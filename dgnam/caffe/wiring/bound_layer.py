"""A layer of a `Net`, bound to its blobs: an entry of `net.layers`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain, repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import DgnamError, shortened
from ..blob import Blob, BlobVec
from ..layer import BlobLayer, Needs, Pass, Shape
from ..syncedmem import HOST, addresses, is_fresh
from .build import WiredLayer
from .weights import Slot


def _take_over(blob: Blob, values: Tensor) -> None:
    blob.put_data(values, fresh=is_fresh(values, ()))


class NetLayer:
    """A layer with its blobs: reshapes and computes its tops, and computes gradients of its bottoms and parameters.

    blobs: the parameters, as in pycaffe.
    """

    def __init__(self, wired: WiredLayer, bottoms: list[Blob], tops: list[Blob], blobs: list[Blob]):
        self.wired = wired
        self.bottoms = bottoms
        self.tops = tops
        self.blobs = wired.layer.blobs if isinstance(wired.layer, BlobLayer) else BlobVec()
        self.blobs[:] = blobs
        self.context = wired.context
        self.context.overwrite = bool(bottoms and tops) and bottoms[0] is tops[0]
        self._shapes: tuple[list[Shape], list[Shape]] = ([b.axes for b in bottoms], [t.axes for t in tops])
        if bottoms:
            self._share()
        self._weigh()

    def __repr__(self) -> str:
        return f"NetLayer(name='{self.name}', type='{self.type}')"

    @property
    def name(self) -> str:
        return self.wired.name

    @property
    def type(self) -> str:
        return self.wired.layer.type

    @property
    def face(self) -> Any:
        """The object that pycaffe lists for the layer: this, or a Python layer's own."""
        layer = self.wired.layer
        return layer.face if isinstance(layer, BlobLayer) and layer.face is not None else self

    def slots(self) -> list[Slot]:
        """Return the destinations of this layer's weights; they adopt the tensors put there."""
        return [Slot(blob.axes, partial(_take_over, blob), shared=not own) for blob, own in self._owned()]

    def own_weights(self) -> list[np.ndarray]:
        """Return views of the parameters, of shape (0,) for those owned by an earlier layer."""
        none = np.zeros(0, np.float32)
        return [blob.data_on(HOST).numpy() if own else none for blob, own in self._owned()]

    def reshape(self) -> None:
        """Shape the tops to follow the bottoms."""
        layer, bottoms = self.wired.layer, [b.axes for b in self.bottoms]
        if isinstance(layer, BlobLayer):
            layer.reshape(self.bottoms, self.tops)
        elif (bottoms, [t.axes for t in self.tops]) != self._shapes:
            self._check_params(bottoms)
            for top, shape in zip(self.tops, layer.top_shapes(bottoms), strict=True):
                top.reshape(*shape)
        self._shapes = bottoms, [t.axes for t in self.tops]
        self._share()

    def forward(
        self, device: torch.device, generator: torch.Generator | None = None, *, param_gradients: bool = True
    ) -> float:
        """Compute the tops from the bottoms' current data; returns the layer's part of the loss."""
        layer = self.wired.layer
        self.context.generator, self.context.param_gradients = generator, param_gradients
        if isinstance(layer, BlobLayer):
            layer.forward_blobs(self.context, self.bottoms, self.tops)
        elif layer.shares == "nothing":
            bottoms = [b.data_on(device) for b in self.bottoms]
            params = self._params(device, mutable=layer.statistics)
            if layer.recalls:
                self.context.state["tops"] = [t.data_on(device) for t in self.tops]
            for top in self.tops[self.context.overwrite :]:
                top.drop_data()
            with self._naming():
                outs = layer.forward(self.context, bottoms, params)
            self._leave_behind()
            held = addresses([*bottoms, *params, *self.context.state.values()])
            for top, out in zip(self.tops, outs, strict=True):
                top.reshape(*out.shape)
                top.put_data(out, fresh=is_fresh(out, held))
                held.add(out.data_ptr())
            # A later layer may run in place and give a top other axes, as MVN does.
            self._shapes = self._shapes[0], [tuple(out.shape) for out in outs]
        return self._loss()

    def backward(self, device: torch.device, *, param_gradients: bool = True) -> None:
        """Compute the bottoms' gradients and accumulate the parameters', from current data and top gradients."""
        layer, planned = self.wired.layer, self.wired.needs
        learns = [need and param_gradients and not layer.statistics for need in planned.params]
        needs = Needs([need or i in layer.always for i, need in enumerate(planned.bottoms)], learns)
        if layer.shares == "both" or not (any(needs.bottoms) or any(needs.params) or layer.observes):
            return
        for i in layer.no_gradient:
            if i < len(needs.bottoms) and needs.bottoms[i]:
                raise layer.fail(f"can't backpropagate to its bottom '{layer.definition.bottom[i]}'")
        if layer.lends_diff:
            self.bottoms[0].share_diff(self.tops[0])
            return
        if isinstance(layer, BlobLayer):
            layer.backward_blobs(self.context, self.tops, needs.bottoms, self.bottoms)
            return
        shapes = self._shapes[1]
        now = Pass(
            tops=[t.data_on(device).view(shape) for t, shape in zip(self.tops, shapes, strict=True)],
            top_diffs=[t.diff_on(device).view(shape) for t, shape in zip(self.tops, shapes, strict=True)],
            bottoms=[b.data_on(device) for b in self.bottoms],
            params=self._params(device),
            needs=needs,
        )
        with self._naming():
            bottom_diffs, param_diffs = layer.backward(self.context, now)
        held = addresses([*now.tops, *now.top_diffs, *now.bottoms, *now.params, *self.context.state.values()])
        overwritten = layer.overwritten(now)
        for i, (blob, grad) in enumerate(zip(self.blobs, param_diffs, strict=False)):
            if grad is not None:
                if i in overwritten:
                    blob.clear_diff()
                blob.add_diff(grad)
        # After the parameters': in place, this overwrites the top's diff, of which theirs may be views.
        self._put(bottom_diffs, held)

    def _owned(self) -> Iterator[tuple[Blob, bool]]:
        """The parameters, each with whether it is this layer's own, as are those added by `add_blob`."""
        return zip(self.blobs, chain(self.wired.owns, repeat(True)), strict=False)

    def _params(self, device: torch.device, *, mutable: bool = False) -> list[Tensor]:
        """The parameters in the layer's shapes, whatever shapes a script has given the blobs, as in Caffe."""
        values = [blob.data_on(device, mutable=mutable) for blob in self.blobs]
        with self._naming():
            return [v.view(shape) for v, shape in zip(values, self.wired.param_shapes, strict=False)]

    def _leave_behind(self) -> None:
        """Write what Caffe's forward pass leaves in the first bottom's diff."""
        left = self.context.state.pop("bottom_diff", None)
        if left is not None:
            self.bottoms[0].put_diff(left)

    @contextmanager
    def _naming(self) -> Iterator[None]:
        """Convert torch's errors, such as out of memory, to errors naming the layer."""
        try:
            yield
        except DgnamError:
            raise
        except (RuntimeError, MemoryError) as error:
            raise self.wired.layer.fail(f"torch can't compute it: {shortened(str(error), 1000)}") from error

    def _put(self, diffs: Sequence[Tensor | None], held: set[int]) -> None:
        for blob, diff in zip(self.bottoms, diffs, strict=True):
            if diff is not None:
                blob.put_diff(diff, fresh=is_fresh(diff, held))
                held.add(diff.data_ptr())

    def _share(self) -> None:
        """Share memory with the tops, as Caffe's Split, Reshape, Flatten and Parameter do."""
        shares = self.wired.layer.shares
        if shares != "nothing":
            source = (self.bottoms or self.blobs)[0]
            for top in self.tops:
                top.share_data(source)
                if shares == "both":
                    top.share_diff(source)

    def _weigh(self) -> None:
        """Initialize the diffs of losses to their weights.

        As in Caffe, this happens once: if a later reshape enlarges such a top, its diff becomes zero.
        """
        for top, weight in zip(self.tops, self.wired.loss_weights, strict=True):
            if weight:
                top.fill_diff(partial(torch.Tensor.fill_, value=weight))

    def _loss(self) -> float:
        if not any(self.wired.loss_weights):
            return 0.0
        weighted = [t for t, weight in zip(self.tops, self.wired.loss_weights, strict=True) if weight]
        return sum((float((t.data_on(HOST) * t.diff_on(HOST)).sum()) for t in weighted), 0.0)

    def _check_params(self, bottoms: list[Shape]) -> None:
        wanted = [tuple(p.shape) for p in self.wired.layer.param_blobs(bottoms)]
        if wanted != self.wired.param_shapes:
            raise self.wired.layer.fail(
                f"its parameters have shapes {self.wired.param_shapes}, and bottoms of shapes {bottoms} need {wanted}"
            )
