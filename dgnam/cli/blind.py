"""The commands under `dgnam blind`, for a checkout."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .terminal import say

app = typer.Typer(
    help="Name synthesized images without seeing their labels.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("sheet")
def sheet(
    run: Annotated[Path, typer.Argument(help="A run folder of figure 1 with all units.")],
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed of the pictures' order.")] = 0,
) -> None:
    """Lay out thirty images, every seventh class, shuffled and unlabeled, to be named from the list of classes."""
    from dgnam.experiments import blind_naming

    say([f"==> made: {blind_naming.write_sheet(run, seed)}, names.txt and key.json beside it"])


@app.command("score")
def score(
    run: Annotated[Path, typer.Argument(help="The run folder holding the sheet.")],
    answers: Annotated[Path, typer.Argument(help="A text file with one `number name` per line.")],
) -> None:
    """Count how many answers name the intended class."""
    from dgnam.experiments import blind_naming

    found = blind_naming.score(run, answers)
    say(f"{number:3} {truth:24} {answer}" for number, truth, answer in found.rows)
    say([f"==> {found.right} of {len(found.rows)} named right"])
