"""The benches, which only `make bench` runs."""

from importlib import import_module
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.parametrize("name", sorted(path.stem for path in HERE.glob("bench_*.py")))
def test_it_is_a_module_that_make_can_run(name):
    assert callable(import_module(f"tests.bench.{name}").main)
    assert "-m tests.bench.$$(basename $$script .py)" in (HERE.parents[1] / "Makefile").read_text()
