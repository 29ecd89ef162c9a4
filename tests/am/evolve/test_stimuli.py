"""Pictures out and a table of scores in."""

import csv

import numpy as np
import pytest
from PIL import Image

from dgnam.am.evolve import Genetic, Search, read_scores, write_stimuli
from dgnam.errors import FormatError
from tests.am.evolve.bowl import PixelsOfCode


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
    ("rows", "message"),
    [
        (["00000-00.png,1", "00000-01.png,2"], "1 of 3 pictures have no score, the first of them 00000-02.png"),
        (["00000-00.png,"], "line 2: the score of 00000-00.png is '', not a finite number"),
        (["00000-00.png"], "line 2: the score of 00000-00.png is '', not a finite number"),
        (["00000-00.png,1", "00000-01.png,nan"], "line 3: the score of 00000-01.png is 'nan'"),
        (["00001-00.png,1"], "line 2: '00001-00.png' is none of generation 0's pictures, the closest first: 00000-00"),
    ],
)
def test_a_table_that_cannot_be_used_names_the_line(rows, message, tmp_path):
    with pytest.raises(FormatError, match=message):
        read_scores(fill(tmp_path, rows), 0, 3)


def test_a_table_without_its_columns(tmp_path):
    with pytest.raises(FormatError, match="must name the columns image and score"):
        read_scores(fill(tmp_path, ["a,1"], "picture,rate"), 0, 3)
    (tmp_path / "filled.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="not a table of scores"):
        read_scores(tmp_path / "filled.csv", 0, 3)
