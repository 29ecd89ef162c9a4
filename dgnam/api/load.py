"""`dgnam.load`: a run's results, from its folder alone."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..am import gather
from ..am.argument_types import checked
from ..am.checks import whole_number
from ..am.evolve.remeasure import read_measured
from ..am.images import picture
from ..errors import DgnamError, FormatError
from ..files.paths import StrPath
from ..files.tables import read_table, unescaped
from ..runs import Run
from .evolution import MOMENTS, Evolution
from .evolve_report import RESULT, RESULT_ARRAYS
from .execute import read_result
from .report import SUMMARY
from .result import Arrays, Visualization
from .sheet import Sweep, settings_names


@checked
def load(folder: StrPath) -> Visualization:
    """The images of a finished run of `visualize`, or of `evolve` an `Evolution`, with no network opened.

    Raises DgnamError where the folder holds no such run, or one that isn't finished.
    """
    run = Run.open(folder)
    if run.record.task not in _LOADED:
        raise DgnamError(f"{folder} holds a run of '{run.record.task}'; runs of {' and '.join(_LOADED)} are loaded")
    table = run.path / SUMMARY
    if not table.is_file() or (run.record.task == "evolve" and RESULT not in run.names()):
        raise DgnamError(f"{folder} is not finished: dgnam resume {shlex.quote(str(folder))}")
    return _LOADED[run.record.task](run, _read_summary(run, table))


@dataclass(frozen=True)
class _Summary:
    """What a run's summary.csv says of its images, its title, and how many frames each image has.

    settings: as its record has them; empty where it has none.
    """

    table: Path
    objectives: Sequence[str | None]
    captions: Sequence[str]
    seeds: Sequence[int]
    stems: Sequence[str]
    settings: Sequence[Mapping[str, Any]]
    title: str
    frames: int

    def arguments(self, folder: Path) -> dict[str, Any]:
        """Those of a `Visualization`."""
        count, own = len(self.seeds), self.sweep
        return {
            "captions": self.captions,
            "title": self.title,
            "objectives": self.objectives,
            "seeds": self.seeds,
            "settings": [None if own is None else self.settings[own.place(k)] for k in range(count)],
            "size": None,
            "folder": folder,
            "stems": self.stems,
            "frames": self.frames,
            "sweep": own,
        }

    @property
    def sweep(self) -> Sweep | None:
        """How the run's settings come; None where its record doesn't say."""
        names = settings_names(self.settings)
        return Sweep(names, max(1, len(set(self.seeds)))) if names else None


def _read_summary(run: Run, table: Path) -> _Summary:
    columns = ("objective", "caption", "seed", "image")
    rows = [[unescaped(cell) for cell in cells] for _, cells in read_table(table, columns, "the table of a run").rows]
    try:
        target, prior = (run.record.inputs[part] for part in ("target", "prior"))
        title = f"{'black box' if target is None else target['name']}, prior {prior['name']}"
        frames = whole_number("frames", run.record.inputs.get("frames", 1), 1)
        seeds = [int(seed) for _, _, seed, _ in rows]
    except (KeyError, ValueError, TypeError) as error:
        raise FormatError(f"{table}: not the table of a run ({error})") from None
    return _Summary(
        table,
        [objective or None for objective, *_ in rows],
        [caption for _, caption, *_ in rows],
        seeds,
        [Path(image).stem for *_, image in rows],
        _settings_of(run),
        title,
        frames,
    )


def _settings_of(run: Run) -> list[dict[str, Any]]:
    found = run.record.inputs.get("settings")
    return found if isinstance(found, list) and all(isinstance(one, dict) for one in found) else []


def _load_visualization(run: Run, summary: _Summary) -> Visualization:
    def arrays() -> Arrays:
        parts = [read_result(run, name) for name in run.names()]
        if not parts or sorted(job for part in parts for job in part.indices) != list(range(len(summary.seeds))):
            raise FormatError(
                f"{summary.table}: has {len(summary.seeds)} lines, and the chunks of {run.path} hold other images"
            )
        found = gather(parts)
        images = np.stack([picture(image) for image in found.images])
        if images.shape[2] % summary.frames:
            size = f"{images.shape[1]}x{images.shape[2]}"
            raise FormatError(f"{run.path}: its images, {size}, are no {summary.frames} frames")
        return Arrays(images, found.images, found.codes, found.last_activations, found.activations)

    return Visualization(arrays, **summary.arguments(run.path))


def _load_evolution(run: Run, summary: _Summary) -> Visualization:
    arrays, count = run.load(RESULT), len(summary.seeds)
    lacking = [name for name in RESULT_ARRAYS if len(arrays.get(name, ())) != count]
    if lacking or arrays["generations"].shape[2:] != (len(MOMENTS),) or not count:
        raise FormatError(f"{summary.table}: has {count} lines, and chunk '{RESULT}' of {run.path} holds other images")
    generations = arrays["generations"].astype(np.float64)
    prefixes = [""] if count == 1 else [f"{number:03d}/" for number in range(count)]
    images = arrays["images"].astype(np.uint8)
    raw, codes, activations, traces = (
        arrays[name].astype(np.float32) for name in ("raw", "codes", "activations", "traces")
    )
    return Evolution(
        lambda: Arrays(images, raw, codes, activations, traces),
        **summary.arguments(run.path),
        remeasured=[read_measured(run, prefix, generations.shape[1]) for prefix in prefixes],
        mean_images=arrays["mean_images"].astype(np.uint8),
        mean_codes=arrays["mean_codes"].astype(np.float32),
        generations=generations,
        measured="score" if run.record.inputs.get("target") is None else "activation",
    )


_LOADED: dict[str, Callable[[Run, _Summary], Visualization]] = {
    "visualize": _load_visualization,
    "evolve": _load_evolution,
}
"""By task, what makes the result of its folder."""
