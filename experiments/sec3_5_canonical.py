"""Figures S7 and S18 (Sec. 3.5): classes with and without canonical pictures, and the facets of diverse ones.

Some units' pictures show nothing that one would name.  The paper supposes that their classes are diverse.  So the
spread of a class's codes should go with how little judges recognize in its unit's picture, beyond what they don't
recognize in real pictures of the class either.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

import numpy as np

from dgnam.errors import ArrayError
from dgnam.measure.statistics import spearman, spearman_p

from .context import Context
from .experiment import OUTSIDE, Experiment, Replacement, Size, mini, published
from .finding import Part
from .rates import rates
from .reference import reference

SHOWN = 10
"""Classes of the least and of the greatest spread."""

Statistics = tuple[np.ndarray, Mapping[str, np.ndarray]]
"""Of real pictures, by class: the spread of their codes, and how often each judge ranks the class first."""

CODES = "fc6"
"""The layer whose codes are spread."""

FACETS = 4
"""Clusters of a class's real pictures, from whose mean codes the search starts."""


def run(context: Context) -> Mapping[str, Any]:
    """All units; the least and the most diverse classes are shown, and facets of the latter where data is at hand."""
    made = context.synthesize("dgn_am", settings="released")
    spread, accuracies = STATISTICS[context.arguments["models"]](context)
    verdicts = context.judge("dgn_am", made)
    real = {"spread of its class": spread, **{f"{judge} on real pictures": of for judge, of in accuracies.items()}}
    context.tabulate("classes", context.units, (0,), {what: of[context.units] for what, of in real.items()})
    parts: dict[str, Part] = {}
    chance: list[str] = []
    for judge, verdict in verdicts.items():
        seen = context.reported(judge, context.units)
        samples = spread[seen], verdict.log_probability.mean(1), accuracies[judge][seen]
        parts[judge] = partial(spearman, *samples)
        with suppress(ArrayError):  # of too few units, which `decide` reports
            chance.append(f"{judge} p = {spearman_p(*samples, alternative='less'):.2g}")
    context.decide("sec3.5-canonical", parts, note=f"Units permuted, one-sided: {', '.join(chance)}.")
    order = sorted(context.units, key=lambda unit: float(spread[unit]))
    count = min(SHOWN, len(order) // 2)
    shown = order[:count] + order[-count:]
    title = "Classes whose real pictures are most alike (above) and least alike (below)"
    context.show("classes", made.of_units(shown).first, [context.labels[unit] for unit in shown], title, count)
    if context.data is not None:
        facets(context, order[-1])
    return rates({"dgn_am": verdicts})


def kept(context: Context) -> Statistics:
    """The reference statistics of the small models' classes."""
    return reference("spread"), {judge: reference(f"accuracy, {judge}") for judge in context.judges}


def measured(context: Context) -> Statistics:
    """The same of the units' classes, from held-out pictures, those of a class after those of another."""
    spread = np.zeros(len(context.labels), np.float32)
    accuracies = {judge: np.zeros_like(spread) for judge in context.judges}
    for unit in context.units:
        images, labels = context.seen(context.held_out.of_class(unit))
        codes = context.layer_values([CODES], images)[CODES]
        spread[unit] = np.linalg.norm(codes - codes.mean(0), axis=1).mean()
        for name, judge in context.judges.items():
            accuracies[name][unit] = judge.rank(images, labels).top(1)
    return spread, accuracies


STATISTICS = {"mini": kept, "paper": measured}
"""By the kind of models."""


def facets(context: Context, unit: int) -> None:
    """One unit from the mean codes of clusters of its class's pictures."""
    label, pictures = context.labels[unit], context.held_out.name
    made = context.visualize(
        "facets",
        f"{context.layer}:{unit}",
        seeds=list(range(FACETS)),
        start=context.start(f"cluster:{pictures}:{unit}:{FACETS}"),
        settings="released",
    )
    context.show("facets", made.raw, [f"facet {k}" for k in range(FACETS)], f"Facets of {label}", FACETS)


EXPERIMENT = Experiment(
    name="sec3_5_canonical",
    section="3.5",
    figure="Figs. S7, S18",
    claims=("sec3.5-canonical",),
    models={
        "mini": mini("caffenet-mini", "deepsim-fc6-v2-mini", judges=("judge-mini", OUTSIDE)),
        "paper": published("caffenet", "deepsim-fc6", judges=(OUTSIDE,), pictures=("ilsvrc12-val",)),
    },
    sizes={"smoke": Size(6, 1, 3), "small": Size(40, 1), "full": Size(200, 1)},
    run=run,
    further=("facets",),
    replacement=Replacement(layers=(CODES,)),
)
