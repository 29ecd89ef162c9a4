"""Figures 6, S15 and S16 (Sec. 3.4): hidden units of a network that was trained on scenes.

Zhou et al. 2015 slide an occluder over the real pictures that a unit likes most, and cut out what it responds to.  Do
synthesized pictures show the same?  A third network looks for each unit's regions among those of all units.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from dgnam.api.occlusion import Occlusion
from dgnam.data.preprocessing import preprocess
from dgnam.measure import retrieval_ranks
from dgnam.measure.statistics import proportion

from .context import Context
from .experiment import Experiment, Replacement, Size, mini, published
from .finding import Controls, percent
from .making import evenly
from .pictures import Pictures

LAYER = "conv5"
PICTURES = {"smoke": (2, 100), "small": (4, 2000), "full": (9, None)}
"""Top pictures of each unit, and the real pictures that they are looked for among, at most."""

SHOWN = 10


def run(context: Context) -> Mapping[str, Any]:
    """The units' regions of real pictures, and their synthesized pictures."""
    channels = context.target.target.layer_shape(LAYER)[0]
    units = evenly(range(channels), context.size.units)
    k, limit = PICTURES[context.arguments["scale"]]
    (real,) = context.models.pictures
    regions = context.occlusion("occlusion", [f"{LAYER}:{unit}" for unit in units], images=real, k=k, limit=limit)
    made = context.synthesize(LAYER, layer=LAYER, units=units, settings="released")
    show(context, units, regions, made)
    gallery = [[regions.region(place, rank) for rank in range(regions.top.count(place))] for place in range(len(units))]
    theirs = np.stack([context.features(preprocess(np.stack(cut))).mean(0) for cut in gallery])
    found = retrieval_ranks(context.features(made.first), theirs)
    context.tabulate(LAYER, units, made.seeds, {"activation": made.measured, "rank of its regions": found})
    first = percent(partial(proportion, (found == 1)[:, None]))
    context.decide("sec3.4-places-hidden", {"top-1": first}, Controls({"chance": 100 / len(units)}))
    retrieved = {"top1": float((found == 1).mean()), "top5": float((found <= 5).mean())}
    return {"units": len(units), "retrieval": retrieved}


def show(context: Context, units: list[int], regions: Occlusion, made: Pictures) -> None:
    """Some units, each with its regions of real pictures and its synthesized picture."""
    k, pictures = regions.top.places.shape[1], made.true_colors
    tiles, names = [], []
    for place in evenly(range(len(units)), SHOWN):
        tiles += [*(regions.region(place, rank) for rank in range(k)), pictures[place]]
        names += [f"{LAYER}:{units[place]}", *[""] * (k - 1), "synthesized"]
    title = "Regions of real pictures that units respond to, and synthesized pictures"
    context.show_pictures("regions", tiles, names, title, k + 1)


EXPERIMENT = Experiment(
    name="sec3_4_places_hidden",
    section="3.4",
    figure="Figs. 6, S15, S16",
    claims=("sec3.4-places-hidden",),
    models={
        "mini": mini("places-alexnet-mini", "deepsim-fc6-v2-mini", pictures=("miniplaces64-val",)),
        "paper": published("places205-alexnet", "deepsim-fc6", pictures=("places205-val",)),
    },
    sizes={"smoke": Size(3, 1, 3), "small": Size(20, 1), "full": Size(50, 1)},
    run=run,
    replacement=Replacement(layers=(LAYER,), own_pictures=True),
    options=(),
)
