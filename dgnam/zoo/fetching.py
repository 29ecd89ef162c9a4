"""Fetch what several models need: what is missing, how much that is and under which terms, and what can't be had."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DgnamError
from . import folders
from .download import archive_path, remote_size
from .registry import ModelEntry, get

HERE, MISSING, DAMAGED, FETCHED = "here", "missing", "damaged", "fetched"

GOOD = (HERE, FETCHED)


@dataclass(frozen=True)
class Item:
    """One thing that a model needs.

    what: of `ModelEntry.published_files`.
    state: "here", "fetched", "missing", or "damaged" if its checksum is wrong.
    path: where it is or would be.
    size: in bytes; of a missing file what its server says, or else None.
    about: the same where no server says it, as the registry has it.
    reason: why it can't be had.
    """

    model: str
    what: str
    state: str
    path: Path
    size: int | None = None
    reason: str = ""
    about: int | None = None

    @property
    def likely_size(self) -> int | None:
        """In bytes, exact or about; None where it isn't known."""
        return self.about if self.size is None else self.size

    @property
    def good(self) -> bool:
        return self.state in GOOD


def needed(names: Iterable[str], size: Callable[[str], int | None] = remote_size) -> list[Item]:
    """What the models of these names need, and its state; asks servers for the sizes of what is missing.

    size: of the file at an address; None where it is not known.
    """
    told: dict[str, int | None] = {}

    def ask(url: str) -> int | None:
        if url not in told:
            told[url] = size(url)
        return told[url]

    return [_item(entry, what, ask) for entry in map(get, dict.fromkeys(names)) for what in _wanted(entry)]


def obtain(item: Item) -> Item:
    """The same once it is fetched, or with the reason why that can't be."""
    if item.state == DAMAGED:
        return item
    try:
        path = get(item.model).obtain(item.what)
    except (DgnamError, OSError) as error:
        return replace(item, reason=str(error))
    return replace(item, path=path, size=path.stat().st_size, state=item.state if item.state == HERE else FETCHED)


def licenses(items: Sequence[Item]) -> dict[str, list[str]]:
    """The models of the items by their license."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(item.model for item in items):
        found.setdefault(get(name).license, []).append(name)
    return found


def check_room(items: Sequence[Item]) -> None:
    """Raise DgnamError if the missing files are known to take more room than there is."""
    wanted = sum(item.likely_size for item in items if item.state == MISSING and item.likely_size is not None)
    folder = next(one for one in (folders.home(), *folders.home().absolute().parents) if one.is_dir())
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise DgnamError(
            f"{folder} has room for {free:,} bytes, and the missing files take {wanted:,}: set $DGNAM_HOME"
        )


def _wanted(entry: ModelEntry) -> list[str]:
    """What is to be fetched: not what the user measures, nor what comes with the package."""
    return [
        what for what, files in entry.published_files().items() if entry.kind == "mini" or any(f.urls for f in files)
    ]


def _item(entry: ModelEntry, what: str, ask: Callable[[str], int | None]) -> Item:
    files = entry.published_files()[what]
    place = next((entry.place(file) for file in files if entry.place(file).is_file()), entry.place(files[0]))
    state = entry.state(what)
    if state == DAMAGED:
        try:
            entry.obtain(what, download=False)
        except DgnamError as error:
            return Item(entry.name, what, DAMAGED, place, place.stat().st_size, str(error))
    if place.is_file():
        return Item(entry.name, what, HERE, place, place.stat().st_size)
    archives = [archive_path(url, folders.archives()) for file in files if file.member for url in file.urls]
    in_archive = next((path.stat().st_size for path in archives if path.is_file()), None)
    sizes = (ask(url) for file in files for url in file.urls)
    known = in_archive if in_archive is not None else next((one for one in sizes if one is not None), None)
    return Item(entry.name, what, MISSING, place, known, about=files[0].size)
