"""`dgnam record`, for a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import say


def record(
    run: Annotated[
        Path,
        typer.Argument(
            help="A finished run of an experiment: small models, all units, from seed 0, not smoke; or what "
            "`dgnam bench --output` wrote."
        ),
    ],
    root: Annotated[Path, typer.Option(help="The checkout.")] = Path(),
) -> None:
    """Record a run's numbers and figures in experiments/results/, and rewrite the generated tables."""
    from dgnam.experiments import tables

    say(f"==> wrote: {path}" for path in tables.record(run, root))
