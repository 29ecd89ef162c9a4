"""Numbers as people and their programs write them, by columns."""

import pytest

from dgnam.errors import DgnamError, FormatError
from dgnam.files.numbers import Cell, read_numbers


def column(*texts):
    return [Cell(f"row {place}", text) for place, text in enumerate(texts, 1)]


@pytest.mark.parametrize(
    ("texts", "values"),
    [
        (["1.5", "-2", "+3", ".5", "4.", "1e3", "2E-2", " 7 "], [1.5, -2, 3, 0.5, 4, 1000, 0.02, 7]),
        (["1,5", "0,9", "-,5"], [1.5, 0.9, -0.5]),
        (["\u22121.5"], [-1.5]),
        (["1,234.5", "1,234"], [1234.5, 1234]),
        (["1.234,5", "1.234"], [1234.5, 1234]),
        (["0,5", "1,234"], [0.5, 1.234]),
        (["0.5", "1.234"], [0.5, 1.234]),
        (["1234.567", "1.234"], [1234.567, 1.234]),
        (["1 234,5", "1\u00a0234", "1\u202f234\u202f567"], [1234.5, 1234, 1234567]),
        (["1'234.5", "1\u2019234"], [1234.5, 1234]),
        (["1,234,567"], [1234567]),
        (["1.234.567"], [1234567]),
        (["0,123"], [0.123]),
        (["12", "7"], [12, 7]),
        ([], []),
    ],
)
def test_a_column_is_read_as_it_was_meant(texts, values):
    assert read_numbers(column(*texts)) == values


@pytest.mark.parametrize("text", ["1,234", "1.234", "12.345"])
def test_what_may_be_two_numbers_is_an_error_unless_the_mark_is_given(text):
    with pytest.raises(FormatError, match=rf"row 2 is '{text}', which may be .* say which is the decimal mark"):
        read_numbers(column("7", text))
    with_point, with_comma = (read_numbers(column(text), decimal=mark)[0] for mark in ".,")
    assert {with_point, with_comma} == {float(text.replace(",", ".")), float(text.replace(",", "").replace(".", ""))}


@pytest.mark.parametrize(
    ("separator", "text", "value"),
    [(",", "1.234", 1.234), (";", "1,234", 1.234), (",", "1,234", None), (";", "1.234", None), ("\t", "1.234", None)],
)
def test_what_separates_columns_settles_a_doubt(separator, text, value):
    if value is not None:
        assert read_numbers(column(text, "7"), separator=separator) == [value, 7]
    else:
        with pytest.raises(FormatError, match="may be"):
            read_numbers(column(text, "7"), separator=separator)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "1_000",
        "0x1f",
        "12%",
        "1,2,3",
        "12,34,567",
        "1.2.3",
        "١٢",
        "1e",
        "--1",
        "1 2",
        "a",
    ],
)
def test_what_is_no_number_is_an_error(text):
    with pytest.raises(FormatError, match=r"row 2 is .*, not a finite number"):
        read_numbers(column("1", text))


def test_a_point_and_a_comma_in_one_column_are_an_error():
    with pytest.raises(FormatError, match=r"row 3 is '2,5', and row 1 is '1\.5': one has a decimal comma"):
        read_numbers(column("1.5", "1", "2,5"))
    with pytest.raises(FormatError, match=r"row 1 is '1\.5', not a finite number with the decimal mark ','"):
        read_numbers(column("1.5"), decimal=",")
    with pytest.raises(DgnamError, match="decimal ';': give one of"):
        read_numbers(column("1"), decimal=";")
