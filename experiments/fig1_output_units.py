"""Figure 1 (Sec. 3.1): images synthesized from scratch to highly activate output units, beside controls.

The paper shows pictures only.  The numbers are ours: how often the target itself, and judges that never saw a
synthesized image, rank an image's class first.  One of the judges is from outside: it learned from ImageNet at 224 px,
and needs the extra dgnam[judge].  The controls show what the parts of the method add: random codes through the
generator (no search), and as many steps in pixels (no generator).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .context import Context
from .experiment import BACKEND, OUTSIDE, UNITS, Experiment, Models, Replacement, Size, mini
from .finding import Controls
from .pictures import Pictures
from .plausibility import plausibility
from .rates import merged, of_photographs, rates

PAPER = None
"""The paper's numbers to compare with: Figure 1 is pictures only."""

TITLES = {
    "dgn_am": "Preferred images of {net}'s output units (seed {seed})",
    "random_codes": "Control: random codes through the generator (seed {seed})",
    "pixels": "Control: 200 steps in pixels, no prior (seed {seed})",
}


def run(context: Context) -> Mapping[str, Any]:
    """The first seed is shown; the claim is tested on those after it."""
    first, *tested = context.seeds
    steps = {
        "dgn_am": context.synthesize(
            "dgn_am", seeds=[first], settings="released", backend=context.arguments["backend"]
        ),
        "random_codes": context.random_codes([first]),
        "pixels": context.synthesize("pixels", seeds=[first], prior="pixels"),
    }
    titles = {step: title.format(net=context.target.name, seed=first) for step, title in TITLES.items()}
    found = context.compare(steps, titles)
    others = recognizability(context, tested) if tested else {}
    own = {step: {"target_top1": context.own_rate(pictures)} for step, pictures in steps.items()}
    every = {step: np.concatenate([of[step].images for of in (steps, others) if step in of]) for step in steps}
    plausible = plausibility(context, every) if context.knows_classes else {}  # its real pictures are of these classes
    return {"paper": PAPER, **merged(own, rates(found), plausible)}


def recognizability(context: Context, seeds: Sequence[int]) -> Mapping[str, Pictures]:
    """By how much the method is above pixels, with every seed that was not looked at; the untrained target has one.

    Returns the pictures by step.
    """
    pictures: dict[str, Pictures] = {
        "dgn_am": context.synthesize("tested_dgn_am", seeds=seeds, settings="released"),
        "pixels": context.synthesize("tested_pixels", seeds=seeds, prior="pixels"),
        "random_codes": context.random_codes(seeds),
    }
    # The untrained network is of the experiment's own target, and has its units.
    untrained = context.models.others.get("untrained") if context.arguments["target"] is None else None
    if untrained is not None:
        pictures["untrained target"] = context.synthesize(
            "tested_untrained", target=context.other("untrained"), seeds=seeds[:1], settings="released"
        )
    found = {step: context.judge(f"tested {step}", made) for step, made in pictures.items()}
    if not context.judges:
        context.decide("fig1", {})
        return pictures
    floor: dict[str, float] = {"pixels": 0.0}
    ceiling: dict[str, float] = {}
    for judge in context.judges:
        reached = {step.replace("_", " "): float(verdicts[judge].points().mean()) for step, verdicts in found.items()}
        none = reached.pop("pixels")
        floor |= {f"{step}, {judge}": value - none for step, value in reached.items() if step != "dgn am"}
        ceiling |= {what: value - none for what, value in of_photographs([judge], context.prior.name).items()}
    context.decide("fig1", context.points(found, "dgn_am", "pixels"), Controls(floor, ceiling))
    return pictures


EXPERIMENT = Experiment(
    name="fig1",
    section="3.1",
    figure="Fig. 1",
    claims=("fig1",),
    models={
        "mini": mini(
            "caffenet-mini",
            "deepsim-fc6-v2-mini",
            judges=("judge-mini", OUTSIDE),
            others={"untrained": "caffenet-mini-untrained"},
        ),
        "paper": Models(
            "caffenet",
            "deepsim-fc6",
            judges=(OUTSIDE,),
            units=(643, 624, 304, 629, 437),
            columns=5,
            note="The published models.",
        ),
    },
    sizes={"smoke": Size(4, 1, 3), "small": Size(None, 1), "full": Size(None, 5)},
    run=run,
    replacement=Replacement(same_classes=False),
    options=(UNITS, BACKEND),
    main="dgn_am",
)
