"""Pictures that explain a unit: do they tell which of two real pictures fires it more (M5)?

References that fire the unit and others that silence it, synthesized or real, are compared with pairs of real pictures
by a third network.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dgnam.api.render import random_codes
from dgnam.api.targets import ResolvedTarget
from dgnam.measure import choice_margins, choose_alternatives, sign_accuracy

from .context import Context
from .crops import center_crop_of
from .pictures import Pictures

REFERENCES, TRIALS = 9, 20
"""Real references of each side, and pairs of real pictures to choose from."""

CANDIDATES = {"smoke": 250, "small": 1250, "full": 5000}
"""Of the held-out pictures, evenly spread."""


@dataclass(frozen=True, eq=False)
class References:
    """What a method gives for the units of a layer.

    most, least: (units, seeds, K), a third network's features of what each unit sees of pictures that fire it, and of
        others that silence it.  first: the pictures of the first seed that fire it; the others, of many units, go.
    """

    most: np.ndarray
    least: np.ndarray
    first: Pictures


def candidates(context: Context) -> np.ndarray:
    """Held-out pictures (N, 3, h, w), from which real references and pairs are taken."""
    every = max(1, len(context.held_out) // CANDIDATES[context.arguments["scale"]])
    return context.seen(context.held_out.every(every))[0]


def references(
    context: Context,
    step: str,
    units: Mapping[str, list[int]],
    seeds: int,
    target: ResolvedTarget | None = None,
    **options: Any,
) -> dict[str, References]:
    """By layer: what so many pictures that fire each of its units, and as many that silence it, show, as a step.

    options: of `visualize`.
    """
    net = context.target if target is None else target
    texts = [f"{sign}{layer}:{unit}" for sign in ("", "-") for layer in units for unit in units[layer]]
    made = context.visualize(step, texts, target=net, seeds=list(range(seeds)), **options).raw
    sides = made.reshape(2, -1, seeds, 3, *context.frame_size)
    ends = np.cumsum([len(numbers) for numbers in units.values()])[:-1]
    found = {}
    for layer, *pair in zip(units, *(np.split(side, ends) for side in sides), strict=True):
        crop = center_crop_of(net.target, layer)
        most, least = (
            context.features(part.reshape(-1, *part.shape[2:]), crop).reshape(*part.shape[:2], -1) for part in pair
        )
        found[layer] = References(most, least, Pictures(pair[0][:, 0].copy(), units[layer]))
    return found


def told(
    context: Context,
    layer: str,
    units: list[int],
    images: np.ndarray,
    steps: Mapping[str, References],
    target: ResolvedTarget | None = None,
) -> dict[str, np.ndarray]:
    """For each method, for real references and for random codes, the share of right choices of each unit, (units,)."""
    net = context.target if target is None else target
    crop = center_crop_of(net.target, layer)
    values = context.values([f"{layer}:{unit}" for unit in units], images, net)
    trials = 4 if context.arguments["scale"] == "smoke" else TRIALS
    chosen = [choose_alternatives(one, trials=trials, references=REFERENCES) for one in values.T]
    shown = np.unique(np.concatenate([places for one in chosen for places in vars(one).values()]))
    of_shown = context.features(images[shown], crop)

    def real(places: np.ndarray) -> np.ndarray:
        return of_shown[np.searchsorted(shown, places)]

    random = context.features(context.render(random_codes(context.prior, 2 * REFERENCES)), crop)
    found: dict[str, list[float]] = {name: [] for name in (*steps, "real", "random")}
    for place, one in enumerate(chosen):
        queries = real(one.strong), real(one.weak)
        pairs = {method: (of.most[place], of.least[place]) for method, of in steps.items()}
        pairs["real"] = real(one.maximal), real(one.minimal)
        pairs["random"] = random[:REFERENCES], random[REFERENCES:]
        for name, (most, least) in pairs.items():
            found[name].append(sign_accuracy(choice_margins(most, least, *queries)))
    return {name: np.array(shares) for name, shares in found.items()}
