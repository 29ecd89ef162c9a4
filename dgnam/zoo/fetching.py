"""Fetch what several models need: what is missing, how much that is and under which terms, and what can't be had."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DgnamError
from . import folders
from .download import PublishedFile, archive_path, remote_size
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
    archive: of a missing file that comes in an archive, where that is or would be, and `size` None.
    archive_size: of an archive to download, what its server says; None where that isn't known or it is here.
    reason: why it can't be had.
    """

    model: str
    what: str
    state: str
    path: Path
    size: int | None = None
    reason: str = ""
    about: int | None = None
    archive: Path | None = None
    archive_size: int | None = None

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
        return replace(item, reason=str(error), state=DAMAGED if item.state == HERE else item.state)
    return replace(item, path=path, size=path.stat().st_size, state=item.state if item.state == HERE else FETCHED)


def licenses(items: Sequence[Item]) -> dict[str, list[str]]:
    """The models of the items by their license."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(item.model for item in items):
        found.setdefault(get(name).license, []).append(name)
    return found


@dataclass(frozen=True)
class Download:
    """What one address gives: a file, or an archive of several.

    items: those that it is for.
    size: in bytes, exact or about; None where it isn't known.
    """

    items: tuple[Item, ...]
    size: int | None


def downloads(items: Sequence[Item]) -> list[Download]:
    """What has to be downloaded for the missing items; an archive once, and none that is here."""
    by_place: dict[Path, list[Item]] = {}
    for item in items:
        if item.state == MISSING and not (item.archive is not None and item.archive.is_file()):
            by_place.setdefault(item.path if item.archive is None else item.archive, []).append(item)
    return [Download(tuple(group), _download_size(group)) for group in by_place.values()]


def check_room(items: Sequence[Item]) -> None:
    """Raise DgnamError if the missing files, and the archives that stay beside them, take more room than there is."""
    unpacked = (item.about for item in items if item.state == MISSING and item.archive is not None)
    sizes = (*(one.size for one in downloads(items)), *unpacked)
    wanted = sum(size for size in sizes if size is not None)
    folder = next(one for one in (folders.home(), *folders.home().absolute().parents) if one.is_dir())
    free = shutil.disk_usage(folder).free
    if wanted > free:
        raise DgnamError(
            f"{folder} has room for {free:,} bytes, and the missing files take {wanted:,}: set $DGNAM_HOME"
        )


def _download_size(group: Sequence[Item]) -> int | None:
    """The bytes of a file or archive; an unknown archive is about as large as what is taken out of it."""
    first = group[0]
    if first.archive is None:
        return first.likely_size
    if first.archive_size is not None:
        return first.archive_size
    known = [item.about for item in group if item.about is not None]
    return sum(known) if known else None


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
    return _missing(Item(entry.name, what, MISSING, place, about=files[0].size), files, ask)


def _missing(item: Item, files: Sequence[PublishedFile], ask: Callable[[str], int | None]) -> Item:
    """The item with the address that it will likely come from: an archive that is here, or the first that answers."""
    addresses = [
        (url, None if file.member is None else archive_path(url, folders.archives()))
        for file in files
        for url in file.urls
    ]
    here = next((archive for _, archive in addresses if archive is not None and archive.is_file()), None)
    if here is not None:
        return replace(item, archive=here)
    answers = ((url, archive, ask(url)) for url, archive in addresses)
    answer = next((one for one in answers if one[2] is not None), None)
    if answer is None:
        return replace(item, archive=addresses[0][1] if addresses else None)
    _, archive, size = answer
    return replace(item, size=size) if archive is None else replace(item, archive=archive, archive_size=size)
