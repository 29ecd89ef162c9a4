"""Search for the settings that make the best images: Sec. 2 of the paper, with a score in place of an eye.

    evaluate = Evaluator(target, prior, score, clip=bounds)
    trials = search(evaluate, tuning, storage="runs/search", trials=50)
    found = report(evaluate, trials, tuning, held_out)

The paper searched at random in L2 weight, number of iterations and learning rate, and chose by eye.  A judge, or any
callable, scores here.  Settings are chosen on one set of objectives and reported on another, since the best of many
trials is good by luck too on those that it was chosen by.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from ...errors import DgnamError
from ..images import picture
from ..objectives.objective import Objective, Unit
from ..priors import Prior
from ..regularizers.bounds import Bounds
from ..settings import Settings, paper, released
from ..synthesize import Job, gather, synthesize
from ..targets.target import Target
from .space import SearchSpace

if TYPE_CHECKING:
    from .trials import Trial, TrialStore  # Optuna is slow to import, and only a search needs it

Score = Callable[[np.ndarray, Sequence[Objective]], Any]
"""From images (N, 3, h, w) float32, BGR, mean-subtracted, and their objectives to N numbers or to one for all of them:
the larger the better."""

CONTRACT = "a score takes images and their objectives, and returns a finite number for each or one for all"

MOST_TRIALS = 1_000_000


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What settings came to.

    scores: (N,) or (1,) float64, as the score gave them.
    activations: (N,) float32, of the images.
    images: (N, 3, h, w) float32, BGR, mean-subtracted.
    """

    settings: Settings
    scores: np.ndarray
    activations: np.ndarray
    images: np.ndarray

    @property
    def score(self) -> float:
        return float(self.scores.mean())

    def pictures(self) -> np.ndarray:
        """(N, h, w, 3) uint8, RGB."""
        return np.stack([picture(image) for image in self.images])


@dataclass(frozen=True, eq=False)
class Evaluator:
    """From settings and objectives to images and their scores.

    clip: what codes are clipped to; None leaves them free.
    seed: of the random start codes, the same for all settings, so that these alone make a difference.
    """

    target: Target
    prior: Prior
    score: Score
    clip: Bounds | None
    seed: int = 0
    batch_size: int = 100
    device: str = "cpu"

    def __call__(self, settings: Settings, objectives: Sequence[Objective]) -> Evaluation:
        """Make an image for each objective, and score them; a score that fails or isn't finite is a DgnamError."""
        jobs = [Job(objective, self.seed, settings) for objective in objectives]
        batches = synthesize(
            self.target,
            self.prior,
            jobs,
            clip=self.clip,
            batch_size=self.batch_size,
            device=self.device,
            progress=False,
        )
        result = gather(batches)
        scores = self._scores(result.images, objectives)
        return Evaluation(settings, scores, result.last_activations, result.images)

    def places(self, objectives: Sequence[Objective], what: str) -> dict[Any, Objective]:
        """The objectives by what they ask of the target; none at all, a wrong one or one given twice is an error."""
        if not objectives:
            raise DgnamError(f"there are no units to {what}: give one or more")
        found: dict[Any, Objective] = {}
        for objective in objectives:
            for _, term in objective.terms:
                term.check(self.target.layer_shape(term.layer))
            place: Any = objective
            if isinstance(objective, Unit):
                place = (objective.layer, objective.offset(self.target.layer_shape(objective.layer)))
            if place in found:
                raise DgnamError(f"unit {objective} is given twice among those to {what}")
            found[place] = objective
        return found

    def _scores(self, images: np.ndarray, objectives: Sequence[Objective]) -> np.ndarray:
        try:
            values = np.asarray(self.score(images, objectives), np.float64)
        except DgnamError:
            raise
        except Exception as error:
            raise DgnamError(f"the score failed ({type(error).__name__}: {error}); {CONTRACT}") from error
        if values.shape not in ((), (len(images),), (len(images), 1)):
            raise DgnamError(f"the scores of {len(images)} images have shape {values.shape}; {CONTRACT}")
        values = values.reshape(-1)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            which = f" of {objectives[bad[0]]}" if len(values) == len(images) else ""
            raise DgnamError(f"the score{which} is {values[bad[0]]}; {CONTRACT}")
        return values


def search(
    evaluate: Evaluator,
    tuning: Sequence[Objective],
    *,
    storage: str | PathLike[str],
    space: SearchSpace | None = None,
    trials: int = 50,
    seed: int = 0,
    sampler: str = "random",
    record: Mapping[str, Any] | None = None,
    progress: bool = True,
) -> list[Trial]:
    """Try settings until `trials` of them have a score on the objectives `tuning`; returns the trials, by number.

    storage: the search's folder, made where there is none.  A search that was interrupted, killed too, goes on there:
        finished trials stay, and the others are those that it would have had.  More trials may be asked for.
    space: what is drawn; the default ranges where None.
    sampler: "random", or "tpe", which learns from the trials before.
    record: what else tells this search from another one in the same folder, such as the models' names; plain values.
    """
    from .trials import open_store

    if not 1 <= trials <= MOST_TRIALS:
        raise DgnamError(f"trials {trials}: give 1 to {MOST_TRIALS}")
    if not 0 <= seed < 2**32:
        raise DgnamError(f"seed {seed}: give a whole number, 0 to {2**32 - 1}")
    evaluate.places(tuning, "tune on")
    chosen = SearchSpace() if space is None else space
    known = {"tuning": [str(objective) for objective in tuning], "start_seed": evaluate.seed}
    known |= {} if record is None else record
    with open_store(Path(storage), chosen, seed, sampler, known) as store:
        done = len(store.finished())
        bar = tqdm(total=trials, initial=min(done, trials), unit="trial", desc="searching", disable=not progress)
        with bar:
            for number in range(done, trials):
                _try(store, evaluate, tuning, number)
                bar.update()
        return store.finished()[:trials]


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
    baselines: Mapping[str, Settings] | None = None,
) -> list[Row]:
    """The best trial's settings and the baselines, on the objectives that it was chosen by and on others.

    baselines: settings by name; where None, the released ones and the paper's.
    """
    check_apart(evaluate, tuning, held_out)
    best = best_trial(trials)
    rows = [Row("best", best.settings, best.scores, _scored(evaluate, best.settings, held_out))]
    for name, settings in (published_settings() if baselines is None else baselines).items():
        rows.append(Row(name, settings, *(_scored(evaluate, settings, part) for part in (tuning, held_out))))
    return rows


def published_settings() -> dict[str, Settings]:
    """What a search is compared with."""
    return {"released": released(), "paper": paper()}


def check_apart(evaluate: Evaluator, tuning: Sequence[Objective], held_out: Sequence[Objective]) -> None:
    """Raise DgnamError where an objective is in both sets, or one of them is not the target's."""
    known = evaluate.places(tuning, "tune on")
    both = [str(objective) for place, objective in evaluate.places(held_out, "report on").items() if place in known]
    if both:
        shown = ", ".join(both[:5]) + (", …" if len(both) > 5 else "")
        raise DgnamError(f"{shown}: settings are tuned on some units and reported on others, and {len(both)} are both")


def _try(store: TrialStore, evaluate: Evaluator, tuning: Sequence[Objective], number: int) -> None:
    trial, settings = store.ask(number)
    try:
        found = evaluate(settings, tuning)
    except DgnamError as error:
        store.fail(trial)
        raise DgnamError(
            f"trial {number} ({describe(settings)}): {error}. The {number} trials before it are kept in {store.folder}"
        ) from error
    store.tell(trial, number, found.scores, float(found.activations.mean()), found.pictures())


def describe(settings: Settings, separator: str = ", ") -> str:
    """Settings in words: "200 steps, start_lr 8, shrink 0.99"."""
    rule = vars(settings.regularisation)
    kind = "norm_penalty" if "weight" in rule else "shrink"
    values = f"{kind} {next(iter(rule.values())):.4g}"
    return separator.join((f"{settings.n_iters} steps", f"start_lr {settings.schedule.start:.4g}", values))


def _scored(evaluate: Evaluator, settings: Settings, objectives: Sequence[Objective]) -> tuple[float, ...]:
    return tuple(evaluate(settings, objectives).scores.tolist())
