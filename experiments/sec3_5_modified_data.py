"""Figures S19 to S21 (Sec. 3.5): do pictures show what units learned, or what the prior knows?

Three networks learned a hundred classes twice: from regular pictures, and from the same ones cut up, in the channel
order blue, red, green, or blurred.  The prior never saw a modified picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from dgnam.am.images import picture
from dgnam.measure import ColorOrder, laplacian_sharpness, seam_energy, transfer_share

from .context import Context
from .experiment import Experiment, Size, mini
from .finding import Controls, Part
from .pictures import Pictures
from .reference import reference

CLASSES = 100
"""Unit CLASSES + c is the modified twin of unit c."""

NOTE = "Judges do not see the pictures restored, only as they are."
NETS = ("cut up", "blue, red, green", "blurred")


def run(context: Context) -> Mapping[str, Any]:
    """The pairs of units of each network, and how much of the modification their pictures show."""
    parts: dict[str, Part] = {}
    shares: dict[str, dict[str, float]] = {}
    for net in NETS:
        regular, modified = pairs(context, net)
        show, numbers = MEASURES[net](), reference(f"modified, {net}")[context.units]
        parts[net] = partial(
            transfer_share, measured(show, modified), measured(show, regular), numbers[:, 1], numbers[:, 0]
        )
        shares[f"regular, {net}"] = recognized(context, regular)
        shares[f"modified, {net}"] = recognized(context, modified)
    controls = Controls({"regular pictures": 0.0}, {"modified pictures": 1.0})
    context.decide("sec3.5-modified", parts, controls, note=NOTE)
    return shares


def pairs(context: Context, net: str) -> tuple[Pictures, Pictures]:
    """A network's regular units and their twins: theirs rows of pictures, one over the other."""
    target = context.target if net == NETS[0] else context.other(net)
    step, units = net.replace(", ", "_").replace(" ", "_"), context.units
    twins = [CLASSES + unit for unit in units]
    made = context.synthesize(step, target=target, units=[*units, *twins], settings="released")
    regular, modified = made.of_units(units), made.of_units(twins)
    names = [context.labels[unit] for unit in units]
    shown = np.concatenate([regular.first, modified.first])
    context.show(step, shown, [*names, *(f"{name}, {net}" for name in names)], f"Regular units, and their twins: {net}")
    return regular, Pictures(modified.images, units, modified.seeds, modified.activations)


def measured(measure: Callable[[np.ndarray], np.ndarray], pictures: Pictures) -> np.ndarray:
    """(units, seeds) of a measure of pictures (N, h, w, 3) uint8 RGB."""
    return pictures.by_unit(measure(np.stack([picture(image) for image in pictures.images])))


def recognized(context: Context, pictures: Pictures) -> dict[str, float]:
    """How often judge-mini, which knows the regular classes among its own, ranks the class first, and among five."""
    verdict = context.verdict("judge-mini", pictures)
    return {"judge_top1": verdict.top(1), "judge_top5": verdict.top(5)}


def color_order() -> Callable[[np.ndarray], np.ndarray]:
    """The classifier of the order of channels that was fitted on real pictures."""
    *weights, offset = reference("color order")
    return ColorOrder(np.array(weights), float(offset)).score


MEASURES: Mapping[str, Callable[[], Callable[[np.ndarray], np.ndarray]]] = {
    "cut up": lambda: seam_energy,
    "blue, red, green": color_order,
    "blurred": lambda: laplacian_sharpness,
}
"""What tells modified pictures from regular ones."""

EXPERIMENT = Experiment(
    name="sec3_5_modified_data",
    section="3.5",
    figure="Figs. S19-S21",
    claims=("sec3.5-modified",),
    models={
        "mini": mini(
            "control-shuffled-mini",
            "deepsim-fc6-v2-mini",
            others={"blue, red, green": "control-brg-mini", "blurred": "control-blur-mini"},
            units=tuple(range(CLASSES)),
        ),
    },
    sizes={"smoke": Size(3, 1, 10), "small": Size(20, 1), "full": Size(None, 2)},
    run=run,
    first_units=CLASSES,
    unpublished="the paper's three networks that learned from modified pictures are not published",
)
