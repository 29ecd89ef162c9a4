"""The errors of all of dgnam, each naming the file, layer or blob at fault and what would be valid."""

import difflib
import importlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType

_LONGEST_NAME = 100
_LONGEST_REASON = 2000
_MOST_CHOICES = 10_000


class DgnamError(RuntimeError):
    """Something was asked for that can't be done; the message names what is at fault and what would be valid."""


class FormatError(DgnamError):
    """A file is not what its format says, or contradicts itself; the message names the file and the reason."""


class ArrayError(DgnamError, ValueError):
    """An array has a shape that can't be used; a ValueError too, since pycaffe raised that."""


class ArgumentError(DgnamError, TypeError):
    """An argument is not of a kind that can be used; a TypeError too, since pycaffe raised that."""


class MissingPackageError(DgnamError, ImportError):
    """An optional package or program is needed and not there; the message says what for and how to install it."""


class ChunksFailedError(DgnamError):
    """Chunks of a run could not be made, however often they were tried; the others were.

    reasons: why, by the names of the chunks.
    """

    def __init__(self, message: str, reasons: Mapping[str, str]):
        super().__init__(message)
        self.reasons = dict(reasons)


class CaffeError(DgnamError):
    """A Caffe net, layer or blob was asked for something that it can't do.

    A RuntimeError, as all of ours are, since that is what pycaffe raises.
    """


class CaffeFormatError(CaffeError, FormatError):
    """A file of Caffe's is not what its format says, or contradicts itself."""


class UnknownNameError(CaffeError, KeyError, ValueError):
    """A net has no layer or blob of that name; a KeyError and a ValueError too, since pycaffe raised either."""

    __str__ = RuntimeError.__str__  # a KeyError's own puts the message in quotes


class NotClimbedWarning(UserWarning):
    """Images of a run show no preferred image, since their objective could not be climbed."""


@contextmanager
def naming(source: object) -> Iterator[None]:
    """Let errors that don't name `source`, such as the file behind them, do so.

    They become FormatErrors (Caffe's CaffeFormatErrors), but for those of a class of their own.
    """
    try:
        yield
    except DgnamError as error:
        reason = str(error)
        if str(source) in reason:
            raise
        general: dict[type[DgnamError], type[DgnamError]] = {DgnamError: FormatError, CaffeError: CaffeFormatError}
        kind = general.get(type(error), type(error))
        raise kind(f"{source}: {shortened(reason, _LONGEST_REASON)}") from error.__cause__


def shortened(text: str, longest: int = _LONGEST_NAME) -> str:
    """`text` for an error message, its end cut off where it is longer than `longest`: a damaged name may be endless."""
    return text if len(text) <= longest else f"{text[:longest]}… ({len(text)} characters)"


def optional_module(name: str, what: str, package: str) -> ModuleType:
    """Import the module `name`, which `what` needs, or raise MissingPackageError with the `package` to install."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise MissingPackageError(f"{what} needs the package {package}: pip install {package} ({error})") from None


def unknown_name(net: str, what: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The error for a `name` that is none of the net's `known` ones; `what` they are, such as "blob"."""
    return UnknownNameError(
        f"net '{net}' has no {what} '{name}'; its {what}s, the closest first: {closest(str(name), known)}"
    )


def closest(name: str, known: Iterable[str], limit: int = 8) -> str:
    """The valid choices for a mistyped `name`, the closest first, as text for an error message."""
    choices = [shortened(choice) for choice in known]
    # Both bounds are for hostile names: the search takes time by the product of their lengths.
    ranked = difflib.get_close_matches(name[:_LONGEST_NAME], choices[:_MOST_CHOICES], n=limit, cutoff=0.5)
    taken = set(ranked)
    ranked += [choice for choice in choices if choice not in taken]
    more = f", … ({len(ranked)} in all)" if len(ranked) > limit else ""
    return ", ".join(ranked[:limit]) + more
