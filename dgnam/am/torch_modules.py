"""The caller's torch modules: which can be used, and the device and precision that they compute in."""

from __future__ import annotations

import copy
import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ..errors import DgnamError
from .borrow import borrowed

Module = TypeVar("Module", bound=nn.Module)

HALF_SCALE = 2.0**7
"""By how much gradients are scaled up on their way through a float16 module, whose smallest number is 6e-8."""


def checked_module(module: object, part: str, what: str) -> nn.Module:
    """The module to compute with: without the wrappers of `torch.compile` and `DataParallel`.

    part: "TorchTarget" or "TorchPrior"; what: the one tensor that it is given, as "images".
    Raises DgnamError for what is not a module, has no weights yet, or needs more inputs.
    """
    if isinstance(module, torch.export.ExportedProgram):
        raise DgnamError(f"a {part} takes a torch.nn.Module, and this is an ExportedProgram: give program.module()")
    if not isinstance(module, nn.Module):
        raise DgnamError(f"a {part} takes a torch.nn.Module, and this is a {type(module).__name__}")
    module = _unwrapped(module)
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if is_lazy(tensor):
            raise DgnamError(
                f"'{name}' of the module is lazy and has no values yet: run it once on {what}, as "
                f"module(torch.zeros(…)), before it is given to a {part}"
            )
        if tensor.is_meta:
            raise DgnamError(f"'{name}' of the module is on the meta device and has no values: load its weights first")
    needed = _inputs(module)
    if len(needed) > 1:
        raise DgnamError(
            f"the module's forward takes {', '.join(needed)}, and a {part} gives it {what} alone: wrap it in a module "
            "that gives the others"
        )
    return module


def _unwrapped(module: nn.Module) -> nn.Module:
    inner = module.module if isinstance(module, nn.DataParallel | nn.parallel.DistributedDataParallel) else None
    inner = getattr(module, "_orig_mod", None) if inner is None else inner  # of torch.compile, which passes hooks by
    return _unwrapped(inner) if isinstance(inner, nn.Module) else module


def placed(module: Module, device: torch.device) -> Module:
    """The module, or where it lies on another device than `device` a copy there; one on several devices stays."""
    there = {tensor.device for tensor in (*module.parameters(), *module.buffers())}
    wanted = torch.empty(0, device=device).device
    if len(there) != 1 or there == {wanted}:
        return module
    try:
        return copy.deepcopy(module).to(wanted)
    except Exception as error:  # a module may refuse to be copied in any way
        raise DgnamError(
            f"the module lies on {there.pop()}, and can't be copied to {wanted} ({error}): move it there yourself"
        ) from error


def device_of(module: nn.Module) -> torch.device:
    """Where its input belongs: where the first of its weights lies."""
    return next((tensor.device for tensor in _tensors(module)), torch.device("cpu"))


def dtype_of(module: nn.Module) -> torch.dtype:
    """What it computes in: the type of the first of its weights that are floats."""
    return next((tensor.dtype for tensor in _tensors(module) if tensor.is_floating_point()), torch.float32)


def _tensors(module: nn.Module) -> Iterator[Tensor]:
    """A module's weights and buffers."""
    yield from module.parameters()
    yield from module.buffers()


def to_module(values: Tensor, module: nn.Module) -> Tensor:
    """The values on the module's device and in its precision; where they are, of a module without weights."""
    dtype, there = dtype_of(module), next(_tensors(module), values).device
    if dtype == torch.float16 and values.requires_grad:
        values.register_hook(lambda gradient: gradient / HALF_SCALE)
    return values.to(there, dtype)


def from_module(output: Tensor, device: torch.device) -> Tensor:
    """An output as float32 on `device`."""
    if output.is_complex():
        raise DgnamError("complex values have no order to climb: give their absolute values in a module of their own")
    found = output.dequantize() if output.is_quantized else output
    if found.dtype == torch.float16 and found.requires_grad:
        found = found.clone()  # a branch of its own: what later layers send back is scaled already
        found.register_hook(lambda gradient: gradient * HALF_SCALE)
    return found.to(device, torch.float32)


def tensors_in(output: object, place: str = "") -> Iterator[tuple[str, Tensor]]:
    """The tensors of an output with their places in it, as `[0]` and `[logits][1]`."""
    if isinstance(output, Tensor):
        if not output.is_nested and output.layout == torch.strided:
            yield place, output
    elif isinstance(output, Mapping):
        for key, part in output.items():
            yield from tensors_in(part, f"{place}[{key}]")
    elif isinstance(output, tuple | list):
        names = getattr(output, "_fields", range(len(output)))
        for name, part in zip(names, output, strict=True):
            yield from tensors_in(part, f"{place}[{name}]")
    elif dataclasses.is_dataclass(output) and not isinstance(output, type):
        for field in dataclasses.fields(output):
            yield from tensors_in(getattr(output, field.name), f"{place}[{field.name}]")


@contextmanager
def at_work(module: nn.Module) -> Iterator[None]:
    """Borrow a module for a pass whose submodules all run as such: not compiled, nor fused in attention's fast path."""
    with ExitStack() as stack:
        stack.enter_context(borrowed(module))
        if any(_is_compiled(one) for one in module.modules()):
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        stack.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        yield


def _is_compiled(module: nn.Module) -> bool:
    return hasattr(module, "_orig_mod") or getattr(module, "_compiled_call_impl", None) is not None


def _inputs(module: nn.Module) -> list[str]:
    """The names of the inputs that `forward` can't do without; none where they can't be told."""
    if isinstance(module, torch.jit.ScriptModule):
        return []
    try:
        parameters: Any = inspect.signature(module.forward).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        one.name
        for one in parameters
        if one.default is one.empty and one.kind not in (one.VAR_POSITIONAL, one.VAR_KEYWORD)
    ]
