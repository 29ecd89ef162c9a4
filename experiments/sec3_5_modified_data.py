"""Figures S19 to S21 (Sec. 3.5): do pictures show what units learned, or what the prior knows?

Three networks learned a hundred classes twice: from regular pictures, and from the same ones cut up, in the channel
order blue, red, green, or blurred.  The prior never saw a modified picture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from dgnam.api.targets import open_target
from dgnam.data.preprocessing import preprocess
from dgnam.measure import BaseJudge, ColorOrder, laplacian_sharpness, seam_energy, transfer_share

from .context import Context
from .experiment import OUTSIDE, Experiment, Size, mini
from .finding import Controls, Part
from .making import evenly
from .pictures import Pictures
from .quarters import gain_of_order, put_together
from .rates import rates
from .reference import FEATURES, reference

CLASSES = 100
"""Unit CLASSES + c is the modified twin of unit c."""

KNOWS_THE_CLASSES = "caffenet-mini"
"""A network of the classes that judges know; the regular units are of the first of them."""

SHOWN = 40
"""Pairs in each figure, in whole rows."""

CUT_UP = "cut up"
NETS = (CUT_UP, "blue, red, green", "blurred")


def run(context: Context) -> Mapping[str, Any]:
    """The pairs of units of each network, and how much of the modification their pictures show."""
    judges = context.judges_of(open_target(KNOWS_THE_CLASSES))
    parts: dict[str, Part] = {}
    drawable: dict[str, float] = {}
    shares: dict[str, dict[str, float]] = {}
    for net in NETS:
        regular, modified = pairs(context, net)
        show, numbers = MEASURES[net](), reference(f"modified, {net}")[context.units]
        shows = measured(context, net, "measure", show, modified, regular)
        parts[net] = partial(transfer_share, *shows, numbers[:, 1], numbers[:, 0])
        of_prior = reference(f"modified, {net}, reconstructed")[context.units]
        if context.arguments["prior"] is None:  # another has not been measured
            drawable[f"their reconstructions, {net}"] = float(
                np.diff(of_prior, axis=1).mean() / np.diff(numbers, axis=1).mean()
            )
        seen = {"regular": regular, "modified": modified}
        if net in RESTORE:
            seen["restored"] = replace(modified, images=preprocess(RESTORE[net](modified.true_colors)))
        steps = {f"{what}, {net}": pictures for what, pictures in seen.items()}
        shares |= rates({step: context.judge(step, pictures, judges=judges) for step, pictures in steps.items()})
        if net == CUT_UP:
            in_other_orders(context, judges.get(FEATURES), regular, modified)
    context.decide(
        "sec3.5-modified", parts, Controls({"regular pictures": 0.0}, {"modified pictures": 1.0, **drawable})
    )
    return shares


def pairs(context: Context, net: str) -> tuple[Pictures, Pictures]:
    """A network's regular units and their twins: theirs rows of pictures, one over the other."""
    target = context.target if net == NETS[0] else context.other(net)
    step, units = net.replace(", ", "_").replace(" ", "_"), context.units
    twins = [CLASSES + unit for unit in units]
    made = context.synthesize(step, target=target, units=[*units, *twins], settings="released")
    regular, modified = made.of_units(units), made.of_units(twins)
    shown, captions, some = [], [], evenly(range(len(units)), SHOWN)
    columns = min(len(some), context.models.columns)
    for first in range(0, len(some) - columns + 1, columns):
        row = some[first : first + columns]
        shown += [*regular.first[row], *modified.first[row]]
        captions += [*(context.labels[units[place]] for place in row), *[net] * columns]
    context.show(step, shown, captions, f"Regular units, and below each its twin: {net}", columns)
    return regular, Pictures(modified.images, units, modified.seeds, modified.activations)


def in_other_orders(context: Context, judge: BaseJudge | None, regular: Pictures, modified: Pictures) -> None:
    """Decide by what a judge gains when quarters change places, of what the prior's reconstructions let it gain."""
    parts: dict[str, Part] = {}
    real: dict[str, float] = {}
    if judge is not None and context.arguments["prior"] is None:  # another prior has not been measured
        gain = partial(gain_of_order, judge, classes=regular.classes)
        gains = measured(context, CUT_UP, "gain by another order", gain, modified, regular)
        of_real, of_prior = np.split(reference(f"quarters, {FEATURES}")[context.units], 2, axis=1)
        parts[FEATURES] = partial(transfer_share, *gains, *of_prior.T[::-1])
        real["real pictures"] = float(np.diff(of_real, axis=1).mean() / np.diff(of_prior, axis=1).mean())
    context.decide("sec3.5-quarters", parts, Controls({"regular pictures": 0.0}, {"reconstructions": 1.0, **real}))


def measured(
    context: Context,
    net: str,
    name: str,
    measure: Callable[[np.ndarray], np.ndarray],
    modified: Pictures,
    regular: Pictures,
) -> tuple[np.ndarray, np.ndarray]:
    """Of both, (units, seeds) of a measure of pictures (N, h, w, 3) uint8 RGB, by its name in the table too."""
    of_modified, of_regular = (one.by_unit(measure(one.true_colors)) for one in (modified, regular))
    for step, one, found in (("modified", modified, of_modified), ("regular", regular, of_regular)):
        context.tabulate(f"{step}, {net}", one.units, one.seeds, {name: found})
    return of_modified, of_regular


def color_order() -> Callable[[np.ndarray], np.ndarray]:
    """The classifier of the order of channels that was fitted on real pictures."""
    *weights, offset = reference("color order")
    return ColorOrder(np.array(weights), float(offset)).score


MEASURES: Mapping[str, Callable[[], Callable[[np.ndarray], np.ndarray]]] = {
    CUT_UP: lambda: seam_energy,
    "blue, red, green": color_order,
    "blurred": lambda: laplacian_sharpness,
}
"""What tells modified pictures from regular ones."""

RESTORE: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    CUT_UP: put_together,
    "blue, red, green": lambda pictures: pictures[..., [1, 2, 0]],
}
"""From modified pictures (N, h, w, 3) uint8 to what judges know; a blur can't be undone."""

EXPERIMENT = Experiment(
    name="sec3_5_modified_data",
    section="3.5",
    figure="Figs. S19-S21",
    claims=("sec3.5-modified", "sec3.5-quarters"),
    models={
        "mini": mini(
            "control-shuffled-mini",
            "deepsim-fc6-v2-mini",
            others={"blue, red, green": "control-brg-mini", "blurred": "control-blur-mini"},
            judges=(FEATURES, OUTSIDE),
            units=tuple(range(CLASSES)),
        ),
    },
    sizes={"smoke": Size(3, 1, 3), "small": Size(10, 1), "full": Size(None, 2)},
    run=run,
    further=("blue_red_green", "blurred"),
    first_units=CLASSES,
    unpublished="the paper's three networks that learned from modified pictures are not published",
)
