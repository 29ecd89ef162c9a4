"""The layers of the zoo's models, recorded, so that listing them builds no network and imports no torch.

`models/layers.json` is written by `python -m tests.zoo.record_layers`, and a test holds it against the networks.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from .folders import data_folder

HEADINGS = ("layer", "type", "shape", "units", "positions", "as an objective")


def units(shape: Sequence[int]) -> int:
    """The number of units of a layer whose values of one image have this shape.

    (C,), (C, H, W) and longer shapes have the units first; (T, C), the tokens of a transformer, has its features last.
    """
    if not shape:
        return 0
    return shape[1] if len(shape) == 2 else shape[0]


def positions(shape: Sequence[int]) -> tuple[int, ...]:
    """The positions that each unit has: (H, W), or (T,) tokens; () where there is only one."""
    found = tuple(shape[:1] if len(shape) == 2 else shape[1:])
    return () if all(size == 1 for size in found) else found


@dataclass(frozen=True)
class LayerRow:
    """One layer.

    type: Caffe's layer type, or a torch module's class.
    shape: of one image's values at its first top, (C,), (T, C) or (C, H, W); None where that is not known, or no
        tensor.
    example: the text of an objective that asks for one of its units; None where it has none.
    note: why it has none.
    """

    name: str
    type: str
    shape: tuple[int, ...] | None
    example: str | None
    note: str = ""

    @property
    def units(self) -> int | None:
        """How many units it has."""
        return units(self.shape) if self.shape else None

    @property
    def positions(self) -> tuple[int, ...]:
        """The positions of a convolutional layer, or the tokens of a transformer's; () for a layer without."""
        return positions(self.shape) if self.shape else ()


def read_layers(model: str) -> list[LayerRow] | None:
    """The layers of a model in the zoo; None for another one."""
    path = data_folder("models") / "layers.json"
    recorded = json.loads(path.read_text(encoding="utf-8")).get(model)
    if recorded is None:
        return None
    return [LayerRow(name, kind, None if shape is None else tuple(shape), text) for name, kind, shape, text in recorded]


def table_lines(rows: Sequence[LayerRow]) -> list[str]:
    """The table as lines of text, its columns under headings."""
    cells = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    return ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _cells(row: LayerRow) -> tuple[str, ...]:
    shape = "?" if row.shape is None else "x".join(map(str, row.shape))
    if row.note:
        return row.name, row.type, shape, "", "", f"({row.note})"
    count = "" if row.units is None else str(row.units)
    example = "" if row.example is None else row.example
    return row.name, row.type, shape, count, "x".join(map(str, row.positions)), example
