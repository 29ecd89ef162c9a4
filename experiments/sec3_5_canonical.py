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

from dgnam.api.starts import open_start
from dgnam.errors import ArrayError
from dgnam.measure.statistics import spearman, spearman_p

from .context import Context
from .experiment import OUTSIDE, Experiment, Size, mini
from .finding import Part
from .rates import rates
from .reference import reference

SHOWN = 10
"""Classes of the least and of the greatest spread."""

FACETS = 4
"""Clusters of a class's real pictures, from whose mean codes the search starts."""


def run(context: Context) -> Mapping[str, Any]:
    """All units; the least and the most diverse classes are shown, and facets of the latter where data is at hand."""
    made = context.synthesize("dgn_am", settings="released")
    spread = reference("spread")
    verdicts = context.judge("dgn_am", made)
    parts: dict[str, Part] = {}
    chance: list[str] = []
    for judge, verdict in verdicts.items():
        seen = context.reported(judge, context.units)
        samples = spread[seen], verdict.log_probability.mean(1), reference(f"accuracy, {judge}")[seen]
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


def facets(context: Context, unit: int) -> None:
    """One unit from the mean codes of clusters of its class's pictures."""
    label, pictures = context.labels[unit], context.held_out().name
    made = context.visualize(
        "facets",
        f"{context.layer}:{unit}",
        seeds=list(range(FACETS)),
        start=open_start(f"cluster:{pictures}:{unit}:{FACETS}", context.prior, data=context.data),
        settings="released",
    )
    context.show("facets", made.raw, [f"facet {k}" for k in range(FACETS)], f"Facets of {label}", FACETS)


EXPERIMENT = Experiment(
    name="sec3_5_canonical",
    section="3.5",
    figure="Figs. S7, S18",
    claims=("sec3.5-canonical",),
    models={"mini": mini("caffenet-mini", "deepsim-fc6-v2-mini", judges=("judge-mini", OUTSIDE))},
    sizes={"smoke": Size(6, 1, 10), "small": Size(40, 1), "full": Size(None, 1)},
    run=run,
)
