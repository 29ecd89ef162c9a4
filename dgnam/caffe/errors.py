"""The errors of the runtime, each naming the file, layer or blob at fault and what would be valid."""

import difflib
from collections.abc import Iterable


class CaffeError(RuntimeError):
    """A net, layer or blob was asked for something that it can't do.

    A RuntimeError, since that is what pycaffe raises.
    """


class CaffeFormatError(CaffeError):
    """A file is not what its format says; the message names the file and the reason."""


class MissingPackageError(CaffeError, ImportError):
    """An optional package or program is needed and not there; the message says what for and how to install it."""


def closest(name: str, known: Iterable[str], limit: int = 8) -> str:
    """The valid choices for a mistyped `name`, the closest first, as text for an error message."""
    choices = list(known)
    ranked = difflib.get_close_matches(name, choices, n=limit, cutoff=0.5)
    ranked += [c for c in choices if c not in ranked]
    more = f", … ({len(ranked)} in all)" if len(ranked) > limit else ""
    return ", ".join(ranked[:limit]) + more
