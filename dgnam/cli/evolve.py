"""The commands under `dgnam evolve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..errors import DgnamError
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
    seeds: o.Seeds = 1,
    seed: o.Seed = 0,
    clip: o.Clip = o.OWN,
    start: o.Start = None,
    weights: o.Weights = None,
    labels: o.Labels = None,
    mean: o.Mean = None,
    scale: o.Scale = 1.0,
    channels: o.Channels = "BGR",
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
    say([f"==> made: {folder}/; next: dgnam evolve ask {folder}"])


@app.command()
def ask(folder: Folder, device: o.Device = "cpu") -> None:
    """Write the next generation's pictures and a table for their scores.

    They are FOLDER/stimuli/NNNNN/NNNNN-00.png, … and scores.csv. Repeating the command writes the same pictures.
    """
    from ..am.evolve.stimuli import TABLE, write_stimuli
    from ..api.lab import exclusive_search

    with exclusive_search(folder, device=device) as search:
        made = write_stimuli(search, folder)
    say([f"==> made: {made}/; fill in {made / TABLE}, then: dgnam evolve tell {folder}"])


@app.command()
def tell(
    folder: Folder,
    table: Annotated[
        Path | None,
        typer.Argument(help="A CSV file with the columns image and score; default: the one written by ask."),
    ] = None,
    device: o.Device = "cpu",
) -> None:
    """Read the scores of the pictures written by `ask`, and save the generation.

    A picture shown several times may have several rows; its score is their mean.
    """
    from ..am.evolve.stimuli import TABLE, generation_folder, read_scores
    from ..api.lab import exclusive_search

    with exclusive_search(folder, device=device) as search:
        generation, (codes, _) = search.generation, search.ask()
        path = table if table is not None else generation_folder(folder, generation) / TABLE
        if table is None and not path.is_file():
            raise DgnamError(f"generation {generation} has no pictures yet: dgnam evolve ask {folder}")
        scores = read_scores(path, generation, len(codes))
        search.tell(scores)
        best = search.best
    say([f"generation {generation}: best {scores.max():.6g}, mean {scores.mean():.6g}"])
    if best is not None:
        say([f"best so far: {best.score:.6g}, in generation {best.generation}; next: dgnam evolve ask {folder}"])
