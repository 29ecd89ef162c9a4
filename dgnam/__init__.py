"""Preferred images of a network's units, by activation maximization in the code space of a deep generator (DGN-AM)."""

from importlib import import_module
from pathlib import Path
from typing import Any

__version__ = "0.1.0"

# Installed, `experiments/` lies in this folder.  In a checkout it lies beside it, as `prototxt/` and `models/` do.
if not Path(__file__).with_name("experiments").is_dir():
    __path__.append(str(Path(__file__).parent.parent))


def __getattr__(name: str) -> Any:
    """`dgnam.visualize`, which is loaded when it is asked for: `import dgnam.caffe` needs nothing of it."""
    if name == "visualize":
        return import_module("dgnam.api").visualize
    raise AttributeError(f"module 'dgnam' has no attribute '{name}'")


def __dir__() -> list[str]:
    return [*globals(), "visualize"]
