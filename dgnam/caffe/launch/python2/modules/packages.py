"""h5py, yaml, matplotlib and IPython as they were."""

from __future__ import annotations

import builtins
import functools
import importlib
import os
from types import ModuleType
from typing import Any

import numpy as np

from . import numpy_names
from .numpy_names import BUILTINS, TYPES, as_texts
from .overlay import Made, Overlays, module


def _h5py() -> dict[str, Any]:
    """Files that are made where there is none, and open for writing where they can be; their strings are texts."""
    import h5py

    class Dataset(h5py.Dataset):  # type: ignore[misc]
        def __getitem__(self, index: Any, *given: Any, **named: Any) -> Any:
            return as_texts(super().__getitem__(index, *given, **named))

        value = property(lambda self: self[()])

    class Group(h5py.Group):  # type: ignore[misc]
        def __getitem__(self, name: Any) -> Any:
            return served(super().__getitem__(name))

        def __setitem__(self, name: Any, value: Any) -> None:
            super().__setitem__(name, _byte_strings(value))

        def get(self, name: Any, *given: Any, **named: Any) -> Any:
            return served(super().get(name, *given, **named))

        def create_group(self, *given: Any, **named: Any) -> Any:
            return served(super().create_group(*given, **named))

        def create_dataset(self, name: Any, *given: Any, **named: Any) -> Any:
            if "data" in named:
                named["data"] = _byte_strings(named["data"])
            return served(super().create_dataset(name, *given, **named))

    class File(Group, h5py.File):  # type: ignore[misc]
        def __init__(self, name: Any, mode: Any = None, *given: Any, **named: Any) -> None:
            if mode is None and isinstance(name, str | bytes):
                mode = "r" if os.path.exists(name) and not os.access(name, os.W_OK) else "a"
            super().__init__(name, mode or "r", *given, **named)

    kinds = {h5py.Dataset: Dataset, h5py.Group: Group}

    def served(found: Any) -> Any:
        kind = kinds.get(type(found))
        return found if kind is None else kind(found.id)

    return {"File": File}


def _byte_strings(values: Any) -> Any:
    """Arrays of texts as HDF5 takes them."""
    texts = np.asarray(values) if isinstance(values, list | tuple | np.ndarray) else None
    return np.char.encode(texts, "utf-8") if texts is not None and texts.dtype.kind == "U" else values


def _yaml() -> dict[str, Any]:
    """`load` without a loader, which makes no objects here."""
    yaml: Any = importlib.import_module("yaml")

    return {
        "load": lambda stream, Loader=yaml.SafeLoader: yaml.load(stream, Loader),
        "load_all": lambda stream, Loader=yaml.SafeLoader: yaml.load_all(stream, Loader),
    }


def _matplotlib() -> dict[str, Any]:
    import matplotlib

    def use(backend: str, warn: bool = True, force: bool = True) -> None:
        matplotlib.use(backend, force=force)

    return {"use": use}


def _matplotlib_cm() -> dict[str, Any]:
    """Color maps by their old names."""
    import matplotlib

    for name in ("spectral", "spectral_r"):
        if name not in matplotlib.colormaps:
            matplotlib.colormaps.register(matplotlib.colormaps[f"nipy_{name}"], name=name)
    names = {name: matplotlib.colormaps[name] for name in ("spectral", "spectral_r")}
    return {**names, "get_cmap": _pyplot_module().get_cmap}


def _pyplot_module() -> Any:
    return importlib.import_module("matplotlib.pyplot")


def _pylab() -> dict[str, Any]:
    """Names of NumPy and of pyplot in one module, without those that are builtins."""
    numpy, random, pyplot = numpy_names.names(), numpy_names.random_names(), _pyplot()
    names = {**numpy, **random, **pyplot}
    names = {name: value for name, value in names.items() if name not in (*BUILTINS, *TYPES)}
    listed = [one for one in dir(importlib.import_module("pylab")) if not one.startswith("_")]
    wanted = {*listed, *names} - set(vars(builtins)) | {"all", "any", "sum"}
    return {**names, "all": np.all, "any": np.any, "sum": numpy["sum"], "__all__": sorted(wanted - {"__all__"})}


def _pyplot() -> dict[str, Any]:
    from ..methods import DRAWS, drawn

    _matplotlib_cm()
    draws = {name: functools.partial(drawn, name, _pyplot_module()) for name in DRAWS}
    return {**draws, "hold": lambda on=True: None, "ishold": lambda: True}


def _ipython() -> ModuleType:
    return module("IPython", display=_ipython_display())


def _ipython_display() -> ModuleType:
    """What scripts use of IPython's display where IPython is not installed: nothing is shown."""

    class Image:
        def __init__(self, *given: Any, **named: Any) -> None:
            pass

    def nothing(*given: Any, **named: Any) -> None:
        pass

    names = dict.fromkeys(("clear_output", "display"), nothing)
    return module("IPython.display", Image=Image, HTML=Image, SVG=Image, **names)


OVERLAYS: Overlays = {
    "h5py": _h5py,
    "matplotlib": _matplotlib,
    "matplotlib.cm": _matplotlib_cm,
    "matplotlib.pyplot": _pyplot,
    "pylab": _pylab,
    "yaml": _yaml,
}

WITHOUT: Made = {"IPython": _ipython, "IPython.display": _ipython_display}
"""Modules for packages that scripts import without need, where they are not installed."""
