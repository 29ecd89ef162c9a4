"""The commands of `dgnam`, by name; imported only when called, so that help is fast."""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
import typer.main
from typer.core import TyperGroup

from .. import __version__
from ..errors import ChunksFailedError
from ..process import keep_freed_memory
from .terminal import REPORTED, complain, open_streams, report, warn


class Entry(NamedTuple):
    """A command: the module of `dgnam.cli` that holds it, the function or group in it, and its line in the help."""

    module: str
    attribute: str
    help: str


COMMANDS = {
    "synthesize": Entry("synthesize", "synthesize", "Synthesize the preferred images of units."),
    "sweep": Entry("synthesize", "synthesize", "Synthesize with every combination of settings."),
    "evolve": Entry("evolve", "app", "Synthesize without gradients, for black boxes and neurons."),
    "tune": Entry("tune", "tune", "Tune the settings by random search."),
    "act-range": Entry("act_range", "act_range", "Measure the act_range of an encoder's codes."),
    "top-images": Entry("top_images", "top_images", "Find the real pictures that make units most active."),
    "occlusion": Entry("occlusion", "occlusion", "Segment real pictures by what units respond to."),
    "neighbors": Entry("neighbors", "neighbors", "Find each picture's nearest training pictures."),
    "layers": Entry("layers", "layers", "List a network's layers and how to name their units."),
    "models": Entry("models", "app", "List, fetch and verify models."),
    "data": Entry("data", "app", "List the image sets."),
    "train": Entry("train", "train", "Train a small model, or the net of a solver.prototxt."),
    "reproduce": Entry("reproduce", "reproduce", "Reproduce an experiment of the paper."),
    "resume": Entry("resume", "resume", "Resume an interrupted run."),
    "again": Entry("again", "again", "Make a picture of a run again, with a movie."),
    "runs": Entry("runs", "runs", "List the runs in a folder."),
    "show": Entry("show", "show", "Show what a run is and how to resume or repeat it."),
    "atlas": Entry("atlas", "atlas", "Make static pages of runs, and serve them."),
    "caffe": Entry("caffe", "app", "Run Caffe's own commands."),
    "bench": Entry("bench", "bench", "Measure how fast this machine is."),
    "doctor": Entry("doctor", "doctor", "Show what is installed and usable here."),
}

MAINTAINERS = {
    "blind": Entry("blind", "app", "Name synthesized images without seeing their labels."),
    "record": Entry("record", "record", "Record an experiment's results in the repository."),
}
"""Commands for maintainers in a checkout, hidden from the help."""


class Commands(TyperGroup):
    """A group that imports a command only when it is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, name: str) -> Any:
        entry = {**COMMANDS, **MAINTAINERS}.get(name)
        if entry is None:
            return None
        found = getattr(import_module(f"dgnam.cli.{entry.module}"), entry.attribute)
        if isinstance(found, typer.Typer):
            return typer.main.get_group(found)
        made = _typer()
        made.command(name)(found)
        return typer.main.get_command(made)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


def _typer(**options: Any) -> typer.Typer:
    plain: dict[str, Any] = {"add_completion": False, "pretty_exceptions_enable": False, "rich_markup_mode": None}
    return typer.Typer(**plain, **options)


app = _typer(
    cls=Commands,
    help="Synthesize the preferred inputs of neurons with deep generator networks (DGN-AM, Nguyen et al., NIPS 2016).",
    no_args_is_help=True,
)


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


def main() -> None:
    """Run the command line; an error of the user's is one line on standard error."""
    open_streams()
    keep_freed_memory(of_any_size=True)
    warnings.showwarning = warn  # type: ignore[assignment]
    try:
        app()
    except REPORTED as error:
        from ..runs.interrupt import BAD_INPUT, INCOMPLETE  # only now, so that help is fast

        complain(report(error))
        sys.exit(INCOMPLETE if isinstance(error, ChunksFailedError) else BAD_INPUT)
