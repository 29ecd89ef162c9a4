"""Rehearse the experiments at the paper's scale: `python -m dgnam.experiments.rehearsal`.

Each runs in a process of its own with `--models paper`, on stand-ins for the published weights and pictures, at smoke
scale with two steps: what that takes is measured, and from it and from what the full scale makes, what the full run
takes is estimated.  `experiments/results/rehearsal-DEVICE.json` has the numbers, and `experiments/README.md` the table.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np

from dgnam.am import ClipTarget, Job, Objective, RandomStart, released
from dgnam.am.synthesize import try_step
from dgnam.api.clips import for_clips
from dgnam.api.neighbors import PictureNeighbors
from dgnam.api.occlusion import Occlusion
from dgnam.api.priors import ResolvedPrior, open_prior
from dgnam.api.targets import ResolvedTarget
from dgnam.api.visualize import read_objectives
from dgnam.errors import DgnamError
from dgnam.measure.outside_judge import packages
from dgnam.runs import environment
from dgnam.runs.machine import GPU, name_of, peak_memory, wait_for
from dgnam.runs.record import write_json
from dgnam.zoo.stand_ins import standing_in

from . import EXPERIMENTS, find_experiment, reproduce
from .context import Context
from .execution import carry_out
from .experiment import Experiment
from .planned import MAPS, SEARCHED, STEPS, hours, made_by, plan, totals
from .stand_in_pictures import write_set
from .tables import PAGES, write_tables

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "experiments" / "results"
N_ITERS = 2
"""Steps of a search."""

PAPER, SCALE, FULL = "paper", "smoke", "full"
BATCH = {"cpu": 4, GPU: 64}
"""Images of the step that is timed, by the kind of device."""

CLASSES = {"ilsvrc12": 1000, "places205": 205}
"""Of the image sets that have stand-ins."""


@dataclass(eq=False)
class Rehearsed(Context):
    """An experiment that notes what its work takes.

    opened: by the names of a target and a prior what is needed to take a step, of the steps so far.
    spent: the seconds and the count of other work, by its kind and the target's name.
    """

    opened: dict[tuple[str, str], tuple[ResolvedTarget, ResolvedPrior, Objective]] = field(default_factory=dict)
    spent: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)

    def visualize(self, step: str, objectives: Any, *, target: Any = None, **options: Any) -> Any:
        net = self.target if target is None else target
        made = made_by(self, step, objectives, net, options)
        prior = open_prior(options.get("prior", self.prior), self.frame_size)
        self.opened.setdefault((made.target, made.prior), (net, prior, read_objectives(objectives, net)[0]))
        return super().visualize(step, objectives, target=target, **options)

    def neighbors(self, step: str, pictures: np.ndarray, **options: Any) -> PictureNeighbors:
        began = time.process_time()
        found = super().neighbors(step, pictures, **options)
        self._spend(SEARCHED, began, min(options["limit"], len(found.dataset)))
        return found

    def occlusion(self, step: str, objectives: Sequence[str], **options: Any) -> Occlusion:
        began = time.process_time()
        found = super().occlusion(step, objectives, **options)
        self._spend(MAPS, began, len(objectives) * options["k"])
        return found

    def _spend(self, work: str, began: float, count: int) -> None:
        seconds, before = self.spent.get((work, self.target.name), (0.0, 0))
        self.spent[work, self.target.name] = (seconds + time.process_time() - began, before + count)

    def rates(self) -> Iterator[tuple[str, str, str, float]]:
        """Kind of work, target, prior, and the seconds that one piece of it takes."""
        for (target, prior), opened in self.opened.items():
            yield STEPS, target, prior, seconds_of_a_step(*opened, self.arguments["device"])
        for (work, target), (seconds, count) in self.spent.items():
            yield work, target, "", seconds / count


def seconds_of_a_step(target: ResolvedTarget, prior: ResolvedPrior, objective: Objective, device: str) -> float:
    """What a step of an image takes, by a batch's second one: of the processor, of a GPU by the clock."""
    frames = int(getattr(target.target, "frames", 1))
    settings = released() if prior.settings is None else prior.settings
    if isinstance(target.target, ClipTarget):
        prior, _ = for_clips(prior, target.target, settings=[], clip=None, start=RandomStart(), smoothness=None)
    kind = device.partition(":")[0]
    count = max(1, BATCH[kind] // frames)
    jobs = [Job(objective, seed, settings) for seed in range(count)]
    clock = time.perf_counter if kind == GPU else time.process_time
    for _ in range(2):
        began = clock()
        try_step(target.target, prior.prior, jobs, clip=None, device=device, count=count)
        wait_for(device)
        seconds = clock() - began
    return seconds / (count * frames)


def needed(experiment: Experiment) -> list[str]:
    """The networks of an experiment that have stand-ins."""
    models = experiment.models[PAPER]
    return [models.target, models.prior, *models.files]


@contextmanager
def on_stand_ins(experiment: Experiment, folder: Path) -> Iterator[dict[str, Any]]:
    """Within it, stand-ins in a folder are the published networks and pictures; gives what to call `reproduce` with."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True, exist_ok=True)
    for name in experiment.models[PAPER].pictures:
        base = name.rpartition("-")[0]
        write_set(pictures, base, CLASSES[base])
    with standing_in(needed(experiment), folder / "models"):
        yield {"models": PAPER, "data": pictures, "progress": False}


def shortened(experiment: Experiment) -> Experiment:
    """The experiment with so few steps at the scale of a rehearsal."""
    size = replace(experiment.sizes[SCALE], steps=N_ITERS)
    return replace(experiment, sizes={**experiment.sizes, SCALE: size})


def rehearse(experiment: Experiment, folder: Path, device: str = "cpu") -> dict[str, Any]:
    """Rehearse an experiment in this process; what it took and what the full run makes.

    folder: for the stand-ins, which are made where they are not there, and for a run that is removed.
    """
    usual = {name: parameter.default for name, parameter in signature(reproduce).parameters.items()}
    contexts: list[Rehearsed] = []

    def noted(*what: Any) -> Context:
        contexts.append(Rehearsed(*what))
        return contexts[0]

    with on_stand_ins(experiment, folder) as options, tempfile.TemporaryDirectory(dir=folder) as run:
        given = {**usual, **options, "experiment": experiment.name, "device": device, "scale": SCALE}
        began = time.process_time(), time.perf_counter()
        outcome = carry_out(shortened(experiment), {**given, "folder": Path(run) / "run"}, noted)
        seconds, by_the_clock = time.process_time() - began[0], time.perf_counter() - began[1]
        if outcome.blocked:
            raise DgnamError(outcome.blocked)
        memory = peak_memory(device)
        rates = list(contexts[0].rates())
        full = plan(experiment, {**given, "scale": FULL})
    took = {"seconds": round(seconds, 1), "by_the_clock": round(by_the_clock, 1), "memory": memory}
    return {"rehearsal": took, "rates": rates, "full": totals(full)}


def child(name: str, folder: str, device: str) -> None:
    """In a process of its own: rehearse and print the numbers."""
    print(json.dumps(rehearse(find_experiment(name), Path(folder), device)))


def main(arguments: Sequence[str] | None = None) -> None:
    """Rehearse the experiments named, or all that have published networks, each in a process of its own."""
    parser = argparse.ArgumentParser(prog="python -m dgnam.experiments.rehearsal", description=__doc__)
    parser.add_argument("experiments", nargs="*", help="their names; all if left out")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--stand-ins", type=Path, help="a folder to keep the stand-ins in; a temporary one if left out")
    given = parser.parse_args(arguments)
    names = given.experiments if given.experiments else list(EXPERIMENTS)
    if not all((ROOT / page).is_file() for page in PAGES):
        raise DgnamError(f"{ROOT} is not a checkout of dgnam, where the rehearsal is recorded")
    path = RESULTS / f"rehearsal-{given.device.partition(':')[0]}.json"
    with tempfile.TemporaryDirectory() as temporary:
        folder = temporary if given.stand_ins is None else str(given.stand_ins)
        failed = []
        for name in names:
            if PAPER not in find_experiment(name).models:
                print(f"==> {name}: there are small models only", file=sys.stderr)
                continue
            with on_stand_ins(find_experiment(name), Path(folder)):
                pass  # made here, so that making them counts in no process that is measured
            found = measured(name, folder, given.device)
            if found is None:
                failed.append(name)
                continue
            kept = json.loads(path.read_text(encoding="utf-8"))["experiments"] if path.is_file() else {}
            kept[name] = {**found, "machine": {"processor": name_of(given.device), **environment(*packages())}}
            write_json(path, {"experiments": {one: kept[one] for one in EXPERIMENTS if one in kept}})
            write_tables(ROOT)
            print(f"==> {name}: {found['rehearsal']}, {hours(found):.1f} h in full", file=sys.stderr)
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


def measured(name: str, folder: str, device: str) -> Any:
    """What a process prints that rehearses an experiment; None where it fails."""
    command = f"from dgnam.experiments.rehearsal import child; child({name!r}, {folder!r}, {device!r})"
    done = subprocess.run([sys.executable, "-c", command], stdout=subprocess.PIPE, text=True)
    return None if done.returncode else json.loads(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
