"""What is found in a run's folder: the table of its pictures, other tables, figures, numbers, and what is damaged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..errors import DgnamError
from ..runs import read_json
from ..runs.record import RECORD
from .run_files import PICTURES, RunFiles
from .tables import PER_PAGE, Part, Table, loose_pictures
from .thumbnail import thumbnail

FIRST_FIGURES = ("overview", "grid", "contact_sheet", "traces")
FIRST_TABLE = "summary.csv"
MOST_TABLES = 8


@dataclass
class Content:
    """What a run's folder holds.

    pictures: the table of its pictures; tables: others; loose: pictures of a run that has no table yet.
    figures, numbers: its figures, and what its JSON files hold, by name; problems: what is damaged.
    """

    files: RunFiles
    pictures: Table | None = None
    tables: list[Table] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, files: RunFiles) -> Content:
        """Look through the folder; a file that is damaged becomes a problem."""
        found = cls(files)
        for name in sorted(files.names(kinds=(".csv",)), key=lambda name: (name != FIRST_TABLE, name)):
            with found.noting():
                table = Table.survey(files, name)
                if table.has_pictures and found.pictures is None:
                    found.pictures = table
                elif len(found.tables) < MOST_TABLES and table.count:
                    found.tables.append(table)
        for name in files.names(kinds=(".json",)):
            if name != RECORD:
                with found.noting():
                    found.numbers[name] = read_json(files.folder / name)
        if found.pictures is None:
            found.loose = files.names("images", PICTURES, PER_PAGE)
        found.figures = sorted(files.names(kinds=PICTURES), key=_figure_order)
        return found

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Within this an error of a damaged file becomes a problem that the page tells."""
        try:
            yield
        except (DgnamError, OSError) as error:
            self.problems.append(str(error))

    def parts(self) -> Iterator[Part]:
        """What each page shows of the pictures."""
        if self.pictures is not None:
            yield from self.pictures.parts()
        elif self.loose:
            yield loose_pictures(self.files, self.loose)

    @property
    def count(self) -> int:
        """How many pictures there are, as far as the tables tell."""
        return len(self.loose) if self.pictures is None else self.pictures.count

    def thumbnail(self) -> bytes | None:
        """A small picture of the run."""
        names = self.loose if self.pictures is None else self.pictures.pictures(4)
        paths = [self.files.path(name) for name in (*names[:4], *([] if names else self.figures[:1]))]
        return thumbnail([path for path in paths if path is not None])


def _figure_order(name: str) -> tuple[int, str]:
    places = [place for place, first in enumerate(FIRST_FIGURES) if name.startswith(first)]
    return (places[0] if places else len(FIRST_FIGURES), name)
