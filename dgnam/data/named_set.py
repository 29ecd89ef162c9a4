"""Named sets: datasets in the data folder, found by their names alone.

A set is named `BASE-SPLIT`, such as `tinyimagenet64-train`, and is a zip `BASE-SPLIT.zip` in the data folder, or parts
`BASE-SPLIT-0.zip`, `BASE-SPLIT-1.zip`, …, or a zip or a folder `BASE` of all splits.  In it, `SPLIT.txt` is the
listing, and `classes.txt` has a line `id name` for each class.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ..errors import closest
from .catalog import PUBLIC_SETS, public_set
from .entries import Chained, Entries
from .listing import open_listing
from .picture import DataError
from .zip_file import open_zip

DATA_VARIABLE = "DGNAM_DATA"
"""The environment variable that names the data folder."""


def data_folder(folder: str | os.PathLike[str] | None = None) -> Path:
    """The folder of the named sets: `folder`, or `$DGNAM_DATA` if that is None."""
    chosen = folder if folder is not None else os.environ.get(DATA_VARIABLE)
    if chosen is None:
        raise DataError(
            f"no data folder: set the environment variable {DATA_VARIABLE}, or give --data where it is taken"
        )
    if not Path(chosen).is_dir():
        raise DataError(f"the data folder {chosen} is not a folder")
    return Path(chosen)


def open_named_set(name: str, found: Sequence[Path]) -> Entries:
    """The pictures of the set `name`, whose parts, as `find_set` found them, follow each other."""
    listing = f"{name.rsplit('-', 1)[-1]}.txt"
    parts = [open_listing(p / listing, within=True) if p.is_dir() else open_zip(p, listing) for p in found]
    return parts[0] if len(parts) == 1 else Chained(name, parts)


def find_set(name: str, folder: Path) -> list[Path]:
    """The zips or the folder that hold the set `name`, in order; raises DataError with its origin if it is missing."""
    whole = folder / f"{name}.zip"
    if whole.is_file():
        return [whole]
    parts = sorted(folder.glob(f"{name}-*.zip"), key=lambda p: (len(p.name), p.name))
    if parts:
        return parts
    base = name.rpartition("-")[0]
    for candidate in (folder / f"{base}.zip", folder / base):
        if base and candidate.exists():
            return [candidate]
    whole_set = f", and there is no {base}.zip or folder {base}" if base else ""
    known = public_set(name)
    if known is None:
        names = (f"{known.name}-train" for known in PUBLIC_SETS)
        origin = f"; known sets, the closest first: {closest(name, names)}"
    else:
        origin = f". {known.origin}"
    raise DataError(
        f"no image set '{name}' in {folder}: there is no {name}.zip, there are no parts {name}-0.zip …"
        f"{whole_set}{origin}"
    )
