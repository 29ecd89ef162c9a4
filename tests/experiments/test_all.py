"""Every experiment at smoke scale: it comes to an end, decides nothing, and its pictures are those of its reference."""

import csv
import json
import os
from inspect import signature
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dgnam import zoo
from dgnam.api.targets import open_target
from dgnam.experiments import EXPERIMENTS, reproduce
from dgnam.experiments.claims import AT_EQUAL_ACTIVATION, claims
from dgnam.experiments.context import Context
from dgnam.experiments.planned import STEPS, plan
from dgnam.experiments.remarks import remarks
from dgnam.runs import Record, Run
from dgnam.runs.ranges import from_ranges
from tests.experiments import references
from tests.experiments.references import VARIANTS, check, checksum, pictures_of, run_variant
from tests.experiments.test_claim_tables import missing_controls

DATA = Path(os.environ.get("DGNAM_DATA", Path(__file__).parents[3] / "shared" / "data"))

FAILURES = Path(__file__).parents[2] / "runs" / "reference-failures"
"""Where the worst picture is left if it is not that of the reference."""


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_smoke(name, tmp_path, monkeypatch):
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    experiment = EXPERIMENTS[name]
    pictures = experiment.models["mini"].pictures
    if pictures and not (DATA / "tinyimagenet64-val.zip").is_file():
        pytest.skip(f"{name} needs the image sets in {DATA}")
    untrained = [one for one in experiment.models["mini"].files if zoo.get(one).untrained]
    if untrained:
        pytest.skip(f"{name} needs {', '.join(untrained)}, which are not trained yet")
    data = DATA if pictures else None
    outcome = reproduce(name, scale="smoke", data=data, folder=tmp_path / "run", progress=False)
    assert outcome.blocked == ""
    assert images_of(outcome.folder) == images_planned(experiment, data)
    numbers = json.loads((outcome.folder / "numbers.json").read_text())
    assert set(numbers["findings"]) == set(experiment.claims) or name == "fig1"
    for claim, found in numbers["findings"].items():
        assert found["verdict"] is None
        parts = {part.removesuffix(AT_EQUAL_ACTIVATION) for part in (*found["parts"], *found["missing"])}
        assert parts == set(claims()[claim].bounds)
        assert missing_controls(claim, found) == []
        assert found["floor"] or found["ceiling"] or remarks()[claim].no_controls
    with Image.open(outcome.folder / numbers["figure"]) as figure:
        assert figure.width > 100
    assert not any("holds" in line or "fails" in line for line in outcome.summary)
    check(name, pictures_of(outcome.folder), FAILURES)
    with open(outcome.folder / "pictures.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows
    assert all(any(row[column] for row in rows) for column in rows[0])


def images_of(run):
    """How many images each step of a run made."""
    steps = {path.parent.name: Record.read(path.parent) for path in run.glob("*/run.json")}
    return {
        step: len(record.inputs["objectives"]) * sum(map(len, from_ranges(record.inputs["seeds"])))
        for step, record in steps.items()
        if record.task == "visualize"
    }


def planned(experiment, **given):
    """The steps of an experiment, counted without making them."""
    usual = {name: one.default for name, one in signature(reproduce).parameters.items()}
    return plan(experiment, {**usual, "experiment": experiment.name, **given})


def images_planned(experiment, data):
    """How many images each step makes, as it is planned; facets, which need pictures, are not in all runs."""
    made = planned(experiment, scale="smoke", data=data)
    frames = getattr(open_target(experiment.models["mini"].target, clips=True).target, "frames", 1)
    return {one.step: one.images // frames for one in made if one.work == STEPS}


@pytest.mark.exhaustive
def test_the_steps_of_the_whole_paper_at_small_scale_are_bounded(tmp_path):
    """So many, at 6 ms each, that the judges and all else can be done in the rest of an hour."""
    made = [one for experiment in EXPERIMENTS.values() for one in planned(experiment, scale="small", data=tmp_path)]
    assert 0 < sum(one.count for one in made if one.work == STEPS) < 350_000


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["sec3_2_places", "sec3_6_videos"])
def test_references_vary_the_batches(name, monkeypatch):
    """Each image, or clip, is in a batch of its own, and its picture is that of the others to rounding."""
    batches, visualize = [], Context.visualize
    monkeypatch.setattr(Context, "visualize", lambda *given, **how: noted(batches, visualize(*given, **how)))
    one_by_one = run_variant(name, None, *VARIANTS[-1])
    alone = [count for folder in batches for count in folder]
    batches.clear()
    usual = run_variant(name, None, *VARIANTS[0])
    assert set(alone) == {1}
    assert max(count for folder in batches for count in folder) > 1 or name == "sec3_6_videos"
    assert np.abs(one_by_one.astype(float) - usual).mean() < 4
    assert {threads for threads, _ in VARIANTS} == {1, 2}


def noted(batches, made):
    """Note how many images each chunk of a run has."""
    batches.append(Run.open(made.folder).counts())
    return made


@pytest.fixture
def reference(tmp_path, monkeypatch):
    """A reference of one gray picture, with a deviation of 2 levels."""
    monkeypatch.setattr(references, "FOLDER", tmp_path)
    mean = np.full((2, 8, 8, 3), 100, np.uint8)
    np.savez_compressed(tmp_path / "x.npz", mean=mean, deviation=mean // 50, sha256=np.array([checksum(mean + 50)]))
    return mean


def test_small_differences_and_known_pictures_are_the_reference_s(reference, tmp_path):
    check("x", reference + 11, tmp_path)
    check("x", reference + 50, tmp_path)
    one = reference.copy()
    one[1, 0, 0, 0] = 255
    check("x", one, tmp_path)


def test_a_picture_that_differs_is_left_with_its_difference(reference, tmp_path):
    other = reference.copy()
    other[1, :2] = 140
    with pytest.raises(AssertionError, match=r"x: 25.0% of picture 1 differ .* make references"):
        check("x", other, tmp_path / "failures")
    with Image.open(tmp_path / "failures/x.png") as shown:
        assert shown.width > 3 * 8
    with pytest.raises(AssertionError, match="and the reference has"):
        check("x", reference[:1], tmp_path)
