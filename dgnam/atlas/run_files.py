"""The files of a run that a page may link: of kinds that browsers show or save, inside its folder, through no link."""

from __future__ import annotations

import heapq
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from ..errors import DgnamError
from ..files.paths import PART

PICTURES = (".png", ".jpg", ".jpeg", ".gif")
MOVIES = (".gif", ".mp4")
KINDS = (*PICTURES, ".mp4", ".csv", ".json", ".txt")
"""The kinds of files that are linked; a browser runs none of them as a program."""


class RunFiles:
    """The files of the run in a folder, and their addresses on its pages, which lie in the folder `page`.

    copy: whether a file that is linked is copied beside the page, into `files/`.
    """

    def __init__(self, folder: Path, page: Path, copy: bool = False):
        self.folder, self.page, self.copy = folder, page, copy
        self._base = "files" if copy else _relative(folder, page)

    def path(self, name: str, kinds: tuple[str, ...] = KINDS) -> Path | None:
        """The file of this name within the folder, as `images/x.png`; None where none may be linked."""
        parts = name.split("/")
        if any(not part or part.startswith(".") or "\\" in part or "\0" in part for part in parts):
            return None
        if not parts[-1].lower().endswith(kinds):
            return None
        path = self.folder
        for place, part in enumerate(parts):
            path = path / part
            kind = _kind(path)
            if kind != (stat.S_IFREG if place == len(parts) - 1 else stat.S_IFDIR):
                return None
        return path

    def url(self, name: str) -> str | None:
        """A file's address, relative to the page; None where it may not be linked."""
        path = self.path(name)
        if path is None:
            return None
        if self.copy:
            _copy(path, self.page / "files" / name)
        return f"{self._base}/{quote_path(name)}"

    def names(self, folder: str = "", kinds: tuple[str, ...] = KINDS, limit: int = 1000) -> list[str]:
        """The first files in the run's folder, or in a folder of it, by name."""
        prefix = f"{folder}/" if folder else ""
        found = (f"{prefix}{name}" for name in _files_in(self.folder / folder) if name.lower().endswith(kinds))
        return [name for name in heapq.nsmallest(limit, found) if self.path(name) is not None]

    def drop_old_copies(self) -> None:
        """Remove copies of files that the run no longer has."""
        copies = self.page / "files"
        if copies.is_symlink() or not copies.is_dir():
            return
        if not self.copy:
            shutil.rmtree(copies)
            return
        for folder, _, files in os.walk(copies):
            for path in (Path(folder, name) for name in files):
                if self.path(path.relative_to(copies).as_posix()) is None:
                    path.unlink()


def quote_path(name: str) -> str:
    """A path as a part of an address, whatever bytes it is of."""
    return "/".join(quote(os.fsencode(part), safe="") for part in name.split("/"))


def _relative(folder: Path, page: Path) -> str:
    try:
        return quote_path(Path(os.path.relpath(folder, page)).as_posix())
    except ValueError:
        raise DgnamError(
            f"{page} lies on another drive than {folder}, which no page can link: copy the files"
        ) from None


def _kind(path: Path) -> int | None:
    """A path's kind of file, of a link that it is one; None where there is nothing."""
    try:
        return stat.S_IFMT(path.lstat().st_mode)
    except (OSError, ValueError):
        return None


def _files_in(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as entries:
            yield from (entry.name for entry in entries if entry.is_file(follow_symlinks=False))
    except OSError:
        return


def _copy(source: Path, target: Path) -> None:
    """Copy a file, its time included, where the copy is not there yet or is older; whole, but not yet on the disk.

    Thousands of copies that wait for the disk one by one take minutes, and what a loss of power spoils is copied again.
    """
    there = source.stat()
    try:
        copied = target.lstat()
        if (copied.st_size, copied.st_mtime_ns) == (there.st_size, there.st_mtime_ns):
            return
    except OSError:
        target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}{PART}")
    try:
        shutil.copyfile(source, part, follow_symlinks=False)
        os.utime(part, ns=(there.st_atime_ns, there.st_mtime_ns))
        os.replace(part, target)
    except OSError as error:
        raise DgnamError(f"{target}: can't be written ({error.strerror})") from error
    finally:
        part.unlink(missing_ok=True)
