"""Blind naming: pictures of each kind, shuffled, and an honest count of what raters named right."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from dgnam.data.preprocessing import preprocess
from dgnam.errors import DgnamError
from dgnam.experiments import blind_naming
from dgnam.experiments.blind_naming import KEY, NAMES, SCORE
from dgnam.runs import Record

CLASSES = 200


@pytest.fixture
def run(tmp_path, monkeypatch):
    folder = tmp_path / "fig1-mini-1"
    write_record(folder, list(range(CLASSES)))
    raw = preprocess(np.zeros((CLASSES, 56, 56, 3), np.uint8) + np.arange(CLASSES, dtype=np.uint8)[:, None, None, None])
    monkeypatch.setattr(blind_naming, "load", lambda path: SimpleNamespace(raw=raw))
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    return folder


def write_record(folder, units):
    folder.mkdir(exist_ok=True)
    about = {"target": {"name": "caffenet-mini"}, "prior": {"name": "deepsim-fc6-mini"}, "seeds": [0], "units": units}
    Record("reproduce", {"experiment": "fig1"}, about).write(folder)
    (folder / "numbers.json").write_text("{}")


def key_of(run):
    return json.loads((run / KEY).read_text())


def answer(path, key, wrong=()):
    """A rater's file with the right names, but for some pictures that get a name of their neighbor."""
    names = {number: shown["class"] for number, shown in key.items()}
    path.write_text("".join(f"{n} {names['1' if n in wrong else n]}\n" for n in names))
    return path


def test_twenty_of_each_kind_of_different_classes(run):
    (page,) = blind_naming.write_sheets(run)[:1]
    assert page.name == "sheet-1.png"
    key, names = key_of(run), (run / NAMES).read_text().splitlines()
    kinds = [shown["kind"] for shown in key.values()]
    assert {kind: kinds.count(kind) for kind in kinds} == {"DGN-AM": 20, "pixels": 20, "random codes": 20}
    assert kinds != sorted(kinds)
    assert len({shown["class"] for shown in key.values()}) == 60
    assert len(names) == CLASSES
    blind_naming.write_sheets(run, seed=1)
    assert key_of(run) != key


def test_with_real_pictures_there_are_photographs_and_reconstructions(run, monkeypatch, tmp_path):
    real = np.zeros((CLASSES, 56, 56, 3), np.uint8)
    monkeypatch.setattr(blind_naming, "photographs_of", lambda *_: (real, real))
    pages = blind_naming.write_sheets(run, data=tmp_path)
    kinds = [shown["kind"] for shown in key_of(run).values()]
    assert (kinds.count("photographs"), kinds.count("reconstructions"), len(kinds)) == (20, 20, 100)
    assert [page.name for page in pages] == ["sheet-1.png", "sheet-2.png"]


def test_pictures_have_the_colors_that_photographs_have(run, monkeypatch):
    shown = []
    monkeypatch.setattr(blind_naming, "labeled_grid", lambda tiles, *_, **__: shown.extend(tiles) or tiles[0])
    blind_naming.write_sheets(run)
    names = (run / NAMES).read_text().splitlines()
    searched = {n: names.index(at["class"]) for n, at in key_of(run).items() if at["kind"] != "random codes"}
    assert len(searched) == 40
    for number, gray in searched.items():
        assert (shown[int(number) - 1] == gray).all()


def test_right_answers_are_counted_by_kind_and_rater(run, tmp_path):
    blind_naming.write_sheets(run)
    key = key_of(run)
    wrong = [n for n, shown in key.items() if shown["kind"] == "pixels" and n != "1"][:15]
    files = [answer(tmp_path / "anna.txt", key), answer(tmp_path / "ben.txt", key, wrong)]
    found = blind_naming.score(run, files).as_dict()
    assert json.loads(json.dumps(found)) == json.loads((run / SCORE).read_text())
    assert found["raters"] == ["anna", "ben"]
    assert found["kinds"]["pixels"]["right"] == [20, 5]
    assert found["kinds"]["DGN-AM"]["right"] == [20, 20]
    assert found["kinds"]["DGN-AM"]["above_chance"] is None
    assert 0.6 < found["kappa"]["value"] < 0.8


def test_a_picture_without_an_answer_is_not_right(run, tmp_path):
    blind_naming.write_sheets(run)
    (tmp_path / "anna.txt").write_text(f"1 {key_of(run)['1']['class']}\n\n")
    found = blind_naming.score(run, [tmp_path / "anna.txt"]).as_dict()
    assert sum(kind["right"][0] for kind in found["kinds"].values()) == 1
    assert found["kappa"] is None


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("61 goldfish", "line 1: '61 goldfish' is not of the form 'number name', of 1 to 60"),
        ("1 goldfisch", "is not a class; the closest: goldfish"),
        ("1 goldfish\n1 ox", "line 2: picture 1 has an answer already, 'goldfish'"),
    ],
)
def test_answers_that_cannot_be_are_errors(run, tmp_path, lines, message):
    blind_naming.write_sheets(run)
    (tmp_path / "answers.txt").write_text(lines + "\n")
    with pytest.raises(DgnamError, match=message):
        blind_naming.score(run, [tmp_path / "answers.txt"])


def test_a_run_without_the_units_or_a_score_before_the_sheets_is_an_error(run, tmp_path):
    with pytest.raises(DgnamError, match="write the sheets first"):
        blind_naming.score(run, [tmp_path / "answers.txt"])
    write_record(run, [0, 7])
    with pytest.raises(DgnamError, match="lacks some of the 200 units"):
        blind_naming.write_sheets(run)
