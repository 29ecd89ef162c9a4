"""Figure 5 (Sec. 3.3): one prior, and targets of the encoder's architecture and of others.

Each network has the best of twelve settings, tuned on other units.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from .context import Context
from .experiment import OUTSIDE, Experiment, Size, mini, published
from .rates import rates

NETS = ("CaffeNet", "GoogLeNet", "ResNet")
"""From the encoder's own architecture to the most distant one, as the paper orders them."""


def run(context: Context) -> Mapping[str, Any]:
    """The same classes of each network, and what judges say of the pictures."""
    targets = {net: context.target if net == NETS[0] else context.other(net) for net in NETS}
    steps = {
        net: context.synthesize(net, target=target, settings=context.tuned(f"tuned_{net}", target=target))
        for net, target in targets.items()
    }
    found = context.compare(steps, {net: f"Preferred images of {net}'s output units" for net in NETS})
    parts = [context.points(found, near, far, f"{near} minus {far}, {{judge}}") for near, far in pairwise(NETS)]
    context.decide("sec3.3-architectures", {part: estimate for pair in parts for part, estimate in pair.items()})
    return rates(found)


EXPERIMENT = Experiment(
    name="sec3_3_architectures",
    section="3.3",
    figure="Fig. 5",
    claims=("sec3.3-architectures",),
    models={
        "mini": mini(
            "caffenet-mini",
            "deepsim-fc6-mini",
            judges=("judge-mini", OUTSIDE),
            others={"GoogLeNet": "googlenet-mini", "ResNet": "resnet-mini"},
        ),
        "paper": published(
            "caffenet",
            "deepsim-fc6",
            judges=(OUTSIDE,),
            others={"GoogLeNet": "googlenet", "ResNet": "resnet50"},
        ),
    },
    sizes={"smoke": Size(2, 1, 10), "small": Size(20, 1), "full": Size(100, 2)},
    run=run,
)
