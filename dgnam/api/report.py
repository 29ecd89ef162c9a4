"""What a run shows: a table of its jobs, sheets of its pictures and its traces, made as the batches come.

summary.csv     a line for each job
grid.png        all pictures with their captions, clips as film strips; of more than 400, grid-000.png, …; of several
                settings a table, units and seeds down and settings across
traces.png      activation by step; of several settings by these
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..am import Result, Stop
from ..am.images import picture
from ..figures import draw_traces
from ..files.encode import png
from ..files.tables import table_text
from ..runs import Run
from ..runs.folder import IN_ONE_FOLDER, in_folders
from .outputs import Outputs
from .plan import Plan
from .result import enlargement
from .sheet import Entry, draw_sheet
from .unclimbed import Unclimbed

SUMMARY, GRID, TRACES = "summary.csv", "grid", "traces.png"
PER_ROW = 20
LISTED = 12
"""So many jobs are listed for the user, and of more only what they come to."""

MOST_TRACES = 2000
"""The first so many jobs are drawn in traces.png."""


class Report:
    """The tables and figures of one run; `add` takes its results in the order of the jobs.

    table: takes the text of the table, batch by batch.
    """

    def __init__(self, plan: Plan, outputs: Outputs, table: Callable[[str], None]):
        self.plan, self.outputs, self._table = plan, outputs, table
        self._columns: list[str] = []
        self._sheet: list[Entry] = []
        self._sheets = 0
        self._traces: list[np.ndarray] = []
        self._listed: list[str] = []
        self._groups: dict[str, _Spread] = {}
        self.unclimbed = Unclimbed(plan)

    def add(self, run: Run, batch: int, result: Result) -> None:
        """Take in a batch; full sheets are written."""
        self.unclimbed.add(result)
        lines = [self._line(batch, row, job, result) for row, job in enumerate(result.indices)]
        self._write_rows(lines)
        for row, line in enumerate(lines):
            self._note(line)
            number = f"activation {_shown(line['activation'])}"
            self._sheet.append(Entry(picture(result.images[row]), line["caption"], line["seed"], number))
            if len(self._sheet) == self.plan.sweep.most_shown:
                self._write_sheet(run)
            if len(self._traces) < MOST_TRACES:
                self._traces.append(result.activations[row, : int(result.steps[row])])

    def write(self, run: Run) -> list[str]:
        """Write what is left; returns lines for people."""
        if self._sheet:
            self._write_sheet(run)
        names = [f"{self.plan.caption(k)} seed {self.plan.jobs[k].seed}" for k in range(len(self._traces))]
        traces = [np.where(np.isfinite(trace), trace, np.nan) for trace in self._traces]
        if any(np.isfinite(trace).any() for trace in traces):
            groups = [self.plan.sweep.name(k) for k in range(len(traces))]
            run.write_bytes(TRACES, png(draw_traces(traces, names, groups=groups)))
        return [*self._came_to(), *self.unclimbed.lines()]

    def _came_to(self) -> list[str]:
        if len(self.plan.jobs) <= LISTED:
            return self._listed
        return [f"{name}: {spread}" for name, spread in self._groups.items()]

    def _line(self, batch: int, row: int, job: int, result: Result) -> dict[str, Any]:
        asked, steps = self.plan.jobs[job], int(result.steps[row])
        return {
            "job": job,
            "objective": str(asked.objective),
            "caption": self.plan.caption(job),
            "seed": asked.seed,
            **asked.settings.as_dict(),
            "steps": steps,
            "first_activation": _number(result.activations[row, 0]),
            "activation": _number(result.activations[row, steps - 1]),
            "stopped": "" if result.stopped[row] == Stop.NONE else Stop(result.stopped[row]).name.lower(),
            "image": self.outputs.image(self.plan, job),
            "chunk": self.plan.chunk(batch),
            "row": row,
        }

    def _write_rows(self, lines: Sequence[dict[str, Any]]) -> None:
        begins = not self._columns
        if begins:
            names = {name: None for settings in self.plan.jobs.settings for name in settings.as_dict()}
            first = ["job", "objective", "caption", "seed"]
            self._columns = [*first, *names, *(key for key in lines[0] if key not in {*first, *names})]
        rows = ([line.get(name) for name in self._columns] for line in lines)
        self._table(table_text([self._columns, *rows] if begins else rows))

    def _note(self, line: dict[str, Any]) -> None:
        if len(self._listed) < LISTED:
            self._listed.append(
                f"{line['caption']:24} seed {line['seed']:<4} activation {_shown(line['first_activation'])} -> "
                f"{_shown(line['activation'])} in {line['steps']} steps   {line['image']}"
            )
        name = f"{line['n_iters']} steps from {line['start_lr']:g}, {line['regularizer']}"
        self._groups.setdefault(name, _Spread()).add(line["activation"])

    def _write_sheet(self, run: Run) -> None:
        count, sweep = len(self._sheet), self.plan.sweep
        name = f"{GRID}-{self._sheets:03d}.png" if len(self.plan.jobs) > sweep.most_shown else f"{GRID}.png"
        if self._sheets >= IN_ONE_FOLDER:
            name = f"{GRID}s/{in_folders(self._sheets, name)}"
        frames = self.plan.frames
        scale = enlargement(self._sheet[0].picture.shape[1] // frames)
        columns = min(PER_ROW, max(4, count // 4)) if frames == 1 else 1
        sheet = draw_sheet(self._sheet, sweep, columns=columns, title=self.plan.title, scale=scale)
        run.write_bytes(name, png(sheet))
        self._sheets, self._sheet = self._sheets + 1, []


@dataclass
class _Spread:
    """The mean and the range of activations, those that are finite; None stands for one that is not."""

    count: int = 0
    finite: int = 0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf

    def add(self, activation: float | None) -> None:
        self.count += 1
        if activation is not None:
            self.finite += 1
            self.total += activation
            self.least, self.most = min(self.least, activation), max(self.most, activation)

    def __str__(self) -> str:
        if not self.finite:
            return f"{self.count} images, activation not finite"
        others = f", {self.count - self.finite} not finite" if self.finite < self.count else ""
        mean = self.total / self.finite
        return f"{self.count} images, activation {mean:.4g} on average, {self.least:.4g} to {self.most:.4g}{others}"


def _number(value: np.floating[Any]) -> float | None:
    """A float32 as the shortest number that means it; None for one that is not finite."""
    return float(str(np.float32(value))) if np.isfinite(value) else None


def _shown(activation: float | None) -> str:
    return "not finite" if activation is None else f"{activation:.4g}"
