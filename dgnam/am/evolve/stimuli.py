"""Pictures out and scores in as files, for a laboratory whose neuron is measured by another program.

`stimuli/00003/` holds generation 3: `00003-00.png`, …, and `scores.csv`, a line for each, to be filled in.
"""

from __future__ import annotations

import csv
import math
import os
import shutil
import tempfile
from pathlib import Path

import numpy as np

from ...errors import FormatError, closest, shortened
from ...files.encode import png
from ...files.paths import existing_file, make_folder, sync_folder, write_bytes
from .search import Search

STIMULI, TABLE = "stimuli", "scores.csv"
COLUMNS = ("image", "score")
_LONGEST = 64 << 20


def write_stimuli(search: Search, folder: str | Path) -> Path:
    """Write the pictures of the generation that `search` asks for, and a table to fill in; returns their folder.

    It appears whole, by a rename.  One that is there already stays as it is, filled in or not.
    """
    made = generation_folder(folder, search.generation)
    _, images = search.ask()
    if made.is_dir():
        return made
    make_folder(made.parent)
    part = Path(tempfile.mkdtemp(prefix=f".{made.name}.", suffix=".part", dir=made.parent))
    try:
        names = image_names(search.generation, len(images))
        for name, image in zip(names, images, strict=True):
            write_bytes(part / name, png(image))
        rows = [",".join(COLUMNS), *(f"{name}," for name in names)]
        write_bytes(part / TABLE, "".join(f"{row}\r\n" for row in rows).encode())
        part.chmod(0o755)
        os.rename(part, made)
        sync_folder(made.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return made


def generation_folder(folder: str | Path, generation: int) -> Path:
    """Where the pictures of a generation lie in a search's folder."""
    return Path(folder) / STIMULI / f"{generation:05d}"


def image_names(generation: int, count: int) -> list[str]:
    """The file names of a generation's pictures, in the order of its codes; no two generations share one."""
    return [f"{generation:05d}-{index:02d}.png" for index in range(count)]


def read_scores(path: str | Path, generation: int, count: int) -> np.ndarray:
    """The scores (count,) of a generation from a table with the columns `image` and `score`.

    Rows come in any order, and other columns are ignored; an image that was shown several times has a row for each, and
    its score is their mean.  A picture without a score, and an image of another generation, are errors.
    """
    wanted = image_names(generation, count)
    found: dict[str, list[float]] = {name: [] for name in wanted}
    for line, name, text in _rows(path):
        if name not in found:
            raise FormatError(
                f"{path}, line {line}: '{shortened(name)}' is none of generation {generation}'s pictures, the "
                f"closest first: {closest(name, wanted, limit=3)}"
            )
        found[name].append(_number(text, f"{path}, line {line}: the score of {name}"))
    missing = [name for name, scores in found.items() if not scores]
    if missing:
        raise FormatError(f"{path}: {len(missing)} of {count} pictures have no score, the first of them {missing[0]}")
    return np.array([np.mean(scores) for scores in found.values()])


def _number(text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise FormatError(f"{where} is '{shortened(text)}', not a finite number")
    return value


def _rows(path: str | Path) -> list[tuple[int, str, str]]:
    """The line, image and score of each row of a table."""
    file = existing_file(path)
    if file.stat().st_size > _LONGEST:
        raise FormatError(f"{file}: too long for a table of scores")
    try:
        with open(file, newline="", encoding="utf-8-sig") as text:
            reader = csv.DictReader(text)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise FormatError(f"{file}: its first line must name the columns {' and '.join(COLUMNS)}")
            rows = [(reader.line_num, row["image"] or "", (row["score"] or "").strip()) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise FormatError(f"{file}: not a table of scores ({error})") from None
    return rows
