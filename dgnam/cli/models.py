"""The commands under `dgnam models`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from tqdm import tqdm

from ..errors import DgnamError
from ..train.zoo.verify import Check, verify
from ..zoo import registry as zoo

app = typer.Typer(help="The networks that dgnam knows.", no_args_is_help=True)

MISMATCH = 1
"""The exit status where a model is not what its card says."""

Name = Annotated[str, typer.Argument(help="A model of `dgnam models list`.")]


@app.command("list")
def list_models() -> None:
    """List all models: name, kind, whether the weights are here, and what it is."""
    for entry in zoo.list_models():
        print(f"{entry.name:24} {entry.kind:10} {entry.state():9} {entry.title}")


@app.command()
def fetch(name: Name) -> None:
    """Download and check a model's weights, or say where to put them by hand."""
    print(zoo.get(name).weights_path())


@app.command()
def where(name: Name) -> None:
    """Show where a model's files lie, or would lie, and whether each is there."""
    entry = zoo.get(name)
    for what, path in entry.places().items():
        print(f"{what:10} {entry.state(what):8} {path}")


@app.command("verify")
def verify_models(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models of `dgnam models list`; all whose weights are here if left out.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The folder of the image sets, to measure with; $DGNAM_DATA if left out.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Check models: checksums, shapes, bounds, and with the held-out pictures what their cards say was measured."""
    chosen = [zoo.get(name).name for name in names] if names else _all_here()
    checks = []
    for check in _verified(chosen, data, progress=not quiet):
        checks.append(check)
        with tqdm.external_write_mode():  # the bar makes room for the line
            print(check.line, flush=True)
    wrong = sum(check.right is False for check in checks)
    skipped = sum(check.right is None for check in checks)
    print(f"==> {len(checks) - wrong - skipped} right, {wrong} wrong, {skipped} skipped")
    if wrong:
        raise typer.Exit(MISMATCH)
    if names and any(check.what == "weights" and check.text.startswith("not here") for check in checks):
        raise DgnamError("a model that was asked for is not here: dgnam models fetch NAME")


def _verified(names: list[str], data: Path | None, progress: bool) -> Iterator[Check]:
    """The checks of all models, with a bar of the models that are done, and the one that is at work named."""
    with tqdm(total=len(names), unit="model", desc="verifying", disable=not progress) as bar:
        for name in names:
            bar.set_postfix_str(name)
            yield from verify(name, data)
            bar.update()


def _all_here() -> list[str]:
    """The small models, which must be here, and the published ones that are."""
    return [entry.name for entry in zoo.list_models() if entry.kind == "mini" or entry.state() != "missing"]
