"""The commands under `dgnam models`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .. import zoo
from ..errors import DgnamError
from . import options as o
from .terminal import say

if TYPE_CHECKING:
    from ..train.zoo.verify import Check
    from ..zoo.fetching import Item

app = typer.Typer(help="List, fetch, verify and evaluate models.", no_args_is_help=True, rich_markup_mode=None)

MISMATCH = 1
"""The exit status where a model contradicts its card."""

INCOMPLETE = 1
"""The exit status where a file can't be had."""

PAPER = "paper"

Name = Annotated[str, typer.Argument(help="A model of `dgnam models list`.")]


@app.command("list")
def list_models() -> None:
    """List all models: name, kind, state of the weights, title."""
    for entry in zoo.list_models():
        print(f"{entry.name:24} {entry.kind:10} {entry.state():9} {entry.title}")


@app.command()
def fetch(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Models of `dgnam models list`, or paper: all that the paper's experiments need.", metavar="NAME…"
        ),
    ],
) -> None:
    """Download models and check them; size and license come first, and last a table of what is here.

    A download that broke off goes on where it ended.  The exit status is 1 where something can't be had.
    """
    from ..zoo import fetching

    chosen = list(dict.fromkeys(one for name in names for one in (_paper() if name == PAPER else [zoo.get(name).name])))
    untrained = next((name for name in chosen if zoo.get(name).untrained), None)
    if untrained is not None:
        zoo.get(untrained).weights_path()  # an error that says how to train it
    items = fetching.needed(chosen)
    say(_plan(items), aside=True)
    fetching.check_room(items)
    found = []
    for item in items:
        found.append(fetching.obtain(item))
        say([f"{_called(item):32} {found[-1].state}"], aside=True)
    if len(chosen) == 1:
        if found[0].good:
            print(zoo.get(chosen[0]).weights_path())
        if not all(item.good for item in found):
            raise DgnamError("; ".join(item.reason for item in found if not item.good))
        return
    say(_table(found))
    if not all(item.good for item in found):
        raise typer.Exit(INCOMPLETE)


@app.command("add")
def add_files(
    files: Annotated[
        list[Path],
        typer.Argument(help="Weights (.caffemodel, .pt), an act_range (.txt), or the archive that holds the weights."),
    ],
    name: Annotated[str, typer.Option("--as", help="The published model whose files they are.")],
) -> None:
    """Take files of a published model that you got by hand: checked first, then copied to where a download would be."""
    from ..zoo.adding import add

    for path in add(files, name):
        print(path)


@app.command()
def where(name: Name) -> None:
    """Show the paths of a model's files, and whether each exists."""
    entry = zoo.get(name)
    for what, path in entry.places().items():
        print(f"{what:10} {entry.state(what):8} {path}")


@app.command("verify")
def verify_models(
    names: Annotated[
        list[str] | None, typer.Argument(help="Models of `dgnam models list`; default: all with weights here.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(help="The folder of the image sets, to measure accuracy; default: $DGNAM_DATA.")
    ] = None,
    quiet: o.Quiet = False,
) -> None:
    """Verify models: checksums, shapes, bounds and, with the image sets, the numbers of their cards."""
    from tqdm import tqdm

    chosen = [zoo.get(name).name for name in names] if names else _all_here()
    checks = []
    for check in _verified(chosen, data, progress=not quiet):
        checks.append(check)
        with tqdm.external_write_mode():  # the bar makes room for the line
            say([check.line])
    wrong = sum(check.right is False for check in checks)
    skipped = sum(check.right is None for check in checks)
    print(f"==> {len(checks) - wrong - skipped} right, {wrong} wrong, {skipped} skipped")
    if wrong:
        raise typer.Exit(MISMATCH)
    if names and any(check.what == "weights" and check.text.startswith("not here") for check in checks):
        raise DgnamError("the weights of a requested model are missing: dgnam models fetch NAME")


@app.command("evaluate")
def evaluate_model(
    model: Annotated[
        str, typer.Argument(help="A generator of our own; with --preferred also pixels, the control without one.")
    ],
    run: Annotated[
        Path | None, typer.Option(help="The folder of its training, to evaluate the last checkpoint there.")
    ] = None,
    preferred: Annotated[
        bool, typer.Option("--preferred", help="Judge the preferred images of output units, not reconstructions.")
    ] = False,
    target: Annotated[
        str | None, typer.Option(help="With --preferred: whose units; default: the generator's encoder.")
    ] = None,
    seed: o.Seed = 0,
    half: Annotated[
        str, typer.Option(help="even, to choose by, or odd, to report: of the pictures or units.")
    ] = "even",
    count: Annotated[int | None, typer.Option(help="At most so many of them; default: all of the half.")] = None,
    judge: Annotated[
        str | None, typer.Option(help="One more judge: a classifier that knows the classes, such as squeezenet.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option(help="A PNG to write, of the images.")] = None,
    data: o.Data = None,
    quiet: o.Quiet = False,
) -> None:
    """Have the judges, one of them from outside, look for the classes in a generator's images; prints JSON.

    Without --preferred the images are reconstructions of held-out pictures.  Needs the extra dgnam[judge].
    """
    from ..api.evaluate import evaluate_preferred, evaluate_reconstructions

    usual = {"run": run, "half": half, "count": count, "judge": judge, "sheet": sheet, "data": data}
    if preferred:
        found = evaluate_preferred(model, **usual, target=target, seed=seed, progress=not quiet)  # type: ignore[arg-type]
    elif target is not None:
        raise DgnamError("--target is for --preferred")
    else:
        found = evaluate_reconstructions(model, **usual)  # type: ignore[arg-type]
    print(json.dumps(found))


def _verified(names: list[str], data: Path | None, progress: bool) -> Iterator[Check]:
    """The checks of all models, with a bar of the models that are done, and the one that is at work named."""
    from ..runs import progress_bar
    from ..train.zoo.verify import verify

    with progress_bar(total=len(names), unit="model", desc="verifying", show=progress) as bar:
        for name in names:
            bar.set_postfix_str(name)
            yield from verify(name, data)
            bar.update()


def _all_here() -> list[str]:
    """The small models, which must be here, and the published ones that are."""
    return [entry.name for entry in zoo.list_models() if entry.kind == "mini" or entry.state() != "missing"]


def _paper() -> list[str]:
    from ..experiments import paper_models

    return paper_models()


def _called(item: Item) -> str:
    return f"{item.model} {item.what}"


def _plan(items: Sequence[Item]) -> list[str]:
    """What will be downloaded, how much that is, and the terms of each model."""
    from ..zoo.fetching import MISSING, downloads, licenses

    missing = [item for item in items if item.state == MISSING]
    lines = [f"{_called(item):32} {_likely_size(item):>16}{_packed(item)}" for item in missing]
    to_come = downloads(missing)
    known = sum(one.size for one in to_come if one.size is not None)
    unknown = sum(one.size is None for one in to_come)
    if missing:
        also = f" and {unknown} of unknown size" if unknown else ""
        lines.append(f"==> {len(to_come)} files to download, {_size(known)}{also}, into {zoo.home()}")
    terms = [f"license of {', '.join(names)}: {text}" for text, names in licenses(items).items()]
    return [*terms, *lines]


def _table(items: Sequence[Item]) -> list[str]:
    """A row for each file, and the reasons below."""
    rows = [f"{item.model:20} {item.what:11} {item.state:9} {_likely_size(item):>16}" for item in items]
    lacking = [f"{_called(item)}: {item.reason}" for item in items if not item.good]
    counts = f"==> {len(items) - len(lacking)} of {len(items)} files are here"
    head = f"{'model':20} {'file':11} {'state':9} {'size':>16}"
    return [head, *rows, counts, *(["can't be had:", *lacking] if lacking else [])]


def _packed(item: Item) -> str:
    """In which archive a file comes."""
    if item.archive is None:
        return ""
    size = "" if item.archive_size is None else f", {_size(item.archive_size)}"
    return f"  in {item.archive.name}{size}"


def _likely_size(item: Item) -> str:
    return f"about {_size(item.about)}" if item.size is None and item.about is not None else _size(item.size)


def _size(size: int | None) -> str:
    if size is None:
        return "unknown size"
    return f"{size / 1e6:,.1f} MB" if size >= 1e5 else f"{size:,} bytes"
