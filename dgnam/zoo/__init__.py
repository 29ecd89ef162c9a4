"""The networks that dgnam knows: their files, their downloads, what they take and what their classes are called.

    entry = zoo.get("caffenet-mini")
    module = zoo.load("caffenet-mini")

Importing this package does not import torch; `load` and `load_net` do when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .act_range import read_act_range
    from .download import ChecksumError, PublishedFile
    from .folders import data_folder, home
    from .label_files import labels_of, read_label_file
    from .labels import Label, labels_path, read_labels
    from .loading import load, load_net
    from .registry import GeneratorInfo, MissingWeightsError, ModelEntry, PreprocessingInfo, get, list_models

_MODULES = {
    "act_range": ("read_act_range",),
    "download": ("ChecksumError", "PublishedFile"),
    "folders": ("data_folder", "home"),
    "label_files": ("labels_of", "read_label_file"),
    "labels": ("Label", "labels_path", "read_labels"),
    "loading": ("load", "load_net"),
    "registry": ("GeneratorInfo", "MissingWeightsError", "ModelEntry", "PreprocessingInfo", "get", "list_models"),
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names}

__all__ = [
    "ChecksumError",
    "GeneratorInfo",
    "Label",
    "MissingWeightsError",
    "ModelEntry",
    "PreprocessingInfo",
    "PublishedFile",
    "data_folder",
    "get",
    "home",
    "labels_of",
    "labels_path",
    "list_models",
    "load",
    "load_net",
    "read_act_range",
    "read_label_file",
    "read_labels",
]


def __getattr__(name: str) -> Any:
    """The names above, each from its module when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'dgnam.zoo' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return [*globals(), *_HOMES]
