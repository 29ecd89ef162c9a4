"""Versions and threads: what may change a run's last digits."""

from __future__ import annotations

import platform
from importlib import metadata
from typing import Any

from .. import __version__

PACKAGES = ("torch", "numpy", "h5py", "Pillow", "protobuf")


def environment(*packages: str) -> dict[str, Any]:
    """The versions of dgnam, of Python and of the packages that decide a run's numbers, and torch's threads.

    packages: more of them, as "optuna".
    """
    ours = {"dgnam": __version__, "python": platform.python_version()}
    versions = ours | {name: metadata.version(name) for name in (*PACKAGES, *packages)}
    return {"versions": versions, "threads": threads()}


def threads() -> int:
    """How many threads torch computes with; sums come out in another order with another number."""
    import torch

    return torch.get_num_threads()
