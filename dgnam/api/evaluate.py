"""What judges say of a generator of the small zoo, stored or in training.

The generator's own judge, and the outside judge where it knows the classes, look for them in its images.  Generators
and settings are chosen by the half of even index, of pictures or units, and results are reported on the odd half.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from .. import zoo
from ..am import GeneratorPrior
from ..am.argument_types import check_types
from ..caffe.modules.caffe_module import CaffeModule
from ..data.dataset import open_dataset
from ..data.preprocessing import center_crop, preprocess
from ..errors import DgnamError, closest
from ..files.paths import StrPath
from ..measure import BaseJudge, OutsideJudge, TargetJudge
from ..measure.outside_judge import CHOSEN, HALVES
from ..train.encoder import Encoder
from ..train.sheet import write_sheet
from ..train.zoo import recipes
from ..train.zoo.evaluate import code_bounds
from ..train.zoo.generator import generator_of_run
from ..train.zoo.recipes import ZooGenerator
from ..train.zoo.reconstruction import reconstruct
from .fingerprint import fingerprint
from .judges import check_no_judge, open_judge, open_judge_of_classes, open_judge_of_target
from .priors import ResolvedPrior, open_prior
from .targets import open_target
from .visualize import visualize

PIXELS = "pixels"
"""In place of a generator's name: gradient ascent without one."""

_Judge: TypeAlias = BaseJudge | TargetJudge

_COLUMNS = 16
_PAIRS = 2 * _COLUMNS


def evaluate_reconstructions(
    model: str,
    *,
    run: StrPath | None = None,
    half: str = CHOSEN,
    count: int | None = None,
    judge: str | None = None,
    sheet: StrPath | None = None,
    data: StrPath | None = None,
) -> dict[str, Any]:
    """The judges' top-1 and top-5 on reconstructions of held-out pictures, and on the pictures.

    model: a generator of our own.
    run: the folder of its training, to evaluate the last checkpoint there.
    half: "even" or "odd", of the pictures.
    count: at most so many pictures, spread evenly over the half; None for all.
    judge: one more: a classifier of the zoo that knows the classes, such as squeezenet.
    sheet: a PNG to write, of pictures over their reconstructions.
    data: the folder of the image sets; $DGNAM_DATA where None.
    """
    check_types(evaluate_reconstructions, dict(locals()))
    recipe = _recipe(model)
    _check_sheet(sheet)
    judges = _judges(recipe, judge)
    generator, about = _generator(model, run)
    held_out = open_dataset(recipe.held_out, folder=data)
    pictures = held_out.part(_half_of(half, count, len(held_out))).in_memory()
    encoder = Encoder(zoo.load(recipe.encoder), recipe.training.code_layer, recipe.training.comparator_layers)
    found = reconstruct(generator, encoder, pictures)
    originals, labels = pictures.take(slice(None))
    scores = {
        **_scores(judges, found.center(encoder.size), labels),
        **_scores(judges, preprocess(center_crop(originals, encoder.size)), labels, "_of_pictures"),
    }
    if sheet is not None:
        columns = min(_COLUMNS, len(labels))
        shown = np.linspace(0, len(labels) - 1, min(_PAIRS, len(labels) - len(labels) % columns)).astype(int)
        rows = [preprocess(originals[shown]), found.images[shown]]
        parts = [row[k : k + columns] for k in range(0, len(shown), columns) for row in rows]
        write_sheet(Path(sheet), np.concatenate(parts), columns)
    return {**about, "half": half, "pictures": len(labels), "code_cosine": round(found.code_cosine, 4), **scores}


def evaluate_preferred(
    model: str,
    *,
    run: StrPath | None = None,
    target: str | None = None,
    half: str = CHOSEN,
    count: int | None = None,
    judge: str | None = None,
    seed: int = 0,
    sheet: StrPath | None = None,
    data: StrPath | None = None,
    progress: bool = True,
) -> dict[str, Any]:
    """The judges' top-1 and top-5 on the preferred images of output units, at the published settings.

    model: a generator of our own, or "pixels" for the control without one.
    target: whose output units; the generator's encoder where None.  It has the classes that the judges know, and images
        of the size that the generator's own judge takes.
    half, count: "even" or "odd", of the units; and at most so many of them.
    data: of the held-out pictures that the codes' bounds are measured on, for a generator in training.
    Everything else is as in `evaluate_reconstructions`.
    """
    check_types(evaluate_preferred, dict(locals()))
    recipe = _recipe("deepsim-fc6-mini" if model == PIXELS else model)
    _check_sheet(sheet)
    judges = _judges(recipe, judge)
    opened = open_target(recipe.encoder if target is None else target)
    check_no_judge(opened, (recipe.judge, judge))
    open_judge_of_target(str(recipe.judge), opened)
    units = list(_half_of(half, count, opened.target.layer_shape(opened.scores)[0]))
    prior, about = _prior(model, recipe, run, data, opened.target.size)
    objectives = [f"{opened.scores}:{unit}" for unit in units]
    settings = "own" if model == PIXELS else "released"
    made = visualize(opened, objectives, prior=prior, settings=settings, seed=seed, progress=progress)
    if sheet is not None:
        write_sheet(Path(sheet), made.raw, _COLUMNS)
    return {
        **about,
        "target": opened.name,
        "seed": seed,
        "half": half,
        "units": len(units),
        **_scores(judges, made.raw, np.array(units)),
    }


def _recipe(model: str) -> ZooGenerator:
    recipe = recipes.recipe_of(model)
    if not isinstance(recipe, ZooGenerator) or recipe.judge is None:
        known = [name for name, one in recipes.RECIPES.items() if isinstance(one, ZooGenerator) and one.judge]
        raise DgnamError(f"'{model}' is not a generator of our own; there are: {closest(model, known)}")
    return recipe


def _check_sheet(sheet: StrPath | None) -> None:
    """Raise DgnamError where no sheet can be written, before anything is made for it."""
    if sheet is not None and not (Path(sheet).name and Path(sheet).parent.is_dir()):
        raise DgnamError(f"sheet '{sheet}': give the name of a PNG in a folder that is there")


def _half_of(half: str, count: int | None, total: int) -> range:
    """The indices of a half of `total`, at most `count` of them, evenly spread."""
    if half not in HALVES:
        raise DgnamError(f"half '{half}': give one of {closest(half, HALVES)}")
    if count is not None and count < 1:
        raise DgnamError(f"count {count}: give 1 or more")
    whole = range(HALVES[half], total, 2)
    return whole if count is None else whole[:: max(math.ceil(len(whole) / count), 1)]


def _judges(recipe: ZooGenerator, another: str | None) -> dict[str, _Judge]:
    """By name: from outside, the generator's own, and another."""
    judges: dict[str, _Judge] = {}
    if recipe.outside is not None:
        judges["outside"] = OutsideJudge.of_labels(recipe.outside)
    judges["judge"] = open_judge(str(recipe.judge))
    if another is not None:
        judges[another] = open_judge_of_classes(another, str(recipe.judge))
    return judges


def _scores(judges: Mapping[str, _Judge], images: np.ndarray, labels: np.ndarray, of: str = "") -> dict[str, float]:
    """Each judge's top-1 and top-5; `of` ends their names."""
    verdicts = {name: judge.rank(images, labels) for name, judge in judges.items()}
    return {f"{name}_top{k}{of}": round(verdict.top(k), 4) for name, verdict in verdicts.items() for k in (1, 5)}


def _generator(model: str, run: StrPath | None) -> tuple[CaffeModule, dict[str, Any]]:
    """The generator, and what is said of it: its name, and the iteration of a training."""
    if run is None:
        return zoo.load(model), {"model": model}
    generator, iteration = generator_of_run(model, Path(run))
    return generator, {"model": model, "iteration": iteration}


def _prior(
    model: str, recipe: ZooGenerator, run: StrPath | None, data: StrPath | None, size: tuple[int, int] | None
) -> tuple[ResolvedPrior, dict[str, Any]]:
    if run is None:
        return open_prior(model, size), {"model": model}
    if model == PIXELS:
        raise DgnamError("pixels have no training: leave run out")
    generator, about = _generator(model, run)
    held_out = open_dataset(recipe.held_out, folder=data)
    upper = code_bounds(zoo.load(recipe.encoder), recipe.training.code_layer, held_out)
    prior = GeneratorPrior(generator)
    return ResolvedPrior(prior, model, fingerprint(prior), upper.reshape(prior.code_shape)), about
