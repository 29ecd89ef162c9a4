"""What an experiment is given and gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


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


class Experiment(Protocol):
    """A module's `run`."""

    def __call__(
        self, *, models: str, units: Sequence[int] | None, seed: int, output: Path, published: bool, progress: bool
    ) -> Outcome:
        """Run with the models "mini" or "paper".

        units: the units shown; None for those of the figure.
        output: the folder that the run folder is made in.
        published: save pictures as the published code did, as stretched JPEGs.
        """
        ...
