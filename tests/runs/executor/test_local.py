"""Chunks made in this process, after the parcels that others left."""

import pytest

from dgnam.runs import Record, Run
from dgnam.runs.executor import LocalExecutor, Made, Task, Work
from dgnam.runs.executor.parcels import pack, parcel_name, parcels_of


@pytest.fixture
def run(tmp_path):
    return Run.create_at(tmp_path / "run", Record("visualize", {}, {}))


def test_parcels_are_opened_in_their_turn_and_go(run):
    left = Made({"x": [9]}, count=5)
    for chunk in ("1", "7"):
        parcels_of(run).put(parcel_name(chunk, 5, pack(left)), pack(left))
    executor, checks, begun = LocalExecutor(), [], []
    assert executor.waiting(run) == {"1", "7"}

    def here(number):
        begun.append(number)
        return Made({"x": [number]})

    tasks = (Task(str(number), number) for number in range(3))
    made = executor.make(run, tasks, Work(here, None), check=lambda: checks.append(True))
    assert next(made).count == 1
    assert next(made).count == 5
    assert executor.waiting(run) == {"1", "7"}  # until it is entered
    next(made)
    assert executor.waiting(run) == {"7"}
    assert list(made) == []
    assert (begun, len(checks)) == ([0, 2], 3)
    assert not (run.path / "arrived").exists()
    assert executor.waiting(run) == set()
