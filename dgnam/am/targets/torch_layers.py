"""The layers of a torch module: the outputs of its submodules, as passes show them.

conv1                  a submodule by name
relu#1, relu#2         the calls of a submodule that runs several times in a pass
rnn[0], head[logits]   the tensors of an output that holds several: a tuple, a list, a dict, a dataclass
output                 what the whole module returns, where no submodule returns it
"""

from __future__ import annotations

import dataclasses
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from ...errors import DgnamError, closest
from ..rows import missing_rows, mixed_rows, same, summary
from ..torch_modules import tensors_in
from .feature_axis import FeatureAxes

OUTPUT = "output"
"""The layer that the whole module is."""

NO_UNITS = "layer '{}' gives one number for a whole batch and has no units"

Key = tuple[str, int, str]
"""A tensor of a pass: the submodule's name, "" for the whole; the call, from 1; the place in the output."""


@dataclass(frozen=True)
class LayerOutput:
    """A layer.

    key: where a pass makes it.
    own_shape: of one image's values, as the module gives them.
    axis: of the features in the module's own output.
    fault: why it has no units; None where it has some.
    """

    key: Key
    own_shape: tuple[int, ...]
    axis: int
    fault: str | None

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one image's values, (C,), (T, C) or (C, H, W); a single number is one unit."""
        if len(self.own_shape) < 2:
            return self.own_shape if self.own_shape else (1,)
        others = [size for axis, size in enumerate(self.own_shape, 1) if axis != self.axis]
        others.insert(feature_axis(len(self.own_shape) + 1) - 1, self.own_shape[self.axis - 1])
        return tuple(others)

    def arranged(self, values: Tensor) -> Tensor:
        """The module's own output as (N, C), (N, T, C) or (N, C, H, W)."""
        if values.dim() < 2:
            return values.unsqueeze(-1)
        return values.movedim(self.axis, feature_axis(values.dim())) if values.dim() > 2 else values


def feature_axis(dimensions: int) -> int:
    """Where the values that a target gives have their features: of tokens in the last axis, else in the second."""
    return 2 if dimensions == 3 else 1


class ForwardPass:
    """What a pass made.

    seen: of each tensor the place in the pass, the shape, and where it has a row for each image the last row's summary.
    """

    def __init__(self, module: nn.Module, images: Tensor):
        self.axes, self.count = FeatureAxes(), len(images)
        self.seen: dict[Key, tuple[int, tuple[int, ...], Tensor | None]] = {}
        made: list[weakref.ref[Tensor]] = []

        def see(name: str, call: int, inputs: Sequence[Any], output: object) -> None:
            shapes = [tuple(value.shape) for value in inputs if isinstance(value, Tensor)]
            for place, tensor in tensors_in(output):
                self._note((name, call, place), modules[name], shapes, tensor)
                made.append(weakref.ref(tensor))

        modules = {name: one for name, one in module.named_modules() if name}
        with watched(modules, see):
            output = module(images)
        returned = list(tensors_in(output))
        if not all(any(known() is tensor for known in made) for _, tensor in returned):
            for place, tensor in returned:
                self._note(("", 1, place), module, [], tensor)

    def _note(self, key: Key, module: nn.Module, inputs: Sequence[tuple[int, ...]], tensor: Tensor) -> None:
        shape = tuple(tensor.shape)
        has_rows = bool(shape) and shape[0] == self.count and tensor.numel() > 0
        at = self.axes.saw(module, inputs, shape)
        self.seen[key] = at, shape, summary(tensor[-1]) if has_rows else None


class TorchLayers:
    """The layers of a module by name."""

    def __init__(self, module: nn.Module, alone: ForwardPass, both: ForwardPass, again: Callable[[], ForwardPass]):
        """alone, both: passes of one image, and of that image behind another; again: makes `alone` a second time."""
        self._submodules = {
            name: isinstance(one, torch.jit.ScriptModule) for name, one in module.named_modules() if name
        }
        self._found: dict[str, LayerOutput] = {}
        mixed: list[str] = []
        for name, key in self._named(alone.seen).items():
            at, one, row = alone.seen[key]
            two, company = both.seen[key][1:] if key in both.seen else ((), None)
            fault = missing_rows(f"layer '{name}'", one, two) if one else NO_UNITS.format(name)
            self._found[name] = LayerOutput(key, one[1:], alone.axes.axis(at, one), fault)
            if row is not None and company is not None and not same(row, company):
                mixed.append(name)
        repeated = again().seen if mixed else {}
        for name in mixed:
            layer = self._found[name]
            row, later = alone.seen[layer.key][2], repeated[layer.key][2] if layer.key in repeated else None
            if row is not None and later is not None and same(row, later):  # else it is random by itself
                self._found[name] = dataclasses.replace(layer, fault=mixed_rows(f"layer '{name}'"))

    def names(self) -> list[str]:
        """All layers in order of registration, each before those inside it, and `output` last.

        Submodules that don't run, or give no tensor, are among them.
        """
        own: dict[str, list[str]] = {}
        for name, layer in self._found.items():
            own.setdefault(layer.key[0], []).append(name)
        found = [name for module in self._submodules for name in own.get(module, [module])]
        return found + own.get("", [])

    def items(self) -> list[tuple[str, LayerOutput]]:
        """The layers that a pass makes, in the order of `names`."""
        return [(name, self._found[name]) for name in self.names() if name in self._found]

    def __getitem__(self, name: str) -> LayerOutput:
        """The layer of this name; DgnamError for one that a pass doesn't make."""
        if name in self._found:
            return self._found[name]
        if name not in self._submodules:
            known = closest(name, self.names())
            raise DgnamError(f"the module has no layer '{name}'; its layers, the closest first: {known}")
        own = [other for other, layer in self._found.items() if layer.key[0] == name]
        if own:
            raise DgnamError(f"layer '{name}' has several values in a pass; say which one: {', '.join(own[:8])}")
        whole = [other for other, layer in self._found.items() if layer.key[0] == ""]
        hint = f"; what the whole module returns is layer '{whole[0]}'" if whole else ""
        if self._submodules[name]:
            raise DgnamError(
                f"module '{name}' is scripted or traced, and the values in TorchScript can't be read{hint}"
            )
        raise DgnamError(
            f"module '{name}' took no part in the forward pass, or gave no tensor (exported modules run as one){hint}"
        )

    def _named(self, keys: Mapping[Key, object]) -> dict[str, Key]:
        """The layers' names: with the call where there are several, and the place where an output has several."""
        calls: dict[str, int] = {}
        places: dict[tuple[str, int], int] = {}
        for module, call, _ in keys:
            calls[module] = max(call, calls.get(module, 0))
            places[module, call] = places.get((module, call), 0) + 1
        found = {}
        for module, call, place in keys:
            name = module if module else self._whole()
            name += f"#{call}" if calls[module] > 1 else ""
            found[name + (place if places[module, call] > 1 else "")] = (module, call, place)
        return found

    def _whole(self) -> str:
        """What the whole module is called: no submodule's name."""
        name = OUTPUT
        while name in self._submodules:
            name += "_"
        return name


@contextmanager
def watched(modules: Mapping[str, nn.Module], see: Callable[[str, int, Sequence[Any], object], None]) -> Iterator[None]:
    """Call `see` with name, number of the call, inputs and output whenever one of the modules has run in this thread.

    The parts of TorchScript modules run where nobody can watch.
    """
    thread, calls = threading.get_ident(), dict.fromkeys(modules, 0)

    def hook_of(name: str) -> Callable[[nn.Module, Any, object], None]:
        def hook(_module: nn.Module, inputs: Any, output: object) -> None:
            if threading.get_ident() == thread:
                calls[name] += 1
                see(name, calls[name], inputs, output)

        return hook

    with ExitStack() as hooks:
        for name, module in modules.items():
            if not isinstance(module, torch.jit.ScriptModule):
                hooks.callback(module.register_forward_hook(hook_of(name)).remove)
        yield
