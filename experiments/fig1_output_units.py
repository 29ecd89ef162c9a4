"""Figure 1 (Sec. 3.1): images synthesized from scratch to highly activate output units, and two controls.

The paper shows pictures only, so its claim is qualitative; the numbers are ours: how often the target itself, and
judges that never saw a synthesized image, rank an image's class first.  One of the judges is from outside: it learned
from ImageNet at 224 px, and needs the extra dgnam[judge].  The controls show what the parts of the method add: random
codes through the generator (no search), and as many steps in pixels (no generator).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .experiment import Context, Experiment, Models

PAPER = None
"""The paper's numbers to compare with: Figure 1 is pictures only."""


def run(context: Context) -> Mapping[str, Any]:
    """The method at the published settings, random codes, and pixels without a generator."""
    name, seed = context.target.name, f"seed {context.seed}"
    steps = {
        "dgn_am": context.synthesize("dgn_am", settings="released", backend=context.arguments["backend"]),
        "random_codes": context.random_codes(),
        "pixels": context.synthesize("pixels", prior="pixels"),
    }
    titles = {
        "dgn_am": f"Preferred images of {name}'s output units ({seed})",
        "random_codes": f"Control: random codes through the generator ({seed})",
        "pixels": f"Control: 200 steps in pixels, no prior ({seed})",
    }
    for step, images in steps.items():
        context.show(step, images, titles[step])
    return {"paper": PAPER, **{step: context.ranks(images) for step, images in steps.items()}}


EXPERIMENT = Experiment(
    name="fig1",
    section="3.1",
    figure="Fig. 1",
    models={
        "mini": Models(
            target="caffenet-mini",
            prior="deepsim-fc6-mini",
            judges=("judge-mini",),
            enlarge=2,
            note="Small models of our own, at 64 px.",
        ),
        "paper": Models(
            target="caffenet",
            prior="deepsim-fc6",
            units=(643, 624, 304, 629, 437),
            columns=5,
            note="The published models.",
        ),
    },
    run=run,
    steps=("dgn_am", "pixels"),
)
