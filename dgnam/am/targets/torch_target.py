"""A torch module as a target.

TorchTarget(torchvision_model, size=(224, 224))
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

import torch
from torch import Tensor, nn

from ...data.preprocessing import MEAN_BGR
from ...errors import DgnamError, closest, shortened
from ..checks import channel_values, check_channels, finite_numbers

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation that torchvision's ImageNet models subtract and divide by, of RGB values in [0, 1]."""


class TorchTarget:
    """A torch module as a target, in eval mode with frozen parameters; its layers are its submodules by name.

    size: height and width of its input.
    mean, std, scale, channels: its preprocessing of RGB or BGR values in [0, 255]: times `scale`, minus `mean`, divided
        by `std`, each in the order of `channels`; one number stands for three.

    Raises DgnamError for unusable arguments at once, and for a module that fails on such images when a layer is read.
    A submodule called several times in a pass has the values of the last call.
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
        means, deviations = channel_values("mean", mean), channel_values("std", std)
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
        """The module's input for images (N, 3, H, W), BGR, mean-subtracted."""
        values = images + torch.tensor(MEAN_BGR).to(images).view(3, 1, 1)
        values = values if self.channels == "BGR" else values.flip(1)
        return (values * self.scale - self.mean.to(values)) / self.std.to(values)

    def layers(self) -> list[str]:
        """All submodules in order of registration, each before those inside it."""
        return [name for name in self._modules if name]

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        if layer not in self._shapes:
            self._layer(layer)
            with self._trial() as images:
                values = self(images, [layer])[layer]
            self._shapes[layer] = tuple(values.shape[1:])
        return self._shapes[layer]

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of one image's values at all layers with a tensor as output, from one pass."""
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
        """A mean-colored image (1, 3, *size) for a trial pass; any error in it becomes a DgnamError."""
        with torch.no_grad():
            try:
                yield torch.zeros(1, 3, *self.size, device=self._device())
            except DgnamError:
                raise
            except Exception as error:  # a module may raise anything
                reason = shortened(str(error), 300)
                raise DgnamError(f"the module cannot take float32 images {(1, 3, *self.size)}: {reason}") from error

    def _device(self) -> torch.device:
        return next((t.device for t in (*self.module.parameters(), *self.module.buffers())), torch.device("cpu"))

    def _layer(self, name: str) -> nn.Module:
        if name not in self._modules:
            known = closest(name, self.layers())
            raise DgnamError(f"the module has no layer '{name}'; its layers, the closest first: {known}")
        return self._modules[name]


def _checked_size(size: object) -> tuple[int, int]:
    """Height and width, each at least 1."""
    numbers = tuple(size) if isinstance(size, tuple | list) else (size,)
    if len(numbers) != 2 or not all(isinstance(n, int) and n > 0 for n in numbers):
        raise DgnamError(f"size {size}: give height and width in pixels, as (224, 224)")
    return int(numbers[0]), int(numbers[1])


def _keeper(found: dict[str, Tensor], layer: str):  # type: ignore[no-untyped-def]
    """A forward hook that stores a clone of the layer's output, safe from later in-place layers."""

    def keep(_module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor):
            found[layer] = output.clone()

    return keep
