"""The best settings and the published ones, on the objectives that they were chosen by and on others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import DgnamError
from ..objectives import Objective
from ..settings import Settings, paper, released
from .evaluator import Evaluator
from .trials import Trial


@dataclass(frozen=True)
class Row:
    """Settings, and their scores: on the objectives that the best were chosen by, and on others.

    tuning, held_out: the score of each objective, or one for all of them.
    """

    name: str
    settings: Settings
    tuning: tuple[float, ...]
    held_out: tuple[float, ...]

    @property
    def tuning_score(self) -> float:
        return float(np.mean(self.tuning))

    @property
    def held_out_score(self) -> float:
        return float(np.mean(self.held_out))


def best_trial(trials: Sequence[Trial]) -> Trial:
    """The one with the highest score, the first of several."""
    if not trials:
        raise DgnamError("no trial has been finished")
    return max(trials, key=lambda trial: trial.score)


def report(
    evaluate: Evaluator,
    trials: Sequence[Trial],
    tuning: Sequence[Objective],
    held_out: Sequence[Objective],
    baselines: Mapping[str, Settings],
) -> list[Row]:
    """The best trial's settings and the baselines, on the objectives that it was chosen by and on others.

    baselines: settings by name.
    """
    check_apart(evaluate, tuning, held_out)
    best = best_trial(trials)
    rows = [Row("best", best.settings, best.scores, _scored(evaluate, best.settings, held_out))]
    for name, settings in baselines.items():
        rows.append(Row(name, settings, *(_scored(evaluate, settings, part) for part in (tuning, held_out))))
    return rows


def published_settings() -> dict[str, Settings]:
    """By name: what a tuning is compared with."""
    return {"released": released(), "paper": paper()}


def check_apart(evaluate: Evaluator, tuning: Sequence[Objective], held_out: Sequence[Objective]) -> None:
    """Raise DgnamError where an objective is in both sets, or one of them is not the target's."""
    known = evaluate.places(tuning, "tune on")
    both = [str(objective) for place, objective in evaluate.places(held_out, "report on").items() if place in known]
    if both:
        shown = ", ".join(both[:5]) + (", …" if len(both) > 5 else "")
        raise DgnamError(f"{shown}: settings are tuned on some units and reported on others, and {len(both)} are both")


def describe(settings: Settings, separator: str = ", ") -> str:
    """Settings in words: "200 steps, start_lr 8, l2 0.99"."""
    regularizer = vars(settings.regularizer)
    kind = "norm_penalty" if "weight" in regularizer else "l2"
    values = f"{kind} {next(iter(regularizer.values())):.4g}"
    return separator.join((f"{settings.n_iters} steps", f"start_lr {settings.schedule.start:.4g}", values))


def _scored(evaluate: Evaluator, settings: Settings, objectives: Sequence[Objective]) -> tuple[float, ...]:
    return tuple(evaluate(settings, objectives).scores.tolist())
