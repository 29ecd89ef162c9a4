"""Try settings, and keep what each came to."""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import DgnamError, closest
from ...runs import Interrupted, Run, defer_interrupt, progress_bar
from ..objectives import Objective
from .evaluator import Evaluator
from .report import describe
from .space import TuningSpace
from .trials import SAMPLERS, Draws, Trial, made_trial, read_trial, trial_chunk

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
    progress: bool = True,
) -> list[Trial]:
    """Try settings until `trials` of them have a score on the objectives `tuning`; returns the trials, by number.

    space: what is drawn; the default ranges where None.
    sampler: "random", or "tpe", which learns from the trials before.
    run: where trials are kept as chunks, and found again.
    Raises Interrupted after Ctrl-C or SIGTERM, once the trial in hand is kept, the last one included; a second one
    gives that trial up.
    """
    check_options(trials, seed, sampler)
    evaluate.places(tuning, "tune on")
    chosen = TuningSpace() if space is None else space
    found: list[Trial] = []
    draws = Draws(chosen, seed, sampler)
    try:
        with progress_bar(total=trials, unit="trial", desc="tuning", show=progress) as bar, defer_interrupt() as stop:
            while len(found) < trials and not stop:
                trial = None if run is None else _kept(run, len(found), chosen)
                if trial is None:
                    trial = _try(evaluate, tuning, chosen, draws.draw(len(found)), len(found))
                    if run is not None:
                        trial = trial.saved(run)
                draws.tell(trial)
                found.append(trial)
                bar.update()
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(_stopped(found, trials)) from None
    if stop:
        raise stop.interrupted(_stopped(found, trials))
    return found


def check_options(trials: int, seed: int, sampler: str) -> None:
    """Raise DgnamError for options that no tuning has."""
    if not 1 <= trials <= MOST_TRIALS:
        raise DgnamError(f"trials {trials}: give 1 to {MOST_TRIALS}")
    if not 0 <= seed < 2**32:
        raise DgnamError(f"seed {seed}: give a whole number, 0 to {2**32 - 1}")
    if sampler not in SAMPLERS:
        raise DgnamError(f"sampler '{sampler}': give one of {closest(sampler, SAMPLERS)}")


def _stopped(found: Sequence[Trial], trials: int) -> str:
    return f"stopped after {len(found)} of {trials} trials"


def _kept(run: Run, number: int, space: TuningSpace) -> Trial | None:
    """A trial of an earlier time; None where it is not there as it was written."""
    return read_trial(run, number, space) if run.has(trial_chunk(number)) else None


def _try(
    evaluate: Evaluator, tuning: Sequence[Objective], space: TuningSpace, drawn: tuple[float, ...], number: int
) -> Trial:
    settings = space.settings(dict(zip(space.ranges, drawn, strict=True)))
    try:
        return made_trial(number, drawn, evaluate(settings, tuning))
    except DgnamError as error:
        raise DgnamError(
            f"trial {number} ({describe(settings)}): {error}. The {number} trials before it are kept"
        ) from error
