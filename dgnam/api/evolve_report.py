"""What a finished evolution shows: its best pictures, a sheet of them, the scores by generation and a table."""

from __future__ import annotations

import csv
import io

from ..figures import draw_traces
from ..files.encode import png
from ..runs import Run
from ..runs.folder import in_folders
from .report import GRID, SUMMARY, TRACES
from .result import Visualization

COLUMNS = ("search", "objective", "caption", "seed", "best", "generations", "image")


def write_report(run: Run, found: Visualization) -> list[str]:
    """Write the pictures, the sheet, the traces and the table; returns lines for people."""
    table = io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(COLUMNS)
    lines = []
    for number, seed in enumerate(found.seeds):
        image = f"images/{in_folders(number, f'{number:03d}.png')}"
        run.write_bytes(image, png(found.images[number]))
        best, generations = float(found.activations[number]), int((found.traces[number] == found.traces[number]).sum())
        objective = found.objectives[number]
        shown = "" if objective is None else str(objective)
        rows.writerow([number, shown, found.captions[number], seed, f"{best:.9g}", generations, image])
        caption = found.captions[number]
        lines.append(f"{caption:24} seed {seed:<4} best {best:.6g} in {generations} generations   {image}")
    run.write_text(SUMMARY, table.getvalue())
    run.write_bytes(f"{GRID}.png", png(found.grid()))
    names = [f"{caption} seed {seed}" for caption, seed in zip(found.captions, found.seeds, strict=True)]
    run.write_bytes(TRACES, png(draw_traces(found.traces, names, axis="generation")))
    return lines
