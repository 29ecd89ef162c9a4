"""Choose the settings of a run: by name, or by the four numbers that every command and record calls the same.

n_iters, start_lr, end_lr and l2: how many steps, the size of the first and of the last, and what codes are multiplied
by after each; norm_penalty is Eq. 1's term in place of l2.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from ..am import (
    ImageStart,
    L2Decay,
    Linear,
    NormPenalty,
    Schedule,
    Settings,
    paper,
    released,
    released_from_image,
    released_googlenet,
)
from ..errors import ArgumentError, DgnamError, closest
from .priors import ResolvedPrior
from .starts import IMAGE
from .targets import ResolvedTarget

SETTINGS: dict[str, Callable[[], Settings]] = {
    "released": released,
    "paper": paper,
    "googlenet": released_googlenet,
    "from-image": released_from_image,
}
"""By name: the published code's for most networks, Eq. 1 as printed, the published code's for GoogLeNet and from the
code of a real image."""

OWN = "own"
"""In place of one of them: those published for the target, with steps that suit the prior, or the pixel prior's own."""


def choose_settings(
    target: ResolvedTarget,
    prior: ResolvedPrior,
    start: object,
    settings: str | Settings | Sequence[str | Settings] = OWN,
    *,
    n_iters: int | Sequence[int] | None = None,
    start_lr: float | Sequence[float] | None = None,
    end_lr: float | None = None,
    l2: float | Sequence[float] | None = None,
    norm_penalty: float | Sequence[float] | None = None,
) -> list[Settings]:
    """Each of `settings` with each combination of the numbers given."""
    own = own_settings(target, prior, start)
    bases = [_by_name(one, own) for one in _several(settings, (str, Settings), "settings", "text or Settings")]
    steps = _numbers("n_iters", n_iters, int)
    firsts, decays, penalties = (
        _numbers(name, value, float)
        for name, value in (("start_lr", start_lr), ("l2", l2), ("norm_penalty", norm_penalty))
    )
    if decays and penalties:
        raise DgnamError("l2 multiplies codes, and norm_penalty is Eq. 1's term: give one of the two")
    return [
        _with_numbers(base, n, first, end_lr, decay, penalty)
        for base in bases
        for n, first, decay, penalty in itertools.product(*map(_or_none, (steps, firsts, decays, penalties)))
    ]


def own_settings(target: ResolvedTarget, prior: ResolvedPrior, start: object) -> Settings:
    """A pixel prior's own; those published for starts at a real image; those published for the target.

    The published ones have a first step that suits the prior's codes, see `with_steps`.
    """
    if prior.settings is not None:
        return prior.settings
    if isinstance(start, ImageStart) or (isinstance(start, str) and start.startswith(IMAGE)):
        return with_steps(released_from_image(), prior.step_scale)
    return with_steps(target.settings, prior.step_scale)


def with_steps(settings: Settings, scale: float) -> Settings:
    """`settings` with a first step `scale` times as large, to two digits; the size that steps shrink to stays."""
    old = settings.schedule
    if scale == 1 or not isinstance(old, Linear):
        return settings
    return dataclasses.replace(settings, schedule=Linear(float(f"{old.start * scale:.2g}"), old.end))


def _by_name(given: str | Settings, own: Settings) -> Settings:
    if isinstance(given, Settings):
        return given
    if given == OWN:
        return own
    if given not in SETTINGS:
        raise DgnamError(f"settings '{given}': give one of {closest(given, [OWN, *SETTINGS])}")
    return SETTINGS[given]()


def _with_numbers(
    base: Settings,
    n_iters: int | None,
    start_lr: float | None,
    end_lr: float | None,
    l2: float | None,
    norm_penalty: float | None,
) -> Settings:
    made = base if n_iters is None else dataclasses.replace(base, n_iters=n_iters)
    if start_lr is not None or end_lr is not None:
        made = dataclasses.replace(made, schedule=_line(base.schedule, start_lr, end_lr))
    if l2 is None and norm_penalty is None:
        return made
    name = "l2" if norm_penalty is None else "norm_penalty"
    if not isinstance(base.regularizer, L2Decay | NormPenalty):
        raise DgnamError(
            f"{name} would replace the prior's own regularizers, {base.regularizer.label}: leave it out, or give "
            "settings too"
        )
    regularizer = NormPenalty(norm_penalty) if norm_penalty is not None else L2Decay(float(l2))  # type: ignore[arg-type]
    return dataclasses.replace(made, regularizer=regularizer)


def _line(old: Schedule, start_lr: float | None, end_lr: float | None) -> Linear:
    """The schedule with another first step or end; where all steps have one size, they go on to."""
    if not isinstance(old, Linear):
        raise DgnamError("start_lr and end_lr would replace the prior's phases: leave them out")
    start = old.start if start_lr is None else start_lr
    usual = start if old.start == old.end else old.end
    return Linear(start, usual if end_lr is None else end_lr)


def _numbers(name: str, given: Any, kind: type[int] | type[float]) -> list[Any]:
    """One number or several; what is none is an ArgumentError."""
    if given is None:
        return []
    allowed = (int, np.integer) if kind is int else (int, float, np.number)
    values = _several(given, allowed, name, "a whole number" if kind is int else "a number")
    if any(isinstance(value, bool) for value in values):
        raise ArgumentError(f"{name} {given!r}: give {'a whole number' if kind is int else 'a number'}")
    return [kind(value) for value in values]


def _several(given: Any, kinds: tuple[type, ...], name: str, what: str) -> list[Any]:
    """One value as a list of one, or several; what is of none of the kinds is an ArgumentError."""
    values = [given] if isinstance(given, kinds) or not isinstance(given, Iterable) else list(given)
    for number, value in enumerate(values):
        if not isinstance(value, kinds):
            raise ArgumentError(f"{name} {value!r}: give {what}, or a list of them")
        if value in values[:number]:
            raise DgnamError(f"{name} {value} is given twice")
    if not values:
        raise DgnamError(f"{name}: the list is empty")
    return values


def _or_none(values: Sequence[Any]) -> Sequence[Any]:
    """The values, or one None that stands for "as it was"."""
    return values if values else [None]
