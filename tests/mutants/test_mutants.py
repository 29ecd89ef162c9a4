"""Mutants of a small module, and what becomes of them."""

from pathlib import Path

import pytest

from tests.mutants import __main__ as command
from tests.mutants.mutate import mutants_of

SOURCE = '''"""A module."""
from __future__ import annotations
LIMIT: int = 3
def check(value: int, *, text: str = "a" + "b") -> bool:
    """Check."""
    assert value
    if value < LIMIT and text:
        raise ValueError(f"{value + 1}")
    return not value  # done
'''


def test_each_fault_changes_one_place_and_compiles():
    found = mutants_of(Path("m.py"), SOURCE.encode())
    assert [(mutant.line, mutant.before, mutant.text) for mutant in found] == [
        (3, "3", "(2)"),
        (3, "3", "(4)"),
        (7, "value < LIMIT", "(value <= LIMIT)"),
        (7, "value < LIMIT and text", "(value < LIMIT or text)"),
        (8, 'raise ValueError(f"{value + 1}")', "pass"),
        (9, "return not value", "return None"),
        (9, "not value", "bool(value)"),
    ]
    for mutant in found:
        compile(mutant.of(SOURCE.encode()), "mutant", "exec")
    assert found[-2].of(SOURCE.encode()).decode() == SOURCE.replace("return not value", "return None")
    assert str(found[2]) == "m.py:7  value < LIMIT  →  (value <= LIMIT)"


def test_a_sample_is_the_same_for_a_seed_and_has_its_tests():
    sample = command.sampled("runs", 5, 3)
    assert sample == command.sampled("runs", 5, 3) != command.sampled("runs", 5, 4)
    mirror, others = command.mirrored(Path("dgnam/runs/run.py"))
    assert mirror == ["tests/runs/test_run.py"]
    assert "tests/runs/test_record.py" in others
    assert command.mirrored(Path("dgnam/am/score.py"))[0] == []


@pytest.mark.parametrize(("text", "fate"), [("(x <= 3)", "survived"), ("return None", "killed")])
def test_a_mutant_meets_its_tests_in_a_copy(tmp_path, monkeypatch, text, fate):
    root, copy = tmp_path / "root", tmp_path / "copy"
    for path, content in (
        ("dgnam/own.py", "def small(x):\n    return x < 3\n"),
        ("tests/test_own.py", "from dgnam.own import small\ndef test_it():\n    assert small(2)\n"),
    ):
        (root / path).parent.mkdir(parents=True)
        (root / path).write_text(content)
    copy.mkdir()
    monkeypatch.setattr(command, "ROOT", root)
    monkeypatch.setattr(command, "COPIED", ("dgnam", "tests"))
    (mutant,) = (mutant for mutant in command.sampled("own.py", 9, 0) if mutant.text == text)
    assert command.Copy(copy, 60).fate(mutant) == fate
    assert (copy / "dgnam/own.py").read_bytes() == (root / "dgnam/own.py").read_bytes()
    assert len(list(root.rglob("*"))) == 4


def test_the_table_sums_up():
    text = command.table({"am": ["killed", "survived"], "runs": ["killed by folder", "timed out"]})
    assert text.splitlines()[2:] == [
        "| am | 2 | 1 | 0 | 0 | 1 | 50% |",
        "| runs | 2 | 0 | 1 | 1 | 0 | 100% |",
        "| all | 4 | 1 | 1 | 1 | 1 | 75% |",
    ]
