"""From the name of a class to its unit, as in `fc8:lemon`.

    classes = Classes.of_model(zoo.get("caffenet-mini"))
    classes.find("bell pepper", "fc8:bell pepper")          # a unit's number

Names are compared without regard to case, and to how accents are encoded; an underscore counts as a space.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ...errors import DgnamError, shortened
from ...zoo import Label, ModelEntry, labels_of
from ...zoo.layers import positions, units

_SHOWN = 8


@dataclass(frozen=True)
class Classes:
    """The classes of a target.

    labels: in the order of the units.
    scores: the layer of the classes' units; None for any layer with as many units and no positions.
    alone: whether no layer after `scores` has these classes, as a network with several heads needs it.
    within: prefix of the layers' names in a `JointTarget`, such as `places.`.
    """

    labels: tuple[Label, ...]
    scores: str | None = None
    within: str = ""
    alone: bool = False

    @classmethod
    def of_model(cls, entry: ModelEntry) -> Classes:
        """The classes of a classifier of the zoo; raises DgnamError for a generator."""
        return cls(tuple(entry.labels()), entry.scores)

    @classmethod
    def of_names(cls, names: Sequence[str] | Mapping[Any, Any], scores: str | None = None) -> Classes:
        """From one name for each unit, in order, or a dict; see `dgnam.zoo.label_files`."""
        return cls(tuple(labels_of(names)), scores)

    def of_target(self, name: str) -> Classes:
        """The same classes for the target called `name` in a `JointTarget`."""
        scores = None if self.scores is None else f"{name}.{self.scores}"
        return replace(self, scores=scores, within=f"{name}.{self.within}")

    def belong_to(self, layer: str, layers: Sequence[str], shape_of: Callable[[str], Sequence[int]]) -> bool:
        """Whether the units of `layer` are these classes: the scores layer, or one after it with as many units.

        layers: all layers of the target, in order.
        """
        if not layer.startswith(self.within):
            return False
        if layer == self.scores:
            return True
        if self.alone:
            return False
        if self.scores is not None and layers.index(layer) < _place(self.scores, layers):
            return False
        shape = shape_of(layer)
        return units(shape) == len(self.labels) and not positions(shape)

    def find(self, name: str, text: str) -> int:
        """The unit of class `name`: one of the label's names, its key, or its whole line.

        text: quoted in errors.
        Raises DgnamError with the closest names for an unknown one, with the units for one of several classes.
        """
        found = sorted(self._units.get(_plain(name), ()))
        if len(found) == 1:
            return found[0]
        if found:
            choices = ", ".join(f"{unit} ({', '.join(self.labels[unit].names)})" for unit in found)
            raise DgnamError(f"'{shortened(text)}': '{name}' is the name of several classes; give a number: {choices}")
        raise DgnamError(
            f"'{shortened(text)}': there is no class '{shortened(name)}' among {len(self.labels)}; "
            f"the closest: {self._closest(name)}"
        )

    @cached_property
    def _units(self) -> dict[str, set[int]]:
        """The units of each name and key, both normalized."""
        units: dict[str, set[int]] = {}
        for unit, label in enumerate(self.labels):
            whole = ", ".join(label.names)
            for name in (label.key, *label.names, whole, f"{label.key} {whole}"):
                units.setdefault(_plain(name), set()).add(unit)
        return units

    def __contains__(self, name: str) -> bool:
        """Whether this is a name, a key, or a whole line of the list of classes."""
        return _plain(name) in self._units

    def _closest(self, name: str) -> str:
        """Names with their units: those containing `name`, then those of similar spelling."""
        shown: dict[str, None] = {}
        wanted = _plain(name)[:100]
        spelled = {_plain(own): (own, unit) for unit, label in enumerate(self.labels) for own in self._names(label)}
        alike = difflib.get_close_matches(wanted, spelled, n=_SHOWN, cutoff=0.5)
        holding = [key for key in spelled if wanted and wanted in key]
        for key in (*alike[:1], *holding, *alike, *spelled):
            shown.setdefault(f"{spelled[key][0]} ({spelled[key][1]})")
            if len(shown) == _SHOWN:
                break
        return ", ".join(shown)

    @staticmethod
    def _names(label: Label) -> Iterator[str]:
        yield from label.names
        yield label.key


def _place(layer: str, layers: Sequence[str]) -> int:
    return layers.index(layer) if layer in layers else 0


def _plain(name: str) -> str:
    """The name, normalized for comparison."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFD", name).casefold())
    return " ".join(folded.replace("_", " ").split())
