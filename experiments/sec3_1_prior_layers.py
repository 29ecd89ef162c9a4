"""Figure S13 (Sec. 3.1): the same units with priors that invert different layers: conv3, pool5, fc6 and fc7.

The published generators of five more layers and trainings are shown beside them, and decide no claim.  Each prior has
the best of twelve settings, tuned on other units.  How local a picture's structure is shows where the judge sees its
class (one blob or many) and how much it loses when the picture's patches change places.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from dgnam.measure.statistics import cliffs_delta, mean_difference

from .context import Context
from .equal_activation import Pairs, pair, searches, unpaired
from .experiment import OUTSIDE, Experiment, Replacement, Size, mini, published
from .finding import Controls, Part
from .global_structure import blobs, permutation_drops
from .rates import rates
from .reference import INVERSES, reference

LAYERS = ("conv3", "pool5", "fc6", "fc7")
"""The paper's, which decide the claims."""
LOCAL = ("conv3", "pool5")
"""Those whose codes have places."""
FURTHER = ("norm1", "norm2", "conv4", "fc6_eucl", "fc8")
"""The other published generators; ours are of the paper's layers."""


def run(context: Context) -> Mapping[str, Any]:
    """The units with each prior."""
    layers = (*LAYERS, *(layer for layer in FURTHER if layer in context.models.others))
    priors = {layer: context.prior if layer == "fc6" else context.other_prior(layer) for layer in layers}
    options: dict[str, dict[str, Any]] = {
        layer: {"prior": prior, "settings": context.tuned(f"tuned_{layer}", prior=prior)}
        for layer, prior in priors.items()
    }
    steps = {layer: context.synthesize(layer, **options[layer]) for layer in layers}
    found = context.compare(steps, {layer: f"Preferred images, codes of {layer}" for layer in layers})
    best = [context.points(found, "fc6", layer, f"{{judge}}, {layer}") for layer in LAYERS if layer != "fc6"]
    parts = {part: estimate for some in best for part, estimate in some.items()}
    context.decide("sec3.1-fc6-best", parts, context.recognized)
    searched = {layer: searches(context, layer, steps[layer], **options[layer]) for layer in ("fc6", *LOCAL)}
    pairs = {layer: pair(searched["fc6"], searched[layer]) for layer in LOCAL}
    shares = ", ".join(f"{layer} {pairs[layer].share:.0%}" for layer in LOCAL)
    note = (
        f"Units with pictures within 10 % in activation, which alone are compared: {shares}.  "
        "Of controls: blobs, and what permuted patches cost."
    )
    context.decide("sec3.1-fragments", fragments(context, pairs), structures(context), note=note)
    return rates(found)


def fragments(context: Context, pairs: Mapping[str, Pairs]) -> dict[str, Part]:
    """Blobs of the class activation map by Cliff's delta, and the drops when patches are permuted, against fc6."""
    parts: dict[str, Part] = {}
    for name, judge in context.judges.items():
        for layer, compared in pairs.items():
            seen = context.reported(name, compared.ours.units)
            if not seen:
                parts |= {f"{name}, {what}, {layer}": unpaired for what in ("blobs", "permutation drop")}
                continue
            fc6, local = compared.ours.of_units(seen), compared.theirs.of_units(seen)
            counts = blobs(judge, local), blobs(judge, fc6)
            drops = permutation_drops(judge, fc6), permutation_drops(judge, local)
            for step, count, drop in zip((f"{layer} as fc6", f"fc6 as {layer}"), counts, drops[::-1], strict=True):
                context.tabulate(step, seen, fc6.seeds, {f"{name} blobs": count, f"{name} permutation drop": drop})
            parts[f"{name}, blobs, {layer}"] = partial(cliffs_delta, *counts, paired=True)
            parts[f"{name}, permutation drop, {layer}"] = partial(mean_difference, *drops)
    return parts


def structures(context: Context) -> Controls:
    """Blobs and permutation drops of real pictures, and of what each small generator makes of them."""
    if context.arguments["models"] != "mini":
        return Controls()
    shown = ("real pictures", *(f"reconstructions, {layer}" for layer in INVERSES))
    unmeasured = "" if context.prior.name == INVERSES["fc6"] else "reconstructions, fc6"
    found = {
        f"{what} of {of}, {judge}": float(value)
        for judge in context.judges
        for of, row in zip(shown, reference(f"structure, {judge}"), strict=True)
        if of != unmeasured
        for what, value in zip(("blobs", "drop"), row, strict=True)
    }
    return Controls(ceiling=found)


EXPERIMENT = Experiment(
    name="sec3_1_prior_layers",
    section="3.1",
    figure="Fig. S13",
    claims=("sec3.1-fc6-best", "sec3.1-fragments"),
    models={
        "mini": mini(
            "caffenet-mini",
            "deepsim-fc6-v2-mini",
            judges=("judge-mini", OUTSIDE),
            others={layer: f"deepsim-{layer}-v2-mini" for layer in LAYERS if layer != "fc6"},
        ),
        "paper": published(
            "caffenet",
            "deepsim-fc6",
            judges=(OUTSIDE,),
            others={layer: f"deepsim-{layer}" for layer in (*LAYERS, *FURTHER) if layer != "fc6"},
        ),
    },
    sizes={"smoke": Size(2, 1, 3), "small": Size(8, 1), "full": Size(184, 1)},
    run=run,
    replacement=Replacement(),
    inverts="fc6",
)
