"""What an experiment is asked and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Request:
    """How to run an experiment.

    models: "mini" for our small ones, "paper" for the published ones.
    units: the units shown; None for those of the figure.
    seed: of the random start codes.
    output: the folder that the run folder is made in.
    published: save pictures as the published code did, as stretched JPEGs.
    device: where to compute, "cpu" or "cuda".
    engine: whose nets run the published loop, one image at a time on the CPU ("auto", "dgnam" or "caffe"); None takes
        the same loop for many images at once.
    """

    models: str = "mini"
    units: Sequence[int] | None = None
    seed: int = 0
    output: Path = Path("runs")
    published: bool = False
    device: str = "cpu"
    progress: bool = True
    engine: str | None = None


@dataclass(frozen=True)
class Outcome:
    """An experiment's result: numbers with what they are about, in a run folder; or why there are none.

    folder: the run folder; None where it was blocked.
    figure: the main picture's path.
    numbers: by name, as `numbers.json` has them.
    lines: the same for people to read.
    blocked: what is missing and how to get it; empty where the experiment ran.
    """

    folder: Path | None = None
    figure: Path | None = None
    numbers: Mapping[str, Any] | None = None
    lines: Sequence[str] = ()
    blocked: str = ""


Experiment = Callable[[Request], Outcome]
"""A module's `run`."""
