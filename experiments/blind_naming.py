"""Can a person tell what a synthesized image shows?  Pictures without labels, to be named from the list of all classes.

`write_sheet` lays out thirty images of a run of figure 1, every seventh class, shuffled and numbered; a person who has
not seen the figure writes a line `number name` for each; `score` counts those that are right.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dgnam import zoo
from dgnam.api.load import load
from dgnam.errors import DgnamError, closest
from dgnam.figures import labeled_grid
from dgnam.files.encode import png
from dgnam.files.paths import write_bytes
from dgnam.files.text import read_lines
from dgnam.runs import Run

EVERY, COUNT, COLUMNS, SCALE = 7, 30, 6, 3
SHEET, NAMES, KEY, SCORE = "blind/sheet.png", "blind/names.txt", "blind/key.json", "blind/score.json"

_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Answers:
    """The answers beside the truth: rows of number, class and answer."""

    rows: tuple[tuple[int, str, str], ...]

    @property
    def right(self) -> int:
        return sum(truth == answer for _, truth, answer in self.rows)


def write_sheet(run: str | Path, seed: int = 0) -> Path:
    """Write the sheet, the list of names and the key into the run's folder `blind`; returns the sheet's path.

    seed: of the order in which the pictures are shuffled.
    """
    folder = Run.open(run)
    units, pictures_made, names = _read(folder)
    chosen = [k * EVERY % len(names) for k in range(COUNT)]
    missing = [unit for unit in chosen if unit not in units]
    if missing:
        raise DgnamError(f"{folder.path} lacks the units {missing}; run figure 1 with all units")
    order = np.random.RandomState(seed).permutation(chosen)
    pictures = [pictures_made[units.index(unit)] for unit in order]
    labels = [str(number) for number in range(1, COUNT + 1)]
    folder.write_text(NAMES, "".join(f"{name}\n" for name in names))
    folder.write_json(KEY, {label: names[unit] for label, unit in zip(labels, order, strict=True)})
    sheet = labeled_grid(pictures, labels, columns=COLUMNS, scale=SCALE, text_size=16)
    return folder.write_bytes(SHEET, png(sheet))


def score(run: str | Path, answers: str | Path) -> Answers:
    """Compare the answers, a text file of lines `number name`, with the key, and keep the rows as `score.json`."""
    path = Path(run) / KEY
    if not path.is_file():
        raise DgnamError(f"{path} is missing: write the sheet first")
    key = {int(number): name for number, name in json.loads(path.read_text(encoding="utf-8")).items()}
    names = (Path(run) / NAMES).read_text(encoding="utf-8").splitlines()
    given: dict[int, str] = {}
    for number, line in enumerate(read_lines(answers, _MOST_BYTES, "a list of answers"), 1):
        place, _, name = line.strip().partition(" ")
        if not line.strip():
            continue
        if not place.isdecimal() or int(place) not in key:
            raise DgnamError(f"{answers}, line {number}: '{line}' is not of the form 'number name', of 1 to {COUNT}")
        if name not in names:
            raise DgnamError(f"{answers}, line {number}: '{name}' is not a class; the closest: {closest(name, names)}")
        given[int(place)] = name
    rows = tuple((place, truth, given.get(place, "")) for place, truth in sorted(key.items()))
    kept = [{"number": place, "class": truth, "answer": answer} for place, truth, answer in rows]
    write_bytes(Path(run) / SCORE, (json.dumps(kept, indent=1, ensure_ascii=False) + "\n").encode())
    return Answers(rows)


def _read(run: Run) -> tuple[list[int], np.ndarray, list[str]]:
    """The run's units, its pictures (N, h, w, 3) uint8 RGB, and the names of all classes."""
    inputs = run.record.inputs
    if run.record.spec.get("experiment") != "fig1" or not (run.path / "numbers.json").is_file():
        raise DgnamError(f"{run.path} is not a finished run of figure 1")
    labels = zoo.get("caffenet-mini" if inputs["models"] == "mini" else "caffenet").labels()
    return list(inputs["units"]), load(run.path / "dgn_am").images, [label.name for label in labels]
