"""C extensions, which are built for one version of Python: what the error says where one can't be imported."""

from __future__ import annotations

import re
import sys
from pathlib import Path

_ENDINGS = (".so", ".pyd", ".pyx", ".c", ".cc", ".cpp", ".cxx", ".cu", "module.c")
"""Ends of the names of an extension's files, built or not."""
_OF_ANOTHER_PYTHON = re.compile(r"undefined symbol: _?Py|does not define module export function")


def explained(error: ImportError, package: str) -> ImportError:
    """The error of a failed import; if the module is a C extension, one that names its file and says what to do.

    package: that of the module that imports, which Python 2 searched first.
    """
    name, file = error.name or "", None
    within, _, last = name.rpartition(".")
    if isinstance(error, ModuleNotFoundError) and error.path is None:
        file = _file(within or package, last) or _file(within, last)
    elif error.path is not None and _OF_ANOTHER_PYTHON.search(str(error)):
        file = error.path
    if not last or file is None:
        return error
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    reason = f"{name} is a C extension of Python 2 ({file}); build it for Python {here}, or put {last}.py in its place"
    return type(error)(reason, name=name, path=file)


def _file(package: str, name: str) -> str | None:
    folders = getattr(sys.modules.get(package), "__path__", ()) if package else sys.path
    found = (Path(folder, f"{name}{ending}") for folder in folders for ending in _ENDINGS)
    return next((str(file) for file in found if file.is_file()), None)
