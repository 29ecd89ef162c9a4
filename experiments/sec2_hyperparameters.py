"""Section 2: the weight of L2, clipping to the activation range, and whether activation tells recognizability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

import numpy as np

from dgnam.am import Settings, released
from dgnam.measure import Verdict
from dgnam.measure.statistics import Estimate, mean_difference, spearman_within_units
from dgnam.measure.statistics.estimate import Alternative, Test

from .context import Context
from .experiment import OUTSIDE, Experiment, Replacement, Size, mini, published
from .finding import Part
from .making import evenly
from .plausibility import plausibility
from .rates import merged, rates

WEIGHTS = (0.0, 0.001, 0.005, 0.02, 0.1)
PAPERS = 0.005
"""The paper's choice among the weights."""

SETTINGS = {"smoke": 4, "small": 6, "full": 60}
"""Random settings that activation and recognizability are correlated over."""


def run(context: Context) -> Mapping[str, Any]:
    """The three claims, one after the other."""
    return {**weights(context), **clipping(context), **correlation(context)}


def weights(context: Context) -> Mapping[str, Any]:
    """The paper's equation with each weight of the code's norm, on half of the units."""
    units = evenly(context.units, -(-len(context.units) // 2))
    steps = {
        f"weight_{weight:g}": context.synthesize(
            f"weight_{weight:g}", settings="paper", norm_penalty=weight, units=units
        )
        for weight in WEIGHTS
    }
    found = context.compare(steps, {step: f"Eq. 1, L2 {step}" for step in steps})
    parts: dict[str, Part] = {}
    for judge in found[f"weight_{PAPERS:g}"]:
        scores = {step: opinions[judge].log_probability for step, opinions in found.items()}
        ours = scores.pop(f"weight_{PAPERS:g}")
        parts[f"{judge}, behind the best"] = partial(behind_the_best, ours, list(scores.values()))
        parts[f"{judge}, ahead of 0.1"] = partial(mean_difference, ours, scores["weight_0.1"])
    context.plot_means(
        "weights",
        {
            judge: {f"{weight:g}": found[f"weight_{weight:g}"][judge].log_probability for weight in WEIGHTS}
            for judge in found[f"weight_{PAPERS:g}"]
        },
        across="weight of the code's norm",
        upwards="log probability of the class",
        title="What judges see with each weight of L2",
    )
    context.decide("sec2-l2", parts)
    return rates(found)


def behind_the_best(ours: np.ndarray, others: Sequence[np.ndarray], *, level: float) -> Estimate:
    """By how much the mean of ours, (units, seeds), is below that of the best other.

    Which is best isn't known: ours is within a bound of it if the intervals of all others are, and beyond it if that of
    one is, at a confidence that holds for all of them together (Bonferroni).
    """
    count = len(others)
    found = [mean_difference(other, ours, level=level) for other in others]
    together = [mean_difference(other, ours, level=1 - (1 - level) / count) for other in others]
    tests = [cast(Test, one.test) for one in found]

    def test(null: float, alternative: Alternative) -> float:
        greater = min(1.0, count * min(one(null, "greater") for one in tests))
        less = max(one(null, "less") for one in tests)
        return {"greater": greater, "less": less, "two-sided": min(1.0, 2 * min(greater, less))}[alternative]

    best = max(found, key=lambda one: one.value)
    low, high = max(one.low for one in together), max(one.high for one in found)
    return replace(best, low=low, high=high, test=test)


def clipping(context: Context) -> Mapping[str, Any]:
    """The published code with its clip and without."""
    steps = {clip: context.synthesize(f"clip_{clip}", settings="released", clip=clip) for clip in ("act_range", "none")}
    found = context.compare(steps, {"act_range": "Codes clipped to the activation range", "none": "Codes not clipped"})
    parts = context.points(found, "act_range", "none")
    parts["KID"] = context.kernel_distance(steps["act_range"], steps["none"])
    context.decide("sec2-clip", parts, context.recognized)
    return merged(rates(found), plausibility(context, {step: made.images for step, made in steps.items()}))


def correlation(context: Context) -> Mapping[str, Any]:
    """Within each unit, the activation reached and the judge's log-probability over random settings."""
    units = evenly(context.units, -(-len(context.units) * 3 // 10))
    drawn = draw_settings(SETTINGS[context.arguments["scale"]], context.seeds[0])
    made = [
        at_setting(context, f"random_{place:02}", f"random setting {place}", units, settings)
        for place, settings in enumerate(drawn)
    ]
    verdicts = [verdict for _, verdict in made]
    rates_of = np.log([settings.step_size(0) for settings in drawn])
    parts: dict[str, Part] = {}
    points: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    for judge in verdicts[0]:
        seen = context.reported(judge, units)
        activations = np.stack([reached[[units.index(unit) for unit in seen]] for reached, _ in made], 1)
        scores = np.stack([verdict[judge].log_probability[:, 0] for verdict in verdicts], 1)
        given = list(np.broadcast_to(rates_of, activations.shape))
        pairs = list(activations), list(scores)
        points[judge] = activations.ravel(), scores.ravel()
        parts[f"{judge}, correlation"] = partial(spearman_within_units, *pairs)
        parts[f"{judge}, given the learning rate"] = partial(spearman_within_units, *pairs, given)
    context.plot_pairs(
        "correlation",
        points,
        across="activation reached",
        upwards="log probability of the class",
        title="Random settings: all pictures of all units",
    )
    context.decide("sec2-no-correlation", parts)
    return {}


def at_setting(
    context: Context, step: str, name: str, units: list[int], settings: Settings
) -> tuple[np.ndarray, Mapping[str, Verdict]]:
    """The activations (units,) that a setting reaches, and what judges say; the pictures, of many settings, go."""
    made = context.synthesize(step, units=units, seeds=context.seeds[:1], settings=settings)
    return made.measured[:, 0], context.judge(name, made)


def draw_settings(count: int, seed: int) -> list[Settings]:
    """Random numbers of steps, learning rates and decays, in our ranges around the published ones."""
    draw = np.random.default_rng(seed)
    steps, first_rates, decays = (
        draw.integers(50, 401, count),
        draw.uniform(0, np.log(32), count),
        draw.uniform(0.9, 1, count),
    )
    return [
        released(n_iters=int(n), start_lr=float(np.exp(rate)), l2=float(decay))
        for n, rate, decay in zip(steps, first_rates, decays, strict=True)
    ]


EXPERIMENT = Experiment(
    name="sec2_hyperparameters",
    section="2",
    figure="",
    claims=("sec2-l2", "sec2-clip", "sec2-no-correlation"),
    models={
        "mini": mini("caffenet-mini", "deepsim-fc6-v2-mini", judges=("judge-mini", OUTSIDE)),
        "paper": published("caffenet", "deepsim-fc6", judges=(OUTSIDE,)),
    },
    sizes={"smoke": Size(2, 1, 3), "small": Size(10, 1), "full": Size(200, 2)},
    run=run,
    further=("weights", "correlation"),
    replacement=Replacement(),
)
