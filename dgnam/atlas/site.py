"""The whole atlas: an index, the pages of each run, and what is made again when it is updated.

index.html, style.css
pages/<run>/                    index.html, page-2.html, …, thumbnail.jpg; with copies files/
pages/<run>/steps/<step>/       the same of an experiment's steps
atlas.json                      what the pages were made of; a folder that holds it is an atlas
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ..errors import DgnamError
from ..files.checksums import sha256_of_bytes
from ..files.paths import StrPath, make_folder, write_bytes
from ..runs import read_json
from ..runs.lock import exclusive, is_locked
from ..runs.record import RECORD
from .pages import INDEX, Card, drop_parts, write_pages
from .sources import Refused, Source, find_sources, steps_in
from .templates import STYLE, render, style, templates_digest

PAGES, STEPS, MANIFEST = "pages", "steps", "atlas.json"

UNREADABLE = (DgnamError, OSError, RecursionError)
"""What a run's folder may come to; the last where a record is nested so deeply that no page can show it."""


@dataclass
class Built:
    """What an atlas came to.

    index: its first page; folders: the runs shown; made: how many of them got new pages; dropped: pages of runs gone.
    refused: the folders without a page, with the reasons.
    """

    index: Path
    folders: list[Path] = field(default_factory=list)
    made: int = 0
    dropped: int = 0
    refused: list[Refused] = field(default_factory=list)


def build(runs: Sequence[StrPath] = ("runs",), output: StrPath = "atlas", *, copy: bool = False) -> Built:
    """Make or update the atlas in a folder; only the pages of runs that changed are made again.

    runs: folders of runs, or of several runs each.
    copy: copy the files that pages show beside them, so that the atlas can be moved and published.
    Raises DgnamError for a place that is no folder, and an output that holds something else; a run that can't be read
    is a line of the index.
    """
    folder = Path(output)
    _check_output(folder)
    found = find_sources(runs, folder)
    make_folder(folder)
    with exclusive(folder):
        known = _known(folder)
        drop_parts(folder)
        built = Built(folder / INDEX, refused=found.refused)
        _write_changed(folder / MANIFEST, _manifest(known))
        entries: dict[str, dict[str, Any]] = {}
        for source in found.runs:
            entry = _entry(source, folder, copy, known.get(source.slug), built)
            if entry is not None:
                entries[source.slug] = entry
                built.folders.append(source.path)
        built.dropped = _drop_gone(folder / PAGES, entries)
        cards = sorted((Card(**entry["card"]) for entry in entries.values()), key=_newest_first)
        refused = sorted(built.refused, key=lambda one: one.name)
        _write_changed(folder / STYLE, style())
        _write_changed(folder / INDEX, render("index.html", cards=cards, refused=refused, root="", above=[]))
        _write_changed(folder / MANIFEST, _manifest(entries))
    return built


def _entry(source: Source, folder: Path, copy: bool, known: Any, built: Built) -> dict[str, Any] | None:
    """A run's entry in the manifest, once its pages are there; None for one that can't be read, which is noted."""
    pages = folder / PAGES / source.slug
    state = _fingerprint(source, pages, copy)
    if known is not None and known["state"] == state and (pages / INDEX).is_file():
        built.refused += [Refused(**one) for one in known["refused"]]
        return known
    refused: list[Refused] = []
    try:
        card = _write_run(source, pages, copy, refused)
    except UNREADABLE as error:
        built.refused.append(Refused(source.path.name, str(error)))
        return None
    built.made += 1
    built.refused += refused
    return {"state": state, "card": asdict(card), "refused": [asdict(one) for one in refused]}


def _write_run(source: Source, pages: Path, copy: bool, refused: list[Refused]) -> Card:
    """Write the pages of a run, first those of its steps; a step that can't be read is added to `refused`."""
    top = ("All runs", f"../../{INDEX}")
    steps: list[Card] = []
    for step in steps_in(source):
        above = [("All runs", f"../../../../{INDEX}"), (source.path.name, f"../../{INDEX}")]
        try:
            steps.append(write_pages(step, pages / STEPS / step.slug, copy=copy, above=above))
        except UNREADABLE as error:
            refused.append(Refused(f"{source.path.name}/{step.path.name}", str(error)))
    _drop_gone(pages / STEPS, {step.slug for step in steps})
    return write_pages(source, pages, copy=copy, above=[top], steps=sorted(steps, key=lambda step: step.started))


def _fingerprint(source: Source, pages: Path, copy: bool) -> str:
    """A checksum of all that the pages of a run follow from; of files their names, sizes and times."""
    folders = [source, *steps_in(source)]
    seen = [[str(one.path), is_locked(one.path), sorted(_stamps(one.path))] for one in folders]
    whole = [templates_digest(), str(source.shown), os.path.relpath(source.path, pages) if not copy else "copied", seen]
    return sha256_of_bytes(json.dumps(whole).encode())


def _stamps(folder: Path) -> Iterator[list[Any]]:
    """What is in a folder."""
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                there = entry.stat(follow_symlinks=False)
                yield [entry.name, there.st_size, there.st_mtime_ns]
    except OSError:
        return


def _check_output(folder: Path) -> None:
    """An atlas goes into a new or empty folder, or one that holds an atlas; never among a run's files."""
    for above in (folder.resolve(), *folder.resolve().parents):
        if (above / RECORD).is_file():
            raise DgnamError(f"{folder} lies in the folder of a run, {above}: give --output another one")
    try:
        full = folder.exists() and any(folder.iterdir())
    except OSError as error:
        raise DgnamError(f"{folder}: no atlas can be made there ({error.strerror})") from None
    if full and not (folder / MANIFEST).is_file():
        raise DgnamError(f"{folder} is not empty and holds no atlas: give --output a new folder")


def _known(folder: Path) -> dict[str, Any]:
    """The entries of an earlier atlas; none where its manifest can't be used."""
    try:
        found = read_json(folder / MANIFEST).get("runs")
        entries = found if isinstance(found, dict) else {}
        return {slug: entry for slug, entry in entries.items() if _is_entry(entry)}
    except (DgnamError, OSError, TypeError, KeyError):
        return {}


def _is_entry(entry: dict[str, Any]) -> bool:
    """Whether it is as `_entry` makes them; a TypeError or KeyError for much of what is not."""
    kinds = {"str": str, "int": int, "float": float, "bool": bool}
    card = all(isinstance(entry["card"][one.name], kinds[str(one.type)]) for one in fields(Card))
    return card and len(entry["card"]) == len(fields(Card)) and all(map(_is_refused, entry["refused"]))


def _is_refused(one: dict[str, Any]) -> bool:
    return set(one) == {"name", "reason"} and all(isinstance(text, str) for text in one.values())


def _manifest(entries: dict[str, Any]) -> bytes:
    return (json.dumps({"format": 1, "runs": entries}, indent=1, sort_keys=True) + "\n").encode()


def _drop_gone(pages: Path, kept: Any) -> int:
    """Remove the folders of pages whose runs are gone, and none that is a run; returns how many."""
    there = sorted(pages.iterdir()) if pages.is_dir() and not pages.is_symlink() else []
    gone = [path for path in there if path.name not in kept and path.is_dir() and not path.is_symlink()]
    gone = [path for path in gone if not (path / RECORD).exists()]
    for path in gone:
        shutil.rmtree(path)
    return len(gone)


def _write_changed(path: Path, content: bytes) -> None:
    """Write a file, unless it has this content."""
    if not path.is_file() or path.read_bytes() != content:
        write_bytes(path, content)


def _newest_first(card: Card) -> tuple[Any, ...]:
    """The order of the index: by time, backwards, and then by name; those without a time come last."""
    return (not card.started, tuple(-ord(letter) for letter in card.started), card.name)
