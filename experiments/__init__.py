"""The paper's experiments, a module each, by the name that `dgnam reproduce` takes."""

from __future__ import annotations

from collections.abc import Sequence

from dgnam.am.argument_types import check_types
from dgnam.api.targets import Labels
from dgnam.errors import DgnamError, closest
from dgnam.files.paths import StrPath

from . import fig1_output_units
from .experiment import Experiment, Outcome, carry_out

EXPERIMENTS: dict[str, Experiment] = {"fig1": fig1_output_units.EXPERIMENT}


def reproduce(
    experiment: str,
    *,
    models: str = "mini",
    scale: str = "full",
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
    published_images: bool = False,
    device: str = "cpu",
    backend: str | None = None,
    folder: StrPath | None = None,
    output: StrPath = "runs",
    name: str | None = None,
    resume: bool = False,
    progress: bool = True,
) -> Outcome:
    """Repeat an experiment of the paper: pictures, numbers and all settings in a new folder.

    models: "mini", our small models, or "paper", the published ones.
    scale: "smoke", "small" or "full": how many units and seeds.
    units: the units to show; those of the figure where None.
    target, weights, labels, labels_layer, mean, channels, prior, prior_weights: in place of the experiment's own, as
        `dgnam.visualize` takes them.  (`scale` is the experiment's; a net whose input has a factor is a CaffeTarget.)
    backend: see `dgnam.visualize`.
    Everything else is as in `dgnam.visualize`.  Raises DgnamError for an unknown experiment, with the closest names.
    """
    arguments = dict(locals())
    check_types(reproduce, arguments)
    if experiment not in EXPERIMENTS:
        raise DgnamError(f"there is no experiment '{experiment}'; the known ones: {closest(experiment, EXPERIMENTS)}")
    return carry_out(EXPERIMENTS[experiment], arguments)


__all__ = ["EXPERIMENTS", "Experiment", "Outcome", "reproduce"]
