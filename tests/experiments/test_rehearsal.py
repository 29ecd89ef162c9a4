"""At the paper's scale every experiment runs on stand-ins, and without the published files it is blocked."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dgnam import zoo
from dgnam.cli import main
from dgnam.experiments import EXPERIMENTS, reproduce, tables
from dgnam.experiments.claims import claims
from dgnam.experiments.planned import MAPS, SEARCHED, STEPS, Made, hours, totals
from dgnam.experiments.rehearsal import N_ITERS, on_stand_ins, rehearse, shortened
from dgnam.runs import BAD_INPUT

ROOT = Path(__file__).parents[2]
AT_PAPER_SCALE = [name for name, one in EXPERIMENTS.items() if "paper" in one.models]
QUICK = ("fig1",)
"""Those that take seconds; all take ten minutes."""

UNPUBLISHED = ["sec3_5_modified_data", "sec3_6_training"]


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for stand-ins, of about 3 GB once all are there; removed in the end."""
    folder = tmp_path_factory.mktemp("stand-ins")
    yield folder
    shutil.rmtree(folder)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "name", [one if one in QUICK else pytest.param(one, marks=pytest.mark.exhaustive) for one in AT_PAPER_SCALE]
)
def test_it_runs_at_paper_scale(name: str, stand_ins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    experiment = EXPERIMENTS[name]
    monkeypatch.setitem(EXPERIMENTS, name, shortened(experiment))
    with on_stand_ins(experiment, stand_ins) as options:
        outcome = reproduce(name, **options, scale="smoke", folder=tmp_path / "run")
    assert outcome.blocked == ""
    assert outcome.folder is not None
    assert outcome.figure is not None
    assert outcome.figure.is_file()
    numbers = json.loads((outcome.folder / "numbers.json").read_text())
    assert set(numbers["findings"]) == set(experiment.claims) or name == "fig1"
    for claim, found in numbers["findings"].items():
        assert found["verdict"] is None
        assert set(claims()[claim].bounds) <= {*found["parts"], *found["missing"]}
    for record in outcome.folder.glob("*/run.json"):
        settings = json.loads(record.read_text())["inputs"].get("settings", [])
        assert all(one["n_iters"] == N_ITERS for one in settings)


def ends_as_blocked(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command ends with the exit status of a blocked experiment, and leaves no run."""
    monkeypatch.setattr(
        sys, "argv", ["dgnam", "reproduce", name, "--models", "paper", "--output", str(tmp_path / "runs")]
    )
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == BAD_INPUT
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", AT_PAPER_SCALE)
def test_without_weights_it_says_what_to_fetch(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DGNAM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    monkeypatch.setattr("dgnam.zoo.registry.fetch", lambda *given, **how: [])
    ends_as_blocked(name, tmp_path, monkeypatch)
    said = capsys.readouterr().err
    models = EXPERIMENTS[name].models["paper"]
    assert f"{name} is blocked: model '{models.target}'" in said
    for needed in {models.target, models.prior, *models.files}:
        assert zoo.get(needed).weights.urls[0] in said
    assert all(one in said for one in models.pictures)


@pytest.mark.parametrize("name", UNPUBLISHED)
def test_what_nobody_publishes_is_said(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "paper" not in EXPERIMENTS[name].models
    ends_as_blocked(name, tmp_path, monkeypatch)
    assert re.search(
        f"{name} is blocked: the paper's .* not published, so there is nothing to fetch", capsys.readouterr().err
    )
    assert sorted({*AT_PAPER_SCALE, *UNPUBLISHED}) == sorted(EXPERIMENTS)


def test_image_sets_that_are_missing_block_before_anything_is_made(tmp_path: Path) -> None:
    outcome = reproduce("beyond_path", data=tmp_path, folder=tmp_path / "run", progress=False)
    assert "beyond_path is blocked: no image set 'tinyimagenet64-val' in" in outcome.blocked
    assert "Tiny-ImageNet-200" in outcome.blocked
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_pictures_are_those_of_the_target(name: str) -> None:
    for models in EXPERIMENTS[name].models.values():
        entry = zoo.get(models.target)
        if models.pictures and entry.kind == "published":
            assert {one.rpartition("-")[0] for one in models.pictures} == {entry.image_set}


@pytest.mark.exhaustive
def test_a_small_net_is_rehearsed_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Figure 1 with the small models in the published ones' place."""
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    experiment = EXPERIMENTS["fig1"]
    small = replace(experiment.models["mini"], judges=(), others={})
    monkeypatch.setattr("dgnam.experiments.rehearsal.needed", lambda experiment: [])
    found = rehearse(replace(experiment, models={"paper": small}), tmp_path)
    rates = {(work, target, prior): seconds for work, target, prior, seconds in found["rates"]}
    assert set(rates) == {(STEPS, small.target, prior) for prior in (small.prior, "pixels")}
    assert all(seconds > 0 for seconds in rates.values())
    assert found["rehearsal"]["memory"] > 1e8
    # All 200 units by five seeds, the first seed for itself, with 200 steps each.
    assert found["full"] == [(STEPS, small.target, prior, 1000, 200_000) for prior in (small.prior, "pixels")]
    assert hours(found) == pytest.approx(200_000 * sum(rates.values()) / 3600)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures"]


def test_work_is_added_up_by_kind_and_networks() -> None:
    made = [
        Made("a", STEPS, "t", "p", 3, 200),
        Made("b", STEPS, "t", "p", 2, 100),
        Made("c", STEPS, "t", "q", 1, 50),
        Made("d", MAPS, "t", "", 7),
    ]
    assert totals(made) == [(STEPS, "t", "p", 5, 800), (STEPS, "t", "q", 1, 50), (MAPS, "t", "", 7, 7)]


def test_a_table_of_what_was_rehearsed(tmp_path: Path) -> None:
    results = tmp_path / "experiments" / "results"
    results.mkdir(parents=True)
    took = {"seconds": 12.3, "by_the_clock": 20.0, "memory": 1_500_000_000}
    fig1 = {
        "rehearsal": took,
        "rates": [[STEPS, "caffenet", "deepsim-fc6", 0.25], [SEARCHED, "caffenet", "", 2.0]],
        "full": [[STEPS, "caffenet", "deepsim-fc6", 100, 20_000], [SEARCHED, "caffenet", "", 3600, 3600]],
    }
    usual, later = ({"processor": name, "versions": {"torch": "2.0"}} for name in ("a processor", "another"))
    alike = {name: {**fig1, "machine": usual} for name in ("fig1", "sec3_2_places")}
    kept = {**alike, "beyond_path": {**fig1, "machine": later}}
    (results / "rehearsal-cpu.json").write_text(json.dumps({"experiments": kept}))
    lines = tables.TABLES["rehearsal"](tmp_path).splitlines()
    rows = {line.split("`")[1]: line.split(" | ") for line in lines if line.startswith("| `")}
    assert list(rows) == list(EXPERIMENTS)
    assert rows["fig1"][1:] == ["caffenet, deepsim-fc6", "100", "20,000", "12 s", "1.5 GB", "3.4 h", "under 1 min |"]
    assert rows["sec3_6_art"][4:7] == ["not run"] * 3
    assert "not published" in rows["sec3_6_training"][1]
    assert "blocked" in rows["sec3_6_training"]
    assert lines[-1] == "cpu: a processor, torch 2.0; `beyond_path`: another, torch 2.0."


def test_the_recorded_rehearsal_is_of_all_and_stays_small() -> None:
    kept = json.loads((ROOT / "experiments/results/rehearsal-cpu.json").read_text())["experiments"]
    assert set(kept) == set(AT_PAPER_SCALE)
    assert all(one["rehearsal"]["memory"] < 8 << 30 for one in kept.values())
    for one in kept.values():
        assert {tuple(rate[:3]) for rate in one["rates"]} >= {tuple(work[:3]) for work in one["full"]}
