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
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed of the choice and the order.")] = 0,
    data: Annotated[Path | None, typer.Option(help="The folder of the image sets, for real pictures.")] = None,
) -> None:
    """Lay out pictures of each kind, shuffled and unlabeled, to be named from the list of classes."""
    from dgnam.experiments import blind_naming

    pages = blind_naming.write_sheets(run, seed, data)
    say([f"==> made: {', '.join(map(str, pages))}, names.txt and key.json beside them"])


@app.command("score")
def score(
    run: Annotated[Path, typer.Argument(help="The run folder holding the sheets.")],
    answers: Annotated[list[Path], typer.Argument(help="Of each rater a text file with one `number name` per line.")],
) -> None:
    """Count how many pictures of each kind raters named right, and how far two raters agree."""
    from dgnam.experiments import blind_naming

    found = blind_naming.score(run, answers).as_dict()
    for kind, values in found["kinds"].items():
        shares = ", ".join(f"{rater} {right}" for rater, right in zip(found["raters"], values["right"], strict=True))
        say([f"{kind:16} of {values['pictures']} right: {shares}"])
    if found["kappa"] is not None:
        say([f"Cohen's kappa {found['kappa']['value']:.2f}"])
