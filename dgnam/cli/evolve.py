"""The commands under `dgnam evolve`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from . import options as o
from .call import call
from .terminal import say


class _RunByDefault(TyperGroup):
    """A group whose `run` may be left out: `dgnam evolve caffenet-mini fc8:42`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunByDefault,
    no_args_is_help=True,
    rich_markup_mode=None,
    help="""Synthesize without gradients, for black boxes and neurons.

    A unit of a model:  dgnam evolve caffenet-mini fc8:42

    A Python callable:  dgnam evolve --score my_module:my_function

    A neuron measured by another program:  dgnam evolve new FOLDER, then by turns  dgnam evolve ask FOLDER  and
    dgnam evolve tell FOLDER
    """,
)

Method = Annotated[
    str, typer.Option(help="cma (CMA-ES), genetic (a genetic algorithm) or xdream (the same with XDream's settings).")
]
Population = Annotated[int | None, typer.Option(help="Images per generation; default: the method's own number.")]
Folder = Annotated[Path, typer.Argument(help="The search's folder.")]


@app.command()
def run(
    target: Annotated[str | None, typer.Argument(help="As in `dgnam synthesize`.")] = None,
    objective: Annotated[str | None, typer.Argument(help="As in `dgnam synthesize`.")] = None,
    score: Annotated[
        str | None,
        typer.Option(
            help="Instead of TARGET and OBJECTIVE, package.module:name: a Python callable from pictures "
            "(n, H, W, 3) uint8 RGB to n scores to maximize. It is imported and run."
        ),
    ] = None,
    prior: o.Prior = None,
    prior_weights: o.PriorWeights = None,
    method: Method = "cma",
    population: Population = None,
    generations: Annotated[int, typer.Option(min=1, help="The number of generations.")] = 100,
    remeasure: Annotated[
        int,
        typer.Option(min=0, help="How many of the best pictures, and the mean code's, are measured again at the end."),
    ] = 5,
    repeats: Annotated[
        int | None,
        typer.Option(min=1, help="How often each of them is measured again; default: 10, or 2 if free of noise."),
    ] = None,
    seeds: o.Seeds = 1,
    seed: o.Seed = 0,
    clip: o.Clip = o.OWN,
    start: o.Start = None,
    weights: o.Weights = None,
    labels: o.Labels = None,
    labels_layer: o.LabelsLayer = None,
    mean: o.Mean = None,
    scale: o.Scale = 1.0,
    channels: o.Channels = "BGR",
    movies: Annotated[
        list[str] | None,
        typer.Option("--movies", "--movie", help="Save the mean code by generation as a movie: gif or mp4; or both."),
    ] = None,
    every: Annotated[int, typer.Option(min=1, help="Show every so-many-th generation in a movie.")] = 1,
    fps: o.Fps = 10.0,
    batch_size: o.BatchSize = 100,
    device: o.Device = "cpu",
    output: o.Output = Path("runs"),
    name: o.Name = None,
    quiet: o.Quiet = False,
) -> None:
    """Evolve images for a unit or a Python callable; each generation is saved.

    `run` may be omitted. `dgnam resume FOLDER` resumes an interrupted run.
    """
    given = dict(locals())
    from ..api.evolve import evolve

    given["movies"] = movies or ()
    found = call(evolve, given)
    say(found.summary)
    say([f"==> made: {found.folder}/ with grid.png"])


@app.command()
def new(
    folder: Folder,
    prior: o.Prior = None,
    prior_weights: o.PriorWeights = None,
    method: Method = "cma",
    population: Population = None,
    seed: o.Seed = 0,
    clip: o.Clip = o.OWN,
    start: o.Start = None,
) -> None:
    """Begin a search for a neuron measured by another program, in a new folder."""
    given = dict(locals())
    from ..api.lab import begin_search

    call(begin_search, given)
    say([f"==> made: {folder}/; next: dgnam evolve ask {shlex.quote(str(folder))}"])


@app.command()
def ask(
    folder: Folder,
    remeasure: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Instead of a generation, write so many of the best images and the mean code's, to be measured again.",
        ),
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="With --remeasure: presentations of each picture.")] = 10,
    device: o.Device = "cpu",
) -> None:
    """Write the next generation's pictures and a table for their scores.

    They are FOLDER/stimuli/NNNNN/NNNNN-00.png, … and scores.csv. Repeating the command writes the same pictures.
    The highest of many noisy scores is a lucky one: at the end, --remeasure finds out what the best really score.
    """
    given = dict(locals())
    from ..api import lab_files

    say(call(lab_files.ask, given))


@app.command()
def tell(
    folder: Folder,
    table: Annotated[
        Path | None,
        typer.Argument(help="A CSV file with the columns image and score; default: the one written by ask."),
    ] = None,
    remeasure: Annotated[bool, typer.Option("--remeasure", help="The table is of `ask --remeasure`.")] = False,
    allow_lost: Annotated[
        bool,
        typer.Option("--allow-lost", help="Count pictures without a row, empty cells and NaN as lost trials."),
    ] = False,
    decimal: Annotated[
        str | None, typer.Option(help="The decimal mark, . or , where the table leaves it open (1,234).")
    ] = None,
    device: o.Device = "cpu",
) -> None:
    """Read the scores of the pictures written by `ask`, and save the generation.

    Columns are separated by commas, semicolons or tabs. A picture shown several times has several rows, and its score
    is their mean. `lost` in place of a score is a lost trial.
    """
    given = dict(locals())
    from ..api import lab_files

    say(call(lab_files.tell, given))


@app.command()
def status(folder: Folder) -> None:
    """Show how far an evolution is: generations, scores, lost trials, and what comes next."""
    from ..api import lab_files

    say(lab_files.status(folder))


@app.command()
def movie(
    folder: Folder,
    kind: Annotated[str, typer.Option(help="gif or mp4.")] = "gif",
    every: Annotated[int, typer.Option(min=1, help="Show every so-many-th generation.")] = 1,
    fps: o.Fps = 10.0,
    device: o.Device = "cpu",
) -> None:
    """Write a movie of the mean code's picture by generation, of a search begun by `new`."""
    given = dict(locals())
    from ..api import lab_files

    say([f"==> made: {call(lab_files.movie, given)}"])
