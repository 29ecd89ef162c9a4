"""Figure 3 (Sec. 3.2): output units of a network that was trained on scenes, by the prior that was trained on objects.

A judge of scenes, of another architecture and seed, says how often a picture's scene is among its first five.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dgnam.measure.statistics import mean_difference

from .context import Context
from .experiment import SIZES, Experiment, Models, Replacement, Size, mini, published
from .finding import NO_CONTROLS, Controls, Part
from .rates import NO_JUDGE, accuracy, rates

TITLES = {
    "dgn_am": "Preferred images of a scene network's output units",
    "random_codes": "Control: random codes through the generator",
    "pixels": "Control: 200 steps in pixels, no prior",
}


def run(context: Context) -> Mapping[str, Any]:
    """The method at the published settings, random codes, and pixels without a generator."""
    steps = {
        "dgn_am": context.synthesize("dgn_am", settings="released"),
        "random_codes": context.random_codes(),
        "pixels": context.synthesize("pixels", prior="pixels"),
    }
    found = context.compare(steps, TITLES)
    parts: dict[str, Part] = {}
    controls = NO_CONTROLS
    for judge in found["dgn_am"]:
        ours, none, random = (found[step][judge].points(5) for step in ("dgn_am", "pixels", "random_codes"))
        parts["scene judge"] = partial(mean_difference, ours, none)
        floor = {"random codes": float(random.mean() - none.mean())}
        ceiling = {"real pictures": float(accuracy(judge, 5) - none.mean())}
        controls = Controls(floor, ceiling)
    if context.arguments["models"] != "128":  # whose prior was trained on scenes, so that it generalizes to nothing
        context.decide("sec3.2-places", parts, controls, note="" if parts else NO_JUDGE)
    return rates(found)


EXPERIMENT = Experiment(
    name="sec3_2_places",
    section="3.2",
    figure="Fig. 3",
    claims=("sec3.2-places",),
    models={
        "mini": mini(
            "places-alexnet-mini",
            "deepsim-fc6-v2-mini",
            judges=("scene-judge-mini",),
        ),
        "128": Models(
            "places-alexnet-128",
            "deepsim-fc6-128",
            judges=("scene-judge-128",),
            note="Small models of our own, at 128 px.",
        ),
        "paper": published("places205-alexnet", "deepsim-fc6"),
    },
    sizes={**SIZES, "full": Size(100, 2)},
    run=run,
    main="dgn_am",
    replacement=Replacement(),
)
