"""Objectives from text.

    fc8:945                        a unit by its number
    fc8:lemon   fc8:"bell pepper"  by the name of its class, with or without quotes
    fc8:0-199   fc8:3,17,40-49     several units, an objective for each; fc8:* for all of them
    fc8:lemon,conv5:3              several objectives, of any layers
    conv5:55@6,6   conv5:55@6      a convolutional unit at (row, column); by default at the center
    conv5:55@all                   the mean of the whole channel
    blocks.3:55@0   blocks.3:55@all                    a transformer's feature 55: of token 0, the mean over all tokens
    fc8:643 + 0.5*fc8:624 - 2*conv5:55@6,6             a weighted sum
    caffenet.fc8:lemon + places.fc8:3                  across networks, with a `JointTarget`
    fc6:vector.npy                                     the projection on a direction, from a NumPy file
    fc8:0-9 + 0.1*conv5:diversity                      images that differ, with the term in all ten objectives

Names of layers may contain `/`, `.` and `-`; the target's list of layers tells a name from a minus sign.  The `str` of
an objective reads back as the same objective.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...data.preprocessing import read_npy
from ...errors import DgnamError, closest, shortened
from ...zoo.layers import positions, units
from .channel import Channel
from .class_names import Classes
from .direction import Direction
from .diversity import Diversity
from .objective import Objective, Term, WeightedSum
from .unit import Unit

FORMS = "fc8:945, fc8:lemon, fc8:0-9, conv5:55@6,6, conv5:55@all or a sum such as fc8:3 + 0.5*fc8:7"

_NUMBER = r"(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_SIGN = re.compile(r"\s*([+-])")
_WEIGHT = re.compile(rf"\s*({_NUMBER})\s*\*\s*")
_SOME_LAYER = re.compile(r'[^\s:+*",@]+\s*:')
_SOME_OBJECTIVE = re.compile(rf'[+-]?(?:\s*{_NUMBER}\s*\*)?\s*([^\s:+*",@]+)\s*:')
_COLON = re.compile(r"\s*:")
_RANGE = re.compile(r"([0-9]{1,12})(?:\s*-\s*([0-9]{1,12}))?")
_PLACE = re.compile(r"\s*([0-9]{1,9})\s*(?:,\s*([0-9]{1,9})\s*)?")
_NUMBERS = re.compile(r"[-0-9,\s]+(?:@.*)?")
_VECTOR, _MOST_VECTOR = ".npy", 1 << 30
_DIVERSITY, _ALL_PLACES, _ALL_UNITS = "diversity", "all", "*"


class Layered(Protocol):
    """The part of `am.Target` needed here."""

    def layers(self) -> list[str]: ...

    def layer_shape(self, layer: str) -> tuple[int, ...]: ...


def parse_objectives(text: str, target: Layered, classes: Sequence[Classes] = ()) -> list[Objective]:
    """The objectives of `text`, each valid for `target`: one, or one for each of several units.

    classes: names of units, for each network with names.
    Raises DgnamError for malformed text, and for layers, units, positions and classes unknown to the target.
    """
    pieces = split_objectives(text, target)
    return [objective for piece in pieces for objective in _Reader(piece, target, classes).read()]


def split_objectives(text: str, target: Layered) -> list[str]:
    """The text, split at the commas that a layer of the target follows."""
    return _Reader(text, target, ()).pieces()


def has_place(text: str) -> bool:
    """Whether a text says at which positions its units are."""
    return bool(_outside_quotes(text, "@"))


def parse_objective(text: str, target: Layered, classes: Sequence[Classes] = ()) -> Objective:
    """The objective of `text`; raises DgnamError if it asks for several."""
    found = parse_objectives(text, target, classes)
    if len(found) != 1:
        raise DgnamError(f"'{shortened(text)}' asks for {len(found)} units; give one")
    return found[0]


@dataclass(frozen=True)
class _Part:
    """One term of a sum as written: its weight or None, its layer, and what follows the colon."""

    weight: float | None
    layer: str
    body: str


class _Reader:
    def __init__(self, text: str, target: Layered, classes: Sequence[Classes]):
        self.text, self.target, self.classes = text, target, classes
        self.layers = target.layers()
        self._longest_first = sorted(self.layers, key=len, reverse=True)

    def pieces(self) -> list[str]:
        """See `split_objectives`."""
        commas = [at for at in _outside_quotes(self.text, ",") if self._layer_at(self._begin(at + 1)) is not None]
        ends = [-1, *commas, len(self.text)]
        found = [self.text[i + 1 : j] for i, j in itertools.pairwise(ends)]
        if len(found) > 1 and not found[0].strip():
            raise self._fail("an objective is missing before the first comma")
        return found

    def _begin(self, at: int) -> int:
        """Where the layer of an objective written at this position begins, after a sign and a weight."""
        sign = _SIGN.match(self.text, at)
        return self._weight_at(at if sign is None else sign.end())[1]

    def read(self) -> list[Objective]:
        parts = self._parts()
        choices = [self._terms(part) for part in parts]
        several = [part.body for part, terms in zip(parts, choices, strict=True) if len(terms) > 1]
        if len(several) > 1:
            raise self._fail(
                f"a sum may list several units in one of its terms, and has '{several[0]}', '{several[1]}'"
            )
        count = max(len(terms) for terms in choices)
        return [self._sum(parts, [terms[min(i, len(terms) - 1)] for terms in choices]) for i in range(count)]

    def _sum(self, parts: Sequence[_Part], terms: Sequence[Term]) -> Objective:
        if len(parts) == 1 and parts[0].weight is None:
            return terms[0]
        weights = [1.0 if part.weight is None else part.weight for part in parts]
        return WeightedSum(tuple(zip(weights, terms, strict=True)))

    def _parts(self) -> list[_Part]:
        """The text split into its terms."""
        parts, at, sign = list[_Part](), 0, ""
        leading = _SIGN.match(self.text)
        if leading is not None and self._term_begins(leading.end()):
            at, sign = leading.end(), leading[1]
        while True:
            weight, layer, begin = self._head(at, sign)
            end = self._end(begin)
            parts.append(_Part(weight, layer, self.text[begin:end].strip()))
            if end == len(self.text):
                return parts
            at, sign = end + 1, self.text[end]

    def _head(self, at: int, sign: str) -> tuple[float | None, str, int]:
        """Weight and layer of the term at this position, and where its body begins."""
        written, begin = self._weight_at(at)
        factor = None if written is None else float(written)
        if written is not None and factor is not None and not math.isfinite(factor):
            raise self._fail(f"the weight {shortened(written)} is too large")
        if sign == "-":
            factor = -1.0 if factor is None else -factor
        layer = self._layer_at(begin)
        if layer is not None:
            return factor, layer, self.text.index(":", begin + len(layer)) + 1
        name, colon, _ = (part.strip() for part in self.text[begin:].partition(":"))
        raise self._no_layer(name) if colon and name else self._not_a_unit(name)

    def _weight_at(self, at: int) -> tuple[str | None, int]:
        """The weight written at this position, or None, and where the term after it begins."""
        weight = _WEIGHT.match(self.text, at)
        begin = at if weight is None else weight.end()
        while self.text[begin : begin + 1].isspace():
            begin += 1
        return (None if weight is None else weight[1]), begin

    def _layer_at(self, at: int) -> str | None:
        """The longest name of a layer of the target, followed by a colon, at this position."""
        for layer in self._longest_first:
            if self.text.startswith(layer, at) and _COLON.match(self.text, at + len(layer)) is not None:
                return layer
        return None

    def _term_begins(self, at: int) -> bool:
        """Whether a term begins here, of a known or unknown layer."""
        _, begin = self._weight_at(at)
        return self._layer_at(begin) is not None or _SOME_LAYER.match(self.text, begin) is not None

    def _end(self, begin: int) -> int:
        """Where a term's body ends: at an operator outside quotes, followed by another term."""
        quoted = False
        for i in range(begin, len(self.text)):
            if self.text[i] == '"':
                quoted = not quoted
            elif self.text[i] in "+-" and not quoted and self._term_begins(i + 1):
                return i
        if quoted:
            raise self._fail("a quote is not closed")
        return len(self.text)

    def _terms(self, part: _Part) -> list[Term]:
        """The terms listed in the body of a part, checked against the layer's shape."""
        if part.body.endswith(("+", "-")):
            raise self._fail(f"a term is missing after the last '{part.body[-1]}'")
        if part.body == _DIVERSITY:
            return [Diversity(part.layer)]
        shape = self.target.layer_shape(part.layer)
        if part.body.endswith(_VECTOR):
            direction = Direction(part.layer, read_npy(Path(part.body), "a direction", _MOST_VECTOR), part.body)
            direction.check(shape)
            return [direction]
        if not shape:
            raise self._fail(f"layer '{part.layer}' gives one number for a whole batch and has no units")
        items, place = self._items(part)
        terms = [
            self._term(part.layer, unit, place, shape) for item in items for unit in self._units(part, item, shape)
        ]
        for term in terms:
            term.check(shape)
        return terms

    def _items(self, part: _Part) -> tuple[list[str], str | None]:
        """The items between commas, and the position after `@`."""
        named = "," in part.body and _NUMBERS.fullmatch(part.body) is None
        if named and any(part.body in classes for classes in self._classes_of(part.layer)):
            return [part.body], None  # a whole line of names, with its commas
        at = _outside_quotes(part.body, "@")
        if len(at) > 1:
            raise self._fail(f"'{part.body}' has more than one @; a place holds for all units before it")
        listed, place = (part.body[: at[0]], part.body[at[0] + 1 :].strip()) if at else (part.body, None)
        commas = [-1, *_outside_quotes(listed, ","), len(listed)]
        items = [listed[i + 1 : j].strip() for i, j in itertools.pairwise(commas)]
        if not all(items):
            raise self._not_a_unit(f"{part.layer}:{part.body}")
        for item in items[1:]:
            objective = _SOME_OBJECTIVE.match(item)
            if objective is not None and not any(item in classes for classes in self._classes_of(part.layer)):
                raise self._no_layer(objective[1])
        return items, place

    def _units(self, part: _Part, item: str, shape: tuple[int, ...]) -> range | list[int]:
        """The numbers of the units of an item."""
        count = units(shape)
        if item == _ALL_UNITS:
            return range(count)
        found = _RANGE.fullmatch(item)
        if found is None:
            return [self._class(part.layer, item)]
        first, last = int(found[1]), int(found[1] if found[2] is None else found[2])
        if max(first, last) >= count:
            raise self._fail(f"layer '{part.layer}' has {count} units, 0 to {count - 1}, and not {item}")
        if last < first:
            raise self._fail(f"the range {item} runs backwards; write {last}-{first}")
        return range(first, last + 1)

    def _class(self, layer: str, item: str) -> int:
        quoted = len(item) > 1 and item[0] == item[-1] == '"' and item.count('"') == 2
        name = item[1:-1] if quoted else item
        if not quoted and '"' in item:
            raise self._fail(f'{item}: quotes go around the whole name of a class, as fc8:"bell pepper"')
        if not quoted and re.fullmatch(r"[-+.]?[0-9][-+.0-9eE]*", name):
            count, wrong = units(self.target.layer_shape(layer)), shortened(name)
            raise self._fail(f"'{wrong}' is not a unit of layer '{layer}', which has {count}, 0 to {count - 1}")
        for classes in self._classes_of(layer):
            return self._numbered(classes, layer, name)
        raise self._fail(f"the units of layer '{layer}' have no names, so '{shortened(name)}' is none{self._named()}")

    def _classes_of(self, layer: str) -> list[Classes]:
        """The names of the units of a layer."""
        return [one for one in self.classes if one.belong_to(layer, self.layers, self.target.layer_shape)]

    def _numbered(self, classes: Classes, layer: str, name: str) -> int:
        count = units(self.target.layer_shape(layer))
        if count != len(classes.labels):
            raise self._fail(f"layer '{layer}' has {count} units, and {len(classes.labels)} classes are named")
        return classes.find(name, self.text)

    def _named(self) -> str:
        named = [classes.scores for classes in self.classes if classes.scores is not None]
        return ": give a number" if not named else f": give a number; names are those of {', '.join(named)}"

    def _term(self, layer: str, unit: int, place: str | None, shape: tuple[int, ...]) -> Term:
        plane = positions(shape)
        if place == _ALL_PLACES:
            return Channel(layer, unit)
        if place is not None:
            found = _PLACE.fullmatch(place)
            if found is None:
                raise self._fail(
                    f"'@{shortened(place)}': a place is @row,column, one number for both, @token of a transformer, or "
                    "@all"
                )
            row = int(found[1])
            column = row if found[2] is None else int(found[2])
            if not plane and (len(shape) == 1 or row or column):
                raise self._fail(f"layer '{layer}' has no places to choose from, so leave out '@{place}'")
            if len(plane) == 1 and found[2] is not None:
                raise self._fail(f"'@{place}': layer '{layer}' has {plane[0]} tokens; give one number, as @{row}")
            return Unit(layer, unit, (row, column))
        if len(plane) == 2:
            return Unit(layer, unit, (plane[0] // 2, plane[1] // 2))
        return Unit(layer, unit)

    def _no_layer(self, name: str) -> DgnamError:
        # Layers containing the name are the likeliest: `places.fc8` of a joint target for `fc8`.
        holding = [layer for layer in self.layers if name in layer]
        choices = closest(name, holding if holding else self.layers)
        return self._fail(f"there is no layer '{shortened(name)}'; the closest: {choices}")

    def _not_a_unit(self, name: str) -> DgnamError:
        if name in self.layers:
            return self._fail(f"say which unit of layer '{name}', as {name}:0")
        return self._fail(f"'{shortened(name)}' is not a unit: write {FORMS}")

    def _fail(self, reason: str) -> DgnamError:
        return DgnamError(f"objective '{shortened(self.text)}': {reason}")


def _outside_quotes(text: str, sign: str) -> list[int]:
    """Positions of `sign` in `text` outside double quotes."""
    return [i for i, letter in enumerate(text) if letter == sign and text.count('"', 0, i) % 2 == 0]
