"""Figure 5 (Sec. 3.3): one prior, and targets of the encoder's architecture and of others.

Each network has the best of twelve settings, tuned on other units.  Beside them stand networks for ImageNet that the
prior never met, with the published settings: EfficientNet-Lite0, where the extra dgnam[judge] is installed, and
SqueezeNet, where its file is present.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

from dgnam import zoo
from dgnam.api.judges import open_outside_target
from dgnam.api.targets import ResolvedTarget, open_target
from dgnam.errors import MissingPackageError

from .context import Context
from .experiment import OUTSIDE, Experiment, Size, mini, published
from .pictures import Pictures
from .rates import rates

NETS = ("CaffeNet", "GoogLeNet", "ResNet")
"""From the encoder's own architecture to the most distant one, as the paper orders them."""

JUDGE = "EfficientNet"
"""The further network that is the outside judge, and isn't asked about its own pictures."""


def run(context: Context) -> Mapping[str, Any]:
    """The same classes of each network, and what judges say of the pictures."""
    targets = {net: context.target if net == NETS[0] else context.other(net) for net in NETS}
    steps = {
        net: context.synthesize(net, target=target, settings=context.tuned(f"tuned_{net}", target=target))
        for net, target in targets.items()
    }
    steps |= further(context)
    titles = {net: f"Preferred images of {net}'s output units" for net in steps}
    found = context.compare(steps, titles, own={JUDGE: OUTSIDE}, of="one prior and several networks")
    parts = [context.points(found, near, far, f"{near} minus {far}, {{judge}}") for near, far in pairwise(NETS)]
    together = {part: estimate for pair in parts for part, estimate in pair.items()}
    context.decide("sec3.3-architectures", together, context.recognized)
    return rates(found)


def further(context: Context) -> dict[str, Pictures]:
    """The pictures of those of the further networks that are here, which see them resized."""
    made = {}
    for net, opened in {JUDGE: open_outside_target, "SqueezeNet": squeezenet}.items():
        try:
            target, units = context.with_matching_units(net, opened())
        except (MissingPackageError, zoo.MissingWeightsError):
            continue
        made[net] = replace(context.synthesize(net, target=target, units=units), units=context.units)
    return made


def squeezenet() -> ResolvedTarget:
    """SqueezeNet from its file; MissingWeightsError where that has not been fetched."""
    zoo.get("squeezenet").weights_path(download=False)
    return open_target("squeezenet")


EXPERIMENT = Experiment(
    name="sec3_3_architectures",
    section="3.3",
    figure="Fig. 5",
    claims=("sec3.3-architectures",),
    models={
        "mini": mini(
            "caffenet-mini",
            "deepsim-fc6-v2-mini",
            judges=("judge-mini", OUTSIDE),
            others={"GoogLeNet": "googlenet-mini", "ResNet": "resnet-mini"},
            note="Small models of our own, at 64 px; EfficientNet and SqueezeNet, if shown, are ImageNet's, at 224 px.",
        ),
        "paper": published(
            "caffenet",
            "deepsim-fc6",
            judges=(OUTSIDE,),
            others={"GoogLeNet": "googlenet", "ResNet": "resnet50"},
        ),
    },
    sizes={"smoke": Size(2, 1, 3), "small": Size(6, 1), "full": Size(100, 2)},
    run=run,
)
