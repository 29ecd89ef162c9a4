"""The errors of the runtime, each naming the file, layer or blob at fault and what would be valid."""

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType


class CaffeError(RuntimeError):
    """A net, layer or blob was asked for something that it can't do.

    A RuntimeError, since that is what pycaffe raises.
    """


class CaffeFormatError(CaffeError):
    """A file is not what its format says; the message names the file and the reason."""


class ArrayError(CaffeError, ValueError):
    """An array has a shape that can't be used; a ValueError too, since pycaffe raised that."""


class MissingPackageError(CaffeError, ImportError):
    """An optional package or program is needed and not there; the message says what for and how to install it."""


def optional_module(name: str, what: str, package: str) -> ModuleType:
    """Import the module `name`, which `what` needs, or raise MissingPackageError with the `package` to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(f"{what} needs the package {package}: pip install {package} ({error})") from None


def closest(name: str, known: Iterable[str], limit: int = 8) -> str:
    """The valid choices for a mistyped `name`, the closest first, as text for an error message."""
    choices = list(known)
    ranked = difflib.get_close_matches(name, choices, n=limit, cutoff=0.5)
    ranked += [c for c in choices if c not in ranked]
    more = f", … ({len(ranked)} in all)" if len(ranked) > limit else ""
    return ", ".join(ranked[:limit]) + more
