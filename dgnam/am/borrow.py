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

_WRITTEN: WeakKeyDictionary[nn.Module, set[str]] = WeakKeyDictionary()
"""Of each network, the buffers that a pass was seen to write to; the first pass looks at all of them."""


@contextmanager
def borrowed(*parts: object) -> Iterator[None]:
    """Networks in eval mode and frozen, for as long as this lasts.

    parts: modules; targets and priors, whose modules are meant; what has none is passed over.
    """
    with _LOCK:
        modules = [module for part in parts for module in modules_of(part)]
        undo: list[Callable[[], object]] = []
        try:
            for module in modules:
                undo.append(_kept_buffers(module))
                # One by one, since `eval` may be overridden or refused.
                training = [one for one in module.modules() if getattr(one, "training", False)]
                _switch_off(training, lambda one, on: setattr(one, "training", on), undo)
                learned = [one for one in module.parameters() if one.requires_grad]
                _switch_off(learned, lambda one, on: one.requires_grad_(on), undo)
            yield
        finally:
            _undo(undo)


def modules_of(part: object) -> list[nn.Module]:
    """The torch modules that a target, a prior or several targets compute with."""
    if isinstance(part, nn.Module):
        return [part]
    several = getattr(part, "targets", None)
    if isinstance(several, Mapping):
        return [module for one in several.values() for module in modules_of(one)]
    module = getattr(part, "module", None)
    return [module] if isinstance(module, nn.Module) else []


def _undo(steps: list[Callable[[], object]]) -> None:
    """Take all steps back, the last first; a Ctrl-C meanwhile is raised when that is done."""
    interrupt: KeyboardInterrupt | None = None
    while steps:
        try:
            steps[-1]()
            steps.pop()
        except KeyboardInterrupt as error:
            interrupt = error
    if interrupt is not None:
        raise interrupt


def _switch_off(things: list[Any], switch: Callable[[Any, bool], object], undo: list[Callable[[], object]]) -> None:
    """Switch things off, and note first how they are switched on again."""
    undo.append(lambda: [switch(thing, True) for thing in things])
    for thing in things:
        switch(thing, False)


def _kept_buffers(module: nn.Module) -> Callable[[], object]:
    """Note the buffers, such as a counter that runs on in eval mode too; returns what puts them back."""
    written = _WRITTEN.get(module)
    before = []
    for prefix, one in module.named_modules():
        for name, buffer in _buffers(one).items():
            key = f"{prefix}.{name}"
            copy = buffer.detach().clone() if buffer is not None and (written is None or key in written) else None
            before.append((key, one, name, buffer, copy, _version(buffer)))

    def back() -> None:
        seen = set() if written is None else set(written)
        for key, one, name, buffer, copy, version in before:
            now = _buffers(one).get(name)
            if now is not buffer:
                seen.add(key)
                _buffers(one)[name] = buffer
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
