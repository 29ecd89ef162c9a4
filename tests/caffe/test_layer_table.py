"""The table of layers in dgnam/caffe/README.md: complete, and within what the tests ask."""

from __future__ import annotations

import pytest

from dgnam.caffe.layer import layer_type_list
from dgnam.caffe.proto import pb
from tests.caffe.layer_table import (
    BEGIN,
    END,
    PAGE,
    PARAMETERS,
    options_given,
    options_known,
    parameter_messages,
    put,
    recorded_errors,
    table,
)

TYPES = layer_type_list()


def rows() -> dict[str, list[str]]:
    text = PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()[2:]]
    return {row[0]: row[1:] for row in cells}


def test_it_has_every_registered_type():
    assert list(rows()) == TYPES


@pytest.mark.parametrize("layer_type", TYPES)
def test_a_row_names_each_option_once(layer_type):
    covered, uncovered = (set(filter(None, cell.split(", "))) for cell in rows()[layer_type][:2])
    assert covered | uncovered == {option.split(".")[1] for option in options_known(layer_type)}
    assert not covered & uncovered


def test_no_option_is_uncovered():
    assert {name: row[1] for name, row in rows().items() if row[1]} == {}


def test_the_recorded_errors_are_those_of_now_to_a_power_of_ten():
    """Another processor rounds otherwise, but not worse than tenfold."""
    shown = rows()
    for layer_type, (count, forward, gradient) in recorded_errors().items():
        cases, *cells = shown[layer_type][2:]
        assert int(cases) == count
        for value, cell in zip((forward, gradient), cells, strict=True):
            assert (value is None) == (cell == "")
            assert value is None or value <= max(10 * float(cell), 1e-6)


def test_every_message_named_exists():
    fields = pb.LayerParameter.DESCRIPTOR.fields_by_name
    assert {m for messages in PARAMETERS.values() for m in messages} <= set(fields)
    assert parameter_messages("LRN") == ["lrn_param"]
    assert parameter_messages("AbsVal") == []


def test_an_option_that_is_set_is_seen():
    layer = pb.LayerParameter(type="LRN")
    layer.lrn_param.local_size = 3
    assert options_given(layer) == {"lrn_param.local_size"}
    text = table({"LRN": {"lrn_param.local_size"}}, {})
    assert "| LRN | local_size | alpha, beta, norm_region, k | 0 |  |  |" in text


def test_the_rest_of_the_page_stays():
    page = f"before\n{BEGIN}old\n{END}after\n"
    assert put(page, "new\n") == f"before\n{BEGIN}new\n{END}after\n"
