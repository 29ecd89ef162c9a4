"""A net's parts by name, as in pycaffe."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, TypeVar

from ..blob import Blob, BlobVec
from .bound_layer import NetLayer
from .build import NetPlan
from .by_name import ByName
from .vectors import DtypeVec, IntVec, LayerVec, StringVec

V = TypeVar("V")


class NetNames:
    """A net's blobs, parameters and layers by name, or by index where pycaffe does so.

    bound_layers, layers: each layer bound to its blobs, and the object visible to the user.
    """

    bound_layers: list[NetLayer]
    layers: LayerVec
    _plan: NetPlan
    _blobs: BlobVec
    _params: list[Blob]

    @property
    def plan(self) -> NetPlan:
        """The wiring of the layers, and the multipliers of each of `learnable_params` (its `params`)."""
        return self._plan

    @cached_property
    def blobs(self) -> OrderedDict[str, Blob]:
        return self._by_name("blob", zip(self._plan.blob_names, self._blobs, strict=True))

    @cached_property
    def params(self) -> OrderedDict[str, BlobVec]:
        return self._by_name("learnable layer", ((b.name, b.blobs) for b in self.bound_layers if b.blobs))

    @property
    def learnable_params(self) -> list[Blob]:
        """All parameters, shared ones once, in the order of `plan.params`."""
        return list(self._params)

    @property
    def inputs(self) -> list[str]:
        return self._names(self._plan.inputs)

    @property
    def outputs(self) -> list[str]:
        """The blobs not consumed by any layer, sorted by name."""
        return self._names(self._plan.outputs)

    @cached_property
    def layer_dict(self) -> OrderedDict[str, Any]:
        return self._by_name("layer", zip(self._layer_names, self.layers, strict=True))

    @cached_property
    def top_names(self) -> OrderedDict[str, list[str]]:
        return self._by_name("layer", ((w.name, self._names(w.tops)) for w in self._plan.layers))

    @cached_property
    def bottom_names(self) -> OrderedDict[str, list[str]]:
        return self._by_name("layer", ((w.name, self._names(w.bottoms)) for w in self._plan.layers))

    @property
    def blob_loss_weights(self) -> OrderedDict[str, float]:
        return self._by_name("blob", zip(self._plan.blob_names, self._blob_loss_weights, strict=True))

    @property
    def _layer_names(self) -> StringVec:
        return StringVec(layer.name for layer in self.bound_layers)

    @property
    def _blob_names(self) -> StringVec:
        return StringVec(self._plan.blob_names)

    @property
    def _blob_loss_weights(self) -> DtypeVec:
        weights = {t: w for wired in self._plan.layers for t, w in zip(wired.tops, wired.loss_weights, strict=True)}
        return DtypeVec(weights[t] for t in range(len(self._blobs)))

    @property
    def _inputs(self) -> IntVec:
        return IntVec(self._plan.inputs)

    @property
    def _outputs(self) -> IntVec:
        return IntVec(self._plan.outputs)

    def _bottom_ids(self, layer: int) -> IntVec:
        return IntVec(self._plan.layers[layer].bottoms)

    def _top_ids(self, layer: int) -> IntVec:
        return IntVec(self._plan.layers[layer].tops)

    def _layer(self, name: str | None, default: int) -> int:
        return default if name is None else self._plan.layer_index(name)

    def _blob(self, name: str) -> Blob:
        return self._blobs[self._plan.blob_index(name)]

    def _names(self, blobs: Sequence[int]) -> list[str]:
        return [self._plan.blob_names[i] for i in blobs]

    def _by_name(self, what: str, items: Iterable[tuple[str, V]]) -> ByName[V]:
        return ByName(items, net=self._plan.name, what=what)
