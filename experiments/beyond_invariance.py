"""Beyond the paper: pictures that fire a unit equally and differ as much as can be (after Cadena et al. 2018).

Several pictures of a unit are made together, and pushed apart in pool5 by a term of weight w.  Of the weights at which
each picture has at least nine tenths of the most that the unit reached without the term, the one with the farthest
pictures counts; where there is none, pictures are no farther apart than seeds alone lead.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from dgnam.measure import mean_pairwise_distance
from dgnam.measure.statistics import mean

from .context import Context
from .experiment import Experiment, Replacement, Size, mini, published
from .finding import Controls
from .making import evenly

WEIGHTS = {"smoke": (0.0, 3.0), "small": (0.0, 1.0, 10.0), "full": (0.0, 0.3, 1.0, 3.0, 10.0, 30.0)}
"""Of the term that pushes pictures apart, in units of activation; 0 is how far seeds alone lead."""

APART = "pool5"
KEPT = 0.9
SEEDS = 6

SHOWN = 10
"""Units of the gallery."""


def run(context: Context) -> Mapping[str, Any]:
    """For each unit the distance between its pictures, over that of pictures from different seeds alone."""
    weights = WEIGHTS[context.arguments["scale"]]
    made = [[apart(context, unit, weight) for weight in weights] for unit in context.units]
    distances = np.array([[distance for _, distance, _ in row] for row in made])
    allowed = kept(np.stack([np.stack([activations for _, _, activations in row]) for row in made]))
    ratios = np.where(allowed, distances / distances[:, :1], 1.0).max(1)
    chosen = np.where(allowed, distances, -1.0).argmax(1)
    context.tabulate("chosen", context.units, (0,), {"distance": ratios, "weight": np.array(weights)[chosen]})
    shown = evenly(range(len(made)), SHOWN)
    gallery = np.concatenate([made[row][chosen[row]][0] for row in shown])
    names = [context.labels[context.units[row]] if seed == 0 else "" for row in shown for seed in range(SEEDS)]
    context.show("gallery", gallery, names, "Pictures that fire a unit alike, a row for each", SEEDS)
    context.decide("beyond-invariance", {"distance": partial(mean, ratios)}, Controls({"other seeds": 1.0}))
    return {"weights": {f"{w:g}": float(share) for w, share in zip(weights, allowed.mean(0), strict=True)}}


def kept(activations: np.ndarray) -> np.ndarray:
    """(units, weights) bool: where each picture fires its unit enough, by (units, weights, pictures); weight 0 does."""
    most = activations[:, :1].max(2)
    enough = (activations.min(2) >= KEPT * most) & (most > 0)
    enough[:, 0] = True
    return np.asarray(enough)


def apart(context: Context, unit: int, weight: float) -> tuple[np.ndarray, float, np.ndarray]:
    """A unit's pictures, their mean distance in pool5, and their activations (SEEDS,)."""
    own = f"{context.layer}:{unit}"
    text = own if weight == 0 else f"{own} + {weight:g}*{APART}:diversity"
    step = f"unit_{unit:04}_weight_{weight:g}"
    made = context.visualize(step, text, seeds=list(range(SEEDS)), settings="released", batch_size=SEEDS)
    rows = context.layer_values([APART], made.raw)[APART]
    return made.raw, float(mean_pairwise_distance(rows[None])[0]), context.values(own, made.raw)[:, 0]


EXPERIMENT = Experiment(
    name="beyond_invariance",
    section="beyond",
    figure="",
    claims=("beyond-invariance",),
    models={
        "mini": mini("caffenet-mini", "deepsim-fc6-v2-mini"),
        "paper": published("caffenet", "deepsim-fc6"),
    },
    sizes={"smoke": Size(2, 1, 3), "small": Size(3, 1), "full": Size(50, 1)},
    run=run,
    replacement=Replacement(same_classes=False, layers=(APART,)),
)
