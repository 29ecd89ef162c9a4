"""Can a rater tell what a synthesized image shows (M8)?  Pictures of several kinds in one sheet, without labels.

`write_sheets` lays out pictures of a run of figure 1, those of both its controls, and, with real pictures at hand,
photographs and the prior's reconstructions of others: twenty of each kind, each of a class of its own, shuffled and
numbered, all in the colors of photographs, where saved pictures have more contrast.  A rater, who sees the sheets and
the list of all classes and nothing else, writes a line `number name` for each; `score` counts what two or more raters
have right, and how far they agree.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dgnam.api.load import load
from dgnam.api.pictures import HELD_OUT, open_pictures
from dgnam.api.priors import open_prior
from dgnam.api.render import random_codes, render
from dgnam.api.targets import ResolvedTarget, open_target
from dgnam.data.preprocessing import center_crop, deprocess, preprocess
from dgnam.errors import DgnamError, closest
from dgnam.figures import labeled_grid
from dgnam.files.encode import png
from dgnam.files.paths import StrPath, write_bytes
from dgnam.files.text import read_lines
from dgnam.measure.layer_codes import LayerCodes
from dgnam.runs import Run

from .ratings import PHOTOGRAPHS, Rated, Ratings
from .reference import image_sets

OF_A_KIND, ON_A_SHEET, COLUMNS, SCALE = 20, 50, 10, 3
SHEET, NAMES, KEY, SCORE = "blind/sheet-{}.png", "blind/names.txt", "blind/key.json", "blind/score.json"

_MOST_BYTES = 1 << 20


def write_sheets(run: str | Path, seed: int = 0, data: StrPath | None = None) -> list[Path]:
    """Write the sheets, the list of names and the key into the run's folder `blind`; returns the sheets' paths.

    seed: of which class is shown by which kind, and of the pictures' order.
    data: the folder of the image sets; without one, and without $DGNAM_DATA, no real pictures are among them.
    """
    folder = Run.open(run)
    kinds, names = _kinds(folder, image_sets(data))
    draw = np.random.default_rng(seed)
    units = draw.permutation(len(names))
    chosen = [
        (kind, int(unit))
        for place, kind in enumerate(kinds)
        for unit in units[place * OF_A_KIND : (place + 1) * OF_A_KIND]
    ]
    shuffled = [chosen[place] for place in draw.permutation(len(chosen))]
    folder.write_text(NAMES, "".join(f"{name}\n" for name in names))
    key = {str(n): {"kind": kind, "class": names[unit]} for n, (kind, unit) in enumerate(shuffled, 1)}
    folder.write_json(KEY, key)
    pages = []
    for first in range(0, len(shuffled), ON_A_SHEET):
        shown = shuffled[first : first + ON_A_SHEET]
        numbers = [str(first + place + 1) for place in range(len(shown))]
        tiles = [kinds[kind][unit] for kind, unit in shown]
        sheet = labeled_grid(tiles, numbers, columns=COLUMNS, scale=SCALE, text_size=16)
        pages.append(folder.write_bytes(SHEET.format(first // ON_A_SHEET + 1), png(sheet)))
    return pages


def score(run: str | Path, answers: Sequence[str | Path]) -> Ratings:
    """Compare raters' answers, text files of lines `number name`, with the key, and keep the outcome as `score.json`.

    answers: a file for each rater, called by the file's name.
    """
    path = Path(run) / KEY
    if not path.is_file():
        raise DgnamError(f"{path} is missing: write the sheets first")
    key = {int(number): shown for number, shown in json.loads(path.read_text(encoding="utf-8")).items()}
    names = (Path(run) / NAMES).read_text(encoding="utf-8").splitlines()
    given = [read_answers(file, names, len(key)) for file in answers]
    rows = [Rated(n, shown["kind"], shown["class"], tuple(one.get(n, "") for one in given)) for n, shown in key.items()]
    found = Ratings(tuple(Path(file).stem for file in answers), tuple(rows), len(names))
    text = json.dumps(found.as_dict(), indent=1, ensure_ascii=False)
    write_bytes(Path(run) / SCORE, f"{text}\n".encode())
    return found


def read_answers(file: str | Path, names: Sequence[str], count: int) -> dict[int, str]:
    """A rater's answers by the pictures' numbers, from 1; pictures without an answer are left out."""
    given: dict[int, str] = {}
    for number, line in enumerate(read_lines(file, _MOST_BYTES, "a list of answers"), 1):
        place, _, name = line.strip().partition(" ")
        if not line.strip():
            continue
        if not place.isdecimal() or not 1 <= int(place) <= count:
            raise DgnamError(f"{file}, line {number}: '{line}' is not of the form 'number name', of 1 to {count}")
        if int(place) in given:
            raise DgnamError(f"{file}, line {number}: picture {place} has an answer already, '{given[int(place)]}'")
        if name not in names:
            raise DgnamError(f"{file}, line {number}: '{name}' is not a class; the closest: {closest(name, names)}")
        given[int(place)] = name
    return given


def _kinds(run: Run, data: Path | None) -> tuple[dict[str, np.ndarray], list[str]]:
    """By kind a picture of each class, (classes, h, w, 3) uint8 RGB, and the names of the classes."""
    spec, inputs = run.record.spec, run.record.inputs
    if spec.get("experiment") != "fig1" or not (run.path / "numbers.json").is_file():
        raise DgnamError(f"{run.path} is not a finished run of figure 1")
    target = open_target(inputs["target"]["name"])
    names = [label.name for label in target.classes[0].labels]
    if list(inputs["units"]) != list(range(len(names))):
        raise DgnamError(f"{run.path} lacks some of the {len(names)} units; run figure 1 with all")
    size = target.target.size
    prior = open_prior(inputs["prior"]["name"], size)
    random = render(prior, random_codes(prior, len(names), inputs["seeds"][0]), size)
    kinds = {
        "DGN-AM": deprocess(load(run.path / "dgn_am").raw),
        "pixels": deprocess(load(run.path / "pixels").raw),
        "random codes": deprocess(random),
    }
    if data is not None and prior.inverts is not None:
        photographs, others = photographs_of(target, data, len(names))
        encoder, layer = prior.inverts
        codes = LayerCodes(open_target(encoder).target, [layer])(preprocess(others), [""] * len(names))[layer]
        again = render(prior, codes.reshape(-1, *prior.prior.code_shape), size)
        kinds["reconstructions"] = deprocess(again)
        kinds[PHOTOGRAPHS] = photographs
    return kinds, names


def photographs_of(target: ResolvedTarget, data: Path, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Two held-out photographs of each class, as the target sees them, (count, h, w, 3) uint8 RGB each."""
    held_out = open_pictures(None, target, HELD_OUT, data=data)
    shown, labels = held_out.take(slice(None))
    places = [np.flatnonzero(labels == label)[:2] for label in range(count)]
    first, second = (center_crop(shown[[two[k] for two in places]], target.target.size) for k in (0, 1))
    return first, second
