"""Try settings, and keep what each came to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import closing
from dataclasses import dataclass

from ...errors import DgnamError, closest
from ...runs import Interrupted, Run, defer_interrupt, progress_bar
from ...runs.environment import threads
from ...runs.executor import ChunkLosses, Executor, Failed, LocalExecutor, Made, Task, Work
from ...runs.interrupt import Stop
from ..objectives import Objective
from .evaluator import Evaluator
from .report import describe
from .space import TuningSpace
from .trials import SAMPLERS, Draws, Trial, made_trial, read_trial, trial_chunk, trial_of_arrays

MOST_TRIALS = 1_000_000


def tune(
    evaluate: Evaluator,
    tuning: Sequence[Objective],
    *,
    space: TuningSpace | None = None,
    trials: int = 50,
    seed: int = 0,
    sampler: str = "random",
    run: Run | None = None,
    executor: Executor | None = None,
    there: Callable[[], Trials] | None = None,
    progress: bool = True,
) -> list[Trial]:
    """Try settings until `trials` of them have a score on the objectives `tuning`; returns the trials, by number.

    space: what is drawn; the default ranges where None.
    sampler: "random", or "tpe", which learns from the trials before.
    run: where trials are kept as chunks, and found again.
    executor, there: who makes the trials of a run, this process where None; and what gives another one their maker.
    Raises Interrupted after Ctrl-C or SIGTERM, once the trial in hand is kept, the last one included; a second one
    gives that trial up.  Raises ChunksFailedError where an executor gave trials up; with "tpe" those after the first
    are not tried, since they would learn from it.
    """
    check_options(trials, seed, sampler)
    evaluate.places(tuning, "tune on")
    chosen = TuningSpace() if space is None else space
    found, draws, make = dict[int, Trial](), Draws(chosen, seed, sampler), Trials(evaluate, tuning, chosen)
    try:
        with progress_bar(total=trials, unit="trial", desc="tuning", show=progress) as bar, defer_interrupt() as stop:
            for trial in _trials(make, draws, trials, sampler, run, executor, there, stop):
                found[trial.number] = trial
                draws.tell(trial)
                bar.update()
                if stop:
                    break
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(_stopped(found, trials)) from None
    if stop:
        raise stop.interrupted(_stopped(found, trials))
    return [found[number] for number in range(trials)]


def _trials(
    make: Trials,
    draws: Draws,
    trials: int,
    sampler: str,
    run: Run | None,
    executor: Executor | None,
    there: Callable[[], Trials] | None,
    stop: Stop,
) -> Iterator[Trial]:
    """The trials by number, kept or made; each is drawn after those before it have been taken, with "tpe"."""
    if run is None:
        for number in range(trials):
            yield make.trial(number, draws.draw(number))
        return
    kept = bytearray(run.has(trial_chunk(number)) for number in range(trials))

    def check() -> None:
        if stop:
            raise stop.interrupted(_stopped(run.names(), trials))

    maker, losses = LocalExecutor() if executor is None else executor, ChunkLosses(run)
    left = (number for number in range(trials) if not kept[number])
    tasks = (Task(trial_chunk(number), (number, draws.draw(number))) for number in left)
    learns = None if sampler == "random" else 1
    work = Work(make, there, learns, threads(), make.evaluate.device)
    with maker, closing(maker.make(run, tasks, work, check=check, progress=False)) as made:
        for number in range(trials):
            if kept[number]:
                yield read_trial(run, number, make.space)
                continue
            chunk = next(made)
            if isinstance(chunk, Failed):
                losses.add(chunk)
                if learns is not None:
                    break
                continue
            yield trial_of_arrays(number, chunk.arrays, make.space, f"{run.path}: ").saved(run)
        if not losses:
            next(made, None)  # all of it is entered
    losses.complain()
    run.sort()


@dataclass(frozen=True, eq=False)
class Trials:
    """Makes trials: settings from what was drawn, and their scores on the objectives `tuning`."""

    evaluate: Evaluator
    tuning: Sequence[Objective]
    space: TuningSpace

    def __call__(self, what: tuple[int, Sequence[float]]) -> Made:
        """The chunk of a trial of a run, by its number and what was drawn for it."""
        try:
            return Made(self.trial(*what).arrays())
        except DgnamError as error:
            raise DgnamError(f"{error}. The {what[0]} trials before it are kept") from error

    def trial(self, number: int, drawn: Sequence[float]) -> Trial:
        """A trial."""
        settings = self.space.settings(dict(zip(self.space.ranges, drawn, strict=True)))
        try:
            return made_trial(number, drawn, self.evaluate(settings, self.tuning))
        except DgnamError as error:
            raise DgnamError(f"trial {number} ({describe(settings)}): {error}") from error


def check_options(trials: int, seed: int, sampler: str) -> None:
    """Raise DgnamError for options that no tuning has."""
    if not 1 <= trials <= MOST_TRIALS:
        raise DgnamError(f"trials {trials}: give 1 to {MOST_TRIALS}")
    if not 0 <= seed < 2**32:
        raise DgnamError(f"seed {seed}: give a whole number, 0 to {2**32 - 1}")
    if sampler not in SAMPLERS:
        raise DgnamError(f"sampler '{sampler}': give one of {closest(sampler, SAMPLERS)}")


def _stopped(found: Sized, trials: int) -> str:
    return f"stopped after {len(found)} of {trials} trials"
