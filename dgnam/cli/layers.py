"""`dgnam layers`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from . import options as o
from .terminal import say


def layers(
    target: Annotated[
        str,
        typer.Argument(
            help="A model of `dgnam models list`, package.module:name of a Target in Python, several of these, "
            "comma-separated, or your own deploy prototxt."
        ),
    ],
    weights: Annotated[Path | None, typer.Option(help="Weights, to check that they fit; optional.")] = None,
    labels: o.Labels = None,
    labels_layer: o.LabelsLayer = None,
) -> None:
    """List a network's layers: type, shape, units, positions, and an objective for each."""
    from ..zoo.layers import read_layers, table_lines

    plain = weights is None and labels is None and labels_layer is None
    rows = read_layers(target) if plain else None
    if rows is None:
        from ..api.layers import describe

        rows = describe(target, weights=weights, labels=labels, labels_layer=labels_layer)
    say(table_lines(rows))
