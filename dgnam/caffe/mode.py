"""pycaffe's global mode: the default device of nets, and the random state.

Only pycaffe's functions set it.  Everything else in this package takes devices and generators as arguments.
"""

from __future__ import annotations

import functools
import operator
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import torch

from ..errors import CaffeError, DgnamError
from .syncedmem import HOST

PYTHON_LAYERS_VARIABLE = "DGNAM_ALLOW_PYTHON_LAYERS"
"""Environment variable; 1 allows Python layers."""

_gpu = False
_device_index = 0
_generators: dict[torch.device, torch.Generator] = {}
_python_layers = False
_cpu_stands_in = False


def set_mode_cpu() -> None:
    """Run on the CPU from the next pass on."""
    global _gpu
    _gpu = False


def set_mode_gpu() -> None:
    """Run on the GPU chosen by `set_device` from the next pass on; raises CaffeError without a GPU."""
    global _gpu
    _gpu = _usable_gpu(_device_index)


def set_device(index: int) -> None:
    """Choose the GPU used after `set_mode_gpu`."""
    global _device_index
    if _usable_gpu(operator.index(index)):
        _device_index = index


def let_cpu_stand_in() -> None:
    """Without a GPU, run on the CPU and say so once, instead of raising an error: for scripts that can't be edited."""
    global _cpu_stands_in
    _cpu_stands_in = True


def set_random_seed(seed: int) -> None:
    """Seed the random numbers of fillers, dropout and other random layers; `seed` lies in [0, 2**32 - 1]."""
    if not 0 <= operator.index(seed) < 2**32:
        raise OverflowError(f"a random seed lies between 0 and 2**32 - 1; got {seed}")
    _generators.clear()
    _generators[HOST] = torch.Generator().manual_seed(operator.index(seed))


def allow_python_layers(allow: bool = True) -> None:
    """Allow or forbid Python layers, whose code a prototxt names; by default the environment variable decides."""
    global _python_layers
    _python_layers = allow


def python_layers_allowed() -> bool:
    """Return whether Python layers may run."""
    return _python_layers or os.environ.get(PYTHON_LAYERS_VARIABLE) == "1"


def current_device() -> torch.device:
    """Return the default device of nets."""
    return torch.device("cuda", _device_index) if _gpu else HOST


def generator(device: torch.device) -> torch.Generator:
    """Return the random state on `device`, seeded by `set_random_seed` or else by the system."""
    if device not in _generators:
        new = torch.Generator(device)
        seeded = _generators.get(HOST)
        if seeded is None:
            new.seed()
        else:
            new.manual_seed(seeded.initial_seed())
        _generators[device] = new
    return _generators[device]


def random_states() -> dict[str, np.ndarray]:
    """Return the random states as bytes by kind of device: "cpu" and, once used, "cuda"."""
    states = {HOST.type: generator(HOST), **{d.type: g for d, g in _generators.items()}}
    return {kind: state.get_state().numpy() for kind, state in states.items()}


def set_random_states(states: Mapping[str, np.ndarray]) -> None:
    """Restore what `random_states` returned, ignoring devices missing on this machine.

    Raises RuntimeError if the bytes are not a random state.
    """
    for kind, state in states.items():
        if kind == HOST.type or torch.cuda.is_available():
            device = HOST if kind == HOST.type else torch.device(kind, _device_index)
            generator(device).set_state(torch.from_numpy(np.array(state, np.uint8)))


def usable_device(name: str) -> str:
    """Return `name` ("cpu", "cuda" or "cuda:<index>") if nets can run there; raises DgnamError otherwise.

    For all that is above Caffe: a user of a torch module meets no CaffeError.
    """
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda") or (index and not index.isdecimal()):
        raise DgnamError(f"device '{name}': use cpu, cuda or cuda:<index>")
    missing = _missing_gpu(int(index) if index else 0) if kind == "cuda" else None
    if missing is not None:
        raise DgnamError(f"device {name}: {missing}; use cpu")
    return name


@contextmanager
def exact() -> Iterator[None]:
    """While this lasts a GPU computes products and convolutions of float32 in full, and deterministically."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic
    matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic = False, False, True
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32, cudnn.deterministic = before


def _usable_gpu(index: int) -> bool:
    """Whether to use the GPU of this number: False where the CPU stands in; raises CaffeError where nothing does."""
    missing = _missing_gpu(index)
    if missing is None:
        return True
    if not _cpu_stands_in or torch.cuda.is_available():
        raise CaffeError(f"{missing}; caffe.set_mode_cpu() uses the CPU")
    _note_cpu(missing)
    return False


@functools.cache
def _note_cpu(missing: str) -> None:
    print(f"{missing}: Caffe runs on the CPU", file=sys.stderr)


def _missing_gpu(index: int) -> str | None:
    """Why there is no GPU of this number; None where there is one."""
    if not torch.cuda.is_available():
        return "this machine has no GPU that torch can use"
    if not 0 <= index < torch.cuda.device_count():
        return f"there is no GPU {index}; there are {torch.cuda.device_count()}, counted from 0"
    return None
