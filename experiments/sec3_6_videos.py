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
from dgnam.data.preprocessing import deprocess
from dgnam.measure import frame_orders, frozen_order, order_gain, pan_between_frames, reversed_order
from dgnam.measure.statistics import mean

from .context import Context
from .experiment import Experiment, Models, Replacement, Size
from .finding import Controls, Part
from .making import labels_of
from .rates import measured

SMOOTHNESS = 0.0003
ORDERS = {"smoke": 3, "small": 20, "full": 100}
"""Permutations of each clip's frames."""


def run(context: Context) -> Mapping[str, Any]:
    """The clips of both networks, and what each loses when its frames change places."""
    gains, shown = {}, {}
    gains["sport"], shown["sport"] = clips(context, "sport", context.target)
    parts: dict[str, Part] = {"sport": partial(mean, gains["sport"])}
    if "motion" in context.models.others:
        gains["motion"], shown["motion"] = clips(context, "motion", context.other("motion"))
        # It has two units only; each clip counts.
        parts["motion"] = partial(mean, gains["motion"].ravel())
    nets = {"sport": context.target.name, **context.models.others}
    cards = {net: card for net, model in nets.items() if (card := measured(model))}
    context.decide(
        "sec3.6-videos",
        parts,
        Controls(ceiling={f"real clips, {net}, points lost by shuffling": lost(card) for net, card in cards.items()}),
        note="Of the motion network each clip counts as a unit: it has two units.  Real clips: by the networks' cards.",
    )
    return shown


def lost(card: Mapping[str, Any]) -> float:
    """By how many percentage points a network recognizes fewer real clips with their frames shuffled, by its card."""
    return 100 * float(card["top1"] - card["top1_frames_shuffled"])


def clips(context: Context, name: str, target: ResolvedTarget) -> tuple[np.ndarray, dict[str, float]]:
    """(units, seeds): the order gains of a network's preferred clips, which are shown as strips of frames.

    And on average: that gain, those of the clips reversed and with one frame throughout, and the pan from frame to
    frame, in pixels.
    """
    units = context.units if name == "sport" else list(range(len(labels_of(target))))
    made = context.visualize(
        name, [f"{target.scores}:{unit}" for unit in units], target=target, seeds=context.seeds, smoothness=SMOOTHNESS
    )
    frames = target.target.frames  # type: ignore[attr-defined]
    count = len(context.seeds)
    names = labels_of(target)
    context.show(name, made.raw[::count], [names[unit] for unit in units], f"Preferred clips, {name} network", 1)
    ours = np.stack([np.arange(frames), reversed_order(frames), frozen_order(frames)])
    orders = np.concatenate([ours, frame_orders(frames, ORDERS[context.arguments["scale"]])])
    own = np.repeat(units, count)
    values = [
        context.values(f"{target.scores}:*", reordered(made.raw, order), target)[np.arange(len(own)), own]
        for order in orders
    ]
    whole, backwards, still = (order_gain(one, np.stack(values[len(ours) :], 1)) for one in values[: len(ours)])
    pans = np.linalg.norm([pan_between_frames(frames_of(strip, frames)) for strip in deprocess(made.raw)], axis=-1)
    measures = {"order_gain": whole, "reversed": backwards, "frozen": still, "pan": pans.mean(1)}
    context.tabulate(name, units, context.seeds, {"activation": made.activations, **measures})
    return whole.reshape(len(units), count), {what: float(of.mean()) for what, of in measures.items()}


def frames_of(strip: np.ndarray, frames: int) -> np.ndarray:
    """(frames, h, w, 3) of a clip's strip (h, frames * w, 3)."""
    height, width, channels = strip.shape
    return strip.reshape(height, frames, width // frames, channels).swapaxes(0, 1)


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
    sizes={"smoke": Size(1, 1, 3), "small": Size(3, 1), "full": Size(22, 8)},
    run=run,
    further=("motion",),
    replacement=Replacement(),
    clips=True,
)
