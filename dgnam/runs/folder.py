"""New folders for runs: a run never overwrites another."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import DgnamError
from ..files.paths import StrPath, make_folder, make_new_folder

_UNSAFE = re.compile(r"[^\w.@+-]+")
_LONGEST_NAME = 80

IN_ONE_FOLDER = 1000
"""Files of one kind that share a folder."""


def new_folder(base: StrPath, name: str) -> Path:
    """A new folder `name-1` in `base`, or the first of `name-2`, … not there yet."""
    parent, stem = Path(base), folder_name(name)
    try:
        make_folder(parent)
        number = 1
        while True:
            try:
                return make_new_folder(parent / f"{stem}-{number}")
            except FileExistsError:
                number += 1
    except OSError as error:
        raise DgnamError(f"cannot make a run folder in {parent}: {error.strerror}") from None


def create_folder(path: StrPath) -> Path:
    """This very folder, a new or an empty one; one that holds something is an error."""
    folder = Path(path)
    try:
        make_folder(folder)
        full = any(folder.iterdir())
    except OSError as error:
        raise DgnamError(f"cannot make the folder {folder}: {error.strerror}") from None
    if full:
        raise DgnamError(f"{folder} is not empty: resume the run in it, or give another folder")
    return folder


def folder_name(text: str) -> str:
    """The text with what folders can't be called by as `-`, cut where it is long."""
    return _UNSAFE.sub("-", text).strip("-.")[:_LONGEST_NAME] or "run"


def in_folders(number: int, name: str) -> str:
    """The name of a numbered file, with the folder of its thousand, as `0012/name`; the first thousand lie in none."""
    return name if number < IN_ONE_FOLDER else f"{number // IN_ONE_FOLDER:04d}/{name}"
