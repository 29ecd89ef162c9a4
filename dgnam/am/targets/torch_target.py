"""A torch module as a target.

TorchTarget(torchvision_model, size=(224, 224))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ...data.preprocessing import MEAN_BGR, check_channels
from ...errors import DgnamError, shortened
from ..argument_types import check_types
from ..checks import channel_values, finite_numbers
from ..gray import gray_of
from ..rows import trial_images
from ..torch_modules import at_work, checked_module, device_of, from_module, placed, tensors_in, to_module
from .torch_layers import ForwardPass, LayerOutput, TorchLayers, watched

Found = TypeVar("Found")

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Mean and standard deviation that torchvision's ImageNet models subtract and divide by, of RGB values in [0, 1]."""


class TorchTarget:
    """A torch module as a target; its layers are its submodules by name.

    size: height and width of its input.
    mean, std, scale, channels: its preprocessing of RGB or BGR values in [0, 255]: times `scale`, minus `mean`, divided
        by `std`, each in the order of `channels`; one number stands for three.

    A module that takes one channel sees the gray of the picture, and of three means and deviations their gray.

    The module is left as it was found.  During a pass it is in eval mode with frozen parameters; images come to it on
    its device and in its precision (float64, float32, bfloat16 or float16), and its values are given as float32.  On
    another device it computes as a copy.

    Layers: `block.relu#2` is the second call of a submodule that runs several times in a pass; `rnn[0]`, `head[logits]`
    are tensors of an output with several; `output` is what the module returns, where no submodule returns it.  Values
    are (N, C), tokens (N, T, C), or (N, C, H, W); see `feature_axis` for how channels-last layers are told.

    Raises DgnamError for unusable arguments at once, and for a module that fails on such images when a layer is read;
    for a layer that has no row for each image, or whose rows depend on each other.
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
        numbers = {"mean": mean, "std": std, "scale": scale, "channels": channels}
        check_types(TorchTarget.__init__, numbers)
        check_channels(channels)
        self.module = self.running = checked_module(module, "TorchTarget", "images")
        self.size = _checked_size(size)
        self.channels, self.scale = channels, finite_numbers("scale", [scale])[0]
        means, deviations = channel_values("mean", mean), channel_values("std", std)
        if not self.scale or not all(deviations):
            raise DgnamError(f"scale {scale} and std {std}: neither may be 0")
        with torch.inference_mode(False):  # so that gradients can pass them
            self.mean, self.std = (torch.tensor(n, dtype=torch.float32).view(-1, 1, 1) for n in (means, deviations))
        self._surveyed: tuple[bool, TorchLayers] | None = None

    def __call__(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        found = self.outputs(images, layers)
        return {layer: self._survey()[1][layer].arranged(found[layer]) for layer in layers}

    def outputs(self, images: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
        """The values of layers as their modules give them, whatever the order of the axes; float32."""
        known = self._survey()[1]
        names = {known[layer].key: layer for layer in layers}
        found: dict[str, Tensor] = {}

        def keep(name: str, call: int, _inputs: Sequence[object], output: object) -> None:
            for place, tensor in tensors_in(output):
                if (name, call, place) in names:
                    value = from_module(tensor, images.device)  # as it is now, whatever in-place modules do to it later
                    found[names[name, call, place]] = value.clone() if value is tensor else value

        def run(values: Tensor) -> None:
            own = dict(self.running.named_modules())
            with watched({name: own[name] for name, _, _ in names if name}, keep):
                keep("", 1, (), self.running(values))

        self._pass(run, self.preprocess(images))
        missing = [layer for layer in layers if layer not in found]
        if missing:
            raise DgnamError(f"layer '{missing[0]}' took no part in this forward pass, though it did in one before")
        return found

    @property
    def gray(self) -> bool:
        """Whether the module takes one channel."""
        return self._survey()[0]

    def preprocess(self, images: Tensor) -> Tensor:
        """The module's input for images (N, 3, H, W), BGR, mean-subtracted: (N, 3, H, W), or (N, 1, H, W) in gray."""
        return self._preprocess(images, self.gray)

    def layers(self) -> list[str]:
        """All layers in order of registration, each before those inside it; `output`, if there is one, is the last.

        Submodules without a value are among them.
        """
        return self._survey()[1].names()

    def layer_shape(self, layer: str) -> tuple[int, ...]:
        return self._checked(layer).shape

    def own_shape(self, layer: str) -> tuple[int, ...]:
        """Shape of one image's values as the module gives them."""
        return self._checked(layer).own_shape

    def table(self) -> dict[str, LayerOutput]:
        """The layers that a pass makes, those without units too."""
        return dict(self._survey()[1].items())

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of one image's values at all layers with units."""
        return {name: layer.shape for name, layer in self.table().items() if layer.fault is None}

    def to(self, device: torch.device) -> None:
        """Compute on `device`, with a copy of the module where it lies on another."""
        self.running = placed(self.module, device)

    def _checked(self, layer: str) -> LayerOutput:
        found = self._survey()[1][layer]
        if found.fault is not None:
            raise DgnamError(found.fault)
        return found

    def _survey(self) -> tuple[bool, TorchLayers]:
        """Whether the module takes gray, and its layers; from passes of one image and of two when first asked for."""
        if self._surveyed is None:
            images = trial_images(self.size).to(device_of(self.running))
            gray, alone = self._first_pass(images[1:])
            both = self._watched_pass(images, gray)
            layers = TorchLayers(self.module, alone, both, again=lambda: self._watched_pass(images[1:], gray))
            self._surveyed = gray, layers
        return self._surveyed

    def _first_pass(self, image: Tensor) -> tuple[bool, ForwardPass]:
        """Whether the module takes one channel, not three; and what that pass made."""
        modules = self.running.modules()
        channels = next((one.in_channels for one in modules if isinstance(one, nn.Conv2d)), 3)
        failures: list[DgnamError] = []
        for gray in (True, False) if channels == 1 else (False, True):
            try:
                return gray, self._watched_pass(image, gray)
            except DgnamError as error:
                failures.append(error)
        if channels not in (1, 3):
            raise DgnamError(
                f"the module takes {channels} channels, and a target sees color, 3, or gray, 1"
            ) from failures[0]
        raise failures[0]

    def _watched_pass(self, images: Tensor, gray: bool) -> ForwardPass:
        with torch.no_grad():
            return self._pass(lambda values: ForwardPass(self.running, values), self._preprocess(images, gray))

    def _pass(self, run: Callable[[Tensor], Found], values: Tensor) -> Found:
        """Run the module on its input, in its precision; whatever it raises becomes a DgnamError."""
        given = to_module(values, self.running)
        try:
            with at_work(self.running):
                return run(given)
        except DgnamError:
            raise
        except Exception as error:  # a module may raise anything
            what = f"{str(given.dtype).removeprefix('torch.')} images {tuple(given.shape)}"
            raise DgnamError(f"the module cannot take {what}: {shortened(str(error), 300)}") from error

    def _preprocess(self, images: Tensor, gray: bool) -> Tensor:
        values = images + torch.tensor(MEAN_BGR).to(images).view(3, 1, 1)
        mean, std = self.mean.to(values), self.std.to(values)
        if gray:
            values, mean, std = gray_of(values), gray_of(mean, self.channels), gray_of(std, self.channels)
        elif self.channels == "RGB":
            values = values.flip(1)
        return (values * self.scale - mean) / std


def _checked_size(size: object) -> tuple[int, int]:
    """Height and width, each at least 1."""
    numbers = tuple(size) if isinstance(size, tuple | list) else (size,)
    if len(numbers) != 2 or not all(isinstance(n, int | np.integer) and n > 0 for n in numbers):
        raise DgnamError(f"size {size}: give height and width in pixels, as (224, 224)")
    return int(numbers[0]), int(numbers[1])
