"""What a page shows of a table: columns worth a look, pictures, numbers."""

import pytest

from dgnam.atlas.run_files import RunFiles
from dgnam.atlas.tables import PER_PAGE, Table, shown
from dgnam.errors import FormatError


@pytest.fixture
def survey(make_run, tmp_path):
    def survey(text=None, count=3):
        folder = make_run("a", count)
        if text is not None:
            (folder / "summary.csv").write_text(text)
        return Table.survey(RunFiles(folder, tmp_path / "page"), "summary.csv")

    return survey


def test_columns_of_a_run(survey):
    table = survey()
    assert [column.heading for column in table.columns] == [
        *("image", "job", "unit", "name", "seed", "steps", "first activation", "activation")
    ]
    assert table.shared == [("n iters", "5")]
    assert (table.count, table.pages, table.has_pictures) == (3, 1, True)


def test_cells_of_a_row(survey):
    picture, job, unit, name, *_, activation = next(survey().rows())
    assert picture["url"] == "../runs/a/images/fc8_0000.png"
    assert picture["alt"] == "fc8:0, unit 0, seed 0"
    assert (job["text"], unit["text"], name["text"]) == ("0", "fc8:0", "unit 0")
    assert (activation["text"], activation["value"], activation["numeric"]) == ("10.25", "10.25", True)


def test_a_movie_is_found_by_its_picture(survey, tmp_path):
    table = survey()
    (tmp_path / "runs/a/movies").mkdir()
    (tmp_path / "runs/a/movies/fc8_0001.gif").write_bytes(b"GIF89a")
    movies = [row[0]["movies"] for row in table.rows()]
    assert movies == [[], [("movie GIF", "../runs/a/movies/fc8_0001.gif")], []]


def test_a_picture_elsewhere_is_not_linked(survey):
    table = survey("objective,image\nfc8:0,images/fc8_0000.png\nfc8:1,../../../etc/passwd.png\n")
    assert [row[0]["url"] is None for row in table.rows()] == [False, True]


def test_a_missing_first_picture_hides_no_others(survey):
    table = survey("seed,image\n0,images/gone.png\n1,images/fc8_0001.png\n")
    assert [row[0]["url"] is None for row in table.rows()] == [True, False]


def test_escaped_cells_are_shown_as_they_were(survey):
    table = survey("caption,seed\n'=SUM(A1),0\nx,1\n")
    assert [row[0]["text"] for row in table.rows()] == ["=SUM(A1)", "x"]


def test_chunk_and_row_stay_out_together(survey):
    assert [c.name for c in survey("seed,chunk,row\n0,a,0\n1,a,1\n").columns] == ["seed"]


def test_pages(survey):
    lines = "".join(f"{k},images/fc8_0000.png\n" for k in range(2 * PER_PAGE + 1))
    assert survey(f"seed,image\n{lines}").pages == 3


@pytest.mark.parametrize("text", ["a,a\n1,2\n", 'a,b\n1,"2\n', "a,b\n1\n", "a\n" + "x" * (1 << 20) + "\n"])
def test_damaged_tables(survey, text):
    with pytest.raises(FormatError, match=r"summary\.csv"):
        survey(text)


@pytest.mark.parametrize("text", ["", "\n", "a,b\n"])
def test_empty_tables(survey, text):
    assert survey(text).count == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("31.081863", "31.08"),
        ("200", "200"),
        ("1e-10", "1e-10"),
        ("00012", "00012"),
        ("", ""),
        (None, ""),
        ("nan", "nan"),
    ],
)
def test_numbers_have_four_digits(text, expected):
    assert shown(text, numeric=True) == expected
