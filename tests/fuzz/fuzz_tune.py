"""The record of a tuning, as `dgnam resume` reads it: its spaces."""

from __future__ import annotations

import json
from pathlib import Path

from dgnam.api.recorded import arguments
from dgnam.api.tune import tune, tuning_space
from dgnam.errors import naming
from dgnam.runs import Record

FILE = "hostile/run.json"

USUAL = {"target": "caffenet-mini", "objective": "fc8:0-7", "report_on": "fc8:100-107", "judge": "judge-mini"}
SPACES = (
    {"n_iters": [50, 400], "start_lr": [1.0, 32.0, "log"], "l2": None, "norm_penalty": None},
    {"n_iters": [3, 5], "start_lr": [2, 2], "l2": None, "norm_penalty": [0.01, 0.1, "log"]},
)


def seeds() -> list[bytes]:
    records = [Record("tune", {**USUAL, "trials": 12, **space}, {"space": {}}) for space in SPACES]
    return [json.dumps(record.to_json()).encode() for record in records]


def read(path: Path) -> None:
    record = Record.read(path.parent)
    with naming(path):  # ranges that can't be
        spec = arguments(record, tune, path.parent, {})
        tuning_space(*(spec.get(name) for name in SPACES[0]))
