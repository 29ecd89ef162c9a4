"""What is asked for, as the command line has it and a run's folder keeps it; and the plan that it makes."""

from __future__ import annotations

import dataclasses
import itertools
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from ..am import (
    ImageStart,
    Linear,
    NormPenalty,
    Schedule,
    Settings,
    Shrink,
    clip_by_name,
    paper,
    parse_objectives,
    released,
    released_from_image,
    released_googlenet,
)
from ..errors import DgnamError, FormatError, closest
from .execute import Extras
from .models import PriorInfo, TargetFiles, TargetInfo, open_prior, open_target
from .plan import Plan, check_count, make_plan
from .starts import IMAGE, open_start

SETTINGS = {
    "released": released,
    "paper": paper,
    "googlenet": released_googlenet,
    "from-image": released_from_image,
}
"""What --settings takes: the published code's for most networks, Eq. 1 at its word, the published code's for GoogLeNet
and from the code of a real image."""

OWN = "own"
"""In place of one of them: those published for the target, with steps that suit the prior, or the pixel prior's own."""


@dataclass(frozen=True)
class Request:
    """All options of a run; JSON can hold each.

    objective: the text of one or more objectives; see `am.parse_objectives`.
    prior: None for the one that suits the target.
    seed, seeds: the first seed, and how many from there on.
    settings: one of `SETTINGS`, or `OWN` for `usual_settings`; `iters`, `lr`, `end_lr`, `l2`, `norm_penalty` replace
        its numbers, each of several values with each of the others.
    clip: "act_range", "unit" or "none"; None takes the act_range where the prior has one, or a pixel prior's own.
    start: see `start_text`.
    movies, every, fps, published: see `Extras`.
    """

    target: str
    objective: str
    weights: str | None = None
    labels: str | None = None
    mean: str | None = None
    scale: float = 1.0
    channels: str = "BGR"
    prior: str | None = None
    prior_weights: str | None = None
    seed: int = 0
    seeds: int = 1
    settings: str = OWN
    iters: tuple[int, ...] = ()
    lr: tuple[float, ...] = ()
    end_lr: float | None = None
    l2: tuple[float, ...] = ()
    norm_penalty: tuple[float, ...] = ()
    clip: str | None = None
    start: str | None = None
    batch_size: int = 100
    device: str = "cpu"
    movies: tuple[str, ...] = ()
    every: int = 5
    fps: float = 10.0
    published: bool = False

    def as_dict(self) -> dict[str, Any]:
        """For the run's record."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any], where: Path) -> Request:
        """From a run's record, the file `where`."""
        known = {field.name for field in dataclasses.fields(cls)}
        if not {"target", "objective"} <= set(fields) <= known:
            raise FormatError(f"{where}: was not made by a command; go on with it from Python, as it was made")
        made: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in fields.items()}
        hints = get_type_hints(cls)
        for key, value in made.items():
            if not _fits(value, hints[key]):
                raise FormatError(f"{where}: its request has {key} {value!r}, which no command gives")
        return cls(**made)

    @property
    def extras(self) -> Extras:
        return Extras(self.movies, self.every, self.fps, self.published)

    def plan(self) -> Plan:
        """Open what is named, and make the plan."""
        if self.seeds < 1:
            raise DgnamError(f"seeds {self.seeds}: give how many images each objective gets, 1 or more")
        check_count(self.seeds)
        self.extras.check()
        files = TargetFiles(self.weights, self.labels, self.mean, self.scale, self.channels)
        target = open_target(self.target, files)
        prior = open_prior(self.prior, target.target.size, self.prior_weights)
        objectives = parse_objectives(self.objective, target.target, target.classes)
        start = open_start(self.start, prior)
        base = self._base(target, prior)
        return make_plan(
            target,
            prior,
            objectives,
            seeds=range(self.seed, self.seed + self.seeds),
            settings=varied(base, self.iters, self.lr, self.end_lr, self.l2, self.norm_penalty),
            clip=choose_clip(self.clip, prior),
            start=start,
            device=self.device,
            batch_size=self.batch_size,
        )

    def _base(self, target: TargetInfo, prior: PriorInfo) -> Settings:
        return settings_by_name(self.settings, usual_settings(target, prior, self.start))


def settings_by_name(name: str, own: Settings) -> Settings:
    """One of `SETTINGS`, or `own` by the name `OWN`."""
    if name == OWN:
        return own
    if name not in SETTINGS:
        raise DgnamError(f"settings '{name}': give one of {closest(name, [OWN, *SETTINGS])}")
    return SETTINGS[name]()


def usual_settings(target: TargetInfo, prior: PriorInfo, start: object) -> Settings:
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


def _fits(value: object, hint: Any) -> bool:
    """Whether a value is of the type of a field: a plain one, a union of them, or a tuple of one."""
    if get_origin(hint) is tuple:
        return isinstance(value, tuple) and all(_fits(item, get_args(hint)[0]) for item in value)
    allowed = get_args(hint) if get_args(hint) else (hint,)
    return type(value) in allowed or (type(value) is int and float in allowed and abs(value) <= sys.float_info.max)


def choose_clip(name: str | None, prior: PriorInfo) -> Any:
    """The bounds by name; where None, the prior's act_range, or the bounds that its settings ask for."""
    if name is not None:
        return clip_by_name(name, prior.act_range)
    return prior.clip if prior.act_range is None else clip_by_name("act_range", prior.act_range)


def varied(
    base: Settings,
    iters: Sequence[int],
    lr: Sequence[float],
    end_lr: float | None,
    l2: Sequence[float],
    norm_penalty: Sequence[float],
) -> list[Settings]:
    """`base` with each combination of the numbers given: steps, first step's size, L2 factors and Eq. 1's weights."""
    if l2 and norm_penalty:
        raise DgnamError("--l2 multiplies codes, and --norm-penalty is Eq. 1's term: give one of the two")
    rules: list[Shrink | NormPenalty] = [*map(Shrink, l2), *map(NormPenalty, norm_penalty)]
    if rules and not isinstance(base.regularisation, Shrink | NormPenalty):
        raise DgnamError(
            f"{'--l2' if l2 else '--norm-penalty'} would take the place of the prior's own rules, "
            f"{base.regularisation.label}: leave it out, or give --settings too"
        )
    found = []
    for steps, first, rule in itertools.product(_or_none(iters), _or_none(lr), _or_none(rules)):
        settings = base
        if steps is not None:
            settings = dataclasses.replace(settings, n_iters=steps)
        if first is not None or end_lr is not None:
            settings = dataclasses.replace(settings, schedule=_line(base.schedule, first, end_lr))
        if rule is not None:
            settings = dataclasses.replace(settings, regularisation=rule)
        found.append(settings)
    return found


def _line(old: Schedule, first: float | None, end_lr: float | None) -> Linear:
    """The schedule with another first step or end; where all steps have one size, they go on to."""
    if not isinstance(old, Linear):
        raise DgnamError("--lr and --end-lr would take the place of the prior's phases: leave them out")
    start = old.start if first is None else first
    usual = start if old.start == old.end else old.end
    return Linear(start, usual if end_lr is None else end_lr)


def _or_none(values: Sequence[Any]) -> Sequence[Any]:
    """The values, or one None that stands for "as it was"."""
    return values if values else [None]
