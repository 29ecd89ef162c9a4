"""Section S8 (Sec. 3.6): pictures that fire two units at once: a matrix of pairs, with each unit alone on its edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from dgnam.errors import DgnamError
from dgnam.measure import least_retained
from dgnam.measure.statistics import mean_difference, proportion

from .context import Context
from .experiment import Experiment, Replacement, Size, mini, published
from .finding import Controls, percent
from .making import evenly

Pair = tuple[int, int]

ROWS = 5
"""Units on each edge of the matrix."""

LEAST = 2
"""Units that must fire."""

HALF = 0.5
"""Both units fire where each keeps more than this of what it reaches alone."""

PAIRS = {"smoke": 3, "small": 15, "full": 100}


def run(context: Context) -> Mapping[str, Any]:
    """Random pairs: the picture of both, and the picture of the mean of both codes."""
    alone = context.visualize("alone", [f"{context.layer}:{unit}" for unit in context.units], settings="released")
    best = dict(zip(context.units, alone.activations.tolist(), strict=True))
    codes = dict(zip(context.units, alone.codes, strict=True))
    fires = [unit for unit in context.units if best[unit] > 0]
    if len(fires) < LEAST:
        raise DgnamError(
            f"{len(fires)} of {len(best)} units of {context.layer} fire for their own pictures; pairs take 2"
        )
    pairs = draw_pairs(fires, PAIRS[context.arguments["scale"]], context.seeds[0])
    both = context.visualize("pairs", [objective(context.layer, pair, best) for pair in pairs], settings="released")
    mixed = np.stack([(codes[first] + codes[second]) / 2 for first, second in pairs])
    pictures = dict(zip(context.units, alone.raw, strict=True))
    steps = {
        "pairs": both.raw,
        "mean of codes": context.render(mixed),
        "mean of pixels": np.stack([(pictures[first] + pictures[second]) / 2 for first, second in pairs]),
        "one of both alone": np.stack([pictures[first] for first, _ in pairs]),
    }
    kept = {step: retained(context, images, pairs, best) for step, images in steps.items()}
    names = [f"{first} and {second}" for first, second in pairs]
    for step, values in kept.items():
        context.tabulate(step, names, (0,), {"least retained": values})
    held = {step: 100.0 * (values > HALF) for step, values in kept.items()}
    matrix(context, pictures, best)
    parts = {
        "pairs": percent(partial(proportion, kept["pairs"] > HALF)),
        "above the mean of codes": partial(mean_difference, held["pairs"], held["mean of codes"]),
    }
    floor = {step: float(values.mean()) for step, values in held.items() if step != "pairs"}
    silent = len(best) - len(fires)
    note = f"{silent} units that do not fire for their own pictures are in no pair." if silent else ""
    context.decide("sec3.6-art", parts, Controls(floor, {"each alone": 100.0}), note=note)
    return {step: {"both_fire": float(values.mean()) / 100} for step, values in held.items()}


def draw_pairs(units: Sequence[int], count: int, seed: int) -> list[Pair]:
    """Random pairs of different units, none twice in either order; fewer where there are no more."""
    draw = np.random.default_rng(seed)
    pairs: dict[frozenset[int], Pair] = {}
    while len(pairs) < min(count, len(units) * (len(units) - 1) // 2):
        first, second = map(int, draw.choice(units, 2, replace=False))
        pairs.setdefault(frozenset((first, second)), (first, second))
    return list(pairs.values())


def objective(layer: str, pair: Pair, best: Mapping[int, float]) -> str:
    """The sum of both units, each as a share of what it reaches alone."""
    first, second = (f"{1 / best[unit]:.6g}*{layer}:{unit}" for unit in pair)
    return f"{first} + {second}"


def retained(context: Context, images: np.ndarray, pairs: Sequence[Pair], best: Mapping[int, float]) -> np.ndarray:
    """(pairs,): the share of what it reaches alone that the weaker unit keeps."""
    values = context.values(f"{context.layer}:*", images)
    both, alone = [], []
    for which in (0, 1):
        units = [pair[which] for pair in pairs]
        both.append(values[np.arange(len(pairs)), units])
        alone.append(np.array([best[unit] for unit in units]))
    return least_retained(both[0], alone[0], both[1], alone[1])


def matrix(context: Context, alone: Mapping[int, np.ndarray], best: Mapping[int, float]) -> None:
    """Show units by units, the units alone in the first row and column."""
    fires = [unit for unit in context.units if best[unit] > 0]
    chosen = evenly(fires, min(2 * ROWS, len(fires) - len(fires) % 2))
    down, across = chosen[::2], chosen[1::2]
    pairs = [(row, column) for row in down for column in across]
    made = context.visualize("matrix", [objective(context.layer, pair, best) for pair in pairs], settings="released")
    pictures, blank = dict(zip(pairs, made.raw, strict=True)), np.zeros_like(made.raw[0])
    tiles, names = [blank, *(alone[unit] for unit in across)], ["", *(context.labels[unit] for unit in across)]
    for row in down:
        tiles += [alone[row], *(pictures[row, column] for column in across)]
        names += [context.labels[row], *[""] * len(across)]
    context.show("matrix", np.stack(tiles), names, "Pictures for two units; on the edges each alone", 1 + len(across))


EXPERIMENT = Experiment(
    name="sec3_6_art",
    section="3.6",
    figure="Sec. S8",
    claims=("sec3.6-art",),
    models={
        "mini": mini("caffenet-mini", "deepsim-fc6-v2-mini"),
        "paper": published("caffenet", "deepsim-fc6"),
    },
    sizes={"smoke": Size(4, 1, 3), "small": Size(20, 1), "full": Size(200, 1)},
    run=run,
    replacement=Replacement(same_classes=False),
)
