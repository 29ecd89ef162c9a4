"""Pictures out and scores in as files, for a laboratory whose neuron is measured by another program.

`stimuli/00003/` holds generation 3: `00003-00.png`, …, and `scores.csv`, a line for each, to be filled in.
`stimuli/00003-remeasure-1/` holds the mean code and the best codes after three generations, to be measured again:
`00003-remeasure-1-mean.png`, `00003-remeasure-1-best-1.png`, …, and `scores.csv`, a line for each presentation.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DgnamError, FormatError, closest, shortened
from ...files.encode import png
from ...files.numbers import Cell, read_numbers
from ...files.paths import StrPath, make_folder, sync_folder, write_bytes
from ...files.tables import read_table, table_text
from .remeasure import MEAN_CODE, Remeasurement
from .search import Search

STIMULI, TABLE = "stimuli", "scores.csv"
COLUMNS = ("image", "score")
LOST = "lost"
"""What stands in place of the score of a lost trial."""

NOTHING = ("", "nan", "na", "n/a", "#n/a")
"""What programs write where there is no score, in lower case; whether the trial was lost is the user's to say."""

_MOST_PRESENTATIONS = 1_000_000


@dataclass(frozen=True, eq=False)
class Scores:
    """What a table says of pictures.

    values: of each picture the scores of its presentations.
    lost: how many presentations were lost.
    """

    values: Mapping[str, Sequence[float]]
    lost: int

    @property
    def means(self) -> np.ma.MaskedArray:
        """Of each picture the mean of its scores, (n,) float64, masked where all were lost."""
        means = [np.mean(scores) if len(scores) else np.nan for scores in self.values.values()]
        return np.ma.masked_invalid(np.array(means, np.float64))

    @property
    def rows(self) -> np.ma.MaskedArray:
        """(r, n): the scores of each picture below each other, masked where it has fewer than another."""
        rows = np.full((max(1, *(len(scores) for scores in self.values.values())), len(self.values)), np.nan)
        for column, scores in enumerate(self.values.values()):
            rows[: len(scores), column] = scores
        return np.ma.masked_invalid(rows)


def write_stimuli(search: Search, folder: StrPath) -> Path:
    """Write the pictures of the generation that `search` asks for, and a table to fill in; returns their folder.

    It appears whole, by a rename.  One that is there already stays as it is, filled in or not.
    """
    made = generation_folder(folder, search.generation)
    _, images = search.ask()
    names = image_names(search.generation, len(images))
    return made if made.is_dir() else _write(made, dict(zip(names, images, strict=True)), names)


def write_remeasurement(again: Remeasurement, folder: StrPath, repeats: int) -> Path:
    """Write the pictures that are measured again and a table of `repeats` presentations of each; returns their folder.

    The table's order is random, each picture once before any comes again: presented so, a neuron's adaptation and drift
    bias none of them.  A folder that is there already stays as it is, unless it has other pictures: that is an error.
    """
    if repeats < 1 or repeats * len(again.names) > _MOST_PRESENTATIONS:
        most = _MOST_PRESENTATIONS // len(again.names)
        raise DgnamError(f"repeats {repeats}: give how often each picture is shown, 1 to {most}")
    made = remeasurement_folder(folder, again.search.generation, again.rounds)
    names = [f"{made.name}-{name}.png" for name in again.names]
    if made.is_dir():
        there = remeasured_names(made)
        if there != names:
            raise DgnamError(
                f"{made} holds the {len(there)} pictures {', '.join(there)}: tell their scores, or remove the folder"
            )
        return made
    draw = np.random.RandomState([again.search.seed, again.rounds])
    shown = [names[place] for _ in range(repeats) for place in draw.permutation(len(names))]
    return _write(made, dict(zip(names, again.pictures, strict=True)), shown)


def _write(made: Path, pictures: Mapping[str, np.ndarray], shown: Sequence[str]) -> Path:
    """A folder of pictures, and a table with a row for each of `shown`."""
    make_folder(made.parent)
    part = Path(tempfile.mkdtemp(prefix=f".{made.name}.", suffix=".part", dir=made.parent))
    try:
        for name, image in pictures.items():
            write_bytes(part / name, png(image))
        write_bytes(part / TABLE, table_text([COLUMNS, *((name, "") for name in shown)], "\r\n").encode())
        part.chmod(0o755)
        os.rename(part, made)
        sync_folder(made.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return made


def generation_folder(folder: StrPath, generation: int) -> Path:
    """Where the pictures of a generation lie in a search's folder."""
    return Path(folder) / STIMULI / f"{generation:05d}"


def remeasurement_folder(folder: StrPath, generation: int, rounds: int) -> Path:
    """Where the pictures lie that are measured again after so many generations, and so many earlier times."""
    return Path(folder) / STIMULI / f"{generation:05d}-remeasure-{rounds + 1}"


def image_names(generation: int, count: int) -> list[str]:
    """The file names of a generation's pictures, in the order of its codes; no two generations share one."""
    return [f"{generation:05d}-{index:02d}.png" for index in range(count)]


def remeasured_names(made: Path) -> list[str]:
    """The file names of the pictures in a folder of `write_remeasurement`: the mean code's, then the best by rank."""
    ranks = [path.stem.removeprefix(f"{made.name}-best-") for path in made.glob(f"{made.name}-best-*.png")]
    best = sorted(int(rank) for rank in ranks if rank.isascii() and rank.isdecimal())
    if best != list(range(1, len(best) + 1)) or not best:
        raise DgnamError(f"{made}: lacks pictures that were written there: remove the folder, and ask again")
    return [f"{made.name}-{MEAN_CODE}.png", *(f"{made.name}-best-{rank}.png" for rank in best)]


def read_scores(
    path: StrPath, generation: int, count: int, *, allow_lost: bool = False, decimal: str | None = None
) -> np.ma.MaskedArray:
    """The scores (count,) float64 of a generation, each the mean of its presentations, lost trials masked.

    See `read_presentations`.
    """
    names, what = image_names(generation, count), f"generation {generation}'s pictures"
    return read_presentations(path, names, what, allow_lost=allow_lost, decimal=decimal).means


def read_presentations(
    path: StrPath, names: Sequence[str], what: str, *, allow_lost: bool = False, decimal: str | None = None
) -> Scores:
    """The scores of the pictures `names` from a table with the columns `image` and `score`.

    Rows come in any order, and other columns are ignored; a picture that was shown several times has a row for each.  A
    score is a finite number, or `lost` for a lost trial.

    what: the pictures, as errors call them.
    allow_lost: count pictures without a row, empty cells and NaN as lost too; otherwise they are errors.
    decimal: the mark before the decimals, "." or ","; None finds it out.
    Raises FormatError with the line for anything else, and for other pictures.
    """
    table = read_table(path, COLUMNS, "a table of scores", any_bytes=True)
    found: dict[str, list[float]] = {name: [] for name in names}
    seen, cells, lost = set[str](), list[tuple[str, Cell]](), 0
    for line, (name, text) in table.rows:
        if name not in found:
            raise FormatError(
                f"{path}, line {line}: '{shortened(name)}' is none of {what}, the closest first: "
                f"{closest(name, names, limit=3)}"
            )
        seen.add(name)
        where = f"{path}, line {line}: the score of {name}"
        if text.casefold() == LOST or (allow_lost and text.casefold() in NOTHING):
            lost += 1
        elif text.casefold() in NOTHING:
            raise FormatError(f"{where} is '{text}', not a finite number; {_how_to_lose('its trial')}")
        else:
            cells.append((name, Cell(where, text)))
    missing = [name for name in names if name not in seen]
    if missing and not allow_lost:
        raise FormatError(
            f"{path}: {len(missing)} of {len(names)} pictures have no score, the first of them {missing[0]}; "
            f"{_how_to_lose('their trials')}"
        )
    numbers = read_numbers([cell for _, cell in cells], decimal=decimal, separator=table.separator)
    for (name, _), number in zip(cells, numbers, strict=True):
        found[name].append(number)
    return Scores(found, lost + len(missing))


def _how_to_lose(what: str) -> str:
    several = what != "its trial"
    return f"if {what} {'were' if several else 'was'} lost, write {LOST} as the score, or allow lost trials"
