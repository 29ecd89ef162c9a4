"""pycaffe's OrderedDicts of a net's parts, with the closest names in the error for an unknown one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import TypeVar

from ...errors import unknown_name

V = TypeVar("V")


class ByName(OrderedDict[str, V]):
    """Blobs, layers or parameters in order; an unknown name raises UnknownNameError, a KeyError.

    net: the net's name, for the error.
    what: the kind of values, in the singular, such as "blob".
    """

    def __init__(self, items: Mapping[str, V] | Iterable[tuple[str, V]] = (), *, net: str = "", what: str = "entry"):
        super().__init__(items)
        self._net, self._what = net, what

    def __missing__(self, name: str) -> V:
        raise unknown_name(self._net, self._what, name, self)
