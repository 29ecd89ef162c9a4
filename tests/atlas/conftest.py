"""Run folders as `visualize` leaves them, made without a network."""

import contextlib
from functools import partial

import numpy as np
import pytest

from dgnam.files.encode import png
from dgnam.files.tables import table_text
from dgnam.runs import Record, Run

HEAD = ("job", "objective", "caption", "seed", "n_iters", "steps", "first_activation", "activation", "stopped", "image")
WEIGHTS = "71c665680325065a7f8785c7d3ebaa40cdc699f4ecfff4b967021c8657a1d584"


def picture(seed=0, size=8):
    return png(np.random.default_rng(seed).integers(0, 256, (size, size, 3)).astype(np.uint8))


def rows(count, label="unit"):
    return [
        [k, f"fc8:{k}", f"{label} {k}", 0, 5, 5, 0.5, 10.25 - k, "", f"images/fc8_{k:04d}.png"] for k in range(count)
    ]


def write_run(base, name, count=3, *, label="unit", finished=True, within="runs", task="visualize", **spec):
    """A run of so many pictures, `runs/NAME` in `base`; returns its folder."""
    target = {"name": "caffenet-mini", "files": {"caffenet-mini/weights.h5": WEIGHTS}}
    inputs = {"target": target, "objectives": [f"fc8:{k}" for k in range(count)]}
    record = Record(task, {"target": "caffenet-mini", "objective": "fc8:0-2", **spec}, inputs, {"threads": 1})
    (base / within).mkdir(parents=True, exist_ok=True)
    run = Run.create_at(base / within / name, record)
    with contextlib.suppress(KeyboardInterrupt), run.exclusive(count, "images"):
        run.save("00000", {"x": np.zeros(2)}, count=count)
        for row in rows(count):
            run.write_bytes(row[-1], picture(row[0]))
        if not finished:
            raise KeyboardInterrupt
        run.write_text("summary.csv", table_text([HEAD, *rows(count, label)]))
        run.write_bytes("grid.png", picture(size=24))
    return run.path


@pytest.fixture
def make_run(tmp_path):
    """`write_run` in the test's own folder."""
    return partial(write_run, tmp_path)


@pytest.fixture(scope="module")
def one_run(tmp_path_factory):
    """A folder with `runs/a`, which tests leave as it is."""
    base = tmp_path_factory.mktemp("one")
    write_run(base, "a")
    return base
