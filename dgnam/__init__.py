"""Preferred images of a network's units, by activation maximization in the code space of a deep generator (DGN-AM)."""

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .process import choose_threads, keep_freed_memory

if TYPE_CHECKING:
    from .api.act_range import act_range
    from .api.again import again
    from .api.evolve import evolve
    from .api.lab import begin_search, open_search
    from .api.load import load
    from .api.neighbors import neighbors
    from .api.occlusion import occlusion
    from .api.targets import open_target
    from .api.top_images import top_images
    from .api.tune import tune
    from .api.visualize import visualize

__version__ = "0.1.0"
__all__ = [
    "act_range",
    "again",
    "begin_search",
    "evolve",
    "load",
    "neighbors",
    "occlusion",
    "open_search",
    "open_target",
    "top_images",
    "tune",
    "visualize",
]

_PLACES = {
    "act_range": "act_range",
    "again": "again",
    "begin_search": "lab",
    "evolve": "evolve",
    "load": "load",
    "neighbors": "neighbors",
    "occlusion": "occlusion",
    "open_search": "lab",
    "open_target": "targets",
    "top_images": "top_images",
    "tune": "tune",
    "visualize": "visualize",
}
"""The module of `dgnam.api` that each name of `__all__` is of."""

choose_threads()
keep_freed_memory()

# Installed, `experiments/` lies in this folder.  In a checkout it lies beside it, as `prototxt/` and `models/` do.
if not Path(__file__).with_name("experiments").is_dir():
    __path__.append(str(Path(__file__).parent.parent))


def __getattr__(name: str) -> Any:
    """The names of `__all__`, loaded when they are asked for: `import dgnam.caffe` needs nothing of them."""
    if name in _PLACES:
        return getattr(import_module(f"dgnam.api.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'dgnam' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
