"""Beyond the paper: are synthesized pictures processed like real ones, layer by layer (Geirhos et al. 2024)?

In each layer, the correlation of a picture's activations with those of real pictures of its class, on a scale where a
real picture of the class has 1, and one of another class 0.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dgnam.measure import path_similarity
from dgnam.measure.statistics import mean, mean_difference

from .context import Context
from .experiment import Experiment, Size, mini
from .finding import Controls, Part

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
EVERY = {"smoke": 10, "small": 5, "full": 2}
"""Every so manieth of the held-out pictures is compared with; those after them are the ceiling."""


def run(context: Context) -> Mapping[str, Any]:
    """The method's pictures, pixels without a prior, and real pictures, in each layer."""
    steps = {
        "dgn_am": context.synthesize("dgn_am", settings="released"),
        "pixels": context.synthesize("pixels", prior="pixels"),
    }
    for step, pictures in steps.items():
        context.show(step, pictures.first, [context.labels[unit] for unit in pictures.units], step)
    real, others = real_pictures(context)
    known = context.layer_values(LAYERS, real[0])
    found = {
        step: {layer: path_similarity(values, classes, known[layer], real[1]).values for layer, values in made.items()}
        for step, classes, made in (
            *((step, made.classes, context.layer_values(LAYERS, made.images)) for step, made in steps.items()),
            ("real", others[1], context.layer_values(LAYERS, others[0])),
        )
    }
    by_unit = {step: {layer: made.by_unit(found[step][layer]) for layer in LAYERS} for step, made in steps.items()}
    parts: dict[str, Part] = {"fc6": partial(mean, by_unit["dgn_am"]["fc6"])}
    for layer in LAYERS:
        ours, theirs = by_unit["dgn_am"][layer], by_unit["pixels"][layer]
        parts[f"above pixels, {layer}"] = partial(mean_difference, ours, theirs)
    pixels, real_ones = (float(found[step]["fc6"].mean()) for step in ("pixels", "real"))
    context.decide("beyond-path", parts, Controls({"pixels, fc6": pixels}, {"real pictures, fc6": real_ones}))
    return {step: {layer: float(found[step][layer].mean()) for layer in LAYERS} for step in found}


def real_pictures(context: Context) -> tuple[Any, Any]:
    """Held-out pictures and labels of the units' classes, to compare with; and others of the same, for the ceiling."""
    step = EVERY[context.arguments["scale"]]
    held_out = context.held_out()
    chosen = [context.seen(held_out.part(range(first, len(held_out), step))) for first in (0, 1)]
    wanted = [[label in context.units for label in labels] for _, labels in chosen]
    return tuple((images[keep], labels[keep]) for (images, labels), keep in zip(chosen, wanted, strict=True))  # type: ignore[return-value]


EXPERIMENT = Experiment(
    name="beyond_path",
    section="beyond",
    figure="",
    claims=("beyond-path",),
    models={"mini": mini("caffenet-mini", "deepsim-fc6-v2-mini")},
    sizes={"smoke": Size(4, 1, 10), "small": Size(20, 1), "full": Size(None, 1)},
    run=run,
    needs_data=True,
)
