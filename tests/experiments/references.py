"""Reference pictures of every experiment at smoke scale, and how a run is compared with them.

`make references` makes them anew, on purpose only: each experiment is run with one thread, with two, with each image in
a batch of its own, and with the instructions of other CPUs; the mean of the pictures and their deviation over these
runs are kept.  All are in float32, which experiments compute in unless another precision is asked for.  A run whose
pictures have one of the recorded checksums is the same; else each picture must lie near the mean.  The few steps of the
smoke scale keep it there: after ten, rounding alone makes other pictures.
"""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dgnam import zoo
from dgnam.api.load import load
from dgnam.api.result import Visualization
from dgnam.experiments import EXPERIMENTS, reproduce
from dgnam.experiments.context import Context
from dgnam.experiments.execution import carry_out
from dgnam.figures import labeled_grid
from dgnam.files.encode import png
from dgnam.files.paths import write_bytes
from dgnam.runs import Record

FOLDER = Path(__file__).parents[1] / "references"
MOST = 4
"""Pictures of an experiment."""

DEVIATIONS, LEVELS, FEW = 4.0, 4.0, 0.02
"""A pixel differs if it is more than so many deviations and gray levels from the mean; so few pixels of one may."""


def pictures_of(run: Path) -> np.ndarray:
    """(n, h, w, 3) uint8: a few of the pictures that an experiment's run synthesized, evenly over its steps."""
    steps = sorted(path.parent for path in run.rglob("run.json") if path.parent != run)
    made = [load(step).images for step in steps if Record.read(step).task == "visualize"]
    size = made[0].shape[1:]
    shown = np.concatenate([images for images in made if images.shape[1:] == size])
    return shown[np.linspace(0, len(shown) - 1, min(MOST, len(shown))).round().astype(int)]


def check(name: str, shown: np.ndarray, failures: Path) -> None:
    """Raise AssertionError where pictures differ from an experiment's reference; the worst one is then written.

    failures: the folder for it: the picture, the reference and their difference, side by side.
    """
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as kept:
        mean, deviation, known = kept["mean"].astype(float), kept["deviation"].astype(float), kept["sha256"].tolist()
    assert shown.shape == mean.shape, f"{name}: pictures {shown.shape}, and the reference has {mean.shape}"
    if checksum(shown) in known:
        return
    difference = np.abs(shown - mean)
    differs = (difference > DEVIATIONS * deviation + LEVELS).mean((1, 2, 3))
    worst = int(differs.argmax())
    if differs[worst] > FEW:
        path = failures / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        tiles = [shown[worst], *(np.clip(part[worst], 0, 255).astype(np.uint8) for part in (mean, difference))]
        grid = labeled_grid(tiles, ["found", "reference", "difference"], columns=3, title=name, scale=3)
        write_bytes(path, png(grid))
        raise AssertionError(
            f"{name}: {differs[worst]:.1%} of picture {worst} differ from the reference; see {path}.  If meant: "
            "make references"
        )


def checksum(shown: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(shown).tobytes()).hexdigest()


def renew(name: str, data: Path | None) -> None:
    """Make an experiment's reference anew."""
    variants = [run_variant(name, data, *variant) for variant in VARIANTS]
    variants += [elsewhere(name, data, instructions) for instructions in INSTRUCTIONS]
    stacked = np.stack(variants).astype(float)
    deviation = np.ceil(stacked.std(0)).astype(np.uint8)
    FOLDER.mkdir(exist_ok=True)
    known = np.array(sorted({checksum(shown) for shown in variants}))
    mean = np.rint(stacked.mean(0)).astype(np.uint8)
    np.savez_compressed(FOLDER / f"{name}.npz", mean=mean, deviation=deviation, sha256=known)


class OneByOne(Context):
    """An experiment whose images are made in batches of one, but for those that a step needs together."""

    def visualize(self, step: str, objectives: Any, *, target: Any = None, **options: Any) -> Visualization:
        """The step, by so small batches."""
        return super().visualize(step, objectives, target=target, **{"batch_size": 1, **options})


VARIANTS: tuple[tuple[int, type[Context]], ...] = ((1, Context), (2, Context), (1, OneByOne))
"""Numbers of threads, and what chooses the batches."""

INSTRUCTIONS = (
    {"MKL_CBWR": "AVX2"},
    {"MKL_CBWR": "COMPATIBLE"},
    {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41"},
)
"""Environments in which a process computes as on other CPUs."""


def elsewhere(name: str, data: Path | None, instructions: Mapping[str, str]) -> np.ndarray:
    """The pictures of an experiment at smoke scale from a process in such an environment."""
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in instructions.items():
            patch.setenv(variable, value)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
            return process.submit(run_variant, name, data, *VARIANTS[0]).result()


def run_variant(name: str, data: Path | None, threads: int, kind: type[Context]) -> np.ndarray:
    """The pictures of an experiment at smoke scale with so many threads."""
    usual = {option: one.default for option, one in signature(reproduce).parameters.items()}
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with tempfile.TemporaryDirectory() as folder:
            given = {"experiment": name, "scale": "smoke", "data": data, "folder": f"{folder}/run", "progress": False}
            outcome = carry_out(EXPERIMENTS[name], {**usual, **given}, kind)
            assert outcome.folder is not None, outcome.blocked
            return pictures_of(outcome.folder)
    finally:
        torch.set_num_threads(before)


def main() -> None:
    """Make the references of the experiments named, or of all; $DGNAM_DATA for those that need real pictures."""
    data = os.environ.pop("DGNAM_DATA", None)
    for name in sys.argv[1:] if len(sys.argv) > 1 else EXPERIMENTS:
        experiment = EXPERIMENTS[name]
        if any(zoo.get(one).untrained for one in experiment.models["mini"].files):
            print(f"==> {name}: a network that it needs is not trained yet")
        elif experiment.models["mini"].pictures and data is None:
            print(f"==> {name}: it needs real pictures: set $DGNAM_DATA")
        else:
            renew(name, Path(data) if experiment.models["mini"].pictures and data is not None else None)
            print(f"==> {name}")


if __name__ == "__main__":
    main()
