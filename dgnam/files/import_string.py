"""A callable in Python by the text `package.module:name`, as an option of a command gives it."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable
from typing import Any

from ..errors import DgnamError, closest


def python_callable(path: str, what: str) -> Callable[..., Any]:
    """The callable at `package.module:name`, whose module is imported, and so runs what it holds.

    Modules in the current folder are found too.

    what: what it is for, as errors call it: "score".
    Raises DgnamError for text of another form, for a module that isn't there or fails as it is imported, and for a
    name that it lacks or that is nothing to call.
    """
    module_name, colon, name = path.partition(":")
    if not (module_name and colon and name) or module_name.startswith("."):
        raise DgnamError(f"{what} '{path}': write package.module:name")
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise DgnamError(f"{what} '{path}': {error}; modules are looked for here and in Python's path") from None
    except Exception as error:
        raise DgnamError(f"{what} '{path}': importing it fails, with {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        known = [own for own, value in vars(module).items() if callable(value) and not own.startswith("_")]
        raise DgnamError(f"{what} '{path}': {module_name} has no callable '{name}'; it has {closest(name, known)}")
    return found
