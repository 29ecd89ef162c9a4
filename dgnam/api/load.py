"""`dgnam.load`: a run's results, from its folder alone."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

from ..am import gather
from ..am.images import picture
from ..errors import DgnamError, FormatError
from ..files.paths import StrPath
from ..runs import Run
from .execute import read_result
from .report import SUMMARY
from .result import Arrays, Visualization


def load(folder: StrPath) -> Visualization:
    """The images of a finished run of `visualize`, with no network opened.

    Raises DgnamError where the folder holds no such run, or one that isn't finished.
    """
    run = Run.open(folder)
    if run.record.task != "visualize":
        raise DgnamError(f"{folder} holds a run of '{run.record.task}'; runs of 'visualize' are loaded")
    table = Path(folder) / SUMMARY
    if not table.is_file():
        raise DgnamError(f"{folder} is not finished: dgnam resume {folder}")
    try:
        rows = list(csv.DictReader(io.StringIO(table.read_text(encoding="utf-8"))))
        captions, seeds = [row["caption"] for row in rows], [int(row["seed"]) for row in rows]
        stems = [Path(row["image"]).stem for row in rows]
        names = [str(run.record.inputs[part]["name"]) for part in ("target", "prior")]
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise FormatError(f"{table}: not the table of a run ({error})") from None

    def arrays() -> Arrays:
        parts = [read_result(run, name) for name in sorted(run.names())]
        if not parts or sorted(job for part in parts for job in part.indices) != list(range(len(rows))):
            raise FormatError(f"{table}: has {len(rows)} lines, and the chunks of {folder} hold other images")
        found = gather(parts)
        images = np.stack([picture(image) for image in found.images])
        return Arrays(images, found.images, found.codes, found.last_activations, found.activations)

    return Visualization(
        arrays,
        captions=captions,
        title=f"{names[0]}, prior {names[1]}",
        objectives=[None] * len(rows),
        seeds=seeds,
        settings=[None] * len(rows),
        size=None,
        folder=Path(folder),
        stems=stems,
    )
