"""Import strings: a callable by the text `package.module:name`."""

from __future__ import annotations

import functools
import importlib
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import DgnamError, closest, shortened

_LONGEST_REASON = 1000


def import_from_string(text: str, what: str) -> Callable[..., Any]:
    """The callable at `package.module:name`.  Importing the module runs its code: pass only text from the user.

    Modules in the current folder are found too.

    what: the purpose of the callable, as errors call it: "score".
    Raises DgnamError for text of another form, for a module that is missing or fails to import, and for a name that is
    missing or not callable.
    """
    module_name, colon, name = text.partition(":")
    if not (module_name and colon and name) or module_name.startswith("."):
        raise DgnamError(f"{what} '{text}': write package.module:name")
    if module_name not in sys.modules and os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise DgnamError(f"{what} '{text}': {error}; modules are searched for here and in Python's path") from None
    except Exception as error:
        raise DgnamError(f"{what} '{text}': importing it fails, with {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        known = [own for own, value in vars(module).items() if callable(value) and not own.startswith("_")]
        raise DgnamError(f"{what} '{text}': {module_name} has no callable '{name}'; it has {closest(name, known)}")
    return found


def guarded(function: Callable[..., Any], text: str, what: str) -> Callable[..., Any]:
    """The callable, imported from `text`, whose own errors become DgnamErrors that say where they were raised.

    what: its purpose, as errors call it: "score".
    """

    @functools.wraps(function, updated=())
    def call(*given: Any, **named: Any) -> Any:
        try:
            return function(*given, **named)
        except DgnamError:
            raise
        except Exception as error:
            reason = f": {shortened(str(error), _LONGEST_REASON)}" if str(error) else ""
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}, line {place.lineno}"
            raise DgnamError(f"{what} '{text}' fails, with {type(error).__name__}{reason} ({where})") from error

    return call
