"""The network being visualized, as the batch loop needs it: images in, the values of layers out.

CaffeTarget(zoo.load("caffenet-mini"))
TorchTarget(torchvision_model, size=(224, 224))
Several(caffenet=…, places=…)                       # layers named caffenet.fc8, places.fc8
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from ...caffe.modules.caffe_module import CaffeModule, check_sees_images
from ...data.image_set import MEAN_BGR
from ...errors import DgnamError, closest, shortened
from ..framing import view
from ..priors.image_values import finite_numbers, three_numbers
from ..starts.start import centre_of_mean

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""What torchvision's ImageNet models take off and divide by, of RGB values in [0, 1]."""


class Target(Protocol):
    """Images in, layers' values out.

    size: the height and width of its input.
    """

    size: tuple[int, int]

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The values (N, C) or (N, C, H, W) of `layers`, each before any in-place layer that follows it.

        images: (N, 3, *size) float32, BGR, mean-subtracted.
        """
        ...

    def layers(self) -> list[str]:
        """The names of its layers, in the order of the forward pass as far as that is known."""
        ...

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        """The shape of one image's values: (C,) or (C, H, W); a layer that it lacks is an error."""
        ...

    def to(self, device: torch.device) -> None:
        """Move to `device`."""
        ...


class CaffeTarget:
    """A Caffe net as a target; its module is put into eval mode and its parameters are frozen.

    mean: what the net takes off: (3,) values of [0, 255], or a mean image (3, H, W) of which the centre is taken, in
        the order of `channels`.  Images come with the generators' mean taken off.
    scale: what it multiplies by then.
    channels: BGR as Caffe's tools have it, or RGB.
    memory_format: how the weights lie; channels_last takes 10 to 20 % less time on a CPU, and contiguous_format has
        half the rounding error, about 1e-6 of a step.
    """

    def __init__(
        self,
        module: CaffeModule,
        memory_format: torch.memory_format = torch.channels_last,
        mean: Sequence[float] | np.ndarray = MEAN_BGR,
        scale: float = 1.0,
        channels: str = "BGR",
    ):
        check_channels(channels)
        if not module.plan.inputs:
            raise DgnamError(f"net '{module.plan.name}' has no input, so it can't be a target")
        check_sees_images(module.plan, "a target")
        if not math.isfinite(scale) or scale == 0:
            raise DgnamError(f"scale {scale}: give a finite number other than 0")
        shape = module.plan.blob_shapes[module.plan.inputs[0]]
        if len(shape) != 4 or shape[1] != 3:
            raise DgnamError(
                f"net '{module.plan.name}' takes {tuple(shape)}, and images are (N, 3, height, width): a target needs "
                "three channels"
            )
        self.module = module.eval().requires_grad_(False)
        self.memory_format, self.scale, self.channels = memory_format, scale, channels
        self.size = (shape[2], shape[3])
        own = np.asarray(mean, np.float32)
        if own.shape != (3,) and (own.ndim != 3 or len(own) != 3 or min(own.shape[1:]) < min(self.size)):
            raise DgnamError(
                f"the mean has shape {own.shape}; needed are 3 values, or an image of at least {self.size}"
            )
        if not np.isfinite(own).all():
            raise DgnamError("the mean has values that are not finite")
        ours = np.asarray(MEAN_BGR if channels == "BGR" else MEAN_BGR[::-1], np.float32).reshape(3, 1, 1)
        shift = ours - centre_of_mean(own, self.size)
        self.shift = torch.from_numpy(shift) if shift.any() else None

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        return self.module.values_at(layers, self.preprocess(images))

    def preprocess(self, images: Tensor) -> Tensor:
        """From images (N, 3, *size), BGR, mean-subtracted, to the net's input."""
        values = images if self.channels == "BGR" else images.flip(1)
        values = values if self.shift is None else values + self.shift.to(values)
        return values if self.scale == 1 else values * self.scale

    def layers(self) -> list[str]:
        """Those that have a top; the splits that are put in between are left out."""
        return [wired.name for wired in self.module.plan.layers if wired.tops and wired.layer.type != "Split"]

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        plan = self.module.plan
        return plan.blob_shapes[plan.layers[plan.layer_index(layer)].tops[0]][1:]

    def to(self, device: torch.device) -> None:
        self.module.to(device=device, memory_format=self.memory_format)  # type: ignore[call-overload]


class TorchTarget:
    """Any torch module as a target, its layers by their module names; put into eval mode, its parameters frozen.

    size: the height and width of its input.
    mean, std, scale, channels: its preprocessing: RGB or BGR values of 0 to 255, times `scale`, minus `mean`, divided
        by `std`, each in the order of `channels`; one number stands for three.

    What can't be used is a DgnamError: at once, or, where the module fails with such images, when a layer is asked for.
    A module that works more than once in a pass has the values of the last time.
    """

    def __init__(
        self,
        module: nn.Module,
        size: tuple[int, int],
        *,
        mean: float | Sequence[float] = IMAGENET_MEAN,
        std: float | Sequence[float] = IMAGENET_STD,
        scale: float = 1 / 255,
        channels: str = "RGB",
    ):
        check_channels(channels)
        if not isinstance(module, nn.Module):
            raise DgnamError(f"a TorchTarget takes a torch.nn.Module, and this is a {type(module).__name__}")
        self.size = _checked_size(size)
        self.channels, self.scale = channels, finite_numbers("scale", [scale])[0]
        means, deviations = three_numbers("mean", mean), three_numbers("std", std)
        if not self.scale or not all(deviations):
            raise DgnamError(f"scale {scale} and std {std}: neither may be 0")
        self.mean, self.std = torch.tensor(means).view(-1, 1, 1), torch.tensor(deviations).view(-1, 1, 1)
        self.module = module.eval().requires_grad_(False)
        self._modules = dict(module.named_modules())
        self._shapes: dict[str, tuple[int, ...]] = {}

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        with ExitStack() as hooks:
            for layer in layers:
                hook = self._layer(layer).register_forward_hook(_keeper(found, layer))
                hooks.callback(hook.remove)
            self.module(self.preprocess(images))
        missing = [layer for layer in layers if layer not in found]
        if missing:
            raise DgnamError(f"module '{missing[0]}' took no part in the forward pass, or gave no tensor")
        return found

    def preprocess(self, images: Tensor) -> Tensor:
        """From images (N, 3, H, W), BGR, mean-subtracted, to the module's input."""
        values = images + torch.tensor(MEAN_BGR).to(images).view(3, 1, 1)
        values = values if self.channels == "BGR" else values.flip(1)
        return (values * self.scale - self.mean.to(values)) / self.std.to(values)

    def layers(self) -> list[str]:
        """All its modules by name, in the order that they were added to it; one inside another comes after it."""
        return [name for name in self._modules if name]

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        if layer not in self._shapes:
            self._layer(layer)
            with self._trial() as images:
                values = self(images, [layer])[layer]
            self._shapes[layer] = tuple(values.shape[1:])
        return self._shapes[layer]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of one image's values at all layers that give a tensor, in one pass."""
        found: dict[str, Tensor] = {}
        with ExitStack() as hooks, self._trial() as images:
            for layer in self.layers():
                hooks.callback(self._layer(layer).register_forward_hook(_keeper(found, layer)).remove)
            self.module(self.preprocess(images))
        self._shapes.update((layer, tuple(values.shape[1:])) for layer, values in found.items())
        return {layer: self._shapes[layer] for layer in self.layers() if layer in found}

    def to(self, device: torch.device) -> None:
        self.module.to(device)

    @contextmanager
    def _trial(self) -> Iterator[Tensor]:
        """An image (1, 3, *size) of the mean colour, for a pass whose failure tells that the module can't take it."""
        with torch.no_grad():
            try:
                yield torch.zeros(1, 3, *self.size, device=self._device())
            except DgnamError:
                raise
            except Exception as error:  # a module may raise anything
                reason = shortened(str(error), 300)
                raise DgnamError(f"the module can't take float32 images {(1, 3, *self.size)}: {reason}") from error

    def _device(self) -> torch.device:
        return next((t.device for t in (*self.module.parameters(), *self.module.buffers())), torch.device("cpu"))

    def _layer(self, name: str) -> nn.Module:
        if name not in self._modules:
            known = closest(name, self.layers())
            raise DgnamError(f"the module has no layer '{name}'; its layers, the closest first: {known}")
        return self._modules[name]


class Several:
    """Several targets as one, for objectives across networks: layer fc8 of the one called `places` is `places.fc8`.

    Each sees the image in its own way: its centre, or all of it, resized.
    """

    def __init__(self, size: tuple[int, int] | None = None, **targets: Target):
        """size: of the images that all of them are shown; None takes the largest of their own."""
        if not targets:
            raise DgnamError("Several needs at least one target, as Several(caffenet=…, places=…)")
        bad = [name for name in targets if "." in name or ":" in name or not name]
        if bad:
            raise DgnamError(f"target name '{bad[0]}': layers are called name.layer, so a name has no dot and no colon")
        self.targets = targets
        sizes = [target.size for target in targets.values()]
        self.size = (max(h for h, _ in sizes), max(w for _, w in sizes)) if size is None else size

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        wanted: dict[str, list[str]] = {}
        for layer in layers:
            name, own = self._split(layer)
            wanted.setdefault(name, []).append(own)
        found = {}
        for name, its_layers in wanted.items():
            target = self.targets[name]
            values = target(view(self.size, target.size)(images), its_layers)
            found.update({f"{name}.{layer}": values[layer] for layer in its_layers})
        return found

    def layers(self) -> list[str]:
        return [f"{name}.{layer}" for name, target in self.targets.items() for layer in target.layers()]

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        name, own = self._split(layer)
        return self.targets[name].layer_shape(own)

    def to(self, device: torch.device) -> None:
        for target in self.targets.values():
            target.to(device)

    def _split(self, layer: str) -> tuple[str, str]:
        name, _, own = layer.partition(".")
        if name not in self.targets or not own:
            known = closest(name, self.targets)
            raise DgnamError(f"layer '{layer}': write target.layer, with one of the targets {known}")
        return name, own


def check_channels(channels: str) -> None:
    """Raise DgnamError unless this is an order of the channels."""
    if channels not in ("RGB", "BGR"):
        raise DgnamError(f"channels '{channels}': give RGB or BGR")


def _checked_size(size: object) -> tuple[int, int]:
    """Height and width, each at least 1."""
    numbers = tuple(size) if isinstance(size, tuple | list) else (size,)
    if len(numbers) != 2 or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise DgnamError(f"size {size}: give height and width in pixels, as (224, 224)")
    return int(numbers[0]), int(numbers[1])


def _keeper(found: dict[str, Tensor], layer: str):  # type: ignore[no-untyped-def]
    """A forward hook that keeps the layer's output; a clone, so that a later layer in place doesn't change it."""

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            found[layer] = output.clone()

    return keep
