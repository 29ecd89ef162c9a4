"""The commands under `dgnam evolve`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ..am.evolve.cma_es import CmaEs
from ..am.evolve.drive import run as run_search
from ..am.evolve.genetic import Genetic
from ..am.evolve.method import Method
from ..am.evolve.score import Score, UnitScore, load_score
from ..am.evolve.search import Search
from ..am.evolve.stimuli import TABLE, generation_folder, read_scores, write_stimuli
from ..am.evolve.store import SETTINGS, Store
from ..am.objectives.class_names import Classes
from ..am.objectives.parser import parse_objective
from ..am.priors import GeneratorPrior
from ..am.regularizers.bounds import Bounds, act_range_bounds
from ..am.targets.target import CaffeTarget
from ..caffe.mode import usable_device
from ..errors import DgnamError, FormatError, closest
from ..runs.folder import RunFolder
from ..runs.interrupt import INTERRUPTED
from ..zoo import registry as zoo

NAMES = ("cma", "genetic", "xdream")
"""What --method takes: CMA-ES, the genetic algorithm with our mutations, and with XDream's."""


class _RunByDefault(TyperGroup):
    """A group whose `run` may be left out: `dgnam evolve caffenet-mini fc8:42`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] != "--help":
            args = ["run", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_RunByDefault,
    no_args_is_help=True,
    help="""Synthesize without gradients: for a unit as a black box, for any callable, for a neuron in a laboratory.

    A unit of a model:  dgnam evolve caffenet-mini fc8:42

    A callable:  dgnam evolve --score my_module:my_function

    A neuron that another program measures:  dgnam evolve new FOLDER, and then in turns  dgnam evolve ask FOLDER  and
    dgnam evolve tell FOLDER
    """,
)

PriorName = Annotated[str, typer.Option("--prior", help="The generator that makes the images, of `dgnam models list`.")]
MethodName = Annotated[
    str, typer.Option("--method", help=f"{', '.join(NAMES)}: CMA-ES; a genetic algorithm; one with XDream's mutations.")
]
Population = Annotated[int | None, typer.Option(help="Images in a generation; the method's own number if left out.")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="The seed of all random numbers.")]
Free = Annotated[bool, typer.Option("--no-clip", help="Leave codes free, not within the prior's act_range.")]
Device = Annotated[str, typer.Option(help="cpu, or cuda.")]
Folder = Annotated[Path, typer.Argument(help="The search's folder.")]


@app.command()
def run(
    target: Annotated[str | None, typer.Argument(help="A classifier of `dgnam models list`.")] = None,
    unit: Annotated[str | None, typer.Argument(help="Its unit, as fc8:42, fc8:lemon or conv5:7@6,6.")] = None,
    prior: PriorName = "deepsim-fc6-mini",
    method: MethodName = "cma",
    generations: Annotated[int, typer.Option(min=1, help="How many in all, those before a resume included.")] = 100,
    population: Population = None,
    seed: Seed = 0,
    output: Annotated[Path, typer.Option(help="The folder in which the run gets a folder of its own.")] = Path("runs"),
    resume: Annotated[
        Path | None, typer.Option(help="A run's folder to go on with; its own settings hold, not those given here.")
    ] = None,
    score: Annotated[
        str | None,
        typer.Option(
            help="In place of TARGET and UNIT, package.module:function: a Python callable from pictures "
            "(n, H, W, 3) uint8 RGB to n numbers, the larger the better. It is imported and run."
        ),
    ] = None,
    free: Free = False,
    device: Device = "cpu",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Evolve images for a unit of a model, or for a Python callable; saved after each generation.

    `run` may be left out. A run that was stopped goes on with --resume FOLDER, and with --score if it had one.
    """
    place = usable_device(device)
    if resume is not None:
        if target is not None or unit is not None:
            raise DgnamError("--resume takes target and unit from the run's folder: leave them out")
        search = _resumed(resume, place)
        scorer, folder = _score_again(search, score, resume, place), resume
    else:
        scorer, what = _score(target, unit, score, place)
        generator, bounds = _prior(prior, free)
        chosen = _method(method, population)
        folder = RunFolder.create(output, "evolve").path
        search = Search(
            generator, chosen, clip=bounds, seed=seed, folder=folder, record={**what, "prior": prior}, device=place
        )
    _go(search, scorer, generations, folder, quiet)


@app.command()
def new(
    folder: Folder,
    prior: PriorName = "deepsim-fc6-mini",
    method: MethodName = "cma",
    population: Population = None,
    seed: Seed = 0,
    free: Free = False,
) -> None:
    """Begin a search for a neuron that another program measures, in a new folder."""
    generator, bounds = _prior(prior, free)
    Search(generator, _method(method, population), clip=bounds, seed=seed, folder=folder, record={"prior": prior})
    print(f"==> made: {folder}/; next: dgnam evolve ask {folder}")


@app.command()
def ask(folder: Folder, device: Device = "cpu") -> None:
    """Write the next generation's pictures, and a table in which each gets its score.

    They lie in FOLDER/stimuli/NNNNN/: NNNNN-00.png, … and scores.csv. Asked again, it gives the same ones.
    """
    made = write_stimuli(_resumed(folder, usable_device(device)), folder)
    print(f"==> made: {made}/; fill in {made / TABLE}, then: dgnam evolve tell {folder}")


@app.command()
def tell(
    folder: Folder,
    table: Annotated[
        Path | None,
        typer.Argument(help="A CSV file with the columns image and score; the one that ask made if left out."),
    ] = None,
    device: Device = "cpu",
) -> None:
    """Read the scores of the pictures that `ask` wrote, and save the generation.

    A picture that was shown several times may have several rows: its score is their mean.
    """
    search = _resumed(folder, usable_device(device))
    generation, (codes, _) = search.generation, search.ask()
    path = table if table is not None else generation_folder(folder, generation) / TABLE
    if table is None and not path.is_file():
        raise DgnamError(f"generation {generation} hasn't been asked for: dgnam evolve ask {folder}")
    scores = read_scores(path, generation, len(codes))
    search.tell(scores)
    print(f"generation {generation}: best {scores.max():.6g}, mean {scores.mean():.6g}")
    print(f"{_best(search)}; next: dgnam evolve ask {folder}")


def _go(search: Search, score: Score, generations: int, folder: Path, quiet: bool) -> None:
    try:
        run_search(search, score, generations, progress=not quiet)
    except KeyboardInterrupt:
        also = " and the same --score" if "score" in search.record else ""
        print(f"==> stopped after {search.generation} generations; go on: dgnam evolve run --resume {folder}{also}")
        raise typer.Exit(INTERRUPTED) from None
    print(f"{_best(search)}, of {search.evaluations} images in {search.generation} generations")
    print(f"==> made: {folder}/ with best.png")


def _best(search: Search) -> str:
    best = search.best
    return "no scores yet" if best is None else f"best so far: {best.score:.6g}, in generation {best.generation}"


def _score(target: str | None, unit: str | None, path: str | None, device: str) -> tuple[Score, dict[str, str]]:
    """The score that is asked for, and what a record says of it."""
    if path is not None:
        if target is not None:
            raise DgnamError("give a target and its unit, or --score, not both")
        return load_score(path), {"score": path}
    if target is None or unit is None:
        raise DgnamError("give a target and its unit, as caffenet-mini fc8:42, or --score module:function")
    if zoo.get(target).generator is not None:
        raise DgnamError(f"'{target}' is a generator; the targets: {_models(target, generators=False)}")
    network = CaffeTarget(zoo.load(target))
    objective = parse_objective(unit, network, [Classes.of_model(zoo.get(target))])
    return UnitScore(network, objective, device=device), {"target": target, "unit": str(objective)}


def _score_again(search: Search, path: str | None, folder: Path, device: str) -> Score:
    """The score of a run that goes on.  Code is imported where the command names it, never because a file does."""
    record = search.record
    if "score" in record:
        if path is None:
            raise DgnamError(f"{folder} was made with --score {record['score']}: give it again")
        return load_score(path)
    if path is not None:
        raise DgnamError(f"{folder} was made for a unit of {record.get('target')}, not for a --score")
    if not all(isinstance(record.get(key), str) for key in ("target", "unit")):
        raise DgnamError(f"{folder} was made for a neuron outside: use dgnam evolve ask and tell")
    return _score(record["target"], record["unit"], None, device)[0]


def _resumed(folder: Path, device: str) -> Search:
    name = Store.open(folder).settings.record.get("prior")
    if not isinstance(name, str):
        raise FormatError(f"{folder / SETTINGS}: names no prior of `dgnam models list`; resume it from Python")
    return Search.resume(folder, GeneratorPrior(_generator(name)), device=device)


def _prior(name: str, free: bool) -> tuple[GeneratorPrior, Bounds | None]:
    """A generator, and its act_range where there is one and it is wanted."""
    module = _generator(name)
    upper = None if free else zoo.get(name).act_range()
    return GeneratorPrior(module), None if upper is None else act_range_bounds(upper)


def _generator(name: str) -> Any:
    if zoo.get(name).generator is None:
        raise DgnamError(f"'{name}' is no generator; the generators: {_models(name, generators=True)}")
    return zoo.load(name)


def _models(name: str, generators: bool) -> str:
    return closest(name, [entry.name for entry in zoo.list_models() if (entry.generator is not None) == generators])


def _method(name: str, population: int | None) -> Method:
    if name == "cma":
        return CmaEs(population=population)
    if name not in NAMES:
        raise DgnamError(f"method '{name}': give one of {closest(name, NAMES)}")
    chosen = Genetic() if name == "genetic" else Genetic.xdream()
    return chosen if population is None else Genetic(**{**vars(chosen), "population": population})
