"""act_ranges as text: in any encoding, and nothing but numbers."""

import pytest

from dgnam.errors import FormatError
from dgnam.zoo import read_act_range


@pytest.mark.parametrize("encoding", ["ascii", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", ["12 3.5 1e1 .5", "12\n3.5\r\n1e1\r.5\n"])
def test_numbers_with_blanks_or_line_ends_between(tmp_path, encoding, text):
    (tmp_path / "bounds.txt").write_bytes(text.encode(encoding))
    assert read_act_range(tmp_path / "bounds.txt").tolist() == [12, 3.5, 10, 0.5]


@pytest.mark.parametrize("word", ["1,5", "1_000", "nan", "inf", "0x1f", "12;13", "١٢", "a"])
def test_what_is_no_number_is_named(tmp_path, word):
    (tmp_path / "bounds.txt").write_text(f"12 {word} 3\n")
    with pytest.raises(FormatError, match=rf"bounds\.txt: not a text of numbers .*, and decimal points \('{word}'\)"):
        read_act_range(tmp_path / "bounds.txt")


def test_what_is_too_large_for_float32_is_an_error(tmp_path):
    (tmp_path / "bounds.txt").write_text("1e39")
    with pytest.raises(FormatError, match="one finite number for each neuron"):
        read_act_range(tmp_path / "bounds.txt")
