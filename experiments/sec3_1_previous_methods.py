"""Figure S17 (Sec. 3.1): the same units by previous methods and by none, which optimize pixels, and by ours.

All take as many steps, each with the settings that its authors published, and are compared so and at equal activation.
Beside the paper's four stands a later one: Fourier coefficients with decorrelated colors (Olah 2017).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .claims import AT_EQUAL_ACTIVATION
from .context import Context
from .equal_activation import pair, searches, unpaired
from .experiment import OUTSIDE, Experiment, Replacement, Size, mini, published
from .finding import Part
from .plausibility import plausibility
from .rates import merged, rates

PAPERS = {
    "simonyan2014": "Simonyan et al. 2014",
    "yosinski2015": "Yosinski et al. 2015",
    "nguyen2016": "Nguyen et al. 2016",
    "mahendran2016": "Mahendran and Vedaldi 2016",
}
"""The previous methods that the paper compares with."""

OTHERS = {"pixels": "No prior", "olah2017": "Olah et al. 2017"}
STEPS = 200


def run(context: Context) -> Mapping[str, Any]:
    """The units by each method, and how often judges recognize them."""
    steps = {method: context.synthesize(method, prior=method, n_iters=STEPS) for method in (*OTHERS, *PAPERS)}
    steps["dgn_am"] = context.synthesize("dgn_am", settings="released")
    found = context.compare(steps, {**OTHERS, **PAPERS, "dgn_am": "DGN-AM"})
    parts: dict[str, Part] = {}
    shares: list[str] = []
    ours = searches(context, "dgn_am", steps["dgn_am"], settings="released")
    for method in PAPERS:
        parts |= context.points(found, "dgn_am", method, f"{{judge}}, {method}")
        parts[f"KID, {method}"] = context.kernel_distance(steps["dgn_am"], steps[method])
        pairs = pair(ours, searches(context, method, steps[method], prior=method))
        said = {
            "dgn_am": context.judge(f"dgn_am as {method}", pairs.ours),
            method: context.judge(f"{method} as dgn_am", pairs.theirs),
        }
        name = f"{{judge}}, {method}{AT_EQUAL_ACTIVATION}"
        found_at_equal = context.points(said, "dgn_am", method, name)
        parts |= {name.format(judge=judge): unpaired for judge in context.judges} | found_at_equal
        parts[f"KID, {method}{AT_EQUAL_ACTIVATION}"] = (
            context.kernel_distance(pairs.ours, pairs.theirs) if len(pairs.ours) else unpaired
        )
        shares.append(f"{method} {pairs.share:.0%}")
    note = (
        f"Units with pictures within 10 % in activation, which alone are compared so: {', '.join(shares)}.  "
        f"Previous methods at the step sizes that they were published with, {STEPS} steps."
    )
    context.decide("sec3.1-previous", parts, context.recognized, note=note)
    return merged(rates(found), plausibility(context, {step: made.images for step, made in steps.items()}))


EXPERIMENT = Experiment(
    name="sec3_1_previous_methods",
    section="3.1",
    figure="Fig. S17",
    claims=("sec3.1-previous",),
    models={
        "mini": mini("caffenet-mini", "deepsim-fc6-v2-mini", judges=("judge-mini", OUTSIDE)),
        "paper": published("caffenet", "deepsim-fc6", judges=(OUTSIDE,)),
    },
    sizes={"smoke": Size(2, 1, 3), "small": Size(20, 1), "full": Size(200, 1)},
    run=run,
    replacement=Replacement(),
)
