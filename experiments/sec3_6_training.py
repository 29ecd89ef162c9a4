"""Section S6 (Sec. 3.6): the same units from an untrained network to a trained one, and in one that is overfit.

The paper finds that the pictures tell how far a network is trained, to some extent, and that the prior, which was
trained with the converged network, shows the others as well.  Our small prior was trained with another network of the
same architecture.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from dgnam.measure.statistics import spearman_within_units

from .alternatives import candidates, references, told
from .context import Context
from .experiment import OUTSIDE, Experiment, Size, mini
from .finding import Part
from .making import evenly
from .rates import accuracy, merged, rates

SNAPSHOTS = ("untrained", "50", "200", "1000", "4000", "converged")
OVERFIT = "overfit"
OURS = "dgn_am"
EXPLAINED = {"smoke": 2, "small": 3, "full": 20}
"""Units, at most, whose pictures explain them in a two-alternative test."""

SEEDS = {"smoke": 2, "small": 2, "full": 3}
"""Synthesized references of each side."""


def run(context: Context) -> Mapping[str, Any]:
    """The units of each snapshot, what judges say of them, and how that goes with the snapshots' accuracies."""
    nets = {**context.models.others, "converged": context.models.target}
    steps = {
        net: context.synthesize(
            net, target=context.target if net == "converged" else context.other(net), settings="released"
        )
        for net in (*SNAPSHOTS, OVERFIT)
    }
    found = context.compare(steps, {net: f"Preferred images, {net} network" for net in steps})
    known = {net: accuracy(nets[net]) for net in steps}
    nearest = min(SNAPSHOTS, key=lambda net: abs(known[net] - known[OVERFIT]))
    overfit = context.points(found, OVERFIT, nearest, "{judge}, overfit")
    parts: dict[str, Part] = dict(overfit)
    judged = {judge: {net: found[net][judge].log_probability.mean(1) for net in steps} for judge in found[OVERFIT]}
    for judge in found[OVERFIT]:
        scores = np.stack([judged[judge][net] for net in SNAPSHOTS], 1)
        given = np.broadcast_to([known[net] for net in SNAPSHOTS], scores.shape)
        parts[f"{judge}, correlation"] = partial(spearman_within_units, list(given), list(scores))
    context.plot_means(
        "judged",
        {judge: {f"{net}\n{known[net]:.0f} %": values for net, values in of.items()} for judge, of in judged.items()},
        across="snapshot, and its accuracy on held-out pictures",
        upwards="log probability of the class",
        title="What judges see in the pictures of each snapshot",
    )
    explained = told_by_pictures(context) if context.data else {}
    alternatives = "; ".join(f"{net} {values[OURS].mean():.0%}" for net, values in explained.items())
    context.decide(
        "sec3.6-training",
        parts,
        note=f"Of the snapshots, {nearest} is nearest to the overfit network.  Two-alternative test by the pictures: "
        f"{alternatives or 'needs real pictures, --data DIR'}.",
    )
    accuracies = {net: {"accuracy": known[net] / 100} for net in steps}
    shares = {net: {f"told by {name}": float(of.mean()) for name, of in by.items()} for net, by in explained.items()}
    return merged(accuracies, rates(found), shares)


def told_by_pictures(context: Context) -> dict[str, dict[str, np.ndarray]]:
    """For each network, how often references tell which of two real pictures fires a unit more, (units,) each.

    Some units; synthesized references, real ones and random codes.
    """
    scale = context.arguments["scale"]
    images, units, seeds = candidates(context), evenly(context.units, EXPLAINED[scale]), SEEDS[scale]
    found = {}
    for net in (*SNAPSHOTS, OVERFIT):
        target = context.target if net == "converged" else context.other(net)
        layer, step = target.scores, f"references_{net}"
        made = references(context, step, {layer: units}, seeds, target=target, settings="released")
        found[net] = told(context, layer, units, images, {OURS: made[layer]}, target)
        for name, values in found[net].items():
            context.tabulate(f"{step}, {name}", units, (0,), {"told": values})
    context.plot_means(
        "told",
        {name: {net: 100 * by[name] for net, by in found.items()} for name in found[OVERFIT]},
        across="snapshot",
        upwards="right choices (%)",
        title="Which of two real pictures fires the unit more?",
    )
    return found


EXPERIMENT = Experiment(
    name="sec3_6_training",
    section="3.6",
    figure="Sec. S6",
    claims=("sec3.6-training",),
    models={
        "mini": mini(
            "caffenet-mini",
            "deepsim-fc6-v2-mini",
            judges=("judge-mini", OUTSIDE),
            others={
                "untrained": "caffenet-mini-untrained",
                "50": "caffenet-mini-50",
                "200": "caffenet-mini-200",
                "1000": "caffenet-mini-1000",
                "4000": "caffenet-mini-4000",
                OVERFIT: "caffenet-mini-overfit",
            },
        ),
    },
    sizes={"smoke": Size(2, 1, 3), "small": Size(6, 1), "full": Size(None, 1)},
    run=run,
    further=("judged", "told"),
    unpublished="the paper's snapshots of a training and its overfit network are not published",
)
