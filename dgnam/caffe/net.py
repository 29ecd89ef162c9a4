"""The eager net: pycaffe's `Net`, layer by layer on blobs that persist from pass to pass.

    net = Net("deploy.prototxt", "net.caffemodel", TEST)
    net.blobs["data"].data[...] = image
    net.forward(end="fc8")
    net.blobs["fc8"].diff[0, 643] = 1
    net.backward(start="fc8")
    gradient = net.blobs["data"].diff

Forward and backward work on the data and diffs as they stand: whatever was written into a blob counts, and a pass may
start and end at any layer.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import zip_longest
from typing import Any

import numpy as np
import torch

from ..errors import ArgumentError, CaffeError, naming
from . import layer_types, mode  # noqa: F401  (layer_types registers the layer types)
from .blob import HOST, Blob
from .filler import fill
from .glog import LOGGER
from .layer import ParamBlob
from .layer_types.data.memory_data import MemoryData
from .proto import pb, read_net, read_weights, write_caffemodel, write_hdf5_weights
from .wiring.batches import batches, copies, joined, length
from .wiring.bound_layer import NetLayer
from .wiring.build import WiredLayer, build
from .wiring.input_array import assign
from .wiring.names import NetNames
from .wiring.weights import Weights, copy_weights

StrPath = str | os.PathLike[str]
Callback = Callable[[int], Any]


class Net(NetNames):
    """A net in one phase, with its weights.

    network_file: the prototxt; or the definition itself, in the present form.
    phase: TRAIN or TEST.  pycaffe's older form `Net(network_file, weights, phase)` is taken too.
    level, stages: with `phase`, which layers the include and exclude rules admit.
    weights: a caffemodel or HDF5 file; without one the parameters are filled as the prototxt's fillers say.
    device: where to run; None follows `set_mode_cpu` and `set_mode_gpu`, pass by pass.
    param_gradients: whether backward computes the gradients of the parameters too; may be changed at any time.
        Without them no memory is spent on them.

    name: the prototxt's; it may be changed, and stays the prototxt's in what `save` writes.
    blobs, params: the arrays by name, in order; the parameters of a layer are a list.  Of several layers of one name
        the last one is found, and only `layers` lists them all.
    layers: the layers in order, the automatic Split layers among them; a Python layer is the object of its class.
    bound_layers: the same, each with its blobs, and none the object of a Python class.
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
            raise ArgumentError(f"Net needs a phase, TRAIN ({pb.TRAIN}) or TEST ({pb.TEST}), and got {phase!r}")
        self.param_gradients = param_gradients
        self._device = None if device is None else torch.device(device)
        with nullcontext() if isinstance(network_file, pb.NetParameter) else naming(network_file):
            definition = network_file if isinstance(network_file, pb.NetParameter) else read_net(network_file)
            self._plan = build(definition, phase, level, _none_to_empty(stages), generator=mode.generator(HOST))
        self.name = self._plan.name
        self._blobs = self._plan.blobs
        self._params = [_made(param.blob) for param in self._plan.params]
        self.bound_layers = [self._bind(wired) for wired in self._plan.layers]
        self.layers: list[Any] = [bound.face for bound in self.bound_layers]
        self._callbacks: dict[str, list[Callback]] = {}
        self._fill()
        if pretrained is not None:
            self.copy_from(pretrained)

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
        """Run the layers from `start` to `end`, both included, and return views of the blobs they end in.

        Where `end` comes before `start` nothing runs, as in pycaffe.
        blobs: names of more blobs to return.
        data: arrays for the inputs, all of them or none; without any the input blobs count as they stand.
        """
        first, last = self._layer(start, 0), self._layer(end, len(self.layers) - 1)
        self._warn_of_order(first, last, "forward")
        if data:
            self._check_names(data, self.inputs, "inputs")
            for name, values in data.items():
                assign(name, self.blobs[name].data, values)
        self._forward(first, last)
        ends = self.outputs if end is None else self.top_names[end]
        return {name: self._blob(name).data for name in [*ends, *_none_to_empty(blobs)]}

    def backward(
        self,
        diffs: Sequence[str] | None = None,
        start: str | None = None,
        end: str | None = None,
        **top_diffs: np.ndarray,
    ) -> dict[str, np.ndarray]:
        """Run the gradients of the layers from `start` down to `end`, both included, and return views of them.

        Only layers that need it are run: those between a parameter that learns and a loss, or all with
        force_backward.

        diffs: names of more blobs whose diffs are returned, besides those of the inputs or of the bottoms of `end`.
        top_diffs: arrays for the outputs' diffs, all of them or none; without any the diffs count as they stand.
        """
        first, last = self._layer(start, len(self.layers) - 1), self._layer(end, 0)
        self._warn_of_order(last, first, "backward")
        if top_diffs:
            self._check_names(top_diffs, self.outputs, "outputs")
            for name, values in top_diffs.items():
                assign(name, self.blobs[name].diff, values)
        self._backward(first, last)
        ends = self.inputs if end is None else self.bottom_names[end]
        return {name: self._blob(name).diff for name in [*ends, *_none_to_empty(diffs)]}

    def reshape(self) -> None:
        """Give all blobs the shapes that follow from the inputs'; forward does so too, layer by layer."""
        for layer in self.bound_layers:
            layer.reshape()

    def clear_param_diffs(self) -> None:
        """Set the gradients of the parameters, to which backward adds, to zero."""
        for blob in self._params:
            blob.clear_diff()

    def forward_all(self, blobs: Sequence[str] | None = None, **data: np.ndarray) -> dict[str, np.ndarray]:
        """Run forward over arrays of any length, a batch of the net at a time; returns copies, all batches joined."""
        parts = [copies(self.forward(blobs=blobs, **batch)) for batch in self._batch(data)]
        return joined(parts, length(data))

    def forward_backward_all(
        self, blobs: Sequence[str] | None = None, diffs: Sequence[str] | None = None, **arrays: np.ndarray
    ) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """The same with a backward pass after each forward one; `arrays` are inputs' data and outputs' diffs."""
        data = self._batch({name: array for name, array in arrays.items() if name in self.inputs})
        tops = self._batch({name: array for name, array in arrays.items() if name in self.outputs})
        nothing: dict[str, Any] = {}
        outs, grads = [], []
        for batch, top_diffs in zip_longest(data, tops, fillvalue=nothing):
            outs.append(copies(self.forward(blobs=blobs, **batch)))
            grads.append(copies(self.backward(diffs=diffs, **top_diffs)))
        return joined(outs, length(arrays)), joined(grads, length(arrays))

    def set_input_arrays(self, data: np.ndarray, labels: np.ndarray) -> None:
        """Give the MemoryData layer that the net begins with its arrays, which are served batch by batch.

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

    def after_backward(self, callback: Callback) -> None:
        """Call `callback` with each layer's index after its backward pass."""
        self._callbacks.setdefault("after_backward", []).append(callback)

    # Weights.

    def copy_from(self, path: StrPath) -> None:
        """Copy the weights of all layers of the same names from a caffemodel or HDF5 file."""
        with naming(path):
            self._copy(read_weights(path))

    def load_hdf5(self, path: StrPath) -> None:
        """pycaffe's name for `copy_from` with an HDF5 file."""
        self.copy_from(path)

    def save(self, path: StrPath, *, diffs: bool = False) -> None:
        """Write the net with its weights: a V2 caffemodel, or HDF5 where `path` ends in .h5 or .hdf5.

        diffs: write the gradients of the weights too, as a solver's `snapshot_diff` does.
        """
        self._plan.check_names()
        if os.fspath(path).endswith((".h5", ".hdf5")):
            self.save_hdf5(path, diffs=diffs)
        else:
            definition = pb.NetParameter(name=self._plan.name, layer=[w.layer.written() for w in self._plan.layers])
            write_caffemodel(path, definition, self._weights(), self._diffs() if diffs else None)

    def save_hdf5(self, path: StrPath, *, diffs: bool = False) -> None:
        """Write the weights alone, as HDF5; with `diffs` their gradients too.

        As in Caffe every layer gets a group, and a parameter that is shared is written for the layer that owns it.
        """
        self._plan.check_names()
        written = [layer for layer in self.bound_layers if layer.blobs or "/" not in layer.name]
        weights = {layer.name: layer.own_weights() for layer in written}
        gradients = {name: self._diffs().get(name, []) for name in weights} if diffs else None
        write_hdf5_weights(path, weights, diffs=gradients)

    def share_with(self, other: Net) -> None:
        """Use the memory of `other`'s weights for all layers of the same names, from now on."""
        first = {layer.name: layer.blobs for layer in reversed(self.bound_layers)}
        for name, theirs in other.params.items():
            ours: Sequence[Blob] = first.get(name, ())
            if not ours:
                continue
            if [blob.shape for blob in ours] != [blob.shape for blob in theirs]:
                raise CaffeError(
                    f"layer '{name}': parameters of shapes {[b.shape for b in ours]} can't share the memory of shapes "
                    f"{[b.shape for b in theirs]}"
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
        """The parameter, or its memory in another shape for a layer that shares it permissively."""
        owner = self._params[index]
        if owner.shape == shape:
            return owner
        blob = Blob(*shape)
        blob.share_data(owner)
        blob.share_diff(owner)
        return blob

    def _fill(self) -> None:
        """Have the parameters filled as their fillers say, at their first use, each with a seed drawn now.

        So a prototxt alone costs no memory, whatever sizes it claims, and weights from a file cost no filling before.
        """
        for blob, param in zip(self._params, self._plan.params, strict=True):
            filler = param.blob.filler
            if param.blob.made is None and (filler.type != "constant" or filler.value != 0):
                seed = int(torch.randint(2**62, (), generator=mode.generator(HOST)))
                blob.fill_data(partial(_fill, filler=filler, seed=seed))

    def _copy(self, weights: Weights) -> None:
        """Copy weights that were read for this net alone: a blob may take an array as its memory."""
        copy_weights(((layer.name, layer.slots()) for layer in self.bound_layers), weights)

    def _weights(self) -> dict[str, list[np.ndarray]]:
        return {name: [blob.data_on(HOST).numpy() for blob in blobs] for name, blobs in self.params.items()}

    def _diffs(self) -> dict[str, list[np.ndarray]]:
        return {name: [blob.diff_on(HOST).numpy() for blob in blobs] for name, blobs in self.params.items()}

    def _forward(self, first: int, last: int) -> float:
        """Run the layers of these indices, both included; returns the loss."""
        loss = 0.0
        with self._running() as (device, generator):
            for i in range(first, last + 1):
                self._call("before_forward", i)
                self.bound_layers[i].reshape()
                loss += self.bound_layers[i].forward(device, generator, param_gradients=self.param_gradients)
                self._call("after_forward", i)
        return loss

    def _backward(self, first: int, last: int) -> None:
        """Run the gradients of the layers from index `first` down to `last`, both included."""
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
        with torch.no_grad(), mode.exact(device):
            yield device, mode.generator(device)

    def _call(self, moment: str, index: int) -> None:
        for callback in self._callbacks.get(moment, ()):
            callback(index)

    def _batch(self, arrays: Mapping[str, np.ndarray]) -> Iterator[dict[str, Any]]:
        """pycaffe's name for the slices of the net's batch size."""
        return batches(arrays, self._blobs[0].shape[0])

    def _warn_of_order(self, lower: int, upper: int, what: str) -> None:
        if lower > upper and self.bound_layers:
            LOGGER.warning(
                "net '%s': %s runs nothing between layer '%s' and '%s', which comes before it",
                *(self._plan.name, what, self.bound_layers[lower].name, self.bound_layers[upper].name),
            )

    def _check_names(self, given: Mapping[str, np.ndarray], wanted: Sequence[str], what: str) -> None:
        if set(given) != set(wanted):
            raise CaffeError(
                f"net '{self._plan.name}': its {what} are {list(wanted)}, and arrays were given for {list(given)}"
            )


def _made(param: ParamBlob) -> Blob:
    return Blob(*param.shape) if param.made is None else param.made


def _fill(values: torch.Tensor, filler: pb.FillerParameter, seed: int) -> None:
    fill(values, filler, torch.Generator().manual_seed(seed))


def _none_to_empty(names: Sequence[str] | None) -> Sequence[str]:
    return () if names is None else names
