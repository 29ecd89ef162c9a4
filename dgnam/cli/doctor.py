"""`dgnam doctor`."""

from __future__ import annotations

from typing import Annotated

import typer

from . import options as o


def doctor(
    as_json: o.Json = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Only see whether models are there, and compare no checksums.")
    ] = False,
    deep: Annotated[bool, typer.Option("--deep", help="Import each package, and ask torch for its devices.")] = False,
) -> None:
    """Show what is installed and usable here: packages, backends, devices, models, memory and disk."""
    from ..doctor import main

    raise typer.Exit(main(as_text=not as_json, deep=deep, checksums=not quick))
