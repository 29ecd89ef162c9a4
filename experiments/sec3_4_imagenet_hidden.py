"""Figure S14 (Sec. 3.4): hidden units of all layers, of weights that the prior's encoder does not have.

DGN-AM stands beside multifaceted feature visualization (Nguyen et al. 2016, from mean pictures and with total
variation) and the real pictures that units like most.  How well pictures explain a unit: with nine that fire it and
nine that silence it as references, a third network tells which of two real pictures fires it more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from dgnam.measure.statistics import mean_difference

from .alternatives import REFERENCES, candidates, references, told
from .context import Context
from .crops import center_crop_of
from .experiment import Experiment, Replacement, Size, mini, published
from .finding import Controls, Part
from .making import evenly
from .pictures import Pictures
from .plausibility import plausibility

LAYERS = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7", "fc8")
METHODS, MFV = ("dgn_am", "mfv"), "nguyen2016"
SEEDS = {"smoke": 2, "small": 2, "full": REFERENCES}
"""Synthesized references of each side; MFV, from one mean picture, makes the same one of any seed."""

MEAN_OF = {"smoke": 250, "small": 5000, "full": 5000}
"""Held-out pictures whose mean MFV starts from, or up to twice as many."""

SHOWN = 4
"""Units of each layer in the figure."""


def run(context: Context) -> Mapping[str, Any]:
    """Layer by layer: references by both methods and from real pictures, and how often they tell."""
    images = candidates(context)
    units = {layer: evenly(range(context.target.target.layer_shape(layer)[0]), context.size.units) for layer in LAYERS}
    seeds = SEEDS[context.arguments["scale"]]
    few = max(1, len(context.held_out) // MEAN_OF[context.arguments["scale"]])
    start = context.start(f"mean:{context.held_out.name}{f'[::{few}]' if few > 1 else ''}", MFV)
    made = {
        "dgn_am": references(context, "dgn_am", units, seeds, settings="released"),
        "mfv": references(context, "mfv", units, 1, prior=MFV, start=start),
    }
    found = {
        layer: told(context, layer, units[layer], images, {method: of[layer] for method, of in made.items()})
        for layer in LAYERS
    }
    for layer, shares in found.items():
        for name, values in shares.items():
            context.tabulate(f"{name}, {layer}", units[layer], (0,), {"told": values})
    first = {method: [of[layer].first for layer in LAYERS] for method, of in made.items()}
    figure(context, first, images)
    parts: dict[str, Part] = {
        f"two-alternative test, {layer}": partial(mean_difference, 100 * shares["dgn_am"], 100 * shares["mfv"])
        for layer, shares in found.items()
    }
    parts["KID"] = context.kernel_distance(together(first["dgn_am"]), together(first["mfv"]))
    floor = {"random codes": over_all([shares["random"] for shares in found.values()])}
    if "untrained" in context.models.others:
        floor["untrained target"] = over_all(of_untrained(context, images))
    natural = over_all([shares["real"] for shares in found.values()])
    context.decide("sec3.4-hidden", parts, Controls(floor, {"natural references": natural}))
    means = {layer: {name: float(values.mean()) for name, values in shares.items()} for layer, shares in found.items()}
    plausible = plausibility(context, {method: together(of).images for method, of in first.items()})
    return {"units": sum(map(len, units.values())), **means, **plausible}


def of_untrained(context: Context, images: np.ndarray) -> list[np.ndarray]:
    """How often DGN-AM's pictures of an untrained target's units tell, by layer, of fewer units."""
    target, fewer = context.other("untrained"), -(-(context.size.units or 0) // 5)
    units = {layer: evenly(range(target.target.layer_shape(layer)[0]), fewer) for layer in LAYERS}
    seeds = SEEDS[context.arguments["scale"]]
    made = references(context, "untrained", units, seeds, target=target, settings="released")
    found = [told(context, layer, units[layer], images, {"dgn_am": made[layer]}, target)["dgn_am"] for layer in LAYERS]
    for layer, values in zip(LAYERS, found, strict=True):
        context.tabulate(f"untrained, {layer}", units[layer], (0,), {"told": values})
    return found


def together(layers: list[Pictures]) -> Pictures:
    """The pictures of all layers' units, numbered one after the other; the first seed of each."""
    images = np.concatenate([pictures.first for pictures in layers])
    return Pictures(images, list(range(len(images))))


def over_all(shares: Sequence[np.ndarray]) -> float:
    """The mean over layers of their units' shares, in percentage points."""
    return 100 * float(np.mean([values.mean() for values in shares]))


def figure(context: Context, made: Mapping[str, list[Pictures]], images: np.ndarray) -> None:
    """A row for each layer: some units by both methods, and the part of a real picture that each likes most."""
    tiles, names = [], []
    for place, layer in enumerate(LAYERS):
        some = evenly(list(made[METHODS[0]][place].units), SHOWN)
        for method in METHODS:
            tiles += list(made[method][place].of_units(some).first)
        best = context.values([f"{layer}:{unit}" for unit in some], images).argmax(0)
        tiles += list(center_crop_of(context.target.target, layer)(images[best]))
        names += [f"{layer}:{unit}" for _ in (*METHODS, "real") for unit in some]
    title = "Hidden units: DGN-AM, multifaceted feature visualization, and what the unit sees of a real picture"
    context.show("hidden", np.stack(tiles), names, title, len(tiles) // len(LAYERS))


EXPERIMENT = Experiment(
    name="sec3_4_imagenet_hidden",
    section="3.4",
    figure="Fig. S14",
    claims=("sec3.4-hidden",),
    models={
        "mini": mini(
            "caffenet-b-mini",
            "deepsim-fc6-v2-mini",
            others={"untrained": "caffenet-mini-untrained"},
            pictures=("tinyimagenet64-val",),
        ),
        "paper": published("caffenet-yos", "deepsim-fc6", pictures=("ilsvrc12-val",)),
    },
    sizes={"smoke": Size(1, 1, 3), "small": Size(2, 1), "full": Size(50, 1)},
    run=run,
    replacement=Replacement(layers=LAYERS),
    options=(),
)
