"""`__builtin__` and `exceptions`: the names that translated code finds everywhere."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from .overlay import Made


class _Builtin(ModuleType):
    """A module whose names are the builtins of translated code, also where they are set."""

    def __init__(self) -> None:
        from ..importing import BUILTINS

        super().__init__("__builtin__")
        object.__setattr__(self, "_names", BUILTINS)

    def __getattribute__(self, name: str) -> Any:
        names = object.__getattribute__(self, "_names")
        if name == "__dict__":
            return names
        return names[name] if name in names else object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self.__dict__[name]
        except KeyError:
            raise AttributeError(f"module '__builtin__' has no attribute {name!r}") from None

    def __dir__(self) -> list[str]:
        return sorted(self.__dict__)


def _exceptions() -> ModuleType:
    from ..importing import BUILTINS

    module = ModuleType("exceptions")
    vars(module).update(
        {name: one for name, one in BUILTINS.items() if isinstance(one, type) and issubclass(one, BaseException)}
    )
    return module


MADE: Made = {"__builtin__": _Builtin, "exceptions": _exceptions}
