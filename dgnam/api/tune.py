"""`dgnam.tune`: random search for settings, scored by a judge, with the best reported on other units.

The run's folder holds a chunk for each trial, and at the end result.json, trials.csv and contact_sheet.png.
"""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

from .. import zoo
from ..am import Bounds, Classes, Objective, Prior, Target, Unit
from ..am.argument_types import check_types
from ..am.score import ImageScore
from ..am.tuning import Evaluator, Row, Trial, TuningSpace, check_apart, report
from ..am.tuning import tune as tune_settings
from ..am.tuning.space import Range
from ..am.tuning.tune import check_options
from ..caffe.mode import usable_device
from ..errors import DgnamError
from ..files.paths import StrPath
from ..runs import Record, environment
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


class Tuning:
    """What `tune` found.

    trials: all trials, by number.
    rows: the best trial's settings and the published ones, with their scores on both sets of units.
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
    show: int = 4,
    device: str = "cpu",
    folder: StrPath | None = None,
    output: StrPath | None = None,
    name: str | None = None,
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
    show: how many of the best and of the worst trials the contact sheet has.
    Everything else is as in `visualize`.
    """
    given = dict(locals())
    check_types(tune, given)
    check_options(trials, seed, sampler)
    place = usable_device(device)
    opened = open_target(
        target, weights=weights, labels=labels, labels_layer=labels_layer, mean=mean, scale=scale, channels=channels
    )
    given["prior"] = default_prior(opened.target.size) if prior is None else prior
    spec, resolved = spec_of(given), open_prior(given["prior"], opened.target.size, weights=prior_weights)
    own_score = not isinstance(score, str) or ":" in score
    scorer = open_score(score, judge, opened, device=place)
    judged = None if own_score else judged_classes(judge, opened)
    tuning, held_out = (_units(text, opened, judged) for text in (objective, report_on))
    bounds, space = choose_clip(clip, resolved), tuning_space(n_iters, start_lr, l2, norm_penalty)
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
    usual = f"tune-{opened.name}"
    run = begin(record, folder=folder, output=output, name=usual if name is None else name, resume=resume)
    if not resume:
        warn_unclipped(clip, bounds, resolved)
    how = {"space": space, "trials": trials, "seed": seed, "sampler": sampler, "progress": progress}
    if run is None:
        found = tune_settings(evaluate, tuning, **how)  # type: ignore[arg-type]
        return Tuning(found, report(evaluate, found, tuning, held_out), None, ())
    with at_work(run, trials, "trials"):
        found = tune_settings(evaluate, tuning, run=run, **how)  # type: ignore[arg-type]
        rows = report(evaluate, found, tuning, held_out)
        measure = _measure(score, judge)
        lines = write_report(run, opened.name, measure, tuning, held_out, space, found, rows, show)
    return Tuning(found, rows, run.path, lines)


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
