"""pycaffe's `Net`: runs layer by layer on blobs that persist from pass to pass.

    net = Net("deploy.prototxt", "net.caffemodel", TEST)
    net.blobs["data"].data[...] = image
    net.forward(end="fc8")
    net.blobs["fc8"].diff[0, 643] = 1
    net.backward(start="fc8")
    gradient = net.blobs["data"].diff

Forward and backward passes use the current data and diffs, including values written into blobs by the caller, and may
start and end at any layer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import zip_longest
from typing import Any, Literal

import numpy as np
import torch

from ..errors import ArgumentError, CaffeError, naming
from . import layer_types, mode  # noqa: F401  (layer_types registers the layer types)
from .blob import Blob, BlobVec
from .filler import fill
from .glog import LOGGER
from .layer import ParamBlob
from .layer_types.data.memory_data import MemoryData
from .parallel import NCCL
from .proto import pb, read_diffs, read_net, read_weights, write_caffemodel, write_hdf5_weights
from .syncedmem import HOST, is_fresh
from .wiring.batches import batches, copies, joined, length
from .wiring.bound_layer import NetLayer
from .wiring.build import WiredLayer, build
from .wiring.gradient_hint import Diffs, GradientHint
from .wiring.input_array import assign
from .wiring.located import located
from .wiring.names import NetNames
from .wiring.vectors import LayerVec
from .wiring.weights import check_layers, copy_weights

StrPath = str | os.PathLike[str]
Callback = Callable[[int], Any]


class Net(NetNames):
    """A net in one phase, with its weights.

    network_file: the prototxt; or its definition, upgraded to the current format.  The files that its data layers name
        are looked up from the working directory, as in Caffe, or else from the prototxt's folder.
    phase: TRAIN or TEST.  The older signature `Net(network_file, weights, phase)` is accepted too.
    level, stages: with `phase`, the state that the layers' include and exclude rules test.
    weights: a caffemodel or HDF5 file, or a torch state dict of all its layers; None initializes the parameters by the
        prototxt's fillers.
    device: the device; None follows `set_mode_cpu` and `set_mode_gpu`, pass by pass.
    param_gradients: whether backward passes compute gradients of parameters; may be changed at any time.  False saves
        their memory.

    name: the prototxt's; may be changed, while `save` writes the prototxt's.
    blobs, params: blobs, and each layer's list of parameters, by name and in order.  Of several layers of one name the
        last is found; `layers` lists all.
    layers: the layers in order, including automatic Split layers; a Python layer is the object of its class.
    bound_layers: the same, each with its blobs; a Python layer is not replaced by the object of its class.
    """

    def __init__(
        self,
        network_file: StrPath | pb.NetParameter,
        phase: int | StrPath | None = None,
        level: int = 0,
        stages: Sequence[str] | None = None,
        weights: StrPath | None = None,
        *,
        device: torch.device | str | None = None,
        param_gradients: bool = True,
    ):
        pretrained: StrPath | None = weights
        if isinstance(phase, str | os.PathLike):
            pretrained, phase, level = phase, level, 0
        if phase not in (pb.TRAIN, pb.TEST):
            raise ArgumentError(f"Net needs a phase, TRAIN ({pb.TRAIN}) or TEST ({pb.TEST}); got {phase!r}")
        self.param_gradients = param_gradients
        self._device = None if device is None else torch.device(device)
        with nullcontext() if isinstance(network_file, pb.NetParameter) else naming(network_file):
            definition = network_file if isinstance(network_file, pb.NetParameter) else _read(network_file)
            self._plan = build(definition, phase, level, _none_to_empty(stages), generator=mode.generator(HOST))
        self.name = self._plan.name
        self._blobs = BlobVec(self._plan.blobs)
        self._params = [_made(param.blob) for param in self._plan.params]
        self.bound_layers = [self._bind(wired) for wired in self._plan.layers]
        self.layers = LayerVec(bound.face for bound in self.bound_layers)
        self._callbacks: dict[str, list[Callback]] = {}
        named = dict(zip(self._plan.blob_names, self._blobs, strict=True))
        self._hint = GradientHint(self._plan.name, self._plan.force_backward, self.bound_layers, named)
        self._fill()
        if pretrained is not None:
            self._load(pretrained, whole=True)

    def __repr__(self) -> str:
        return f"Net(name='{self.name}', layers={len(self.layers)}, inputs={self.inputs}, outputs={self.outputs})"

    # Passes.

    def forward(
        self,
        blobs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **data: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """Run the layers from `start` to `end`, inclusive, and return views of the outputs, or of the tops of `end`.

        Nothing runs if `end` precedes `start`, as in pycaffe.

        blobs: names of additional blobs to return.
        data: arrays for all inputs, or none to use the input blobs' current values.
        """
        first, last = self._layer(start, 0), self._layer(end, len(self.layers) - 1)
        self._warn_of_order(first, last, "forward")
        if data:
            self._check_names(data, self.inputs, "inputs")
            for name, values in data.items():
                assign(name, self.blobs[name].data, values)
        self._forward(first, last)
        return self._views("data", self.outputs if end is None else self.top_names[end], blobs)

    def backward(
        self,
        diffs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **top_diffs: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """Backpropagate from `start` down to `end`, inclusive, and return views of the diffs of the inputs or of the
        bottoms of `end`.

        Only layers between a learned parameter and a loss run, or all with force_backward; the log says so once if a
        diff is read that nothing computes.

        diffs: names of additional blobs whose diffs to return.
        top_diffs: arrays for the diffs of all outputs, or none to use the current diffs.
        """
        first, last = self._layer(start, len(self.layers) - 1), self._layer(end, 0)
        self._warn_of_order(last, first, "backward")
        if top_diffs:
            self._check_names(top_diffs, self.outputs, "outputs")
            for name, values in top_diffs.items():
                assign(name, self.blobs[name].diff, values)
        self._backward(first, last)
        found = self._views("diff", self.inputs if end is None else self.bottom_names[end], diffs)
        self._hint.watch(first, last)
        for name in _none_to_empty(diffs):
            self._hint.read(name)
        return Diffs(found, self._hint.read)

    def reshape(self) -> None:
        """Propagate the inputs' shapes to all blobs; forward passes do so too, layer by layer."""
        for layer in self.bound_layers:
            layer.reshape()

    def clear_param_diffs(self) -> None:
        """Set the gradients of the parameters to zero; backward passes accumulate them."""
        for blob in self._params:
            blob.clear_diff()

    def forward_all(self, blobs: Sequence[str] | None = None, **data: np.ndarray) -> dict[str, np.ndarray]:
        """Run forward over arrays of any length in batches of the net's size; returns concatenated copies.

        Arrays without items give outputs without items.
        """
        parts = [copies(self.forward(blobs=blobs, **batch)) for batch in self._batch(data)]
        if data and not parts:
            parts = [self._views("data", self.outputs, blobs)]
        return joined(parts, length(data))

    def forward_backward_all(
        self, blobs: Sequence[str] | None = None, diffs: Sequence[str] | None = None, **arrays: np.ndarray
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Like `forward_all`, with a backward pass after each forward pass; `arrays` include the outputs' diffs."""
        data = self._batch({name: array for name, array in arrays.items() if name in self.inputs})
        tops = self._batch({name: array for name, array in arrays.items() if name in self.outputs})
        nothing: dict[str, Any] = {}
        outs, grads = [], []
        for batch, top_diffs in zip_longest(data, tops, fillvalue=nothing):
            outs.append(copies(self.forward(blobs=blobs, **batch)))
            grads.append(copies(self.backward(diffs=diffs, **top_diffs)))
        if arrays and not outs:
            outs, grads = [self._views("data", self.outputs, blobs)], [self._views("diff", self.inputs, diffs)]
        return joined(outs, length(arrays)), Diffs(joined(grads, length(arrays)), self._hint.read)

    def set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Set the arrays of the MemoryData layer at the start of the net, served batch by batch.

        data: (n, C, H, W) float32, contiguous, n a multiple of the batch size.  labels: (n,) or (n, 1, 1, 1) float32.
        """
        first = self._plan.layers[0].layer
        if not isinstance(first, MemoryData):
            raise CaffeError(
                f"net '{self.name}': set_input_arrays needs a MemoryData layer first, not layer '{first.name}' "
                f"({first.type})"
            )
        if labels.ndim == 1:
            labels = np.ascontiguousarray(labels[:, None, None, None])
        first.set_arrays(data, labels)

    _set_input_arrays = set_input_arrays

    def before_forward(self, callback: Callback) -> None:
        """Call `callback` with each layer's index before its forward pass."""
        self._callbacks.setdefault("before_forward", []).append(callback)

    def after_forward(self, callback: Callback) -> None:
        """Call `callback` with each layer's index after its forward pass."""
        self._callbacks.setdefault("after_forward", []).append(callback)

    def before_backward(self, callback: Callback) -> None:
        """Call `callback` with each layer's index before its backward pass."""
        self._callbacks.setdefault("before_backward", []).append(callback)

    def after_backward(self, callback: Callback | NCCL) -> None:
        """Call `callback` with each layer's index after its backward pass; an `NCCL`, a stub here, does nothing."""
        if not isinstance(callback, NCCL):
            self._callbacks.setdefault("after_backward", []).append(callback)

    # Weights.

    def copy_from(self, path: StrPath) -> None:
        """Copy the weights of layers with matching names from a caffemodel, an HDF5 file or a torch state dict.

        The gradients that a caffemodel stores with them are copied too, as in Caffe.
        """
        self._load(path)

    def load_hdf5(self, path: StrPath) -> None:
        """`copy_from` for an HDF5 file, under pycaffe's name."""
        self.copy_from(path)

    def save(self, path: StrPath, *, diffs: bool = False) -> None:
        """Write the net with its weights: a V2 caffemodel, or HDF5 if `path` ends in .h5 or .hdf5.

        diffs: also write the gradients of the weights, as a solver's `snapshot_diff` does.
        """
        self._plan.check_names()
        if os.fspath(path).endswith((".h5", ".hdf5")):
            self.save_hdf5(path, diffs=diffs)
        else:
            definition = pb.NetParameter(name=self._plan.name, layer=[w.layer.written() for w in self._plan.layers])
            write_caffemodel(path, definition, self._weights(), self._diffs() if diffs else None)

    def save_hdf5(self, path: StrPath, *, diffs: bool = False) -> None:
        """Write the weights as HDF5, with their gradients if `diffs`.

        As in Caffe, every layer gets a group, and a shared parameter is written for its owner.
        """
        self._plan.check_names()
        written = [layer for layer in self.bound_layers if layer.blobs or "/" not in layer.name]
        weights = {layer.name: layer.own_weights() for layer in written}
        gradients = {name: self._diffs().get(name, []) for name in weights} if diffs else None
        write_hdf5_weights(path, weights, diffs=gradients)

    def share_with(self, other: Net) -> None:
        """Share the memory of `other`'s weights for all layers with matching names."""
        first = self._first_params()
        for name, theirs in other.params.items():
            ours: Sequence[Blob] = first.get(name, ())
            if not ours:
                continue
            if [blob.axes for blob in ours] != [blob.axes for blob in theirs]:
                raise CaffeError(
                    f"layer '{name}': parameters of shapes {[b.axes for b in ours]} can't share the memory of shapes "
                    f"{[b.axes for b in theirs]}"
                )
            for blob, source in zip(ours, theirs, strict=True):
                blob.share_data(source)

    def _bind(self, wired: WiredLayer) -> NetLayer:
        return NetLayer(
            wired,
            [self._blobs[b] for b in wired.bottoms],
            [self._blobs[t] for t in wired.tops],
            [self._param(p, shape) for p, shape in zip(wired.params, wired.param_shapes, strict=True)],
        )

    def _param(self, index: int, shape: tuple[int, ...]) -> Blob:
        """Return the parameter, or its memory in another shape for a layer sharing it permissively."""
        owner = self._params[index]
        if owner.axes == shape:
            return owner
        blob = Blob(*shape)
        blob.share_data(owner)
        blob.share_diff(owner)
        return blob

    def _fill(self) -> None:
        """Initialize the parameters by their fillers at first use, each with a seed drawn now.

        A prototxt thus costs no memory whatever sizes it claims, and weights from a file skip the fillers.
        """
        for blob, param in zip(self._params, self._plan.params, strict=True):
            filler = param.blob.filler
            if param.blob.made is None and (filler.type != "constant" or filler.value != 0):
                seed = int(torch.randint(2**62, (), generator=mode.generator(HOST)))
                blob.fill_data(partial(_fill, filler=filler, seed=seed))

    def _load(self, path: StrPath, whole: bool = False) -> None:
        """Copy weights and gradients from a file; a blob may adopt an array's memory.

        whole: a state dict must have all layers of the net, and no others.
        """
        slots = [(layer.name, layer.slots()) for layer in self.bound_layers if layer.blobs]
        with naming(path):
            weights = read_weights(path)
            if whole:
                check_layers(self._plan.name, slots, weights)
            copy_weights(slots, weights)
            diffs = read_diffs(path)
        first = self._first_params() if diffs else {}
        for name in first.keys() & diffs.keys():
            for blob, diff in zip(first[name], diffs[name], strict=False):
                if diff.size:
                    values = torch.from_numpy(diff).view(blob.axes)
                    blob.put_diff(values, fresh=is_fresh(values, ()))

    def _first_params(self) -> dict[str, BlobVec]:
        """The parameters by layer; of two layers with one name the first's."""
        return {layer.name: layer.blobs for layer in reversed(self.bound_layers)}

    def _weights(self) -> dict[str, list[np.ndarray]]:
        return {name: [blob.data_on(HOST).numpy() for blob in blobs] for name, blobs in self.params.items()}

    def _diffs(self) -> dict[str, list[np.ndarray]]:
        return {name: [blob.diff_on(HOST).numpy() for blob in blobs] for name, blobs in self.params.items()}

    def _forward(self, first: int, last: int) -> float:
        """Run the layers of these indices, inclusive; returns the loss."""
        loss = 0.0
        with self._running() as (device, generator):
            for i in range(first, last + 1):
                self._call("before_forward", i)
                self.bound_layers[i].reshape()
                loss += self.bound_layers[i].forward(device, generator, param_gradients=self.param_gradients)
                self._call("after_forward", i)
        return loss

    def _backward(self, first: int, last: int) -> None:
        """Backpropagate through the layers from index `first` down to `last`, inclusive."""
        self._hint.stop()
        with self._running() as (device, _):
            for i in range(first, last - 1, -1):
                self._call("before_backward", i)
                if self.bound_layers[i].wired.backward:
                    self.bound_layers[i].backward(device, param_gradients=self.param_gradients)
                self._call("after_backward", i)

    @contextmanager
    def _running(self) -> Iterator[tuple[torch.device, torch.Generator]]:
        """The device of this pass and its random state."""
        device = mode.current_device() if self._device is None else self._device
        with torch.no_grad(), mode.exact():
            yield device, mode.generator(device)

    def _call(self, event: str, index: int) -> None:
        for callback in self._callbacks.get(event, ()):
            callback(index)

    def _views(
        self, side: Literal["data", "diff"], names: Sequence[str], more: Sequence[str] | None
    ) -> dict[str, np.ndarray]:
        return {name: getattr(self._blob(name), side) for name in [*names, *_none_to_empty(more)]}

    def _batch(self, arrays: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
        """Slice arrays into batches of the net's size (pycaffe's `_Net_batch`)."""
        return batches(arrays, self._blobs[0].shape[0])

    def _warn_of_order(self, lower: int, upper: int, what: str) -> None:
        if lower > upper and self.bound_layers:
            LOGGER.warning(
                "net '%s': %s runs no layer: '%s' comes after '%s'",
                *(self._plan.name, what, self.bound_layers[lower].name, self.bound_layers[upper].name),
            )

    def _check_names(self, given: Mapping[str, np.ndarray], wanted: Sequence[str], what: str) -> None:
        if set(given) != set(wanted):
            raise CaffeError(f"net '{self._plan.name}': its {what} are {list(wanted)}; got arrays for {list(given)}")


def _read(path: StrPath) -> pb.NetParameter:
    return located(read_net(path), os.path.dirname(path))


def _made(param: ParamBlob) -> Blob:
    return Blob(*param.shape) if param.made is None else param.made


def _fill(values: torch.Tensor, filler: pb.FillerParameter, seed: int) -> None:
    fill(values, filler, torch.Generator().manual_seed(seed))


def _none_to_empty(names: Sequence[str] | None) -> Sequence[str]:
    return () if names is None else names
