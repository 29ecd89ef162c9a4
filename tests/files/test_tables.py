"""Tables as spreadsheets save them, and cells that no spreadsheet computes."""

import csv
import io

import numpy as np
import pytest

from dgnam.errors import FormatError
from dgnam.files.tables import escaped, read_table, stream_rows, table_of, table_text, unescaped

COLUMNS = ("image", "score")


def table(tmp_path, content):
    path = tmp_path / "table.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def cells(tmp_path, content):
    return [
        row
        for _, row in read_table(table(tmp_path, content), ("image", "score"), "a table of scores", any_bytes=True).rows
    ]


@pytest.mark.parametrize(
    "content",
    [
        "image,score\na,1.5\nb,2\n",
        "image;score\r\na;1.5\r\nb;2\r\n",
        "image\tscore\ra\t1.5\rb\t2",
        "\ufeffImage , SCORE\n\na, 1.5 \n,\nb,2\n",
        "sep=;\nimage;score\na;1.5\nb;2\n",
        '"image","score"\n"a","1.5"\n"b","2"\n',
        "trial,score,note,image\n1,1.5,fine,a\n2,2,,b\n",
        "image,score,,\na,1.5,,\nb,2\n",
    ],
)
def test_what_spreadsheets_save_is_the_same_table(tmp_path, content):
    for encoding in ("utf-8", "utf-16"):
        assert cells(tmp_path, content.encode(encoding)) == [("a", "1.5"), ("b", "2")]


def test_a_decimal_comma_stays_in_its_cell(tmp_path):
    assert cells(tmp_path, 'image,score\na,"1,5"\n') == [("a", "1,5")]
    assert cells(tmp_path, "image;score\na;1,5\n") == [("a", "1,5")]


def test_latin_1_in_another_column_does_no_harm(tmp_path):
    assert cells(tmp_path, "image;note;score\na;müde;1\n".encode("latin-1")) == [("a", "1")]


def test_rows_have_the_numbers_of_their_lines(tmp_path):
    found = read_table(table(tmp_path, "\nimage,score\n\na,1\n\nb,2\n"), ("image", "score"), "a table of scores")
    assert [line for line, _ in found.rows] == [4, 6]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("image,score\na,1,5\n", r"line 2: 'a,1,5' has the cell '5' under no heading, .*write 1\.5 or \"1,5\""),
        ("image,score,\na,1,5\n", "line 2: 'a,1,5' has the cell '5' under no heading"),
        ("image;score\na;1;5\n", "line 2: 'a;1;5' has the cell '5' under no heading, and 2 columns are named$"),
        ("name,rate\na,1\n", "line 1: is 'name,rate'; the first line must name the columns image and score"),
        ("image score\na 1\n", "line 1: is 'image score'; .*with commas, semicolons or tabs between"),
        ("image,score;\na,;1\n", "line 1: is 'image,score;'"),
        ("image,score,score\na,1,2\n", "line 1: names the column 'score' twice"),
        ("sep=|\nimage,score\na,1\n", "line 2: is 'image,score'"),
        ('image,score\na,"1\n', "not a table of scores"),
        ("", "is empty"),
        ("\n \n", "is empty"),
        (b"PK\x03\x04", r"is a zip archive, as \.xlsx files are, not a table of scores"),
    ],
)
def test_what_is_no_such_table_is_named(tmp_path, content, message):
    with pytest.raises(FormatError, match=message):
        cells(tmp_path, content)


FORMULAS = [
    *("=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"),
    *("'=1", "''-1", "a;=1", "a,=1", "a\n=1", "a\t@b", 'a";=1'),
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_text_begins_a_formula(text):
    written = table_text([["name", "value"], [text, -3]])
    cell, number = next(csv.reader(io.StringIO(written.split("\n", 1)[1], newline="")))
    assert cell[0] not in "=+-@\t\r\n＝＋－＠"
    assert all(part.lstrip()[:1] not in ("=", "+", "-", "@") for part in cell.replace("\t", ";").split(";"))
    assert number == "-3"
    assert unescaped(cell) == text


OTHERS = ["", "lemon", "great white shark, man-eater", "fc8:3 + 0.5*fc8:7", "it's", "'quoted'", "a-b"]


@pytest.mark.parametrize("text", OTHERS)
def test_other_text_is_as_it_is(text):
    assert escaped(text) == unescaped(text) == text


def test_lists_are_cells_of_their_own(tmp_path):
    written = table_of(["a", "b", "c"], [{"a": [[190, 11.0], [150, 6.0]], "b": (1, 2), "c": np.float32(1.5)}])
    (tmp_path / "x.csv").write_text(written)
    assert read_table(tmp_path / "x.csv", ["a", "b", "c"], "a table").rows == (
        (2, ("[[190, 11.0], [150, 6.0]]", "(1, 2)", "1.5")),
    )


def test_rows_come_one_by_one_as_they_were_written(tmp_path):
    rows = [["=1+1", 0.5, 'a "b", c\nd'], ["", 2, "x"]]
    path = table(tmp_path, table_text([("a", "b", "c"), *rows]))
    assert [list(row.values()) for row in stream_rows(path)] == [["=1+1", "0.5", 'a "b", c\nd'], ["", "2", "x"]]
    assert list(stream_rows(table(tmp_path, "\n"))) == []


@pytest.mark.parametrize("content", ["a,a\n1,2\n", 'a,b\n1,"2\n', "a,b\n1,2,3\n", b"\x00" * (1 << 21)])
def test_rows_that_are_damaged(tmp_path, content):
    with pytest.raises(FormatError, match=r"table\.csv"):
        list(stream_rows(table(tmp_path, content)))
