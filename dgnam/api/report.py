"""What a finished run shows: sheets of all its pictures, its traces, and a table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..figures import draw_traces, labelled_grid
from .folder import MANIFEST, Folder
from .plan import Plan
from .result import MOST_SHOWN, enlargement

SUMMARY, GRID, TRACES = "summary.csv", "grid", "traces.png"
COLUMNS = 20
LISTED = 12
"""So many jobs are listed for the user, and of more only what they come to."""


def write_report(folder: Folder, plan: Plan) -> list[str]:
    """Write the sheets, the traces and the table of a finished run; returns lines for people."""
    rows = [json.loads(line) for line in (folder.path / MANIFEST).read_text(encoding="utf-8").splitlines()]
    rows.sort(key=lambda row: int(row["job"]))
    folder.files.write_text(SUMMARY, _table(rows))
    sheets = [rows[first : first + MOST_SHOWN] for first in range(0, len(rows), MOST_SHOWN)]
    for number, sheet in enumerate(sheets):
        name = f"{GRID}.png" if len(sheets) == 1 else f"{GRID}-{number:03d}.png"
        folder.files.write_png(name, _sheet(folder.path, sheet, plan))
    traces, names = _traces(folder, plan)
    if np.isfinite(traces).any():
        folder.files.write_png(TRACES, draw_traces(traces, names))
    return _lines(rows)


def _table(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _sheet(path: Path, rows: list[dict[str, Any]], plan: Plan) -> np.ndarray:
    pictures = []
    for row in rows:
        with Image.open(path / row["image"]) as picture:
            pictures.append(np.asarray(picture.convert("RGB")))
    labels = [f"{row['caption']}\n{_shown(row['activation'])}" for row in rows]
    scale = enlargement(pictures[0].shape[1]) if len(rows) <= 100 else 1
    title = f"{plan.target.name}, prior {plan.prior.name}"
    return labelled_grid(pictures, labels, columns=min(COLUMNS, max(4, len(rows) // 4)), title=title, scale=scale)


def _traces(folder: Folder, plan: Plan) -> tuple[np.ndarray, list[str]]:
    """The activations (jobs, steps), NaN where they are not finite, and a name for each job."""
    traces = np.full((len(plan.jobs), max(job.settings.n_iters for job in plan.jobs)), np.nan, np.float32)
    for result in folder.results():
        traces[list(result.indices), : result.activations.shape[1]] = result.activations
    traces[np.isinf(traces)] = np.nan
    return traces, [f"{plan.caption(k)} seed {job.seed}" for k, job in enumerate(plan.jobs)]


def _lines(rows: list[dict[str, Any]]) -> list[str]:
    if len(rows) <= LISTED:
        return [
            f"{row['caption']:24} seed {row['seed']:<4} activation {_shown(row['first_activation'])} -> "
            f"{_shown(row['activation'])} in {row['steps']} steps   {row['image']}"
            for row in rows
        ]
    settings: dict[str, list[float]] = {}
    for row in rows:
        name = f"{row['n_iters']} steps from {row['start_lr']:g}, {row['regularisation']}"
        settings.setdefault(name, []).append(np.nan if row["activation"] is None else float(row["activation"]))
    return [f"{name}: {len(values)} images, activation {_spread(values)}" for name, values in settings.items()]


def _spread(values: list[float]) -> str:
    """The mean and the range of those that are finite."""
    finite = [value for value in values if np.isfinite(value)]
    if not finite:
        return "not finite"
    others = f", {len(values) - len(finite)} not finite" if len(finite) < len(values) else ""
    return f"{np.mean(finite):.4g} on average, {min(finite):.4g} to {max(finite):.4g}{others}"


def _shown(activation: float | None) -> str:
    return "not finite" if activation is None else f"{activation:.4g}"
