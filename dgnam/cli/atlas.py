"""`dgnam atlas`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import say


def atlas(
    runs: Annotated[
        list[Path] | None, typer.Argument(help="Folders of runs, or of several runs each; default: runs.")
    ] = None,
    output: Annotated[Path, typer.Option(help="The folder for the pages: a new one, or one with an atlas.")] = Path(
        "atlas"
    ),
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy the pictures and other files, so that the pages can be published.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Serve the pages, and look for new runs when the index is loaded.")
    ] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="With --serve: the port; 0 takes a free one.")] = 8000,
    host: Annotated[
        str, typer.Option(help="With --serve: the address to listen at; 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
) -> None:
    """Make static pages of runs: an index, and of each run its pictures, figures, tables and settings."""
    from ..atlas import build
    from ..atlas.server import serve as serve_pages

    places = runs if runs else [Path("runs")]
    if serve:
        serve_pages(places, output, copy=copy, host=host, port=port, on_start=_tell)
        return
    built = build(places, output, copy=copy)
    say((f"{one.name}: {one.reason}" for one in built.refused), aside=True)
    changes = f"{len(built.folders)} runs, {built.made} of them new or changed, {built.dropped} gone"
    say([f"==> made: {built.index} ({changes})"])


def _tell(url: str) -> None:
    say([f"==> serving {url} (Ctrl-C ends it)"], aside=True)
