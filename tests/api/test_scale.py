"""Runs of very many images: planned and carried out in constant memory, with short records and bounded folders.

Nothing is synthesized: results are made up, and pictures not written.
"""

import csv
import json
import tracemalloc
from collections import Counter

import numpy as np
import pytest

import dgnam
from dgnam.am import Channel, RandomStart, Result, Unit, released
from dgnam.api.execute import carry_out
from dgnam.api.outputs import Outputs
from dgnam.api.plan import choose_seeds, make_plan
from dgnam.api.priors import open_prior
from dgnam.api.spec import spec_of
from dgnam.api.targets import open_target
from dgnam.errors import DgnamError
from dgnam.runs import Record, Run
from dgnam.runs.index import read_summary

MANY = 5_000_000
UNIT = (Unit("fc8", 3),)


@pytest.fixture
def opened(tiny_nets):
    target = open_target(tiny_nets / "target.prototxt", weights=tiny_nets / "target.h5")
    prior = open_prior(tiny_nets / "generator.prototxt", (28, 28), weights=tiny_nets / "generator.h5")
    return target, prior


def plan_of(opened, seeds, batch_size=100, objectives=UNIT):
    return make_plan(
        *opened,
        objectives,
        seeds=choose_seeds(seeds),
        settings=[released(n_iters=2)],
        clip=None,
        start=RandomStart(),
        batch_size=batch_size,
    )


@pytest.mark.parametrize("batch_size", [1, 100])
def test_five_million_seeds_are_planned_in_constant_memory(opened, tmp_path, batch_size):
    plan_of(opened, 1, 1, [Unit("fc8", 3)])  # what torch imports at its first step counts for none
    tracemalloc.start()
    plan = plan_of(opened, MANY, batch_size, [Unit("fc8", 3), Channel("conv5", 1)])
    record = Record("visualize", spec_of({"seeds": range(MANY)}), plan.inputs())
    run = Run.create_at(tmp_path / "run", record)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(plan.jobs) == 2 * MANY
    assert len(plan.batches) == 2 * MANY // batch_size
    assert peak < 4 << 20
    assert (run.path / "run.json").stat().st_size < 4096
    assert Record.read(run.path).check_same(record, run.path) == []


def test_a_list_of_seeds_is_recorded_and_planned_as_a_range(opened):
    seeds = np.arange(3, 30_003)
    assert spec_of({"seeds": seeds}) == {"seeds": ["3-30002"]}
    assert choose_seeds(seeds) == range(3, 30_003) == choose_seeds(["3-30002"])
    assert choose_seeds(["0-3", 9]) == [0, 1, 2, 3, 9]
    assert plan_of(opened, [5, 1, 2, 3]).inputs()["seeds"] == [5, "1-3"]
    for wrong in (["0-3", "x"], [1.5], "0-3", ["0-99999999"], ["3-1"]):
        with pytest.raises(DgnamError, match=r"seeds|too many"):
            choose_seeds(wrong)


def test_a_record_that_could_not_be_read_again_is_not_written(tmp_path, monkeypatch):
    monkeypatch.setattr("dgnam.runs.record._LONGEST", 10_000)
    seeds = list(range(0, 20_000, 2))
    with pytest.raises(DgnamError, match=r"run\.json: would have .* bytes, and a record has 10,000 at most"):
        Run.create_at(tmp_path / "run", Record("visualize", spec_of({"seeds": seeds}), {}))
    assert not (tmp_path / "run").exists()


@pytest.fixture
def made_up(monkeypatch):
    """Results of small images at once, and how many pictures each folder would have instead of files."""
    folders = Counter()

    def results(plan, batches, progress, on_step):
        for batch in batches:
            n = len(batch)
            yield Result(
                tuple(batch),
                np.zeros((n, 3, 2, 2), np.float32),
                np.zeros((n, 12), np.float32),
                np.ones((n, 2), np.float32),
                np.full(n, 2),
                np.zeros(n, np.int8),
            )

    monkeypatch.setattr("dgnam.api.batches.results", results)

    def files(self, plan, job, *rest):
        folders[self.image(plan, job).rpartition("/")[0]] += 1
        return {}

    monkeypatch.setattr(Outputs, "files", files)
    monkeypatch.setattr("dgnam.api.sheet.labeled_grid", lambda *given, **how: np.zeros((1, 1, 3), np.uint8))
    monkeypatch.setattr("dgnam.api.report.draw_traces", lambda *given, **how: np.zeros((1, 1, 3), np.uint8))
    return folders


def test_pictures_of_a_long_run_are_enlarged_as_those_of_a_short_one(opened, tmp_path, made_up, monkeypatch):
    """So that there is room for the numbers below them."""
    scales = []

    def grid(pictures, labels, *, scale, **how):
        scales.append(scale)
        return np.zeros((1, 1, 3), np.uint8)

    monkeypatch.setattr("dgnam.api.sheet.labeled_grid", grid)
    finish(opened, tmp_path / "short", 30)
    finish(opened, tmp_path / "long", 410)
    assert scales == [64, 64, 64]


def finish(opened, folder, count):
    """Carry out a run of so many images."""
    plan = plan_of(opened, count, 500)
    run = Run.create_at(folder, Record("visualize", {}, plan.inputs()))
    lines = carry_out(run, plan, Outputs(), progress=False)
    assert lines == [f"2 steps from 8, L2Decay(factor=0.99): {count} images, activation 1 on average, 1 to 1"]


def memory(opened, folder, count):
    """The most that a run of so many images takes."""
    tracemalloc.start()
    finish(opened, folder, count)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_a_run_ends_in_constant_memory_with_bounded_folders(opened, tmp_path, made_up):
    few = memory(opened, tmp_path / "few", 2000)
    made_up.clear()
    assert memory(opened, tmp_path / "many", 8000) < few + (1 << 20)
    assert set(made_up.values()) == {1000}
    assert read_summary(tmp_path / "many").progress == "8,000/8,000 images"
    with open(tmp_path / "many/summary.csv", newline="") as table:
        rows = list(csv.DictReader(table))
    assert [int(row["job"]) for row in rows] == list(range(8000))
    assert rows[-1]["chunk"] == "00015"


def test_sheets_of_many_pictures_are_in_folders(opened, tmp_path, made_up, monkeypatch):
    monkeypatch.setattr("dgnam.api.sheet.MOST_SHOWN", 1)
    for module in ("api.report", "runs.folder"):
        monkeypatch.setattr(f"dgnam.{module}.IN_ONE_FOLDER", 100)
    finish(opened, tmp_path / "run", 120)
    sheets = [str(path.relative_to(tmp_path / "run")) for path in (tmp_path / "run").rglob("grid*.png")]
    assert len(sheets) == 120
    assert {"grid-000.png", "grid-099.png", "grids/0001/grid-100.png", "grids/0001/grid-119.png"} <= set(sheets)


def test_a_run_of_an_earlier_version_goes_on(tiny_nets, tmp_path):
    """It listed each seed, and not how much a chunk holds."""
    how = {"weights": tiny_nets / "target.h5", "prior": tiny_nets / "generator.prototxt", "n_iters": 2, "seeds": 6}
    how |= {"prior_weights": tiny_nets / "generator.h5", "batch_size": 2, "progress": False}
    whole = dgnam.visualize(tiny_nets / "target.prototxt", "fc8:3", folder=tmp_path / "run", **how)
    path, journal = tmp_path / "run/run.json", tmp_path / "run/chunks.jsonl"
    record = json.loads(path.read_text())
    record["inputs"]["seeds"] = list(range(6))
    path.write_text(json.dumps(record))
    lines = journal.read_text().replace(', "count": 2', "").splitlines(keepends=True)
    journal.write_text("".join(lines[:2]))
    (tmp_path / "run/chunks/00002.h5").unlink()
    again = dgnam.visualize(tiny_nets / "target.prototxt", "fc8:3", folder=tmp_path / "run", resume=True, **how)
    assert np.array_equal(again.raw, whole.raw)
    how["seeds"] = 7
    with pytest.raises(DgnamError, match=r"cannot resume .*: seeds\[0\] changed \(was \"0-5\", now \"0-6\"\)"):
        dgnam.visualize(tiny_nets / "target.prototxt", "fc8:3", folder=tmp_path / "run", resume=True, **how)
