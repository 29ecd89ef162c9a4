"""Which axis of a torch module's output holds its features.

Convolutions, batch norm and pooling keep them in the second axis; linear layers, layer norm and recurrent nets in the
last.  A module that says neither (an activation, dropout, a residual block) has them where the nearest module before
it, or else after it, has them that sees the same shape.  Where there is none, they are in the last axis of tokens
(N, T, C), and in the second of all else.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

Shape = tuple[int, ...]

SECOND = {
    f"torch.nn.modules.{name}"
    for name in ("batchnorm", "channelshuffle", "conv", "fold", "instancenorm", "pixelshuffle", "pooling", "upsampling")
}
"""The modules of torch that hold layers with features in the second axis."""

LAST = {f"torch.nn.modules.{name}" for name in ("linear", "rnn", "sparse", "transformer")}
"""Those with features in the last axis."""

KNOWN_AXES: dict[type[nn.Module], int] = {
    nn.Identity: 0,
    nn.LayerNorm: -1,
    nn.RMSNorm: -1,
    nn.MultiheadAttention: -1,
    nn.GroupNorm: 1,
    nn.LocalResponseNorm: 1,
    nn.Softmax2d: 1,
    nn.Dropout1d: 1,
    nn.Dropout2d: 1,
    nn.Dropout3d: 1,
}
"""Of layers whose modules hold both kinds; 0 is unknown."""

SIZES = ("out_features", "normalized_shape", "num_features", "num_channels", "out_channels")
"""The attributes that say how many features a layer has."""


class FeatureAxes:
    """What the modules of one pass say about the axes of the shapes that they see, in the order of the pass."""

    def __init__(self) -> None:
        self._said: list[tuple[int, Shape, int]] = []
        self._count = 0

    def saw(self, module: nn.Module, inputs: Sequence[Shape], output: Shape) -> int:
        """Take in a module that has run; returns its place in the pass."""
        self._count += 1
        axis = declared_axis(module, output)
        if axis:
            self._said.append((self._count, output, axis))
            takes = -1 if axis == len(output) - 1 else 1
            for shape in inputs:
                if len(shape) > 2:
                    self._said.append((self._count, shape, takes % len(shape)))
        return self._count

    def axis(self, place: int, output: Shape) -> int:
        """The axis of the features of an output (N, …), made at this place of the pass."""
        if len(output) < 3:
            return 1
        alike = [(at, axis) for at, shape, axis in self._said if shape[1:] == output[1:]]
        before = [axis for at, axis in alike if at <= place]
        after = [axis for at, axis in alike if at > place]
        if before or after:
            return before[-1] if before else after[0]
        return 2 if len(output) == 3 else 1


def declared_axis(module: nn.Module, output: Shape) -> int | None:
    """The axis that the module's type says, for an output of more than two axes; None where it says nothing."""
    if len(output) < 3:
        return None
    axis = next((KNOWN_AXES[kind] for kind in type(module).__mro__ if kind in KNOWN_AXES), None)
    if axis is None:
        places = {kind.__module__ for kind in type(module).__mro__}
        axis = 1 if places & SECOND else -1 if places & LAST else 0
    if axis == 0:
        return _flattened(module, output)
    if axis == 1:
        return 1
    size = _features(module)
    # A layer norm for images, as torchvision's, transposes them for the time of the norm.
    return 1 if size is not None and output[-1] != size and output[1] == size else len(output) - 1


def _flattened(module: nn.Module, output: Shape) -> int | None:
    """`nn.Flatten(2)` leaves the channels of an image where they are."""
    return 1 if isinstance(module, nn.Flatten) and module.start_dim == 2 else None


def _features(module: nn.Module) -> int | None:
    """How many features the module has, if it says so."""
    for name in SIZES:
        size = getattr(module, name, None)
        if isinstance(size, int):
            return size
        if isinstance(size, tuple) and size and isinstance(size[-1], int):
            return size[-1]
    return None
