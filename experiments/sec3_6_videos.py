"""Section S7 (Sec. 3.6): preferred clips of networks that see 16 frames, and whether the order of the frames matters.

The frames' codes are optimized together.  The paper's network classifies without heeding time; as a positive control
stands a network that tells which way the camera pans, which only time shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from dgnam.api.targets import ResolvedTarget
from dgnam.measure import frame_orders, order_gain
from dgnam.measure.statistics import mean

from .context import Context
from .experiment import Experiment, Models, Replacement, Size
from .finding import Part
from .making import labels_of

SMOOTHNESS = 0.0003
ORDERS = {"smoke": 3, "small": 20, "full": 100}
"""Permutations of each clip's frames."""


def run(context: Context) -> Mapping[str, Any]:
    """The clips of both networks, and what each loses when its frames change places."""
    gains = {"sport": clips(context, "sport", context.target)}
    parts: dict[str, Part] = {"sport": partial(mean, gains["sport"])}
    if "motion" in context.models.others:
        gains["motion"] = clips(context, "motion", context.other("motion"))
        # It has two units only; each clip counts.
        parts["motion"] = partial(mean, gains["motion"].ravel())
    context.decide("sec3.6-videos", parts, note="Of the motion network each clip counts as a unit: it has two units.")
    return {"order_gain": {net: float(values.mean()) for net, values in gains.items()}}


def clips(context: Context, name: str, target: ResolvedTarget) -> np.ndarray:
    """(units, seeds): the order gains of a network's preferred clips, which are shown as strips of frames."""
    units = context.units if name == "sport" else list(range(len(labels_of(target))))
    made = context.visualize(
        name, [f"{target.scores}:{unit}" for unit in units], target=target, seeds=context.seeds, smoothness=SMOOTHNESS
    )
    frames = target.target.frames  # type: ignore[attr-defined]
    count = len(context.seeds)
    names = labels_of(target)
    context.show(name, made.raw[::count], [names[unit] for unit in units], f"Preferred clips, {name} network", 1)
    orders = np.concatenate([[np.arange(frames)], frame_orders(frames, ORDERS[context.arguments["scale"]])])
    own = np.repeat(units, count)
    values = [
        context.values(f"{target.scores}:*", reordered(made.raw, order), target)[np.arange(len(own)), own]
        for order in orders
    ]
    gains = order_gain(values[0], np.stack(values[1:], 1))
    return gains.reshape(len(units), count)


def reordered(strips: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Clips as strips (N, 3, h, frames * w) with their frames in another order."""
    count, channels, height, width = strips.shape
    frames = strips.reshape(count, channels, height, len(order), width // len(order))
    return np.ascontiguousarray(frames[:, :, :, order]).reshape(strips.shape)


EXPERIMENT = Experiment(
    name="sec3_6_videos",
    section="3.6",
    figure="Sec. S7",
    claims=("sec3.6-videos",),
    models={
        "mini": Models(
            "action-lstm-sport-mini",
            "deepsim-fc6-v2-mini",
            others={"motion": "action-lstm-motion-mini"},
            columns=1,
            note="Small models of our own, at 64 px.",
        ),
        "paper": Models("lrcn-lstm", "deepsim-fc6", columns=1, note="The published models."),
    },
    sizes={"smoke": Size(1, 1, 3), "small": Size(6, 4), "full": Size(22, 8)},
    run=run,
    replacement=Replacement(),
    clips=True,
)
