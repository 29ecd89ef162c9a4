"""The command line, `dgnam`: its commands, and those of the groups that lie beside what they command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..am import describe_model, table_lines
from ..caffe.mode import usable_device
from ..caffe.tools import app as caffe_app
from ..data.image_set import DataError
from ..doctor import main as examine_all
from ..errors import DgnamError
from ..runs.interrupt import BAD_INPUT, STOPPED
from ..train import zoo as publish
from ..train.classifier import MIXED
from ..train.own_net import train_own
from . import synthesize as visualization_app
from . import tune as search_app
from .act_range import act_range
from .data import app as data_app
from .evolve import app as evolve_app
from .models import app as models_app

app = typer.Typer(
    help="Synthesize the preferred inputs of neurons with deep generator networks (DGN-AM, Nguyen et al., NIPS 2016).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(models_app, name="models")
app.add_typer(data_app, name="data")
blind_app = typer.Typer(help="Naming synthesized images without seeing their labels.", no_args_is_help=True)
app.add_typer(blind_app, name="blind")
app.add_typer(caffe_app, name="caffe")
app.add_typer(evolve_app, name="evolve")
app.command()(visualization_app.synthesize)
app.command()(visualization_app.sweep)
app.command("search")(search_app.search_command)


MOST_UNITS = 1_000_000
"""No layer has a unit of a higher number; a range that goes beyond is cut here, and then found to be too long."""


def main() -> None:
    """Run the command line; errors that the user can mend are one line on standard error."""
    try:
        app()
    except (DgnamError, DataError, OSError) as error:
        print(f"dgnam: {error}", file=sys.stderr)
        sys.exit(BAD_INPUT)


def _version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None: ...


@app.command()
def reproduce(
    experiment: Annotated[str, typer.Argument(help="The experiment, such as fig1.")],
    models: Annotated[str, typer.Option(help="mini: our small models; paper: the published ones.")] = "mini",
    units: Annotated[
        str | None, typer.Option(help="Units to show, such as 3,17,40-49; all of the figure's if left out.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed of the random start codes.")] = 0,
    output: Annotated[Path, typer.Option(help="The folder in which the run gets a folder of its own.")] = Path("runs"),
    published: Annotated[
        bool, typer.Option("--published-images", help="Save JPEGs stretched as the published code did, not PNGs.")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, or cuda.")] = "cpu",
    engine: Annotated[
        str | None,
        typer.Option(
            help="Run the published loop, one image at a time, on the nets of dgnam.caffe (dgnam), of BVLC's caffe "
            "(caffe), or of that where it can be imported (auto). Left out, all images are made at once."
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Repeat an experiment of the paper: pictures, numbers and all settings in a new folder."""
    from dgnam import experiments

    run = experiments.get(experiment)
    chosen = None if units is None else parse_units(units)
    request = experiments.Request(models, chosen, seed, output, published, usable_device(device), not quiet, engine)
    outcome = run(request)
    if outcome.blocked:
        raise DgnamError(f"{experiment} can't run: {outcome.blocked}")
    print("\n".join(outcome.lines))
    print(f"==> figure: {outcome.figure}\n==> made: {outcome.folder}/")


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Show what is installed and usable here: packages, engines, devices, models, memory and disk."""
    raise typer.Exit(examine_all(as_text=not as_json))


app.command("act-range")(act_range)


@app.command()
def layers(
    model: Annotated[str, typer.Argument(help="A model of `dgnam models list`, or a deploy prototxt of your own.")],
    weights: Annotated[Path | None, typer.Option(help="Weights, to see whether they fit; not needed.")] = None,
) -> None:
    """List a network's layers: type, shape, units, positions, and how to ask for a unit of each."""
    print("\n".join(table_lines(describe_model(model, weights))))


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A small model of our own, such as caffenet-mini; or a solver.prototxt.")],
    data: Annotated[Path | None, typer.Option(help="The folder of the image sets; $DGNAM_DATA if left out.")] = None,
    run: Annotated[Path | None, typer.Option(help="The folder of checkpoints; runs/train-NAME if left out.")] = None,
    device: Annotated[str, typer.Option(help="cpu, or cuda.")] = "cpu",
    weights: Annotated[
        Path | None, typer.Option(help="With a solver.prototxt: weights to start from, for fine-tuning.")
    ] = None,
    precision: Annotated[str, typer.Option(help="With a solver.prototxt: bfloat16 or float32.")] = MIXED,
    time_limit: Annotated[
        float | None, typer.Option(help="Minutes after which to stop at a checkpoint; the same command goes on.")
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Train a small model, or go on from its checkpoint, and put it with its card into models/.

    A model that is another one's training on the way, such as caffenet-mini-4000, comes from that one's run folder; it
    is trained as far as that if need be.

    With the path of a solver.prototxt: train its net; the weights end as a caffemodel beside the checkpoints.
    """
    seconds = None if time_limit is None else time_limit * 60
    how: dict[str, Any] = {"data_folder": data, "device": usable_device(device), "time_limit": seconds}
    how["progress"] = not quiet
    own = name.endswith(".prototxt")
    if not own and (weights is not None or precision != MIXED):
        raise DgnamError(f"'{name}' has its own recipe: --weights and --precision are for a solver.prototxt")
    trained = Path(name).resolve().parent.name if own else publish.trained_as(name)
    folder = run if run is not None else Path("runs") / f"train-{trained}"
    if own:
        made = train_own(name, folder, weights=weights, precision=precision, **how)
    else:
        made = publish.make(name, folder, **how)
    if made is None:
        print(f"==> stopped at a checkpoint in {folder}; the same command goes on from there")
        raise typer.Exit(STOPPED)
    print(f"==> made: {made}{'' if own else '/'}")


@blind_app.command("sheet")
def blind_sheet(
    run: Annotated[Path, typer.Argument(help="A run folder of figure 1 with all units.")],
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed of the pictures' order.")] = 0,
) -> None:
    """Lay out thirty images, every seventh class, shuffled and without labels, to be named from the list of classes."""
    from dgnam.experiments import blind_naming

    print(f"==> made: {blind_naming.write_sheet(run, seed)}, names.txt and key.json beside it")


@blind_app.command("score")
def blind_score(
    run: Annotated[Path, typer.Argument(help="The run folder that the sheet was made in.")],
    answers: Annotated[Path, typer.Argument(help="A text file of lines `number name`.")],
) -> None:
    """Count the answers that are right."""
    from dgnam.experiments import blind_naming

    found = blind_naming.score(run, answers)
    for number, truth, answer in found.rows:
        print(f"{number:2} {'right' if truth == answer else 'wrong':6} {truth:28} {answer}")
    print(f"{found.right} of {len(found.rows)} right")


@app.command()
def record(
    run: Annotated[Path, typer.Argument(help="A run folder of figure 1.")],
    root: Annotated[Path, typer.Option(help="The checkout whose pages show the results.")] = Path("."),
) -> None:
    """Keep a run's results in experiments/results/ and write README's tables anew from them (for contributors)."""
    from dgnam.experiments import record as results

    print("\n".join(f"==> made: {path}" for path in results.record(run, root)))


def parse_units(text: str) -> list[int]:
    """Unit numbers from text: `3,17,40-49`."""
    units: list[int] = []
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()) or (dash and int(last) < int(first)):
            raise DgnamError(f"--units '{text}': '{part}' is no unit or range; write numbers and ranges, as 3,17,40-49")
        until = min(int(last), MOST_UNITS) if dash else int(first)
        units.extend(range(int(first), max(until, int(first)) + 1))
    return units
