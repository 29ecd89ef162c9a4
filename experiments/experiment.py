"""What an experiment declares: networks, how much is made at each scale, claims, and its function.

EXPERIMENT = Experiment("fig1", "3.1", "Fig. 1", models={"mini": Models("caffenet-mini", …)}, run=run)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .context import Context

OUTSIDE = "outside"
"""Among the judges: EfficientNet-Lite0, of the extra dgnam[judge]."""

UNITS, BACKEND = "units", "backend"
OPTIONS = {
    UNITS: "its units are hidden ones of the layers that it compares, evenly spread",
    BACKEND: "only fig1 is made by the published loop as well",
}
"""The options that not every experiment heeds, and why not."""


@dataclass(frozen=True)
class Size:
    """How much is made.

    units: at most so many, evenly spread over those of the experiment; None for all.
    seeds: for each unit.
    steps: of a search; None for the settings' own number.
    """

    units: int | None
    seeds: int = 1
    steps: int | None = None


SIZES = MappingProxyType({"smoke": Size(4, 1, 3), "small": Size(20, 1), "full": Size(None, 2)})
"""Smoke: does everything run?  Small: a first look, on two cores in minutes.  Full: what the claims ask for."""


@dataclass(frozen=True)
class Models:
    """The networks of an experiment, by their names in the registry.

    judges: classifiers that were never a target, and `OUTSIDE`; they see the target's classes.
    others: further networks that the experiment opens, by the part they play.
    pictures: the image sets without which nothing can be said.
    units: those of the figure; None for all.
    columns, enlarge: the figure's layout: pictures in a row, and how many times as large they are shown.
    note: written under the figures.
    """

    target: str
    prior: str
    judges: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    units: tuple[int, ...] | None = None
    columns: int = 20
    enlarge: int = 1
    note: str = ""

    @property
    def files(self) -> list[str]:
        """The networks beside target and prior that are opened by name."""
        return [name for name in (*self.judges, *self.others.values()) if name != OUTSIDE]


@dataclass(frozen=True)
class Replacement:
    """What a network must be that is given in place of an experiment's target.

    same_classes: it has the classes of the experiment's own target, which judges, labels and kept numbers are of.
    layers: it has these.
    own_pictures: it is shown the experiment's pictures; otherwise those that it was itself trained or measured on,
        which must then be known.
    """

    same_classes: bool = True
    layers: tuple[str, ...] = ()
    own_pictures: bool = False


@dataclass(frozen=True)
class Experiment:
    """An experiment of the paper.

    section, figure: where it stands in the paper.
    models: for "mini" and, where they are there, "128" and "paper".
    run: makes the steps, shows them, decides the claims, and returns further numbers.
    claims: the names of those that it decides, in `claims.toml`.
    sizes: for each scale.
    unpublished: what of the paper's nobody publishes, where there are small models only.
    main: the step whose figure stands for the experiment; None for the first figure, which is the overview.
    further: the names of figures that are recorded beside it.
    replacement: what another target must be; None where the experiment takes none.
    clips: whether targets see clips; otherwise they see single images.
    inverts: the layer that another prior, always a generator, must invert; None for any.
    reconstructs: whether it reconstructs pictures by the prior, whose encoder must be known then.
    options: those of `OPTIONS` that it heeds.
    first_units: units may be asked for among the first so many; None for all of the class scores.
    """

    name: str
    section: str
    figure: str
    models: Mapping[str, Models]
    run: Callable[[Context], Mapping[str, Any]]
    claims: tuple[str, ...] = ()
    sizes: Mapping[str, Size] = field(default_factory=lambda: SIZES)
    unpublished: str = ""
    main: str | None = None
    further: tuple[str, ...] = ()
    replacement: Replacement | None = None
    clips: bool = False
    inverts: str | None = None
    reconstructs: bool = False
    options: tuple[str, ...] = (UNITS,)
    first_units: int | None = None


mini = partial(Models, enlarge=2, note="Small models of our own, at 64 px.")
published = partial(Models, columns=10, note="The published models.")
"""Small and published models, with the layout of their figures."""
