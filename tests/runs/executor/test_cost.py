"""The model of a sweep's cost, and the table that the page about runs shows."""

from pathlib import Path

import pytest

from dgnam.runs.executor.cost import CAFFENET_UNITS, MEASURED, Cost, table

PAGE = Path(__file__).parents[3] / "dgnam/runs/README.md"


def test_a_sweep_takes_as_long_as_the_slower_of_gpus_and_driver():
    cost = Cost(step_seconds=0.01, efficiency=0.8, entering_seconds=2, start_seconds=30)
    assert cost.seconds(1000, 1, steps=100) == pytest.approx(30 + 1000 * 100 * 0.01 / 0.8)
    assert cost.seconds(1000, 8, steps=100) == pytest.approx(30 + 1000 * 100 * 0.01 / 6.4)
    assert cost.seconds(1000, 1000, steps=100) == pytest.approx(30 + 10 * 2)
    assert cost.seconds(1001, 1000, steps=100) == pytest.approx(30 + 11 * 2)


def test_the_page_shows_the_table_of_what_was_measured():
    text = PAGE.read_text(encoding="utf-8")
    assert "\n".join(table(MEASURED)) in text
    assert f"{sum(CAFFENET_UNITS.values()):,} units" in text
    assert f"efficiency {MEASURED.efficiency:g} of its time" in text
    assert f"{MEASURED.entering_seconds:g} s of the driver" in text
