"""`StandardError`, the base of the builtin errors that are none of their own kind: not of StopIteration, warnings, …"""

from __future__ import annotations

from typing import Any

_BUILTIN = (
    *(ArithmeticError, AssertionError, AttributeError, BufferError, EOFError, ImportError, LookupError, MemoryError),
    *(NameError, OSError, ReferenceError, RuntimeError, SyntaxError, SystemError, TypeError, ValueError),
)


class _Kind(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return cls.__subclasscheck__(type(instance))

    def __subclasscheck__(cls, subclass: type) -> bool:
        return type.__subclasscheck__(cls, subclass) or (cls is StandardError and issubclass(subclass, _BUILTIN))


class StandardError(Exception, metaclass=_Kind):
    """`StandardError`."""


def caught(kinds: Any) -> Any:
    """What a handler catches, with the builtin errors for `StandardError`."""
    listed = kinds if isinstance(kinds, tuple) else (kinds,)
    return tuple(kind for one in listed for kind in ((one, *_BUILTIN) if one is StandardError else (one,)))
