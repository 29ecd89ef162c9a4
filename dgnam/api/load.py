"""`dgnam.load`: a run's results, from its folder alone."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from ..am import gather
from ..am.checks import whole_number
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
        captions, seeds, stems = [], [], []
        with open(table, encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                captions.append(row["caption"])
                seeds.append(int(row["seed"]))
                stems.append(Path(row["image"]).stem)
        names = [str(run.record.inputs[part]["name"]) for part in ("target", "prior")]
        frames = whole_number("frames", run.record.inputs.get("frames", 1), 1)
    except (KeyError, ValueError, TypeError, csv.Error) as error:
        raise FormatError(f"{table}: not the table of a run ({error})") from None

    def arrays() -> Arrays:
        parts = [read_result(run, name) for name in run.names()]
        if not parts or sorted(job for part in parts for job in part.indices) != list(range(len(seeds))):
            raise FormatError(f"{table}: has {len(seeds)} lines, and the chunks of {folder} hold other images")
        found = gather(parts)
        images = np.stack([picture(image) for image in found.images])
        if images.shape[2] % frames:
            raise FormatError(f"{folder}: its images, {images.shape[1]}x{images.shape[2]}, are no {frames} frames")
        return Arrays(images, found.images, found.codes, found.last_activations, found.activations)

    return Visualization(
        arrays,
        captions=captions,
        title=f"{names[0]}, prior {names[1]}",
        objectives=[None] * len(seeds),
        seeds=seeds,
        settings=[None] * len(seeds),
        size=None,
        folder=Path(folder),
        stems=stems,
        frames=frames,
    )
