"""Beyond the paper: are synthesized pictures processed like real ones, layer by layer (Geirhos et al. 2024)?

In each layer, the correlation of a picture's activations with those of real pictures of its class, on a scale where a
real picture of the class has 1, and one of another class 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from dgnam.errors import ArrayError, DgnamError
from dgnam.measure import path_similarity
from dgnam.measure.statistics import mean, mean_difference

from .context import Context
from .experiment import Experiment, Replacement, Size, mini, published
from .finding import Controls, Part

Shown = tuple[np.ndarray, np.ndarray]
"""Images (N, 3, h, w) float32 and their classes (N,)."""

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
EVERY = {"smoke": 10, "small": 5, "full": 2}
"""Every so manieth of the held-out pictures of a class is compared with; those after them are the ceiling."""

MOST = 200_000_000
"""Activations in one layer, of the pictures that are compared with: where there are more, fewer of each class are."""

TITLES = {"dgn_am": "DGN-AM", "pixels": "pixels without a generator", "real": "other real pictures"}

DECIDING = "fc6"
"""The layer whose similarity decides the claim."""


def run(context: Context) -> Mapping[str, Any]:
    """The method's pictures, pixels without a prior, and real pictures, in each layer."""
    steps = {
        "dgn_am": context.synthesize("dgn_am", settings="released"),
        "pixels": context.synthesize("pixels", prior="pixels"),
    }
    real, others = real_pictures(context)
    looked_at = {step: (made.images, made.classes) for step, made in steps.items()} | {"real": others}
    by_layer: dict[str, dict[str, np.ndarray]] = {}
    for layer in LAYERS:
        with suppress(ArrayError):  # real pictures give it no scale: without it parts are missing
            by_layer[layer] = similarities(context, layer, looked_at, real)
    found = {step: {layer: values[step] for layer, values in by_layer.items()} for step in looked_at}
    for step, made in steps.items():
        columns = {f"similarity, {layer}": values for layer, values in found[step].items()}
        context.tabulate(step, made.units, made.seeds, columns)
    parts: dict[str, Part] = {}
    for layer in by_layer:
        ours, theirs = (made.by_unit(found[step][layer]) for step, made in steps.items())
        parts[f"above pixels, {layer}"] = partial(mean_difference, ours, theirs)
        if layer == DECIDING:
            parts[layer] = partial(mean, ours)
    means = {step: {layer: float(values.mean()) for layer, values in of.items()} for step, of in found.items()}
    floor, ceiling = (
        {f"{name}, {layer}": value for layer, value in means[step].items() if layer == DECIDING}
        for name, step in (("pixels", "pixels"), ("real pictures", "real"))
    )
    context.plot_means(
        "similarity",
        {TITLES[step]: of for step, of in found.items()},
        across="layer",
        upwards="similarity to real pictures of the class",
        title="1: as real pictures of the class; 0: as those of others",
    )
    for step, pictures in steps.items():
        context.show(step, pictures.first, [context.labels[unit] for unit in pictures.units], TITLES[step])
    context.decide("beyond-path", parts, Controls(floor, ceiling))
    return means


def similarities(context: Context, layer: str, looked_at: Mapping[str, Shown], real: Shown) -> dict[str, np.ndarray]:
    """Of each step the similarity of its images, (N,), in one layer: of all layers the values would be too many."""
    known = context.layer_values([layer], real[0])[layer]
    return {
        step: path_similarity(context.layer_values([layer], images)[layer], classes, known, real[1]).values
        for step, (images, classes) in looked_at.items()
    }


def real_pictures(context: Context) -> tuple[Shown, Shown]:
    """Held-out pictures and labels of the units' classes, to compare with; and others of the same, for the ceiling."""
    labels = context.held_out.labels
    if labels is None:
        raise DgnamError(f"{context.held_out.name}: its pictures have no labels, by which they are compared")
    wanted = np.isin(labels, context.units)
    every, by_class = EVERY[context.arguments["scale"]], np.argsort(labels, kind="stable")
    widest = max(int(np.prod(context.target.target.layer_shape(layer))) for layer in LAYERS)
    every = max(every, -(-int(wanted.sum()) * widest // MOST))
    chosen = [by_class[first::every] for first in (0, 1)]
    first, second = (context.seen(context.held_out.at(places[wanted[places]])) for places in chosen)
    return first, second


EXPERIMENT = Experiment(
    name="beyond_path",
    section="beyond",
    figure="",
    claims=("beyond-path",),
    models={
        "mini": mini("caffenet-mini", "deepsim-fc6-v2-mini", pictures=("tinyimagenet64-val",)),
        "paper": published("caffenet", "deepsim-fc6", pictures=("ilsvrc12-val",)),
    },
    sizes={"smoke": Size(4, 1, 3), "small": Size(20, 1), "full": Size(200, 1)},
    run=run,
    replacement=Replacement(same_classes=False, layers=LAYERS),
)
