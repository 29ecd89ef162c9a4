"""A Caffe net that sees clips as a target: its images are film strips, the frames side by side.

ClipTarget(zoo.load("action-lstm-motion-mini"))                     # 16 frames of 56x56, a strip of 56x896
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ...caffe.modules.caffe_module import CaffeModule, clip_layer
from ...caffe.wiring.build import NetPlan
from ...errors import DgnamError, closest, shortened
from ..borrow import borrowed
from ..torch_modules import device_of, from_module, to_module
from .caffe_target import CaffeTarget


class _Frames(CaffeTarget):
    """The net's preprocessing, of single frames."""

    def check_plan(self, plan: NetPlan) -> None:
        if clip_layer(plan) is None:
            raise DgnamError(f"net '{plan.name}' sees single images: give it as CaffeTarget(…)")


class ClipTarget:
    """A Caffe net over clips (an LRCN) as a target.

    frames: the number of frames of a clip, T.
    frame_size: their height and width; `size` is that of the strip, (H, T * W).

    The net takes T * N frames, all first ones before all second ones, and a layer splits them into (T, N, …).  A second
    input of shape (T, N) or (T * N,), such as `cont` or `clip_markers`, gets 0 for the first frame of a clip and 1 for
    the others.  A layer that has values for each frame counts as their mean over the frames.
    The arguments are those of `CaffeTarget`.
    """

    def __init__(self, module: CaffeModule, **preprocessing: Any):
        self._net, self.module, plan = _Frames(module, **preprocessing), module, module.plan
        reshape = plan.layers[plan.layer_index(str(clip_layer(plan)))]
        self.frames = int(plan.blob_shapes[reshape.tops[0]][0])
        self.frame_size = self._net.size
        self.scale, self.channels, self.shift = self._net.scale, self._net.channels, self._net.shift
        self.gray = self._net.gray
        self.size = (self.frame_size[0], self.frames * self.frame_size[1])
        self._clips = plan.blob_shapes[plan.inputs[0]][0] // self.frames
        if len(plan.inputs) > 2:
            raise DgnamError(
                f"net '{plan.name}' has the inputs {module.input_names}; one of clips takes frames and, if need be, "
                "markers of each clip's first frame"
            )

    @property
    def running(self) -> CaffeModule:
        """The module, where it computes."""
        return self._net.running

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """Values (N, C) or (N, C, H, W) of each layer, from strips (N, 3, H, T * W)."""
        for layer in layers:
            self.layer_shape(layer)
        found = self._values(images, layers)
        return {layer: self._per_clip(layer, values) for layer, values in found.items()}

    def layers(self) -> list[str]:
        """Layers with a value for each clip, or for each frame of each."""
        return list(self._axes)

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        """Shape of one clip's values."""
        if layer not in self._axes:
            self.module.plan.layer_index(layer)
            known = closest(layer, self.layers())
            raise DgnamError(f"layer '{layer}' has no values of single clips; layers that have: {known}")
        return self._axes[layer][1]

    def to(self, device: torch.device) -> None:
        self._net.to(device)

    def _values(self, strips: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The first tops of layers, as the net leaves them."""
        count = len(strips)
        frames = strips.unflatten(3, (self.frames, self.frame_size[1])).permute(3, 0, 1, 2, 4).flatten(0, 1)
        given = to_module(self._net.preprocess(frames), self.running)
        markers = {name: self._markers(name, count).to(given) for name in self.module.input_names[1:]}
        with borrowed(self.running):
            found = self.running.values_at(layers, given, **markers)
        return {layer: from_module(values, strips.device) for layer, values in found.items()}

    def _markers(self, name: str, count: int) -> Tensor:
        goes_on = torch.ones(self.frames, count)
        goes_on[0] = 0
        shape = self.module.plan.blob_shapes[self.module.plan.blob_index(name)]
        if tuple(shape) == (self.frames * self._clips,):
            return goes_on.flatten()
        if tuple(shape) != (self.frames, self._clips):
            wanted = (self.frames, self._clips)
            raise DgnamError(f"net '{self.module.plan.name}': its input '{name}' is {tuple(shape)}, and not {wanted}")
        return goes_on

    @cached_property
    def _axes(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """Of each layer that can be read, how its values are laid out and the shape of one clip's.

        Told from a pass of two clips and one of three: the axis that grows is the clips'.
        """
        plan = self.module.plan
        names = [wired.name for wired in plan.layers if wired.tops and wired.layer.type not in ("Split", "Input")]
        device = device_of(self.running)
        with torch.no_grad():
            try:
                strips = torch.zeros(3, 3, *self.size, dtype=torch.float32, device=device)
                two, three = (self._values(strips[:count], names) for count in (2, 3))
            except Exception as error:
                reason = shortened(str(error), 300)
                raise DgnamError(
                    f"net '{plan.name}' takes no other number of clips than its own ({reason}); write -1 for it where "
                    "layers reshape"
                ) from error
        found = {}
        for name in names:
            small, large = tuple(two[name].shape), tuple(three[name].shape)
            kind = _kind(small, large, self.frames)
            if kind is not None:
                found[name] = kind, small[{CLIPS: 1, FRAMES: 1, TIME: 2}[kind] :]
        return found

    def _per_clip(self, layer: str, values: Tensor) -> Tensor:
        kind = self._axes[layer][0]
        if kind == CLIPS:
            return values
        return (values.unflatten(0, (self.frames, -1)) if kind == FRAMES else values).mean(0)


CLIPS, FRAMES, TIME = "(N, …)", "(T * N, …)", "(T, N, …)"
"""How values are laid out; their shapes for N clips of T frames."""


def _kind(two: tuple[int, ...], three: tuple[int, ...], frames: int) -> str | None:
    """The layout of values with these shapes for two clips and for three; None for any other."""
    for kind, lead in ((CLIPS, lambda n: (n,)), (FRAMES, lambda n: (frames * n,)), (TIME, lambda n: (frames, n))):
        axes = len(lead(2))
        if two[:axes] == lead(2) and three[:axes] == lead(3) and two[axes:] == three[axes:] and len(two) > axes:
            return kind
    return None
