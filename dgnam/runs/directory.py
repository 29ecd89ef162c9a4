"""The working directory that a run was begun in, which relative paths in its record are of."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


def working_directory() -> str | None:
    """The working directory; None where it was removed."""
    try:
        return os.getcwd()
    except OSError:
        return None


@contextmanager
def working_in(directory: str | None) -> Iterator[bool]:
    """While this lasts `directory` is the working directory, where there is such a folder; yields whether it differs.

    A record may come from anyone, so that no code may be imported because it names a folder: entries of `sys.path` that
    depend on the working directory keep their meaning.
    """
    before, path = working_directory(), list(sys.path)
    fixed = [os.path.abspath(entry) for entry in path] if before is not None else path
    moved = False
    try:
        if directory is not None and before is not None and not os.path.samefile(directory, before):
            os.chdir(directory)
            moved, sys.path[:] = True, fixed
    except (OSError, ValueError):  # it is gone, is no folder, or is no path
        pass
    try:
        yield moved
    finally:
        if moved and before is not None:
            os.chdir(before)
            sys.path[:] = path


def relative_paths(value: object) -> Iterator[str]:
    """The texts in a spec that may be relative paths, also behind a word as in `image:cat.jpg`."""
    if isinstance(value, Mapping):
        images = value.get("images")
        if isinstance(images, str) and not os.path.isabs(images):
            yield images
        for part in value.values():
            yield from relative_paths(part)
    elif isinstance(value, list):
        for part in value:
            yield from relative_paths(part)
    elif isinstance(value, str):
        yield from (str(Path(part)) for part in (value, *value.split(":")) if _is_relative_path(part))


def _is_relative_path(text: str) -> bool:
    """As far as it shows in a text that may be a name."""
    return (os.sep in text or Path(text).suffix != "") and not os.path.isabs(text)
