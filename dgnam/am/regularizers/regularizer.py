"""What keeps a code small, or an image natural: the published multiplier, the norm of Eq. 1, and rules joined.

Each works on codes (N, *code_shape), a row at a time.  The two of the generator loop take NumPy arrays and torch
tensors alike; those of `rules/`, the hand-designed priors of pixels, take tensors.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Protocol

from ...errors import DgnamError

Array = Any  # a NumPy array or a torch tensor


@dataclass(frozen=True, eq=False)
class Moment:
    """What a rule may know of the step that is being taken.

    step: its number, from 0.
    gradient: (N, *code_shape), the objective's by the codes before the step, each row times a positive number of its
        own (see `ascent.py`), with no rule's part in it yet.
    """

    step: int
    gradient: Array


class Regularisation(Protocol):
    """Two places where the loop asks: at the gradient, and after the step."""

    @property
    def label(self) -> str:
        """Its part of a published file name."""
        ...

    def gradient(self, codes: Array) -> Array | None:
        """What joins the objective's gradient by the code, or None where nothing does."""
        ...

    def shrink(self, codes: Array) -> Array:
        """The codes after a step and its clip, as the next step gets them."""
        ...


class Rule:
    """A regularisation that is told the moment: override what is needed of its four parts.

    It is a `Regularisation` for the batch loop only: the published loop of `reference.py` tells no moment.
    """

    @property
    def label(self) -> str:
        """Its part of a file name."""
        raise NotImplementedError

    def gradient(self, codes: Array) -> Array | None:
        """What joins the objective's gradient by the code, or None where nothing does."""
        return None

    def masked(self, gradient: Array, moment: Moment) -> Array:
        """The whole gradient, the rules' parts in it, as the step is to follow it."""
        return gradient

    def shrink(self, codes: Array) -> Array:
        """The codes after a step, where that takes no moment."""
        return codes

    def after(self, codes: Array, moment: Moment) -> Array:
        """The codes after a step and its clip, as the next step gets them."""
        return self.shrink(codes)


def check_finite(name: str, value: float) -> None:
    """Raise DgnamError where a rule's number is infinite or none."""
    if not math.isfinite(value):
        raise DgnamError(f"{name} {value} must be finite")


@dataclass(frozen=True)
class Shrink:
    """The published code's L2: after each step the code is multiplied by `factor`; outside (0, 1) it is left alone.

    The L2 decay of Yosinski et al. 2015 is the same: their decay d is the factor 1 - d.
    """

    factor: float

    def __post_init__(self) -> None:
        check_finite("shrink", self.factor)

    @property
    def label(self) -> str:
        return str(self.factor)

    def gradient(self, codes: Array) -> None:
        return None

    def shrink(self, codes: Array) -> Array:
        return codes * self.factor if 0 < self.factor < 1 else codes


@dataclass(frozen=True)
class NormPenalty:
    """Eq. 1 as printed: `weight` times the Euclidean norm of the code is subtracted from the activation."""

    weight: float

    def __post_init__(self) -> None:
        check_finite("norm_penalty", self.weight)

    @property
    def label(self) -> str:
        return f"norm{self.weight}"

    def gradient(self, codes: Array) -> Array:
        """-weight * y / |y|, and 0 for the code 0."""
        norms = (codes * codes).reshape(len(codes), -1).sum(1) ** 0.5
        norms = norms + (norms == 0)
        return codes * (-self.weight / norms).reshape(-1, *[1] * (codes.ndim - 1))

    def shrink(self, codes: Array) -> Array:
        return codes


@dataclass(frozen=True)
class Rules(Rule):
    """Several regularisations as one: their gradients add up; what comes after a step comes in their order."""

    parts: tuple[Regularisation, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.parts, tuple) or not self.parts:
            raise DgnamError("Rules takes a tuple of one rule or more, as Rules((Shrink(0.99), Blur(0.5, 4)))")

    @property
    def label(self) -> str:
        return "+".join(part.label for part in self.parts)

    def gradient(self, codes: Array) -> Array | None:
        pulls = [pull for part in self.parts if (pull := part.gradient(codes)) is not None]
        return sum(pulls[1:], pulls[0]) if pulls else None

    def masked(self, gradient: Array, moment: Moment) -> Array:
        for part in self.parts:
            gradient = masked(part, gradient, moment)
        return gradient

    def shrink(self, codes: Array) -> Array:
        for part in self.parts:
            codes = part.shrink(codes)
        return codes

    def after(self, codes: Array, moment: Moment) -> Array:
        for part in self.parts:
            codes = after(part, codes, moment)
        return codes


@dataclass(frozen=True)
class During(Rule):
    """A rule for the steps `first` to `until` - 1 alone, counted from 0 for it; it may have no gradient of its own."""

    first: int
    until: int
    rule: Rule

    def __post_init__(self) -> None:
        if not 0 <= self.first < self.until:
            raise DgnamError(f"During({self.first}, {self.until}): give 0 <= first < until")
        if type(self.rule).gradient is not Rule.gradient:
            raise DgnamError(f"During takes one rule of a step's mask or end, and {self.rule} may join the gradient")

    @property
    def label(self) -> str:
        return f"{self.rule.label}@{self.first}-{self.until}"

    def masked(self, gradient: Array, moment: Moment) -> Array:
        inner = self._inner(moment)
        return gradient if inner is None else self.rule.masked(gradient, inner)

    def after(self, codes: Array, moment: Moment) -> Array:
        inner = self._inner(moment)
        return codes if inner is None else self.rule.after(codes, inner)

    def _inner(self, moment: Moment) -> Moment | None:
        if not self.first <= moment.step < self.until:
            return None
        return Moment(moment.step - self.first, moment.gradient)


def masked(rule: Regularisation, gradient: Array, moment: Moment) -> Array:
    """`rule.masked` of a rule that has it; the gradient itself of one that doesn't."""
    return rule.masked(gradient, moment) if isinstance(rule, Rule) else gradient


def after(rule: Regularisation, codes: Array, moment: Moment) -> Array:
    """`rule.after` of a rule that has it, or else `rule.shrink`."""
    return rule.after(codes, moment) if isinstance(rule, Rule) else rule.shrink(codes)
