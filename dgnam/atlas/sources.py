"""The runs that an atlas shows: those named, and those in the folders named; and why others have no page."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DgnamError
from ..files.checksums import sha256_of_bytes
from ..files.paths import StrPath
from ..runs.folder import folder_name
from ..runs.record import RECORD

_LONGEST_NUMBER = 8


@dataclass(frozen=True)
class Source:
    """A run's folder, and the name of its page.

    path: absolute, without links; shown: as it was named, for commands.
    """

    path: Path
    shown: Path
    slug: str


@dataclass(frozen=True)
class Refused:
    """A folder without a page, and why."""

    name: str
    reason: str


@dataclass
class Sources:
    """The runs, by name, and the folders that hold none."""

    runs: list[Source] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    _seen: set[Path | str] = field(default_factory=set)

    def add(self, path: Path) -> None:
        """Take in a run's folder, or say why not."""
        real = Path(os.path.realpath(path))
        if real in self._seen:
            return
        slug = folder_name(path.name if path.name else real.name)
        if slug != path.name or slug.casefold() in self._seen:
            slug = f"{slug}-{sha256_of_bytes(os.fsencode(real))[:_LONGEST_NUMBER]}"
        self._seen |= {real, slug.casefold()}
        self.runs.append(Source(real, path, slug))


def find_sources(places: Sequence[StrPath], output: Path) -> Sources:
    """The runs in these places, each a run's folder or one of several; the atlas's own folder is passed over.

    Raises DgnamError for a place that is no folder.
    """
    found = Sources()
    for place in map(Path, places):
        if not place.is_dir():
            raise DgnamError(f"{place} is not a folder" if place.exists() else f"there is no folder {place}")
        if why_no_run(place) is None:
            found.add(place)
            continue
        for path in _folders_in(place, found):
            if os.path.realpath(path) == os.path.realpath(output):
                continue
            reason = "is a link, which is not followed: name it to have it shown" if path.is_symlink() else None
            reason = why_no_run(path) if reason is None else reason
            if reason is None:
                found.add(path)
            else:
                found.refused.append(Refused(path.name, reason))
    return found


def steps_in(source: Source) -> list[Source]:
    """The runs in a run's folder, as an experiment's steps."""
    found, none = Sources(), Sources()
    for path in _folders_in(source.path, none):
        if not path.is_symlink() and why_no_run(path) is None:
            found.add(path)
    return [Source(one.path, source.shown / one.path.name, one.slug) for one in found.runs]


def why_no_run(folder: Path) -> str | None:
    """Why a folder counts as no run; None for one that may be."""
    record = folder / RECORD
    try:
        if record.is_symlink():
            return f"its {RECORD} is a link, and a run's folder holds none"
        if record.is_file():
            return None
        os.listdir(folder)
    except OSError as error:
        return f"may not be read ({error.strerror})"
    return f"holds no run: there is no {RECORD} in it"


def _folders_in(place: Path, found: Sources) -> Iterator[Path]:
    """The folders in a folder, by name, links to folders too; hidden ones aside."""
    try:
        names = sorted(os.listdir(place))
    except OSError as error:
        found.refused.append(Refused(str(place), f"may not be read ({error.strerror})"))
        return
    yield from (place / name for name in names if not name.startswith(".") and (place / name).is_dir())
