"""Blind naming: thirty classes, shuffled, and an honest count."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from dgnam.errors import DgnamError
from dgnam.experiments import blind_naming
from dgnam.runs import Record


@pytest.fixture
def run(tmp_path, monkeypatch):
    folder = tmp_path / "fig1-mini-1"
    write_record(folder, list(range(200)))
    images = np.zeros((200, 8, 8, 3), np.uint8) + np.arange(200, dtype=np.uint8)[:, None, None, None]
    monkeypatch.setattr(blind_naming, "load", lambda path: SimpleNamespace(images=images))
    return folder


def write_record(folder, units):
    folder.mkdir(exist_ok=True)
    Record("reproduce", {"experiment": "fig1"}, {"models": "mini", "units": units}).write(folder)
    (folder / "numbers.json").write_text("{}")


def test_the_sheet_has_every_seventh_class_in_another_order(run):
    assert blind_naming.write_sheet(run).exists()
    key = json.loads((run / blind_naming.KEY).read_text())
    names = (run / blind_naming.NAMES).read_text().splitlines()
    assert {names.index(name) for name in key.values()} == {k * 7 % 200 for k in range(30)}
    assert [names.index(key[str(n)]) for n in range(1, 31)] != sorted(names.index(name) for name in key.values())


def test_right_answers_are_counted_and_missing_ones_are_wrong(run, tmp_path):
    blind_naming.write_sheet(run)
    key = json.loads((run / blind_naming.KEY).read_text())
    wrong = next(name for name in key.values() if name != key["2"])
    (tmp_path / "answers.txt").write_text(f"1 {key['1']}\n2 {wrong}\n\n")
    score = blind_naming.score(run, tmp_path / "answers.txt")
    assert (score.right, len(score.rows)) == (1, 30)
    assert score.rows[2][2] == ""
    assert len(json.loads((run / blind_naming.SCORE).read_text())) == 30


@pytest.mark.parametrize(
    ("line", "message"), [("31 goldfish", "not of the form"), ("1 goldfisch", "is not a class; the closest: goldfish")]
)
def test_answers_that_cannot_be_are_errors(run, tmp_path, line, message):
    blind_naming.write_sheet(run)
    (tmp_path / "answers.txt").write_text(line + "\n")
    with pytest.raises(DgnamError, match=message):
        blind_naming.score(run, tmp_path / "answers.txt")


def test_a_run_without_the_units_or_a_score_before_the_sheet_is_an_error(run, tmp_path):
    with pytest.raises(DgnamError, match="write the sheet first"):
        blind_naming.score(run, tmp_path / "answers.txt")
    write_record(run, [0, 7])
    with pytest.raises(DgnamError, match="lacks the units"):
        blind_naming.write_sheet(run)
