"""The tables on the pages are those that the results and cards give."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dgnam.errors import DgnamError
from dgnam.experiments import EXPERIMENTS, claim_tables, tables
from dgnam.experiments.sections import SECTIONS
from dgnam.experiments.strip import _first
from dgnam.files.encode import png
from dgnam.runs import Record

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", tables.PAGES)
def test_the_pages_tables_are_up_to_date(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert tables.with_tables(text, ROOT) == text
    assert all(text.count(f"<!-- {name} -->") == 1 for name in tables.PAGES[page])


def test_every_table_has_a_page():
    assert {name for names in tables.PAGES.values() for name in names} == set(tables.TABLES)


def test_the_sections_name_every_experiment():
    assert {name for part in SECTIONS for name in part.experiments} == set(EXPERIMENTS)


def test_readme_is_short():
    assert len((ROOT / "README.md").read_bytes()) <= 8192


@pytest.mark.parametrize("name", tables.STRIPS)
def test_the_strips_are_small(name):
    path = ROOT / "experiments/results" / tables.STRIPS[name][0]
    with Image.open(path) as strip:
        assert strip.width > 800
    assert path.stat().st_size < 150_000


def test_the_strip_has_the_first_picture_of_each_unit():
    images = np.arange(6)[:, None, None, None]  # three units from two seeds each
    assert _first(images, [3, 7, 9], [3, 9]).ravel().tolist() == [0, 4]
    assert _first(images[:3], [3, 7, 9], [9, 7]).ravel().tolist() == [2, 1]


def test_figure_3_is_told_where_it_is_recorded_at_both_sizes(tmp_path):
    (tmp_path / "experiments/results").mkdir(parents=True)
    shutil.copytree(ROOT / "models", tmp_path / "models", ignore=shutil.ignore_patterns("*.h5"))
    numbers = {step: {"scene_judge_top5": share} for step, share in zip(tables.PANELS, (0.9, 0.1, 0.2), strict=True)}
    for kind in ("mini", "128"):
        assert tables.TABLES["scenes"](tmp_path) is None
        kept = {"run": {"models": kind, "units": [0, 4], "seeds": [0, 1]}, "numbers": numbers}
        (tmp_path / f"experiments/results/sec3_2_places-{kind}.json").write_text(json.dumps(kept))
    head, _, method, *_, photographs = tables.TABLES["scenes"](tmp_path).splitlines()
    assert head.endswith("| 64 px: 2 scenes, seeds 0, 1 | 128 px: 2 scenes, seeds 0, 1 |")
    assert method.endswith("200 steps in code space | 90.0% | 90.0% |")
    tops = [
        json.loads((ROOT / f"models/scene-judge-{size}/card.json").read_text())["measured"]["top5"]
        for size in ("mini", "128")
    ]
    assert photographs == f"| real pictures | {tops[0]:.1%} | {tops[1]:.1%} |"


def test_a_stale_table_is_replaced_and_the_rest_stays():
    text = "before\n<!-- figure 1 -->\nold\n<!-- /figure 1 -->\nafter\n"
    new = tables.with_tables(text, ROOT)
    assert new.startswith("before\n<!-- figure 1 -->\n| all 200 units")
    assert new.endswith("<!-- /figure 1 -->\nafter\n")
    assert "old" not in new


def test_the_recorded_run_meets_the_bars_that_the_project_set():
    """The judge's top-5 over all 200 units is at least 25 %, and three times the pixel control's."""
    kept = json.loads((ROOT / "experiments/results/fig1-mini.json").read_text(encoding="utf-8"))
    numbers = kept["numbers"]
    assert kept["run"]["units"] == list(range(200))
    assert numbers["dgn_am"]["judge_top5"] >= 0.25
    assert numbers["dgn_am"]["judge_top5"] >= 3 * numbers["pixels"]["judge_top5"]
    assert all(values["pictures"] == 20 for values in kept["blind"]["kinds"].values())


def test_another_run_than_the_pages_is_refused(tmp_path):
    for models, seeds in (("mini", [1]), ("paper", [0])):
        finished(tmp_path, {}, {"models": models, "seeds": seeds, "scale": "small"})
        with pytest.raises(DgnamError, match="not a run that the pages show"):
            tables.record(tmp_path, ROOT)
    with pytest.raises(DgnamError, match="is not a checkout of dgnam"):
        tables.record(tmp_path, tmp_path)


def test_what_is_no_run_is_an_error(tmp_path):
    with pytest.raises(DgnamError, match="is not a finished run of an experiment"):
        tables.record(tmp_path, tmp_path)


@pytest.mark.parametrize("other", ["target", "prior", "backend", "units"])
def test_a_run_of_other_nets_or_units_is_refused(tmp_path, other):
    finished(tmp_path, {other: "another"}, {"models": "mini", "seeds": [0], "scale": "full"})
    with pytest.raises(DgnamError, match="not a run that the pages show"):
        tables.record(tmp_path, ROOT)


def test_a_smoke_run_is_refused(tmp_path):
    finished(tmp_path, {}, {"models": "mini", "seeds": [0], "scale": "smoke"})
    with pytest.raises(DgnamError, match="not a run that the pages show"):
        tables.record(tmp_path, ROOT)


def finished(folder, spec, about):
    """The record and the numbers of a run of figure 1."""
    Record("reproduce", {"experiment": "fig1", **spec}, about).write(folder)
    (folder / "numbers.json").write_text('{"figure": "overview.png"}')


def test_further_figures_are_recorded_beside_the_main_one(tmp_path, monkeypatch):
    root, run = tmp_path / "checkout", tmp_path / "run"
    for page in tables.PAGES:
        (root / page).parent.mkdir(parents=True, exist_ok=True)
        (root / page).write_text("")
    run.mkdir()
    Record("reproduce", {"experiment": "sec3_6_training"}, {"models": "mini", "seeds": [0], "scale": "full"}).write(run)
    (run / "numbers.json").write_text('{"figure": "overview.png", "findings": {}}')
    for name in ("overview", "judged"):
        (run / f"{name}.png").write_bytes(png(np.full((8, 8, 3), 99, np.uint8)))
    monkeypatch.setattr(tables, "write_tables", lambda root: [])
    assert [path.name for path in tables.record(run, root)] == [
        "sec3_6_training-mini.json",
        "sec3_6_training-mini.jpg",
        "sec3_6_training-mini-judged.jpg",
    ]
    link = claim_tables._link(root, "sec3_6_training")
    assert "[judged](results/sec3_6_training-mini-judged.jpg)" in link
    assert "told" not in link


def test_a_run_is_recorded_with_its_environment(tmp_path):
    root, run = tmp_path / "checkout", tmp_path / "run"
    for folder in ("experiments", "models"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("*.ipynb", "*.h5", "*.py"))
    shutil.copy(ROOT / "README.md", root)
    run.mkdir()
    Image.new("RGB", (8, 8)).save(run / "overview.png")
    about = {"models": "mini", "scale": "full", "seeds": [0], "units": [0], "prior": {"name": "deepsim-fc6-v2-mini"}}
    Record("reproduce", {"experiment": "beyond_path"}, about, {"threads": 3}).write(run)
    found = {"parts": {}, "missing": {"fc6": "why"}, "verdict": "undecided", "floor": {}, "ceiling": {}}
    numbers = {"figure": "overview.png", "findings": {"beyond-path": found}}
    (run / "numbers.json").write_text(json.dumps(numbers))
    assert root / "experiments/results/beyond_path-mini.json" in tables.record(run, root)
    kept = json.loads((root / "experiments/results/beyond_path-mini.json").read_text())
    assert kept == {"run": about, "environment": {"threads": 3}, "numbers": numbers}
    assert "| `beyond-path` | fc6 | not estimated: why |" in (root / "experiments/README.md").read_text()


def test_a_verdict_is_in_the_tables(tmp_path):
    shutil.copytree(ROOT / "experiments", tmp_path / "experiments", ignore=shutil.ignore_patterns("*.ipynb"))
    part = {"value": 25.0, "low": 21.0, "high": 30.0, "n": 200, "level": 0.95}
    found = {"parts": {"judge-mini": part}, "missing": {"outside": "why"}, "verdict": "undecided"}
    found["floor"] = {"random codes": 0.5}
    now, before = tables.EXPERIMENT.models["mini"].prior, "deepsim-fc6-mini"
    for scale, prior, said in (
        ("full", now, "undecided"),
        ("small", now, "undecided (small run)"),
        ("full", before, "undecided (old generator)"),
        ("small", before, "undecided (small run, old generator)"),
    ):
        about = {"scale": scale, "seeds": [0], "prior": {"name": prior}}
        kept = {"run": about, "numbers": {"findings": {"fig1": found}}}
        (tmp_path / "experiments/results/fig1-mini.json").write_text(json.dumps(kept))
        table = tables.with_tables("<!-- claims -->\n<!-- /claims -->", tmp_path)
        row = next(line for line in table.splitlines() if "`fig1`" in line).split(" | ")
        assert row[3] == "of 2 [parts](#parts) 1 holds, 1 not estimated"
        assert row[4:8] == ["random codes: 0.5", "", "", said]
        assert "(`sec2-l2`)" in table
