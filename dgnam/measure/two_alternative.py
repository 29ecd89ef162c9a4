"""Do references tell which of two pictures activates a unit (M5)?

A unit is explained by pictures of what activates it most and least; whoever understands them can tell a strongly from a
weakly activating picture.  People get 82 ± 4 % with Olah's synthetic references and 92 ± 2 % with natural ones
(J. Borowski et al.: Exemplary natural images explain CNN activations better than state-of-the-art feature
visualization. ICLR 2021).  In place of people a similarity decides, as in the machine interpretability score
(R. Zimmermann, D. Klindt, W. Brendel: Measuring per-unit interpretability at scale without humans. NeurIPS 2024);
reported is the share of right choices, and not their mean logistic score, whose scale is fitted to another similarity.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..am.checks import whole_number
from ..errors import ArrayError
from .arrays import Floats, features, finite, random_generator, same_length, same_width, unit_rows


@dataclass(frozen=True, eq=False)
class Alternatives:
    """Places of pictures for one unit's test.

    maximal, minimal: (references,), the most and the least activating, the most extreme first.
    strong, weak: (trials,), the pairs to choose from.
    """

    maximal: np.ndarray
    minimal: np.ndarray
    strong: np.ndarray
    weak: np.ndarray


def choose_alternatives(
    activations: Any,
    *,
    trials: int = 20,
    references: int = 9,
    percentiles: tuple[float, float] = (90.0, 99.0),
    seed: int = 0,
) -> Alternatives:
    """Choose a unit's natural references and its queries among real pictures.

    activations: (N,) of the unit.
    references: how many, from the top and from the bottom.
    percentiles: strong queries are drawn, without repetition, from the pictures between these, and weak ones from
        those between 100 minus these; references are never queries.  The closer to 50, the harder.
    seed: of the draws, and of the order of equal activations, such as 0 after a ReLU.
    """
    values = finite(activations, "activations", 1)
    trials, references = whole_number("trials", trials, 1), whole_number("references", references, 1)
    if len(finite(percentiles, "percentiles", 1)) != 2:
        raise ArrayError(f"percentiles {percentiles}: give two, the lower first")
    low, high = percentiles
    if not 50 <= low < high <= 100:
        raise ArrayError(f"percentiles {percentiles}: give two between 50 and 100, the lower first")
    draw = random_generator(seed)
    mixed = draw.permutation(len(values))
    order = mixed[np.argsort(values[mixed], kind="stable")]
    first, last = (round(len(order) * p / 100) for p in (low, high))
    strong, weak = (
        order[first : min(last, len(order) - references)],
        order[::-1][first : min(last, len(order) - references)],
    )
    if len(strong) < trials:
        raise ArrayError(
            f"{len(values)} pictures have {len(strong)} between the percentiles {low:g} and {high:g} beside the "
            f"{references} references, and {trials} trials were asked for"
        )
    chosen = Alternatives(
        order[::-1][:references], order[:references], draw.permutation(strong)[:trials], draw.permutation(weak)[:trials]
    )
    if values[chosen.strong].min() <= values[chosen.weak].max():
        raise ArrayError(
            f"activations: percentile {low:g} is no higher than {100 - low:g}; no picture is the right choice"
        )
    return chosen


def choice_margins(maximal: Any, minimal: Any, strong: Any, weak: Any) -> Floats:
    """By how much the strong query of each pair looks more like the maximal references than the weak one, (n,).

    A query's evidence is its mean cosine similarity with the maximal references minus that with the minimal ones; the
    margin is the strong query's evidence minus the weak one's, above 0 for a right choice.

    maximal, minimal: features (r, d) of the references, synthetic or real; numbers may differ.
    strong, weak: features (n, d) of the queries, pair by pair.  All of a network that is not the target.
    """
    names = {"maximal": maximal, "minimal": minimal, "strong": strong, "weak": weak}
    rows = {name: features(values, name) for name, values in names.items()}
    same_width(**rows)
    same_length(strong=rows["strong"], weak=rows["weak"])
    units = {name: unit_rows(values, name) for name, values in rows.items()}
    direction = units["maximal"].mean(0) - units["minimal"].mean(0)
    return np.asarray((units["strong"] - units["weak"]) @ direction, np.float64)


def sign_accuracy(margins: Any) -> float:
    """The share of right choices; chance is 0.5, and a tie counts half."""
    found = finite(margins, "margins", 1)
    return float(((found > 0) + 0.5 * (found == 0)).mean())
