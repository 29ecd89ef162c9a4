"""Pictures out and a table of scores in."""

import csv

import numpy as np
import pytest
from PIL import Image

from dgnam.am.evolve import Genetic, Remeasurement, Search, read_scores, write_stimuli
from dgnam.am.evolve.stimuli import Scores, read_presentations, remeasured_names, write_remeasurement
from dgnam.errors import DgnamError, FormatError
from tests.am.evolve.bowl import PixelsOfCode, bowl

NAMES = [f"00000-{index:02d}.png" for index in range(3)]


@pytest.fixture
def search():
    return Search(PixelsOfCode(), Genetic(population=3))


def fill(folder, rows, header="image,score"):
    path = folder / "filled.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_the_pictures_and_the_table(search, tmp_path):
    made = write_stimuli(search, tmp_path)
    assert made == tmp_path / "stimuli/00000"
    names = sorted(path.name for path in made.iterdir())
    assert names == ["00000-00.png", "00000-01.png", "00000-02.png", "scores.csv"]
    _, images = search.ask()
    for name, image in zip(names, images, strict=False):
        assert (np.asarray(Image.open(made / name)) == image).all()
    with open(made / "scores.csv", newline="") as file:
        assert [tuple(row) for row in csv.reader(file)] == [("image", "score"), *((name, "") for name in names[:3])]
    assert [path.name for path in (tmp_path / "stimuli").iterdir()] == ["00000"]


def test_a_table_that_is_being_filled_in_is_left_alone(search, tmp_path):
    made = write_stimuli(search, tmp_path)
    (made / "scores.csv").write_text("half done")
    assert write_stimuli(search, tmp_path) == made
    assert (made / "scores.csv").read_text() == "half done"


def test_rows_in_any_order_repeats_and_other_columns(tmp_path):
    rows = ["1,00004-01.png,2.5", "2,00004-00.png,-1e2", "3,00004-01.png,3.5", "", "4,00004-02.png, 7 "]
    path = fill(tmp_path, rows, "\ufefftrial,image,score")
    assert read_scores(path, 4, 3).tolist() == [-100, 3, 7]


@pytest.mark.parametrize(
    ("separator", "scores", "values"),
    [
        (",", ("1.5", "0.9", "-2"), (1.5, 0.9, -2)),
        (",", ('"1,5"', '"0,9"', "-2"), (1.5, 0.9, -2)),
        (";", ("1,5", "0,9", "-2"), (1.5, 0.9, -2)),
        (";", ("1.234,5", "1.234", "7"), (1234.5, 1234, 7)),
        (";", ("1.5", "0.9", "-2"), (1.5, 0.9, -2)),
        ("\t", ("1,5", "0,9", "-2"), (1.5, 0.9, -2)),
        (",", ('"1,234.5"', "3", "4"), (1234.5, 3, 4)),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_spreadsheets_of_any_country_save(tmp_path, separator, scores, values, encoding, end):
    rows = [separator.join(row) for row in [("image", "score"), *zip(NAMES, scores, strict=True)]]
    (tmp_path / "filled.csv").write_bytes(end.join([*rows, ""]).encode(encoding))
    assert read_scores(tmp_path / "filled.csv", 0, 3).tolist() == list(values)


def test_lost_trials_are_told_by_a_word(tmp_path):
    rows = ["00000-00.png,1", "00000-01.png,Lost", "00000-02.png,5", "00000-02.png,lost"]
    scores = read_scores(fill(tmp_path, rows), 0, 3)
    assert scores.tolist() == [1, None, 5]
    found = read_presentations(fill(tmp_path, rows), NAMES, "the pictures")
    assert (found.lost, list(found.values.values())) == (2, [[1], [], [5]])


@pytest.mark.parametrize("blank", ["00000-01.png,", "00000-01.png", "00000-01.png,nan", "00000-01.png,N/A", ""])
def test_without_a_score_it_is_lost_if_that_is_allowed(tmp_path, blank):
    path = fill(tmp_path, ["00000-00.png,1", blank, "00000-02.png,5"])
    assert read_scores(path, 0, 3, allow_lost=True).tolist() == [1, None, 5]
    with pytest.raises(FormatError, match="lost, write lost as the score, or allow lost trials"):
        read_scores(path, 0, 3)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["00000-00.png,1", "00000-01.png,2"], "1 of 3 pictures have no score, the first of them 00000-02.png"),
        (["00000-00.png,"], "line 2: the score of 00000-00.png is '', not a finite number"),
        (["00000-00.png"], "line 2: the score of 00000-00.png is '', not a finite number"),
        (["00000-00.png,1", "00000-01.png,nan"], "line 3: the score of 00000-01.png is 'nan'"),
        (["00001-00.png,1"], "line 2: '00001-00.png' is none of generation 0's pictures, the closest first: 00000-00"),
        (["00000-00.png,1,5", "00000-01.png,0,9"], r'line 2: .* has the cell .5. under no heading, .* 1\.5 or "1,5"'),
        (["00000-00.png,inf", "00000-01.png,1", "00000-02.png,1"], "line 2: the score of 00000-00.png is 'inf'"),
        (["00000-00.png,1e999", "00000-01.png,1", "00000-02.png,1"], "is '1e999', not a finite number"),
        (["00000-00.png,12 spikes", "00000-01.png,1", "00000-02.png,1"], "is '12 spikes', not a finite number"),
        (['00000-00.png,"1,234"', "00000-01.png,1", "00000-02.png,1"], r"may be 1234 or 1\.234: say which"),
        (['00000-00.png,"1,5"', "00000-01.png,1.5", "00000-02.png,1"], "one has a decimal comma"),
    ],
)
def test_a_table_that_cannot_be_used_names_the_line(rows, message, tmp_path):
    with pytest.raises(FormatError, match=message):
        read_scores(fill(tmp_path, rows), 0, 3)


def test_the_decimal_mark_may_be_given(tmp_path):
    path = fill(tmp_path, ["00000-00.png\t1,234", "00000-01.png\t1", "00000-02.png\t1"], "image\tscore")
    assert read_scores(path, 0, 3, decimal=",")[0] == 1.234
    assert read_scores(path, 0, 3, decimal=".")[0] == 1234


def test_a_table_without_its_columns(tmp_path):
    with pytest.raises(FormatError, match="must name the columns image and score"):
        read_scores(fill(tmp_path, ["a,1"], "picture,rate"), 0, 3)
    (tmp_path / "filled.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="not a table of scores"):
        read_scores(tmp_path / "filled.csv", 0, 3)


@pytest.fixture
def again(search):
    for _ in range(2):
        search.tell(bowl(search.ask()[1]))
    return Remeasurement(search, 2)


def test_pictures_to_be_measured_again_are_marked_and_come_in_random_rounds(again, tmp_path):
    made = write_remeasurement(again, tmp_path, 4)
    assert made == tmp_path / "stimuli/00002-remeasure-1"
    names = ["00002-remeasure-1-mean.png", "00002-remeasure-1-best-1.png", "00002-remeasure-1-best-2.png"]
    assert remeasured_names(made) == names
    for name, picture in zip(names, again.pictures, strict=True):
        assert (np.asarray(Image.open(made / name)) == picture).all()
    with open(made / "scores.csv", newline="") as file:
        rows = [row["image"] for row in csv.DictReader(file)]
    rounds = [rows[first : first + 3] for first in range(0, 12, 3)]
    assert all(sorted(one) == sorted(names) for one in rounds)
    assert len({tuple(one) for one in rounds}) > 1
    assert write_remeasurement(again, tmp_path, 9) == made
    again.tell([1, 2, 3])
    assert write_remeasurement(again, tmp_path, 4).name == "00002-remeasure-2"


def test_other_pictures_to_be_measured_again_are_an_error(again, tmp_path):
    made = write_remeasurement(again, tmp_path, 4)
    with pytest.raises(DgnamError, match=r"holds the 3 pictures .*: tell their scores, or remove the folder"):
        write_remeasurement(Remeasurement(again.search, 1), tmp_path, 4)
    with pytest.raises(DgnamError, match="repeats 0: give how often"):
        write_remeasurement(again, tmp_path, 0)
    (made / "00002-remeasure-1-best-1.png").unlink()
    with pytest.raises(DgnamError, match="lacks pictures that were written there"):
        remeasured_names(made)


def test_the_presentations_of_each_picture_are_its_rows():
    found = Scores({"a": [1.0, 2.0], "b": [], "c": [5.0]}, 1)
    assert found.rows.tolist() == [[1, None, 5], [2, None, None]]
    assert found.means.tolist() == [1.5, None, 5]
    assert Scores({"a": [], "b": []}, 2).rows.tolist() == [[None, None]]
