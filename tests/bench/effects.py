"""What other options change: the activation reached, and what judges say of pictures of the same units and seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import dgnam
from dgnam.api.judges import open_judge, open_outside_judge
from dgnam.api.targets import open_target
from dgnam.errors import MissingPackageError
from dgnam.measure import BaseJudge


def compare(target: str, units: Sequence[int], seeds: int, options: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the mean activation and the judges' shares with each of two or more options, and the differences.

    options: of `dgnam.visualize`, by the name that they are called; differences are from the first.
    """
    net = open_target(target)
    judges: dict[str, BaseJudge] = {"judge-mini": open_judge("judge-mini")}
    try:
        outside = open_outside_judge(net)
        judges |= {} if outside is None else {"the outside judge": outside}
    except MissingPackageError as missing:
        print(missing)
    rows: dict[str, list[float]] = {}
    for given in options.values():
        made = dgnam.visualize(target, f"{net.scores}:{','.join(map(str, units))}", seeds=seeds, **given)
        rows.setdefault("activation", []).append(float(made.activations.mean()))
        for name, judge in judges.items():
            verdict = judge.rank(made.raw, np.repeat(units, seeds))
            for k in (1, 5):
                rows.setdefault(f"top-{k} of {name}, %", []).append(100 * float(verdict.top(k)))
            rows.setdefault(f"log-probability of {name}", []).append(float(verdict.log_probability.mean()))
    for what, values in rows.items():
        shown = ", ".join(
            f"{name} {value:.2f} ({value - values[0]:+.2f})" for name, value in zip(options, values, strict=True)
        )
        print(f"{what}: {shown}", flush=True)
