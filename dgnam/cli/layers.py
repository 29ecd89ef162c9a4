"""`dgnam layers`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

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
    labels: Annotated[Path | None, typer.Option(help="The target's classes, one per line.")] = None,
) -> None:
    """List a network's layers: type, shape, units, positions, and an objective for each."""
    from ..zoo.layers import read_layers, table_lines

    rows = read_layers(target) if weights is None and labels is None else None
    if rows is None:
        from ..api.layers import describe

        rows = describe(target, weights=weights, labels=labels)
    say(table_lines(rows))
