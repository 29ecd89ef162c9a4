"""`to_onnx`: export to ONNX by torch's exporter."""

from __future__ import annotations

import importlib.util
import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Any

import torch
from torch import Tensor

from ...errors import CaffeError, DgnamError, MissingPackageError, closest
from ..layer import Shape
from .to_torch import TorchLayer, TorchNet

LARGEST_FILE = 2_000_000_000
"""The maximum size of weights, in bytes, stored in the ONNX file itself; protobuf's limit is 2 GiB."""

Axes = Sequence[int | None]
"""The batch axis of each input; None for a fixed shape."""


def to_onnx(
    net: TorchNet,
    path: str | os.PathLike[str],
    *,
    batch_axis: int | Mapping[str, int | None] | None = 0,
    opset_version: int | None = None,
) -> None:
    """Write the net in `eval()` mode as an ONNX file, with the same outputs for batches of any size.

    path: the file; weights of more than 2 GB are stored beside it, in `<path>.data`.
    batch_axis: the batch axis of the inputs; None fixes all axes to the prototxt's sizes.  A mapping gives it by the
        input's name, by default 0.  RNN and LSTM have their streams on axis 1 and a fixed number of steps.
    opset_version: the ONNX version; None is torch's default.

    Inputs and outputs have the blobs' names; all axes but the batch have the prototxt's sizes.

    Raises MissingPackageError without onnx and onnxscript, and CaffeError naming a layer that ONNX can't express.
    """
    _check_installed()
    axes = _axes(net, batch_axis)
    examples = tuple(_example(shape, axis) for shape, axis in zip(net.input_shapes, axes, strict=True))
    training = net.training
    net.eval()
    try:
        with _quiet(), torch.no_grad():
            _convert(net, _graph(net, examples, axes), path, axes, opset_version)
    finally:
        net.train(training)


def _graph(net: TorchNet, examples: tuple[Tensor, ...], axes: Axes) -> torch.export.ExportedProgram:
    """Trace the net; an error names the layer reached."""
    reached: list[TorchLayer] = []
    layers = [m for m in net.children() if isinstance(m, TorchLayer)]
    hooks = [m.register_forward_pre_hook(lambda m, _: reached.append(m)) for m in layers]
    hooks.append(net.register_forward_hook(lambda *_: reached.clear()))
    try:
        return _traced(net, examples, axes)
    except DgnamError:
        raise
    except Exception as error:  # the exporter's errors have no common base
        if reached:
            raise _inexpressible(reached[-1], error) from error
        raise CaffeError(
            f"the inputs {net.input_names} don't share one batch size; fix the shapes of those without a batch axis by "
            f"batch_axis={{name: None}}, or all by batch_axis=None: {_first_line(error)}"
        ) from error
    finally:
        for hook in hooks:
            hook.remove()


def _traced(module: torch.nn.Module, examples: tuple[Tensor, ...], axes: Axes) -> torch.export.ExportedProgram:
    return torch.export.export(module, examples, dynamic_shapes=_dynamic(axes, torch.export.Dim.DYNAMIC), strict=False)


def _convert(
    net: TorchNet,
    graph: torch.export.ExportedProgram,
    path: str | os.PathLike[str],
    axes: Axes,
    opset_version: int | None,
) -> None:
    size = sum(t.numel() * t.element_size() for t in (*net.parameters(), *net.buffers()))
    try:
        torch.onnx.export(
            graph,
            f=os.fspath(path),
            input_names=net.input_names,
            output_names=net.output_names,
            dynamic_shapes=_dynamic(axes, "batch"),
            opset_version=opset_version,
            external_data=size > LARGEST_FILE,
            dynamo=True,
            verbose=False,
        )
    except torch.onnx.errors.OnnxExporterError as error:
        raise _culprit(net, graph, error) from error


def _culprit(net: TorchNet, graph: torch.export.ExportedProgram, error: Exception) -> CaffeError:
    """Return an error naming the first layer, trying one of each type, that can't be converted by itself."""
    shapes: dict[str, list[Shape]] = {}
    layers = {m.layer.type: m for m in reversed(list(net.children())) if isinstance(m, TorchLayer)}
    hooks = [
        m.register_forward_pre_hook(lambda m, bottoms: shapes.update({m.layer.type: [tuple(b.shape) for b in bottoms]}))
        for m in layers.values()
    ]
    examples, _ = graph.example_inputs
    net(*examples)
    for hook in hooks:
        hook.remove()
    for layer in reversed(layers.values()):
        try:
            bottoms = tuple(torch.ones(shape) for shape in shapes[layer.layer.type])
            torch.onnx.export(_traced(layer, bottoms, [None] * len(bottoms)), dynamo=True, verbose=False)
        except Exception as reason:  # of any type, but caused by this layer
            return _inexpressible(layer, reason)
    return CaffeError(f"can't write the net as ONNX: {_first_line(error)}")


def _inexpressible(layer: TorchLayer, error: BaseException) -> CaffeError:
    while error.__cause__ is not None:
        error = error.__cause__
    return layer.layer.fail(
        f"can't be written as ONNX: {_first_line(error)}; to_torch(…, outputs=[…]) omits layers not needed for these "
        "blobs"
    )


def _axes(net: TorchNet, batch_axis: int | Mapping[str, int | None] | None) -> list[int | None]:
    given = batch_axis if isinstance(batch_axis, Mapping) else dict.fromkeys(net.input_names, batch_axis)
    for name in given:
        if name not in net.input_names:
            raise CaffeError(f"batch_axis names '{name}'; the net's inputs are {closest(name, net.input_names)}")
    axes = [given.get(name, 0) for name in net.input_names]
    for name, shape, axis in zip(net.input_names, net.input_shapes, axes, strict=True):
        if axis is not None and not 0 <= axis < len(shape):
            raise CaffeError(f"batch_axis {axis} is not an axis of the input '{name}' of shape {shape}")
    return axes


def _example(shape: Shape, axis: int | None) -> Tensor:
    """Return ones with a batch of two: tracing would treat a batch of one as a fixed size."""
    return torch.ones([2 if i == axis else n for i, n in enumerate(shape)])


def _dynamic(axes: Axes, batch: Any) -> tuple[tuple[dict[int, Any] | None, ...], ...]:
    """Return the dynamic shapes for torch's exporters: one tuple for all inputs of `forward`."""
    return (tuple(None if axis is None else {axis: batch} for axis in axes),)


def _check_installed() -> None:
    missing = [name for name in ("onnx", "onnxscript") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackageError(f"to_onnx needs {' and '.join(missing)}: pip install 'dgnam[onnx]'")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter's warnings and dumps of graphs."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _first_line(error: BaseException) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
