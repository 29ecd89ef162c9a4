"""What a finished tuning leaves: result.json, trials.csv, contact_sheet.png, and lines for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..am import Objective
from ..am.tuning import Row, Trial, TuningSpace, best_trial, describe
from ..figures import Candidate, contact_sheet
from ..files.encode import png
from ..files.tables import table_text
from ..runs import Run

RESULT, TABLE, SHEET = "result.json", "trials.csv", "contact_sheet.png"


def write_report(
    run: Run,
    target: str,
    measure: str,
    tuning: Sequence[Objective],
    held_out: Sequence[Objective],
    space: TuningSpace,
    trials: Sequence[Trial],
    rows: Sequence[Row],
    show: int,
) -> list[str]:
    """Write all files of a finished tuning; the sheet has the `show` best and worst trials."""
    units = {"tuning": [str(one) for one in tuning], "held_out": [str(one) for one in held_out]}
    best = {"trials": len(trials), "best_trial": best_trial(trials).number}
    run.write_json(RESULT, {"score": measure, **units, **best, "rows": [_row(row) for row in rows]})
    run.write_text(TABLE, _table(space, trials))
    note = f"Tuned on {len(tuning)} units; score: {measure}."
    shown = [candidate(trial) for trial in best_and_worst(trials, show)]
    sheet = contact_sheet(shown, k=show, title=f"Settings for {target}", note=note, count=len(trials))
    run.write_bytes(SHEET, png(sheet))
    return _lines(measure, tuning, held_out, trials, rows)


def best_and_worst(trials: Sequence[Trial], k: int) -> list[Trial]:
    """The `k` best and the `k` worst trials, by number."""
    ranked = sorted(trials, key=lambda trial: -trial.score)
    return sorted({*ranked[:k], *ranked[-k:]}, key=lambda trial: trial.number)


def candidate(trial: Trial) -> Candidate:
    """A trial for a contact sheet."""
    name, activation = f"trial {trial.number}: score {trial.score:.3f}", f"activation {trial.activation:.1f}"
    return Candidate(trial.score, trial.pictures, (name, *describe(trial.settings, "\n").split("\n"), activation))


def _row(row: Row) -> dict[str, Any]:
    return {
        "name": row.name,
        "settings": row.settings.as_dict(),
        "tuning": {"score": row.tuning_score, "scores": list(row.tuning)},
        "held_out": {"score": row.held_out_score, "scores": list(row.held_out)},
    }


def _table(space: TuningSpace, trials: Sequence[Trial]) -> str:
    """The trials as CSV, a line each, by number."""
    rows: list[list[Any]] = [["trial", "score", "activation", *space.ranges]]
    for trial in trials:
        drawn = [int(v) if name == "n_iters" else v for name, v in zip(space.ranges, trial.drawn, strict=True)]
        rows.append([trial.number, trial.score, trial.activation, *drawn])
    return table_text(rows)


def _lines(
    measure: str,
    tuning: Sequence[Objective],
    held_out: Sequence[Objective],
    trials: Sequence[Trial],
    rows: Sequence[Row],
) -> list[str]:
    """A table: the best and the baselines, their scores on both sets."""
    tuned, held = f"tuned on {len(tuning)}", f"held out {len(held_out)}"
    lines = [
        f"{len(trials)} trials; score: {measure}",
        " ".ljust(10) + tuned.rjust(14) + held.rjust(14) + "   settings",
    ]
    for row in rows:
        scores = f"{row.tuning_score:14.3f}{row.held_out_score:14.3f}"
        lines.append(f"{row.name:10}{scores}   {describe(row.settings)}")
    return lines
