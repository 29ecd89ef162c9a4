"""Whether a backend's nets, which run the published loop, can do what a run asks for."""

from __future__ import annotations

from collections.abc import Sequence

from ..am import CaffeTarget, Objective, Settings, Unit
from ..am.framing import CenterCrop, choose_framing
from ..am.gray import is_gray
from ..am.published.loop import check_settings
from ..caffe.modules.precision import FLOAT32
from ..caffe.proto import read_net
from ..errors import ArgumentError, DgnamError
from .priors import ResolvedPrior
from .targets import ResolvedTarget


def check_published(
    target: ResolvedTarget,
    prior: ResolvedPrior,
    objectives: Sequence[Objective],
    settings: Sequence[Settings],
    device: str,
    precision: str = FLOAT32,
) -> None:
    """Raise ArgumentError for what the published loop on a backend's nets would ignore or get wrong.

    It runs on the CPU, takes single units and the published settings, and gives the target the center of what the
    generator makes, BGR minus 104, 117, 123.
    """
    if target.files is None or prior.files is None:
        raise ArgumentError(
            "a backend runs nets from their prototxts and weights: give target and prior by name or path"
        )
    if device != "cpu":
        raise ArgumentError(f"device '{device}': a backend runs on the CPU; leave the backend or the device out")
    if precision != FLOAT32:
        raise ArgumentError(f"precision {precision}: a backend computes in float32; leave one of the two out")
    other = next((one for one in objectives if not isinstance(one, Unit)), None)
    if other is not None:
        raise ArgumentError(f"objective {other}: a backend's loop takes single units; leave the backend out")
    for one in settings:
        try:
            check_settings(one)
        except DgnamError as error:
            raise ArgumentError(f"{error}, without a backend") from None
    _check_images(target, prior)
    _check_layers(target, objectives)
    for path in (target.files[0], prior.files[0]):
        if not read_net(path).force_backward:
            raise ArgumentError(
                f"{path}: a backend gives its input no gradient without the line 'force_backward: true'; add it, or "
                "leave the backend out"
            )


def _check_layers(target: ResolvedTarget, objectives: Sequence[Objective]) -> None:
    """Raise ArgumentError for a layer (N, T, C) or (N, C, T), whose units that loop can't find."""
    for layer in dict.fromkeys(layer for objective in objectives for layer in objective.layers):
        shape = target.target.layer_shape(layer)
        if len(shape) == 2:
            raise ArgumentError(
                f"layer '{layer}' of '{target.name}' has the shape {shape}, and a backend's loop reads units of (C,) "
                "and (C, H, W); leave the backend out"
            )


def _check_images(target: ResolvedTarget, prior: ResolvedPrior) -> None:
    """Raise ArgumentError unless the target takes the generator's images as they are, by their center."""
    net = target.target
    if is_gray(net) or is_gray(prior.prior):
        raise ArgumentError(
            "a backend's loop takes nets of three channels, and one here has one; leave the backend out"
        )
    if isinstance(net, CaffeTarget) and (net.shift is not None or net.scale != 1 or net.channels != "BGR"):
        raise ArgumentError(
            f"target '{target.name}' has a mean, scale or channels of its own, and a backend's loop gives it BGR minus "
            "104, 117, 123; leave the backend out"
        )
    outer, inner = prior.prior.image_size, net.size
    if not isinstance(choose_framing(outer, inner), CenterCrop):
        raise ArgumentError(
            f"a backend's loop crops, and the target's {inner[0]}x{inner[1]} of the generator's {outer[0]}x{outer[1]} "
            "are no crop of at least half; leave the backend out"
        )
