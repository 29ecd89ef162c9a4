"""A neuron that another program measures: pictures out and scores in, by turns, in a run's folder.

begin_search("neuron-13", prior="deepsim-fc6-v2-mini", method="genetic")
search = open_search("neuron-13")           # objects among the arguments are given again: prior=…, method=…
codes, pictures = search.ask()
search.tell(scores)                         # saved; the next open_search resumes from here
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from inspect import signature
from os import PathLike

from ..am import Bounds, Prior, Start
from ..am.argument_types import check_types, checked
from ..am.evolve import Method, Search
from ..caffe.mode import usable_device
from ..errors import DgnamError, FormatError
from ..files.paths import StrPath
from ..runs import Record, Run, environment
from ..runs.record import objects_in
from .clip import OWN, choose_clip, warn_unclipped
from .evolve import choose_method, new_search, search_inputs
from .priors import ResolvedPrior, open_prior
from .spec import spec_of
from .starts import open_start

TASK = "search"


@checked
def begin_search(
    folder: StrPath,
    *,
    prior: str | PathLike[str] | Prior | ResolvedPrior | None = None,
    prior_weights: StrPath | None = None,
    method: str | Method = "cma",
    population: int | None = None,
    seed: int = 0,
    clip: str | PathLike[str] | Bounds = OWN,
    start: str | Start | None = None,
    batch_size: int = 100,
    device: str = "cpu",
) -> Search:
    """Begin a search in a new folder; the arguments are those of `evolve`.

    Returns the search, which saves each generation when it is told.
    """
    given = dict(locals())
    search, inputs, resolved = _search(**{name: value for name, value in given.items() if name != "folder"})
    run = Run.create_at(folder, Record(TASK, spec_of(given), inputs, environment("cma")))
    warn_unclipped(clip, search.bounds, resolved)
    with run.exclusive(unit="generations"):
        return search.save_in(run)


@checked
def open_search(
    folder: StrPath,
    *,
    prior: Prior | ResolvedPrior | None = None,
    method: Method | None = None,
    clip: Bounds | None = None,
    start: Start | None = None,
    device: str | None = None,
) -> Search:
    """The search that a folder holds, where it was after its last `tell`.

    prior, method, clip, start: again, where they were given as objects in Python.
    device: another one than it was begun on.
    """
    again = {"prior": prior, "method": method, "clip": clip, "start": start, "device": device}
    run = Run.open(folder)
    if run.record.task != TASK:
        task = run.record.task
        raise DgnamError(
            f"{folder} holds a run of '{task}', not a search for a neuron: dgnam resume {shlex.quote(str(folder))}"
        )
    spec = {**run.record.spec, **{name: value for name, value in again.items() if value is not None}}
    objects = objects_in(spec)
    if objects:
        raise DgnamError(f"{folder} was begun with {', '.join(objects)} as an object in Python: pass it again")
    if set(spec) != _ARGUMENTS:
        wrong = sorted(set(spec) ^ _ARGUMENTS)
        raise FormatError(f"{folder}: its record is not of a search; it lacks or has too much: {', '.join(wrong)}")
    with run.in_directory():
        search, inputs, _ = _search(**spec)
    run.record.check_same(Record(TASK, {}, inputs, run.record.environment), run.path)
    return search.save_in(run)


@contextmanager
def exclusive_search(folder: StrPath, **again: object) -> Iterator[Search]:
    """The search in `folder`, while no other process may tell it anything."""
    with Run.open(folder).exclusive(unit="generations"):
        yield open_search(folder, **again)  # type: ignore[arg-type]


def _search(
    *,
    prior: object,
    prior_weights: StrPath | None,
    method: str | Method,
    population: int | None,
    seed: int,
    clip: object,
    start: object,
    batch_size: int,
    device: str,
) -> tuple[Search, dict[str, object], ResolvedPrior]:
    """A search of these arguments, what decides its codes, and its prior."""
    check_types(begin_search, dict(locals()))
    resolved = open_prior(prior, None, weights=prior_weights)
    chosen, place, bounds = choose_method(method, population), usable_device(device), choose_clip(clip, resolved)
    begins = None if start is None else open_start(start, resolved)
    search = new_search(resolved, chosen, clip=bounds, seed=seed, start=begins, device=place, batch_size=batch_size)
    return search, search_inputs(resolved, [search.inputs()], None, [None], clip=bounds), resolved


_ARGUMENTS = set(signature(_search).parameters)
