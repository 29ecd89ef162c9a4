"""The tables on the pages are those that the results and cards give."""

import json
from pathlib import Path

import pytest

from dgnam.errors import DgnamError
from dgnam.experiments import record

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", record.PAGES)
def test_the_pages_tables_are_up_to_date(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    assert record.with_tables(text, ROOT) == text
    tables = record.TABLES if page == "README.md" else ["figure 1"]
    assert all(f"<!-- {name} -->" in text for name in tables)


def test_a_stale_table_is_replaced_and_the_rest_stays():
    text = "before\n<!-- figure 1 -->\nold\n<!-- /figure 1 -->\nafter\n"
    new = record.with_tables(text, ROOT)
    assert new.startswith("before\n<!-- figure 1 -->\n| all 200 units")
    assert new.endswith("<!-- /figure 1 -->\nafter\n")
    assert "old" not in new


def test_the_recorded_run_meets_the_bars_that_the_project_set():
    """The judge's top-5 over all 200 units is at least 25 % and three times the pixel control's; thirty were named."""
    kept = json.loads((ROOT / "experiments/results/fig1-mini.json").read_text(encoding="utf-8"))
    numbers = kept["numbers"]
    assert kept["run"]["units"] == list(range(200))
    assert numbers["dgn_am"]["judge_top5"] >= 0.25
    assert numbers["dgn_am"]["judge_top5"] >= 3 * numbers["pixels"]["judge_top5"]
    assert len(kept["blind"]) == 30


def test_another_run_than_the_pages_is_refused(tmp_path):
    for name, content in (("run", {"models": "mini", "seed": 1, "units": [0]}), ("numbers", {})):
        (tmp_path / f"{name}.json").write_text(json.dumps(content))
    with pytest.raises(DgnamError, match="not the run that the pages show"):
        record.record(tmp_path, ROOT)
    with pytest.raises(DgnamError, match="is no checkout of dgnam"):
        record.record(tmp_path, tmp_path)


def test_what_is_no_run_is_an_error(tmp_path):
    with pytest.raises(DgnamError, match="is no finished run of figure 1"):
        record.record(tmp_path, tmp_path)
