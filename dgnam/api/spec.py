"""A run's spec: the JSON of the keyword arguments that it was begun with."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from os import PathLike, fspath
from typing import Any

import numpy as np

from ..files.checksums import sha256_of_array
from ..runs.ranges import from_ranges, to_ranges
from ..runs.record import OBJECT
from .fingerprint import fingerprint

NOT_RECORDED = ("folder", "output", "name", "executor", "resume", "progress")
"""Arguments about how a run is watched, where it lies and who makes it, not what it is."""


def spec_of(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments of a function of `dgnam.api` as JSON can hold them.

    An object is `{"object": its class, …}` with checksums of its numbers, as far as they are known.  Of seeds
    consecutive ones are listed by their ends, as "0-4999999".
    """
    recorded = ((name, value) for name, value in arguments.items() if name not in NOT_RECORDED)
    return {name: _seeds(value) if name == "seeds" else to_json(_listed(value)) for name, value in recorded}


def _listed(value: Any) -> Any:
    """An array that stands for a list, as of settings or names, as that."""
    return value.tolist() if isinstance(value, np.ndarray) and value.ndim == 1 else value


def _seeds(value: Any) -> Any:
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str):
        with suppress(TypeError, ValueError):
            return to_ranges(from_ranges(value))
    return to_json(value)


def to_json(value: Any) -> Any:
    """One argument as JSON can hold it."""
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        number = float(value)
        return number if math.isfinite(number) else {OBJECT: "float", "value": repr(number)}
    if isinstance(value, PathLike):
        return str(fspath(value))
    if isinstance(value, np.ndarray):
        return {OBJECT: "array", "shape": list(value.shape), "sha256": sha256_of_array(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(part) for key, part in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((to_json(part) for part in value), key=repr)
    if isinstance(value, list | tuple | range):
        return [to_json(part) for part in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {OBJECT: type(value).__name__, "fields": {k: to_json(v) for k, v in _fields(value)}}
    return {OBJECT: getattr(value, "__qualname__", type(value).__name__), **fingerprint(value)}


def _fields(value: Any) -> Iterable[tuple[str, Any]]:
    return ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
