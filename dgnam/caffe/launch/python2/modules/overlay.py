"""Modules made of names: on top of a module of today, or on their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

Overlays = Mapping[str, Callable[[], dict[str, Any]]]
"""The names that modules of today get, by the module's name."""

Made = Mapping[str, Callable[[], ModuleType]]
"""Modules made anew, by their names."""


_ABSENT = object()


class Overlay(ModuleType):
    """A module with some names of its own, that looks through to another; what is set in it is set there.

    served: of the name of a module within the other one, what stands for that; None for itself.
    """

    def __init__(self, module: ModuleType, names: dict[str, Any], served: Callable[[str], ModuleType | None]) -> None:
        super().__init__(module.__name__, module.__doc__)
        vars(self).update(_module=module, _names=names, _served=served, **names)
        for name in ("__path__", "__file__", "__spec__", "__package__"):
            if hasattr(module, name):
                vars(self)[name] = getattr(module, name)

    def __getattr__(self, name: str) -> Any:
        module: ModuleType = vars(self)["_module"]
        if name == "__all__":
            listed = getattr(module, "__all__", [own for own in vars(module) if not own.startswith("_")])
            return [*dict.fromkeys([*listed, *(own for own in vars(self)["_names"] if not own.startswith("_"))])]
        value = getattr(module, name, _ABSENT)
        if value is _ABSENT:
            within = vars(self)["_served"](f"{module.__name__}.{name}")
            return getattr(module, name) if within is None else within
        if isinstance(value, ModuleType):
            return vars(self)["_served"](value.__name__) or value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        vars(self)["_names"].pop(name, None)
        vars(self).pop(name, None)
        setattr(vars(self)["_module"], name, value)

    def __dir__(self) -> list[str]:
        return sorted({*dir(vars(self)["_module"]), *vars(self)["_names"]})


def module(name: str, /, **names: Any) -> ModuleType:
    """A module that has these names and no others."""
    made = ModuleType(name)
    vars(made).update(names)
    return made
