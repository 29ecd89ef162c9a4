"""Figure 4 (Sec. 3.2): output units of a network that was trained on sports, of a heavily modified architecture.

The paper finds the pictures decent, but not as good as those of scenes.  Judges of both, of other architectures and
seeds, say how far the pictures are from chance towards what the judges reach on real pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from dgnam.measure.statistics import mean, mean_difference

from .context import Context
from .experiment import Experiment, Replacement, Size, mini, published
from .finding import Controls
from .making import evenly, labels_of
from .pictures import Pictures
from .rates import NO_JUDGE, accuracy

SCENES = "scenes"
"""The network that was trained on scenes, and its judge, among the experiment's networks."""


def run(context: Context) -> Mapping[str, Any]:
    """Pictures of both networks' units, and their normalized accuracies."""
    scenes = context.other(SCENES)
    some = evenly(range(len(labels_of(scenes))), context.size.units)
    steps = {
        "actions": context.synthesize("actions", settings="released"),
        SCENES: context.synthesize(SCENES, target=scenes, units=some, settings="released"),
        "random_codes": context.random_codes(),
    }
    names = {"actions": context.labels, SCENES: labels_of(scenes), "random_codes": context.labels}
    for step, pictures in steps.items():
        context.show(step, pictures.first, [names[step][unit] for unit in pictures.units], TITLES[step])
    if not context.models.judges:
        context.decide("sec3.2-actions", {}, note=NO_JUDGE)
        return {}
    judges = {"actions": context.models.judges[0], SCENES: context.models.others["judge of scenes"]}
    judges["random_codes"] = judges["actions"]
    shares = {
        step: normalized(context, step, judges[step], pictures, len(names[step])) for step, pictures in steps.items()
    }
    parts = {
        "actions": partial(mean, shares["actions"]),
        "scenes minus actions": partial(mean_difference, shares[SCENES], shares["actions"], paired=False),
    }
    controls = Controls({"random codes": float(shares["random_codes"].mean())}, {"real pictures": 1.0})
    context.decide("sec3.2-actions", parts, controls)
    return {"shares": {step: float(values.mean()) for step, values in shares.items()}}


TITLES = {
    "actions": "Preferred images of an action network's output units",
    SCENES: "Preferred images of a scene network's output units",
    "random_codes": "Control: random codes through the generator",
}


def normalized(context: Context, step: str, judge: str, pictures: Pictures, classes: int) -> np.ndarray:
    """(units, seeds): 1 where a judge recognizes a picture and 0 where not, on a scale from chance to real pictures."""
    chance = 100 / classes
    return (context.verdict(step, judge, pictures).points() - chance) / (accuracy(judge) - chance)


EXPERIMENT = Experiment(
    name="sec3_2_actions",
    section="3.2",
    figure="Fig. 4",
    claims=("sec3.2-actions",),
    models={
        "mini": mini(
            "action-mini",
            "deepsim-fc6-v2-mini",
            judges=("action-judge-mini",),
            others={SCENES: "places-alexnet-mini", "judge of scenes": "scene-judge-mini"},
        ),
        "paper": published("lrcn-single-frame", "deepsim-fc6", others={SCENES: "places205-alexnet"}),
    },
    sizes={"smoke": Size(4, 1, 3), "small": Size(22, 1), "full": Size(None, 8)},
    run=run,
    replacement=Replacement(),
)
