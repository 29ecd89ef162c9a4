"""One neuron."""

import numpy as np
import pytest
import torch

from dgnam.am import Unit
from dgnam.errors import DgnamError


def test_convolutional_unit_is_the_one_position_xy_xy():
    values = np.arange(5 * 13 * 13).reshape(5, 13, 13)
    assert values.flat[Unit("conv5", 3, xy=6).offset(values.shape)] == values[3, 6, 6]


def test_position_in_an_oblong_plane():
    values = np.arange(5 * 4 * 7).reshape(5, 4, 7)
    assert values.flat[Unit("conv5", 2, xy=3).offset(values.shape)] == values[2, 3, 3]


def test_unit_of_a_token_is_its_feature():
    values = torch.arange(2 * 4 * 5, dtype=torch.float32).view(2, 4, 5)
    assert torch.equal(Unit("seq", 3, 2).measure(values), values[:, 2, 3])
    assert Unit("seq", 3).offset((1, 5)) == 3


@pytest.mark.parametrize("shape", [(1000,), (1000, 1, 1)])
def test_layer_without_a_plane_needs_no_position(shape):
    assert Unit("fc8", 643).offset(shape) == Unit("fc8", 643, xy=0).offset(shape) == 643


@pytest.mark.parametrize("xy", [np.int64(6), (np.int64(6), np.int64(6)), [6, 6]])
def test_positions_may_be_numpy_numbers_and_lists(xy):
    unit = Unit("conv5", np.int64(55), xy)
    assert unit == Unit("conv5", 55, 6)
    assert (hash(unit), repr(unit), str(unit)) == (hash(Unit("conv5", 55, 6)), repr(Unit("conv5", 55, 6)), "conv5:55@6")


@pytest.mark.parametrize(
    ("unit", "shape", "message"),
    [
        (Unit("fc8", 1000), (1000,), "unit fc8:1000: layer 'fc8' has 1000 units, 0 to 999"),
        (Unit("conv5", 55), (256, 13, 13), r"takes a position .* to \(12, 12\), as conv5:55@6,6"),
        (Unit("conv5", 55, xy=13), (256, 13, 13), r"takes a position .* to \(12, 12\), as conv5:55@6,6"),
        (Unit("seq", 5, xy=1), (4, 5), "unit seq:5@1: layer 'seq' has 5 units, 0 to 4"),
        (Unit("seq", 1), (4, 5), "has 4 tokens, 0 to 3: say which one, as seq:1@2, or .* seq:1@all"),
        (Unit("seq", 1, xy=4), (4, 5), "has 4 tokens, 0 to 3"),
        (Unit("seq", 1, xy=-1), (4, 5), "has 4 tokens, 0 to 3"),
        (Unit("seq", 1, xy=(1, 2)), (4, 5), "has 4 tokens, 0 to 3"),
        (Unit("clip", 1, xy=1), (4, 5, 6, 7), "ask for the mean over them, clip:1@all"),
        (Unit("fc8", 3, xy=5), (1000,), "unit fc8:3@5: layer 'fc8' has no positions to choose from"),
        (Unit("pool", 3, (0, 1)), (1000, 1, 1), "layer 'pool' has no positions to choose from"),
        (Unit("loss", 0), (), "gives one number for a whole batch and has no units"),
    ],
)
def test_unknown_unit_raises_with_the_valid_range(unit, shape, message):
    with pytest.raises(DgnamError, match=message):
        unit.offset(shape)


@pytest.mark.parametrize("text", ["fc8:643", "conv5:55@6", "loss3/classifier:0", "a:b:3", "conv5:55@2,9"])
def test_text_of_a_unit_reads_back(text):
    assert str(Unit.parse(text)) == text


def test_parsed_unit_has_layer_index_and_position():
    assert Unit.parse("conv5:55@6") == Unit.parse("conv5:55@6,6") == Unit("conv5", 55, 6)
    assert Unit.parse("conv5:55@2,9") == Unit("conv5", 55, (2, 9))


@pytest.mark.parametrize("text", ["fc8", "fc8:", ":3", "fc8:-1", "conv5:5@", "fc8:3 "])
def test_text_that_is_no_unit_is_an_error(text):
    with pytest.raises(DgnamError, match="write layer:index"):
        Unit.parse(text)


def test_value_is_that_at_the_position():
    values = torch.arange(2 * 3 * 2 * 2, dtype=torch.float32).view(2, 3, 2, 2)
    assert Unit("conv", 1, (0, 1)).measure(values).tolist() == [5, 17]


@pytest.mark.parametrize("xy", [(4, 0), (0, 7), (4, 6), (3, 7)])
def test_a_row_or_column_past_the_last_is_refused(xy):
    assert Unit("conv5", 1, (3, 6)).offset((5, 4, 7)) == 2 * 4 * 7 - 1
    with pytest.raises(DgnamError, match=r"from \(0, 0\) to \(3, 6\)"):
        Unit("conv5", 1, xy).offset((5, 4, 7))
