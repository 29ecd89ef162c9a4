"""Borrow the caller's networks for a pass, and leave them as they were found.

    with borrowed(module):
        module(images)

Meanwhile they are in eval mode and their parameters need no gradient.  Afterwards each submodule's mode, each
parameter's `requires_grad` and each buffer are what they were, after an error or Ctrl-C too.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

_LOCK = threading.RLock()
"""Held for a pass, so that two threads don't find each other's changes in a network that both use."""

_WRITTEN: WeakKeyDictionary[nn.Module, set[tuple[int, str]]] = WeakKeyDictionary()
"""Of each network, the buffers that a pass was seen to write to, by submodule; the first pass looks at all of them."""


@contextmanager
def borrowed(*parts: object) -> Iterator[None]:
    """Networks in eval mode and frozen, for as long as this lasts.

    parts: modules; our targets and priors, whose modules are meant; all else is passed over.
    """
    with _LOCK:
        modules = [module for part in parts for module in modules_of(part)]
        steps: list[Callable[[], object]] = []
        try:
            for module in modules:
                _take(module, steps)
            yield
        finally:
            undo(steps)


def modules_of(part: object) -> list[nn.Module]:
    """The torch modules that one of our targets or priors, or several targets, compute with."""
    if isinstance(part, nn.Module):
        return [part]
    several = getattr(part, "targets", None)
    if isinstance(several, Mapping):
        return [module for one in several.values() for module in modules_of(one)]
    running = getattr(part, "running", None)
    return [running] if isinstance(running, nn.Module) else []


def undo(steps: list[Callable[[], object]]) -> None:
    """Take all steps back, the last first; a Ctrl-C or an error meanwhile is raised when that is done."""
    failed: BaseException | None = None
    while steps:
        try:
            steps[-1]()
        except KeyboardInterrupt as error:
            failed = error
            continue
        except Exception as error:  # a module may refuse anything
            failed = error
        steps.pop()
    if failed is not None:
        raise failed


def _take(module: nn.Module, steps: list[Callable[[], object]]) -> None:
    """Put a network into eval mode, frozen; how each change is taken back is noted before it is made."""
    parts = list(module.modules())
    steps.append(_kept_buffers(module, parts))
    # One by one, since `eval` may be overridden or refused.
    training = [part for part in parts if getattr(part, "training", False)]
    _switch_off(training, lambda part, on: setattr(part, "training", on), steps)
    # Those made in inference mode could not be switched on again.
    learned = [one for one in module.parameters() if one.requires_grad and not one.is_inference()]
    _switch_off(learned, lambda one, on: one.requires_grad_(on), steps)


def _switch_off(things: list[Any], switch: Callable[[Any, bool], object], steps: list[Callable[[], object]]) -> None:
    if things:
        steps.append(lambda: [switch(thing, True) for thing in things])
    for thing in things:
        switch(thing, False)


def _kept_buffers(module: nn.Module, parts: list[nn.Module]) -> Callable[[], object]:
    """Note the buffers, such as a counter that runs on in eval mode too; returns what puts them back."""
    written = _WRITTEN.get(module)
    before = []
    for place, part in enumerate(parts):
        for name, buffer in _buffers(part).items():
            copied = buffer is not None and (written is None or (place, name) in written)
            copy = buffer.detach().clone() if copied else None  # type: ignore[union-attr]
            before.append(((place, name), part, buffer, copy, _version(buffer)))

    def back() -> None:
        seen = set() if written is None else set(written)
        for key, part, buffer, copy, version in before:
            _, name = key
            if _buffers(part).get(name) is not buffer:
                seen.add(key)
                _buffers(part)[name] = buffer
            if version != _version(buffer):
                seen.add(key)
                if copy is not None and buffer is not None:
                    buffer.data.copy_(copy)  # `data`, so that a backward pass still to come isn't refused
        if written is None or seen != written:
            _WRITTEN[module] = seen

    return back


def _buffers(module: nn.Module) -> dict[str, Tensor | None]:
    """A module's own buffers; those of TorchScript can't be exchanged."""
    return {} if isinstance(module, torch.jit.ScriptModule) else module._buffers


def _version(buffer: Tensor | None) -> int | None:
    """A count of the writes to a tensor; None where there is none."""
    return None if buffer is None or buffer.is_inference() else buffer._version
