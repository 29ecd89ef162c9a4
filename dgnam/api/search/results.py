"""What a finished search leaves: search.json, trials.csv, contact_sheet.png, and the lines that are printed."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...am.tuning.space import NAMES
from ...am.tuning.trials import Trial
from ...am.tuning.tune import Row, best_trial, describe
from ...figures import Candidate, contact_sheet
from ...files.paths import replacing
from ...runs.folder import RunFolder
from .stage import Stage

RESULT, TABLE, SHEET = "search.json", "trials.csv", "contact_sheet.png"


def write_results(folder: RunFolder, stage: Stage, trials: Sequence[Trial], rows: Sequence[Row], show: int) -> None:
    """Write all files of a finished search; the sheet has the `show` best and worst trials."""
    folder.write_json(RESULT, _result(stage, trials, rows))
    write_table(folder.path / TABLE, trials)
    folder.write_png(SHEET, draw_sheet(trials, stage, show))


def _result(stage: Stage, trials: Sequence[Trial], rows: Sequence[Row]) -> dict[str, Any]:
    return {
        "score": stage.measure,
        "tuning": [str(unit) for unit in stage.tuning],
        "held_out": [str(unit) for unit in stage.held_out],
        "trials": len(trials),
        "best_trial": best_trial(trials).number,
        "rows": [
            {
                "name": row.name,
                "settings": row.settings.as_dict(),
                "tuning": {"score": row.tuning_score, "scores": list(row.tuning)},
                "held_out": {"score": row.held_out_score, "scores": list(row.held_out)},
            }
            for row in rows
        ],
    }


def write_table(path: Path, trials: Sequence[Trial]) -> None:
    """Write the trials as CSV, a line each, by number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rules = sorted({name for trial in trials for name in _drawn(trial)}, key=NAMES.index)
    writer.writerow(["trial", "score", "activation", *rules])
    for trial in trials:
        drawn = _drawn(trial)
        values = [trial.score, trial.activation, *(drawn[name] for name in rules)]
        writer.writerow([trial.number, *values])
    with replacing(path) as partial:
        partial.write_text(text.getvalue(), encoding="utf-8")


def _drawn(trial: Trial) -> dict[str, float]:
    """What was drawn for a trial, by name."""
    rule = vars(trial.settings.regularisation)
    names = {"factor": "shrink", "weight": "norm_penalty"}
    found = {"n_iters": trial.settings.n_iters, "start_lr": trial.settings.schedule.start}
    return found | {names[key]: value for key, value in rule.items()}


def candidate(trial: Trial) -> Candidate:
    """A trial for a contact sheet, from its search's folder alone: `map(candidate, read_trials(folder))`."""
    name, activation = f"trial {trial.number}: score {trial.score:.3f}", f"activation {trial.activation:.1f}"
    return Candidate(trial.score, trial.pictures(), (name, *describe(trial.settings, "\n").split("\n"), activation))


def draw_sheet(trials: Sequence[Trial], stage: Stage, show: int) -> np.ndarray:
    """The best and the worst trials' pictures over their settings."""
    note = f"Units {stage.request.units}; score: {stage.measure}."
    if stage.entries[stage.request.target].kind == "mini":
        note += " Small models."
    return contact_sheet(
        [candidate(trial) for trial in trials], k=show, title=f"Settings for {stage.request.target}", note=note
    )


def result_lines(stage: Stage, trials: Sequence[Trial], rows: Sequence[Row]) -> list[str]:
    """A table: the best and the baselines, their scores on both sets."""
    tuned, held = f"tuned on {len(stage.tuning)}", f"held out {len(stage.held_out)}"
    lines = [
        f"{len(trials)} trials; score: {stage.measure}",
        " ".ljust(10) + tuned.rjust(14) + held.rjust(14) + "   settings",
    ]
    for row in rows:
        scores = f"{row.tuning_score:14.3f}{row.held_out_score:14.3f}"
        lines.append(f"{row.name:10}{scores}   {describe(row.settings)}")
    return lines
