"""The pages of one run: what it was, what it found, its figures, pictures and tables, and how to do it again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.paths import PART, make_folder, write_bytes
from ..runs import Record
from ..runs.index import RUNNING, Summary, read_summary
from ..runs.next_step import next_step
from .content import Content
from .findings import findings_in
from .provenance import as_text, checksums_of, inputs_of, layers_of, lines_of, model_of, settings_of, versions_of
from .run_files import KINDS, RunFiles
from .sources import Source
from .templates import render

INDEX, THUMBNAIL = "index.html", "thumbnail.jpg"
MOST_FIGURES, MOST_FILES = 12, 200
LONGEST_COMMAND = 4000
ROWS_OF_OTHERS = 100
"""Rows that are shown of a table without pictures; its file has all."""


@dataclass(frozen=True)
class Card:
    """A run in a line of the index.

    slug: the folder of its pages, within `pages/`; pictures: how many it made; thumbnail: whether it has one.
    """

    slug: str
    name: str
    title: str
    task: str
    model: str
    layers: str
    started: str
    seconds: float
    progress: str
    pictures: int
    state: str
    thumbnail: bool


def write_pages(
    source: Source, folder: Path, *, copy: bool, above: Sequence[tuple[str, str]], steps: Sequence[Card] = ()
) -> Card:
    """Write the pages of a run into a folder, its first page as `index.html`; returns its line of the index.

    above: the pages above this one, each a title and an address.
    Raises DgnamError for a run whose record is damaged.
    """
    record, summary = Record.read(source.path), read_summary(source.path)
    make_folder(folder)
    drop_parts(folder)
    files = RunFiles(source.path, folder, copy)
    content = Content.read(files)
    small = content.thumbnail()
    if small is not None:
        write_bytes(folder / THUMBNAIL, small)
    card = _card(source, record, summary, content, steps, small is not None)
    values = {"card": card, "above": above, "root": "../" * (2 * len(above))}
    first = {**values, **_first(source, record, summary, content), "steps": steps}
    pages = 1 if content.pictures is None else content.pictures.pages
    parts = content.parts()
    for page in range(1, pages + 1):
        table = next(parts, None)
        part = {"table": table, "page": page, "pager": pager(page, pages)}
        text = render("run.html", **first, **part) if page == 1 else render("more.html", **values, **part)
        write_bytes(folder / page_name(page), text)
    _drop_later(folder, pages)
    files.drop_old_copies()
    return card


def drop_parts(folder: Path) -> None:
    """Remove what a killed process left half-written in a folder."""
    for path in folder.glob(f".*{PART}"):
        path.unlink()


def page_name(page: int) -> str:
    """The file of a run's first page, and of each that goes on with its pictures."""
    return INDEX if page == 1 else f"page-{page}.html"


def pager(page: int, pages: int) -> list[tuple[str, str | None]]:
    """The links to other pages, with None for where one is: the first and last, and those nearby; "…" for others."""
    near = sorted({1, pages, *range(max(1, page - 2), min(pages, page + 2) + 1)})
    found: list[tuple[str, str | None]] = []
    for before, number in zip([0, *near], near, strict=False):
        if number > before + 1:
            found.append(("…", None))
        found.append((f"{number:,}", None if number == page else page_name(number)))
    return found if pages > 1 else []


def _card(
    source: Source, record: Record, summary: Summary, content: Content, steps: Sequence[Card], small: bool
) -> Card:
    model, layers, title = (as_text(text) for text in (model_of(record), layers_of(record), summary.what))
    count = content.count + sum(step.pictures for step in steps)
    parts = (
        summary.task,
        model,
        layers,
        summary.started,
        float(summary.seconds),
        summary.progress,
        count,
        summary.state,
        small,
    )
    return Card(source.slug, source.path.name, title, *parts)


def _first(source: Source, record: Record, summary: Summary, content: Content) -> dict[str, Any]:
    """What the first page has beside the pictures."""
    what, command = next_step(source.shown, record, summary.state)
    what = f"should it stop, {what}" if summary.state == RUNNING else what
    commands = [(f"{what[:1].upper()}{what[1:]}", as_text(command, LONGEST_COMMAND))]
    if record.task == "visualize" and summary.state == "finished":
        commands.append(("Make a picture again, with a movie", f"dgnam again {shlex.quote(str(source.shown))} --job 0"))
    files, figures = content.files, content.figures
    findings = [finding for numbers in content.numbers.values() for finding in findings_in(numbers)]
    numbers = {name: {k: v for k, v in found.items() if k != "findings"} for name, found in content.numbers.items()}
    return {
        "commands": commands,
        "failed": list(summary.failed.items()),
        "executor": summary.executor,
        "problems": content.problems,
        "findings": findings,
        "figures": [
            (files.url(name), name, _figure_alt(name, as_text(summary.what))) for name in figures[:MOST_FIGURES]
        ],
        "more_figures": len(figures) - MOST_FIGURES,
        "tables": [table.head(ROWS_OF_OTHERS) for table in content.tables],
        "numbers": [(name, lines_of(found)) for name, found in numbers.items() if found],
        "settings": settings_of(record),
        "inputs": inputs_of(record),
        "checksums": checksums_of(record),
        "versions": versions_of(record),
        "files": [(name, files.url(name)) for name in files.names(kinds=KINDS, limit=MOST_FILES)],
    }


def _figure_alt(name: str, what: str) -> str:
    """What a figure shows, for who can't see it."""
    known = {
        "overview": "Overview of the pictures",
        "grid": "All pictures with their captions and activations",
        "traces": "Activation by step",
        "contact_sheet": "Pictures of the best and the worst trials",
        "curves": "Losses by iteration",
    }
    said = next((text for stem, text in known.items() if name.startswith(stem)), f"Figure {name}")
    return f"{said}: {what}"


def _drop_later(folder: Path, pages: int) -> None:
    """Remove pages that an earlier, longer table left."""
    kept = {page_name(page) for page in range(1, pages + 1)}
    for path in folder.glob("page-*.html"):
        if path.name not in kept:
            path.unlink()
