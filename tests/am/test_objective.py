"""Which number is maximized."""

import numpy as np
import pytest

from dgnam.am import Unit
from dgnam.caffe.errors import CaffeError


def test_convolutional_unit_is_the_one_position_xy_xy():
    values = np.arange(5 * 13 * 13).reshape(5, 13, 13)
    assert values.flat[Unit("conv5", 3, xy=6).offset(values.shape)] == values[3, 6, 6]


def test_position_counts_rows_and_columns_of_an_oblong_plane():
    values = np.arange(5 * 4 * 7).reshape(5, 4, 7)
    assert values.flat[Unit("conv5", 2, xy=3).offset(values.shape)] == values[2, 3, 3]


@pytest.mark.parametrize("shape", [(1000,), (1000, 1, 1)])
def test_unit_of_a_layer_without_a_plane_needs_no_position(shape):
    assert Unit("fc8", 643).offset(shape) == 643


@pytest.mark.parametrize(
    ("unit", "shape", "message"),
    [
        (Unit("fc8", 1000), (1000,), "unit fc8:1000: layer 'fc8' has 1000 units, 0 to 999"),
        (Unit("conv5", 55), (256, 13, 13), "takes an xy of 0 to 12"),
        (Unit("conv5", 55, xy=13), (256, 13, 13), "takes an xy of 0 to 12"),
        (Unit("seq", 1, xy=1), (4, 5), "has no positions"),
    ],
)
def test_unit_that_the_layer_lacks_is_an_error_that_says_what_it_has(unit, shape, message):
    with pytest.raises(CaffeError, match=message):
        unit.offset(shape)


@pytest.mark.parametrize("text", ["fc8:643", "conv5:55@6", "loss3/classifier:0", "a:b:3"])
def test_text_of_a_unit_reads_back(text):
    assert str(Unit.parse(text)) == text


def test_parsed_unit_has_layer_index_and_position():
    assert Unit.parse("conv5:55@6") == Unit("conv5", 55, 6)


@pytest.mark.parametrize("text", ["fc8", "fc8:", ":3", "fc8:-1", "conv5:5@", "fc8:3 "])
def test_text_that_is_no_unit_is_an_error(text):
    with pytest.raises(CaffeError, match="write layer:index"):
        Unit.parse(text)
