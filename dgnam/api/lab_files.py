"""A search for a neuron by files: `dgnam evolve ask`, `tell`, `status` and `movie`."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ..am.evolve import Measured, Remeasurement, Search
from ..am.evolve.remeasure import read_measured, round_names
from ..am.evolve.search import MOST_TOP, generation_names
from ..am.evolve.stimuli import (
    TABLE,
    Scores,
    generation_folder,
    image_names,
    read_presentations,
    remeasured_names,
    remeasurement_folder,
    write_remeasurement,
    write_stimuli,
)
from ..errors import DgnamError, FormatError
from ..files.paths import StrPath
from ..runs import Run
from ..runs.index import read_summary
from .evolve_report import SHOWN_TOP, EvolveOutputs, write_movie, write_search
from .lab import TASK, exclusive_search, open_search
from .outputs import MOVIES


def ask(folder: StrPath, *, remeasure: int | None = None, repeats: int = 10, device: str = "cpu") -> list[str]:
    """Write the next generation's pictures and a table for their scores; returns lines for people.

    remeasure: write, in place of a generation, so many of the best codes and the mean code, to be measured again.
    repeats: how often each of these is shown.
    """
    with exclusive_search(folder, device=device) as search:
        if remeasure is None:
            made, option = write_stimuli(search, folder), ""
        else:
            made = write_remeasurement(Remeasurement(search, remeasure), folder, repeats)
            option = " --remeasure"
    return [f"==> made: {made}/; fill in {made / TABLE}, then: dgnam evolve tell {_quoted(folder)}{option}"]


def tell(
    folder: StrPath,
    table: StrPath | None = None,
    *,
    remeasure: bool = False,
    allow_lost: bool = False,
    decimal: str | None = None,
    device: str = "cpu",
) -> list[str]:
    """Read the scores of the pictures that `ask` wrote, save them, and draw the search; returns lines for people.

    table: see `read_presentations`; the one that `ask` wrote where None.
    remeasure: it holds the scores of the pictures measured again.
    allow_lost, decimal: see `read_presentations`.
    """
    read = partial(read_presentations, allow_lost=allow_lost, decimal=decimal)
    with exclusive_search(folder, device=device) as search:
        lines = (_tell_again if remeasure else _tell)(search, folder, table, read)
        assert search.run is not None
        write_search(search.run, Remeasurement(search, SHOWN_TOP), Path(folder).resolve().name)
    return lines


def movie(folder: StrPath, kind: str = "gif", *, every: int = 1, fps: float = 10.0, device: str = "cpu") -> Path:
    """Write the mean code's picture by generation as `movies/mean.gif` or `.mp4`; returns the file."""
    outputs = EvolveOutputs((kind,), every, fps)
    return write_movie(
        open_search(folder, device=device), Path(folder) / MOVIES / f"mean{outputs.suffixes[0]}", outputs
    )


def status(folder: StrPath) -> list[str]:
    """How far an evolution or a search for a neuron is, in lines for people; no network is opened."""
    run = Run.open(folder)
    if run.record.task not in (TASK, "evolve"):
        raise DgnamError(f"{folder} holds a run of '{run.record.task}', not an evolution: dgnam show {_quoted(folder)}")
    summary, spec = read_summary(folder), run.record.spec
    method = spec.get("method")
    lines = [f"{folder}: {summary.state}; {summary.what}{f', method {method}' if isinstance(method, str) else ''}"]
    several = sorted({name.split("/")[0] for name in run.names() if name[:3].isdecimal() and "/" in name})
    for prefix in [f"{one}/" for one in several] or [""]:
        lines += [f"{prefix[:-1]} {line}".strip() for line in _search_lines(run, prefix)]
    if run.record.task == TASK:
        lines.append(f"next: {_next(run, folder)}")
    return lines


def _tell(search: Search, folder: StrPath, table: StrPath | None, read: Callable[..., Scores]) -> list[str]:
    generation, (codes, _) = search.generation, search.ask()
    path = Path(table) if table is not None else generation_folder(folder, generation) / TABLE
    if table is None and not path.is_file():
        again = remeasurement_folder(folder, generation, 0)
        hint = f"; for those measured again: dgnam evolve tell {_quoted(folder)} --remeasure" if again.is_dir() else ""
        raise DgnamError(f"generation {generation} has no pictures yet: dgnam evolve ask {_quoted(folder)}{hint}")
    found = read(path, image_names(generation, len(codes)), f"generation {generation}'s pictures")
    search.tell(found.means)
    scores, best = search.scores[-1], search.best
    assert best is not None
    lost = f", {found.lost} trials lost" if found.lost else ""
    return [
        f"generation {generation}: best {np.nanmax(scores):.6g}, mean {np.nanmean(scores):.6g}{lost}",
        f"best so far: {best.score:.6g}, in generation {best.generation}; next: dgnam evolve ask {_quoted(folder)}",
    ]


def _tell_again(search: Search, folder: StrPath, table: StrPath | None, read: Callable[..., Scores]) -> list[str]:
    rounds = Remeasurement(search, MOST_TOP).rounds
    made = remeasurement_folder(folder, search.generation, rounds)
    if not made.is_dir():
        raise DgnamError(
            f"nothing is to be measured again after generation {search.generation - 1}: dgnam evolve ask "
            f"{_quoted(folder)} --remeasure 5"
        )
    names = remeasured_names(made)
    again = Remeasurement(search, len(names) - 1)
    path = Path(table) if table is not None else made / TABLE
    found = read(path, names, f"the pictures of {made.name}")
    again.tell(found.rows)
    lines = [f"{what}: {_told(one)}" for what, one in again.measured.items()]
    return [*lines, *([f"{found.lost} trials lost"] if found.lost else [])]


def _told(measured: Measured) -> str:
    found = "" if np.isnan(measured.found) else f", {measured.found:.4g} in the search"
    regressed = "" if measured.what == "mean" or measured.count < 2 else f", regressed {measured.regressed:.4g}"
    return f"{measured}{found}{regressed}"


def _search_lines(run: Run, prefix: str) -> Iterator[str]:
    names = generation_names(run, prefix)
    if not names:
        yield "no generation has been scored yet"
        return
    scores = [_scores(run, name) for name in names]
    lost, count = sum(int(np.isnan(one).sum()) for one in scores), sum(map(len, scores))
    yield f"{len(scores)} generations, {count} pictures scored{f', {lost} trials lost' if lost else ''}"
    tops = [float(np.nanmax(one)) for one in scores]
    yield f"best {max(tops):.6g}, in generation {int(np.argmax(tops))}, by a single score"
    yield f"mean of the generations: first {np.nanmean(scores[0]):.6g}, last {np.nanmean(scores[-1]):.6g}"
    for what, one in read_measured(run, prefix, len(scores)).items():
        yield f"measured again: {what} {_told(one)}"


def _scores(run: Run, name: str) -> np.ndarray:
    scores = run.load(name).get("scores")
    if scores is None or scores.ndim != 1 or not np.isfinite(scores).any():
        raise FormatError(f"{run.path}: chunk '{name}' is no generation of a search")
    return scores.astype(np.float64)


def _next(run: Run, folder: StrPath) -> str:
    """What to do with a search that waits."""
    generation = len(generation_names(run))
    again = remeasurement_folder(folder, generation, len(round_names(run, "", generation)))
    open_ones = ((generation_folder(folder, generation), ""), (again, " --remeasure"))
    waiting = next(((path, option) for path, option in open_ones if path.is_dir()), None)
    if waiting is None:
        return f"dgnam evolve ask {_quoted(folder)}"
    return f"fill in {waiting[0] / TABLE}, then dgnam evolve tell {_quoted(folder)}{waiting[1]}"


def _quoted(folder: StrPath) -> str:
    return shlex.quote(str(folder))
