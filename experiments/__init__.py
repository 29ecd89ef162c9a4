"""The paper's experiments, a module each, by the name that `dgnam reproduce` takes."""

from __future__ import annotations

from collections.abc import Sequence

from dgnam.am.argument_types import check_types
from dgnam.api.targets import Labels
from dgnam.caffe.modules.precision import FLOAT32
from dgnam.errors import DgnamError, closest
from dgnam.files.paths import StrPath
from dgnam.runs.executor import Executor
from dgnam.runs.run import LOCAL

from . import (
    beyond_invariance,
    beyond_path,
    fig1_output_units,
    sec2_hyperparameters,
    sec3_1_memorization,
    sec3_1_previous_methods,
    sec3_1_prior_layers,
    sec3_2_actions,
    sec3_2_places,
    sec3_3_architectures,
    sec3_4_imagenet_hidden,
    sec3_4_places_hidden,
    sec3_5_canonical,
    sec3_5_modified_data,
    sec3_6_art,
    sec3_6_training,
    sec3_6_videos,
)
from .execution import Outcome, carry_out, check_usual
from .experiment import Experiment

ALL = "all"

MODULES = (
    fig1_output_units,
    sec2_hyperparameters,
    sec3_1_prior_layers,
    sec3_1_previous_methods,
    sec3_1_memorization,
    sec3_2_places,
    sec3_2_actions,
    sec3_3_architectures,
    sec3_4_imagenet_hidden,
    sec3_4_places_hidden,
    sec3_5_modified_data,
    sec3_5_canonical,
    sec3_6_training,
    sec3_6_videos,
    sec3_6_art,
    beyond_path,
    beyond_invariance,
)
"""In the paper's order."""

EXPERIMENTS: dict[str, Experiment] = {module.EXPERIMENT.name: module.EXPERIMENT for module in MODULES}


def reproduce(
    experiment: str,
    *,
    models: str = "mini",
    scale: str = "small",
    units: Sequence[int] | None = None,
    seed: int = 0,
    target: object = None,
    weights: StrPath | None = None,
    labels: Labels | None = None,
    labels_layer: str | None = None,
    mean: str | None = None,
    channels: str = "BGR",
    prior: object = None,
    prior_weights: StrPath | None = None,
    data: StrPath | None = None,
    published_images: bool = False,
    device: str = "cpu",
    precision: str = FLOAT32,
    backend: str | None = None,
    folder: StrPath | None = None,
    output: StrPath = "runs",
    name: str | None = None,
    executor: str | Executor = LOCAL,
    resume: bool = False,
    progress: bool = True,
) -> Outcome:
    """Repeat an experiment of the paper: pictures, numbers, verdicts and all settings in a new folder.

    models: "mini", our small models at 64 px; "128", those at 128 px, where there are some; or "paper", the
        published ones.
    scale: "smoke", "small" or "full": how many units and seeds; verdicts of record are those of "full".
    units: the units to show; those of the figure where None.
    target, weights, labels, labels_layer, mean, channels, prior, prior_weights: in place of the experiment's own, as
        `dgnam.visualize` takes them.  (`scale` is the experiment's; a net whose input has a factor is a CaffeTarget.)
    data: the folder of the image sets; $DGNAM_DATA where None.  Without it what needs real pictures is left out.
    backend: see `dgnam.visualize`.
    resume: resume the run in `folder`.  Without a folder, the run in `output` that the same call began: one that is
        finished is given back as it is, and one that isn't is resumed; where there is none, one begins.  Another `name`
        or `output` begins anew.
    Everything else is as in `dgnam.visualize`.  Raises DgnamError for an unknown experiment, with the closest names,
    and for a target, a prior or units that it doesn't take.
    """
    arguments = dict(locals())
    check_types(reproduce, arguments)
    return carry_out(find_experiment(experiment), arguments)


def find_experiment(name: str) -> Experiment:
    """The experiment of this name; an unknown one is an error with the closest."""
    if name not in EXPERIMENTS:
        raise DgnamError(f"there is no experiment '{name}'; the known ones: {closest(name, EXPERIMENTS)}")
    return EXPERIMENTS[name]


def find_experiments(name: str) -> list[Experiment]:
    """The experiments that are meant by a name, by a section's number, as 3.1, or by "all"."""
    of_section = [one for one in EXPERIMENTS.values() if name in (one.section, ALL)]
    return of_section if of_section else [find_experiment(name)]


def paper_models() -> list[str]:
    """The names of all networks that the experiments open with `models="paper"`."""
    used = [one.models["paper"] for one in EXPERIMENTS.values() if "paper" in one.models]
    return list(dict.fromkeys(name for models in used for name in (models.target, models.prior, *models.files)))


__all__ = [
    "EXPERIMENTS",
    "Experiment",
    "Outcome",
    "check_usual",
    "find_experiment",
    "find_experiments",
    "paper_models",
    "reproduce",
]
