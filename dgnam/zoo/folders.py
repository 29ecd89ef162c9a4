"""The folders of the models: definitions and small models in the package, downloaded files in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import DgnamError

HOME_VARIABLE = "DGNAM_HOME"
"""The environment variable that names the folder of downloaded files."""


def home() -> Path:
    """The folder of downloaded files: `$DGNAM_HOME`, or else the user's cache folder."""
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen is not None:
        return Path(chosen)
    from .download import cache_folder

    return cache_folder()


def archives() -> Path:
    """The folder of downloaded archives, from which several files may come."""
    return home() / "archives"


def data_folder(name: str) -> Path:
    """The folder `models` or `prototxt`: beside the modules once installed, at the top in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise DgnamError(f"the folder '{name}' is neither in {package} nor beside it: the installation is incomplete")
