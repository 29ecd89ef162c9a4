"""`dgnam.tune`: random search for settings, scored by a judge, with the best reported on other units.

The run's folder holds a chunk for each trial, and at the end result.json, trials.csv and contact_sheet.png.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

from .. import zoo
from ..am import Bounds, Classes, Objective, Prior, Target, Unit
from ..am.argument_types import check_types
from ..am.score import ImageScore
from ..am.tuning import Evaluator, Row, Trial, TuningSpace, check_apart, published_settings, report
from ..am.tuning import tune as tune_settings
from ..am.tuning.space import Range
from ..am.tuning.tune import Trials, check_options
from ..caffe.mode import usable_device
from ..errors import DgnamError
from ..files.paths import StrPath
from ..runs import Record, environment
from ..runs.executor import Executor, open_executor
from ..runs.run import LOCAL
from .clip import OWN, choose_clip, warn_unclipped
from .fingerprint import file_checksums
from .judges import judged_classes, open_score
from .plan import bounds_record, objective_record
from .priors import ResolvedPrior, default_prior, open_prior
from .run_folder import at_work, begin
from .spec import spec_of
from .targets import Labels, ResolvedTarget, open_target
from .tune_report import write_report
from .visualize import read_objectives
from .workers import call_of, same_here


class Tuning:
    """What `tune` found.

    trials: all trials, by number.
    rows: the best trial's settings, and the published ones if they are compared, with their scores on both sets of
        units.
    folder: where it was saved.
    summary: the same in lines for people.
    """

    def __init__(self, trials: Sequence[Trial], rows: Sequence[Row], folder: Path | None, summary: Sequence[str]):
        self.trials, self.rows, self.folder, self.summary = trials, rows, folder, summary

    def __repr__(self) -> str:
        return f"<Tuning: {len(self.trials)} trials, best {self.rows[0].tuning_score:.4g}>"


def tune(
    target: str | PathLike[str] | Target | ResolvedTarget,
    objective: str | Objective | Sequence[str | Objective],
    *,
    report_on: str | Objective | Sequence[str | Objective],
    judge: str = "judge-mini",
    score: str | ImageScore = "probability",
    prior: str | PathLike[str] | Prior | ResolvedPrior | None = None,
    prior_weights: StrPath | None = None,
    trials: int = 50,
    sampler: str = "random",
    n_iters: Range = (50, 400),
    start_lr: Range = (1.0, 32.0, "log"),
    l2: Range | None = None,
    norm_penalty: Range | None = None,
    seed: int = 0,
    clip: str | PathLike[str] | Bounds = OWN,
    weights: StrPath | None = None,
    labels: Labels | None = None,
    labels_layer: str | None = None,
    mean: str | None = None,
    scale: float = 1.0,
    channels: str = "BGR",
    compare: bool = True,
    show: int = 4,
    device: str = "cpu",
    folder: StrPath | None = None,
    output: StrPath | None = None,
    name: str | None = None,
    executor: str | Executor = LOCAL,
    resume: bool = False,
    progress: bool = True,
) -> Tuning:
    """Tune the settings by random search, scored by a judge, as the paper's authors did by eye.

        dgnam.tune("caffenet-mini", "fc8:0-7", report_on="fc8:100-107", trials=12)

    objective, report_on: the units that settings are tuned on, and others that they are reported on; of a model's
        classes numbers and names may stand alone, as "0-7,lemon".
    judge, score: see `open_score`.
    trials: how many settings to try in all, those before a resume included.
    sampler: "random", as in the paper; or "tpe", which learns from the trials before.
    n_iters, start_lr, l2, norm_penalty: ranges to draw from; l2 from 0.9 to 1 where neither it nor norm_penalty is
        given.
    seed: of the settings drawn and of the start codes.
    compare: whether the published settings are scored as well, on both sets of units.
    show: how many of the best and of the worst trials the contact sheet has.
    Everything else is as in `visualize`.
    """
    given = dict(locals())
    check_types(tune, given)
    maker, planned = open_executor(executor), _planned(given)
    usual = f"tune-{planned.target.name}"
    run = begin(planned.record, folder=folder, output=output, name=usual if name is None else name, resume=resume)
    if not resume:
        warn_unclipped(clip, planned.bounds, planned.prior)
    how: dict[str, Any] = {"space": planned.space, "trials": trials, "seed": seed, "sampler": sampler}
    evaluate, tuning, held_out, how["progress"] = planned.evaluate, planned.tuning, planned.held_out, progress
    baselines = published_settings() if compare else {}
    if run is None:
        if maker.name != LOCAL:
            raise DgnamError(f"executor '{maker.name}' needs a folder for the run: give folder or output")
        found = tune_settings(evaluate, tuning, **how)
        return Tuning(found, report(evaluate, found, tuning, held_out, baselines), None, ())
    there = partial(trials_of, call_of(given, planned.record), planned.record)
    with maker, at_work(run, trials, "trials", maker.name):
        found = tune_settings(evaluate, tuning, run=run, executor=maker, there=there, **how)
        rows = report(evaluate, found, tuning, held_out, baselines)
        measure = _measure(score, judge)
        lines = write_report(run, planned.target.name, measure, tuning, held_out, planned.space, found, rows, show)
    return Tuning(found, rows, run.path, lines)


def trials_of(given: Mapping[str, Any], record: Record) -> Trials:
    """In a worker: what makes the trials of the run that `tune` records for these arguments."""
    planned = _planned(dict(given))
    same_here(record, planned.record)
    return Trials(planned.evaluate, planned.tuning, planned.space)


@dataclass(frozen=True, eq=False)
class _Planned:
    """What a tuning does, from its arguments."""

    record: Record
    target: ResolvedTarget
    prior: ResolvedPrior
    evaluate: Evaluator
    tuning: Sequence[Objective]
    held_out: Sequence[Objective]
    space: TuningSpace

    @property
    def bounds(self) -> Bounds | None:
        return self.evaluate.clip


def _planned(given: dict[str, Any]) -> _Planned:
    """What `tune` does with its keyword arguments; an impossible request is a DgnamError here.

    The prior that is chosen where none is given is entered into them.
    """
    judge, score, seed, sampler = given["judge"], given["score"], given["seed"], given["sampler"]
    check_options(given["trials"], seed, sampler)
    if given["show"] < 1:
        raise DgnamError(f"show {given['show']}: give how many of the best and of the worst trials to show, 1 or more")
    place = usable_device(given["device"])
    files = {name: given[name] for name in ("weights", "labels", "labels_layer", "mean", "scale", "channels")}
    opened = open_target(given["target"], **files)
    given["prior"] = default_prior(opened.target.size) if given["prior"] is None else given["prior"]
    spec = spec_of(given)
    resolved = open_prior(given["prior"], opened.target.size, weights=given["prior_weights"])
    own_score = not isinstance(score, str) or ":" in score
    scorer = open_score(score, judge, opened, device=place)
    judged = None if own_score else judged_classes(judge, opened)
    tuning, held_out = (_units(text, opened, judged) for text in (given["objective"], given["report_on"]))
    bounds = choose_clip(given["clip"], resolved)
    space = tuning_space(given["n_iters"], given["start_lr"], given["l2"], given["norm_penalty"])
    evaluate = Evaluator(opened.target, resolved.prior, scorer, bounds, seed, device=place)
    check_apart(evaluate, tuning, held_out)
    inputs = {
        "target": {"name": opened.name, **opened.record},
        "prior": {"name": resolved.name, **resolved.record},
        "score": spec["score"],
        "judge": None if own_score else file_checksums(zoo.get(judge).prototxt, zoo.get(judge).weights_path()),
        "tuning": [objective_record(one) for one in tuning],
        "held_out": [objective_record(one) for one in held_out],
        "space": space.as_dict(),
        "sampler": sampler,
        "seed": seed,
        "clip": bounds_record(None if bounds is None else bounds.shaped(resolved.prior.code_shape)),
        "device": place,
    }
    record = Record("tune", spec, inputs, environment("optuna"))
    return _Planned(record, opened, resolved, evaluate, tuning, held_out, space)


def tuning_space(n_iters: Range, start_lr: Range, l2: Range | None, norm_penalty: Range | None) -> TuningSpace:
    """The space of these ranges, each as (1, 32) or (1, 32, "log")."""
    if l2 is None and norm_penalty is None:
        l2 = (0.9, 1.0)
    return TuningSpace(n_iters, start_lr, l2, norm_penalty)


def _units(given: object, target: ResolvedTarget, judged: Sequence[Classes] | None) -> list[Objective]:
    """The objectives asked for; classes of a model needn't name their layer.

    judged: the classes that the judge knows; it has a score for no other unit.  None takes all that `visualize` reads.
    """
    if isinstance(given, str) and ":" not in given and target.classes:
        given = f"{target.scores}:{given}"
    found, network = read_objectives(given, target), target.target
    layers = network.layers()
    for one in found if judged is not None else ():
        layer = one.layer if isinstance(one, Unit) else None
        if layer is None or not any(k.belong_to(layer, layers, network.layer_shape) for k in judged or ()):
            raise DgnamError(
                f"{one}: a judge scores classes, which are the units of layer '{target.scores}' of '{target.name}'; "
                "for other units give a score of your own"
            )
    return found


def _measure(score: object, judge: str) -> str:
    """What the score is, in words."""
    if not isinstance(score, str):
        return "mean of a callable"
    if ":" in score:
        return f"mean of {score}"
    return f"mean {'probability of' if score == 'probability' else '1 / rank of'} the unit's class by {judge}"
