"""Several targets as one, for objectives across networks.

JointTarget(caffenet=CaffeTarget(…), resnet=TorchTarget(…))     # layers named caffenet.fc8, resnet.fc
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ...errors import DgnamError, closest
from ..framing import choose_framing
from ..gray import is_gray
from .target import Target


class JointTarget:
    """Several targets as one: layer fc8 of the target named `places` is `places.fc8`.

    Each target has its own framing of the shared image: its center or, resized, the whole.
    """

    def __init__(self, size: tuple[int, int] | None = None, **targets: Target):
        """size: height and width of the shared image; None takes the largest input among the targets."""
        if not targets:
            raise DgnamError("JointTarget needs at least one target, as JointTarget(caffenet=…, places=…)")
        if not all(targets):
            raise DgnamError("target name '': layers are called name.layer, so give each target a name")
        within = [(one, other) for one in targets for other in targets if other.startswith(f"{one}.")]
        if within:
            one, other = within[0]
            raise DgnamError(f"target names '{one}' and '{other}': a layer '{other}.…' could be of either; rename one")
        clips = [name for name, target in targets.items() if getattr(target, "frames", 1) > 1]
        if clips:
            raise DgnamError(f"target '{clips[0]}' sees clips, and those of a JointTarget share one image")
        self.targets = targets
        sizes = [target.size for target in targets.values()]
        self.size = (max(h for h, _ in sizes), max(w for _, w in sizes)) if size is None else size

    @property
    def gray(self) -> bool:
        """Whether all targets see gray."""
        return all(map(is_gray, self.targets.values()))

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        wanted: dict[str, list[str]] = {}
        for layer in layers:
            name, own = self.split(layer)
            wanted.setdefault(name, []).append(own)
        found = {}
        for name, its_layers in wanted.items():
            target = self.targets[name]
            values = target(choose_framing(self.size, target.size)(images), its_layers)
            found.update({f"{name}.{layer}": values[layer] for layer in its_layers})
        return found

    def layers(self) -> list[str]:
        return [f"{name}.{layer}" for name, target in self.targets.items() for layer in target.layers()]

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        name, own = self.split(layer)
        return self.targets[name].layer_shape(own)

    def to(self, device: torch.device) -> None:
        for target in self.targets.values():
            target.to(device)

    def split(self, layer: str) -> tuple[str, str]:
        """The target's name and its own name of a layer."""
        name = next((name for name in self.targets if layer.startswith(f"{name}.")), None)
        if name is None or layer == f"{name}.":
            known = closest(layer.partition(".")[0], self.targets)
            raise DgnamError(f"layer '{layer}': write target.layer, with one of the targets {known}")
        return name, layer[len(name) + 1 :]
