"""What an evolution shows: its best pictures, a sheet of them, the scores by generation, movies and tables.

summary.csv       a line for each search: its best score, and what the best and the mean code score when measured again
remeasured.csv    a line for each code that was measured again
generations.csv   a line for each generation
images/           000.png, …: each search's best; 000-mean.png, …: its mean code's
grid.png, traces.png; movies/ where they are asked for
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..am.evolve import Measured, Remeasurement, Search
from ..am.evolve.remeasure import best_of
from ..am.evolve.search import generation_names
from ..errors import DgnamError, FormatError
from ..figures import draw_traces, labeled_grid, save_animation
from ..figures.animation import check_animation
from ..files.encode import png
from ..files.tables import table_text
from ..runs import Run
from ..runs.folder import in_folders
from .evolution import MOMENTS, Evolution, moments
from .outputs import MOVIES
from .report import GRID, SUMMARY, TRACES
from .result import enlargement, movie_scale

GENERATIONS, REMEASURED = "generations.csv", "remeasured.csv"
RESULT = "result"
"""The chunk of a finished evolution's arrays."""

RESULT_ARRAYS = ("images", "raw", "codes", "activations", "traces", "mean_images", "mean_codes", "generations")

COLUMNS = (
    *("search", "objective", "caption", "seed", "best", "generations", "image", "lost"),
    *("remeasured", "standard_error", "measurements", "regressed"),
    *("mean_code", "mean_code_standard_error", "mean_code_measurements", "mean_code_image"),
)
GENERATION_COLUMNS = ("search", "generation", *MOMENTS)
REMEASURED_COLUMNS = ("search", "code", "score_in_search", "mean", "standard_error", "measurements", "regressed")

MOST_WITH_MEANS = 3
"""With more searches than that their traces are those of the best scores alone."""

SHOWN_TOP = 5
"""So many of the best codes are in the grid of a search whose neuron is measured elsewhere."""


@dataclass(frozen=True)
class EvolveOutputs:
    """The movies of an evolution.

    movies: the kinds, "gif" and "mp4"; every: of how many generations one is shown; fps: frames a second.
    """

    movies: tuple[str, ...] = ()
    every: int = 1
    fps: float = 10.0

    def __post_init__(self) -> None:
        for kind in self.suffixes:
            check_animation(kind, self.fps)
        if self.every < 1:
            raise DgnamError(f"every {self.every}: give 1 for each generation in a movie, 2 for every second one, …")

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The endings of the movies' files."""
        return tuple(dict.fromkeys(f".{kind.lower().removeprefix('.')}" for kind in self.movies))


def write_report(run: Run, found: Evolution) -> list[str]:
    """Write all of a finished evolution; returns lines for people."""
    rows: list[list[Any]] = []
    lines: list[str] = []
    for number in range(len(found)):
        run.write_bytes(_image(number), png(found.images[number]))
        run.write_bytes(_mean_image(number), png(found.mean_images[number]))
        rows.append(_summary(number, found))
        lines += _lines(number, found)
    run.write_text(SUMMARY, table_text([COLUMNS, *rows]))
    run.write_text(REMEASURED, _remeasured_table(found.remeasured))
    run.write_text(GENERATIONS, _generations_table(found.generations))
    run.write_bytes(f"{GRID}.png", png(found.grid()))
    names = [f"{caption} seed {seed}" for caption, seed in zip(found.captions, found.seeds, strict=True)]
    _write_traces(run, found.generations, names)
    run.save(RESULT, {name: getattr(found, name) for name in RESULT_ARRAYS}, count=0)
    return lines


def write_movies(search: Search, number: int, outputs: EvolveOutputs) -> None:
    """Write the movies of one of an evolution's searches."""
    if search.run is not None:
        for suffix in outputs.suffixes:
            write_movie(search, search.run.path / MOVIES / in_folders(number, f"{number:03d}{suffix}"), outputs)


def write_search(run: Run, again: Remeasurement, title: str) -> None:
    """Write the tables, the traces and a grid of a search for a neuron that is measured elsewhere."""
    search = again.search
    generations = moments(search.scores)[None]
    run.write_text(GENERATIONS, _generations_table(generations))
    run.write_text(REMEASURED, _remeasured_table([again.measured]))
    _write_traces(run, generations, [title])
    places = range(min(SHOWN_TOP + 1, len(again.names)))
    labels = [f"{again.names[place]}\n{again.said(again.names[place])}" for place in places]
    pictures = [again.pictures[place] for place in places]
    scale = enlargement(pictures[0].shape[1])
    run.write_bytes(f"{GRID}.png", png(labeled_grid(pictures, labels, columns=len(labels), title=title, scale=scale)))


def write_movie(search: Search, path: Path, outputs: EvolveOutputs) -> Path:
    """Write the mean code's picture by generation, with the mean score of each."""
    assert search.run is not None
    names = generation_names(search.run, search.prefix)[:: outputs.every]
    if not names:
        raise DgnamError(f"{search.run.path} has no generation to show in a movie yet")
    path.parent.mkdir(parents=True, exist_ok=True)
    captions = [
        f"generation {number}  mean {np.nanmean(search.scores[number]):.4g}"
        for number in range(0, search.generation, outputs.every)
    ]
    scale = movie_scale(search.prior.image_size[1])
    return save_animation(path, _frames(search, names), captions=captions, fps=outputs.fps, scale=scale)


def _frames(search: Search, names: Sequence[str]) -> Iterator[np.ndarray]:
    assert search.run is not None
    for name in names:
        mean = search.run.load(name).get("mean")
        if mean is None or mean.shape != search.prior.code_shape:
            raise FormatError(f"{search.run.path}: chunk '{name}' has no mean code to show in a movie")
        yield search.pictures(mean[None])[0]


def _image(number: int) -> str:
    return f"images/{in_folders(number, f'{number:03d}.png')}"


def _mean_image(number: int) -> str:
    return f"images/{in_folders(number, f'{number:03d}-mean.png')}"


def _summary(number: int, found: Evolution) -> list[Any]:
    measured, objective = found.remeasured[number], found.objectives[number]
    best, mean = best_of(measured), measured.get("mean")
    top, count, lost = _totals(found.generations[number])
    return [
        *(number, "" if objective is None else str(objective), found.captions[number], found.seeds[number]),
        *(_number(top), count, _image(number), lost),
        *(*_columns(best), "" if best is None else _number(best.regressed)),
        *(*_columns(mean), _mean_image(number)),
    ]


def _lines(number: int, found: Evolution) -> Iterator[str]:
    """What a search came to, for people."""
    measured = found.remeasured[number]
    best, mean = best_of(measured), measured.get("mean")
    top, count, lost = _totals(found.generations[number])
    text = f"{found.captions[number]:24} seed {found.seeds[number]:<4} best {top:.6g} in {count} generations"
    yield f"{text}{f' ({lost} trials lost)' if lost else ''}   {_image(number)}"
    if best is not None:
        regressed = "" if best.count < 2 else f", regressed {best.regressed:.4g}"
        yield f"{'':24} measured again: the best of {len(measured) - 1} {best}{regressed}"
    if mean is not None:
        yield f"{'':24} mean code {mean}   {_mean_image(number)}"


def _totals(generations: np.ndarray) -> tuple[float, int, int]:
    """The best score of a search, the number of its generations, and of its lost trials."""
    best, lost = (generations[:, MOMENTS.index(name)] for name in ("best", "lost"))
    return float(best.max()), len(generations), int(lost.sum())


def _columns(measured: Measured | None) -> tuple[Any, ...]:
    """A code's new mean, its standard error and the number of measurements."""
    if measured is None:
        return "", "", 0
    return _number(measured.mean), _number(measured.standard_error), measured.count


def _remeasured_table(remeasured: Sequence[Mapping[str, Measured]]) -> str:
    rows = [
        [number, what, _number(one.found), *_columns(one), _number(one.regressed)]
        for number, measured in enumerate(remeasured)
        for what, one in measured.items()
    ]
    return table_text([REMEASURED_COLUMNS, *rows])


def _generations_table(searches: np.ndarray) -> str:
    """searches: `MOMENTS` of each generation, (searches, generations, 5)."""
    rows = [
        [number, generation, int(pictures), int(lost), *map(_number, rest)]
        for number, generations in enumerate(searches)
        for generation, (pictures, lost, *rest) in enumerate(generations)
    ]
    return table_text([GENERATION_COLUMNS, *rows])


def _write_traces(run: Run, searches: np.ndarray, names: Sequence[str]) -> None:
    """The best and the mean score of each generation; of many searches the best alone."""
    best, mean = (searches[..., MOMENTS.index(name)] for name in ("best", "mean"))
    if len(searches) <= MOST_WITH_MEANS:
        rows = np.concatenate([best, mean])
        labels = [f"{name}, {what}" for what in ("best", "mean") for name in names]
        run.write_bytes(TRACES, png(draw_traces(rows, labels, value="score", axis="generation")))
    else:
        run.write_bytes(TRACES, png(draw_traces(best, names, value="best score", axis="generation")))


def _number(value: float) -> float | str:
    """For a table: nine digits, and nothing where there is no number."""
    return float(f"{value:.9g}") if np.isfinite(value) else ""
