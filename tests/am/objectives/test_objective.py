"""Which number is maximized."""

import numpy as np
import pytest
import torch

from dgnam.am import Channel, Direction, Diversity, Unit
from dgnam.errors import DgnamError


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
        (Unit("conv5", 55), (256, 13, 13), r"takes a position .* to \(12, 12\), as conv5:55@6,6"),
        (Unit("conv5", 55, xy=13), (256, 13, 13), r"takes a position .* to \(12, 12\), as conv5:55@6,6"),
        (Unit("seq", 1, xy=1), (4, 5), "has no positions"),
    ],
)
def test_unit_that_the_layer_lacks_is_an_error_that_says_what_it_has(unit, shape, message):
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


class TestArithmetic:
    def test_sums_and_multiples_are_terms_with_weights(self):
        a, b = Unit("fc8", 3), Channel("conv5", 1)
        assert (2 * a - b / 4 + a).terms == ((2, a), (-0.25, b), (1, a))
        assert sum([a, b]).terms == ((1, a), (1, b))
        assert (-(a + b) * 3).terms == ((-3, a), (-3, b))

    def test_layers_are_each_once(self):
        assert (Unit("fc8", 3) + Unit("conv5", 1, 2) + Unit("fc8", 4)).layers == ("fc8", "conv5")

    def test_they_are_values(self):
        assert Unit("fc8", 3) * 2 == 2 * Unit("fc8", 3)
        assert len({Unit("fc8", 3), Unit("fc8", 3), Channel("fc8", 3)}) == 2
        assert Direction("fc8", np.array([1, 2])) == Direction("fc8", np.array([2, 4]))

    def test_text(self):
        assert str(2 * Unit("fc8", 3) - Unit("conv5", 4, 6)) == "2*fc8:3-1*conv5:4@6"

    @pytest.mark.parametrize("wrong", [lambda a: a + 1, lambda a: a * a, lambda a: a * "2", lambda a: a - 3])
    def test_what_does_not_add_or_multiply(self, wrong):
        with pytest.raises(TypeError):
            wrong(Unit("fc8", 3))


VALUES = torch.arange(2 * 3 * 2 * 2, dtype=torch.float32).view(2, 3, 2, 2)


class TestTerms:
    """What each measures, derived by hand."""

    def test_unit(self):
        assert Unit("conv", 1, (0, 1)).measure(VALUES).tolist() == [5, 17]

    def test_channel(self):
        assert Channel("conv", 1).measure(VALUES).tolist() == [5.5, 17.5]
        assert Channel("fc", 1).measure(VALUES[:, :, 0, 0]).tolist() == [4, 16]

    def test_direction_of_all_values_and_of_channels(self):
        whole = np.zeros((3, 2, 2))
        whole[1, 0, 1] = 7
        assert Direction("conv", whole).measure(VALUES).tolist() == [5, 17]
        assert torch.allclose(Direction("conv", np.array([3, 4, 0])).measure(VALUES), torch.tensor([5.3, 22.1]))

    def test_diversity(self):
        rows = torch.tensor([[1.0, 0], [2, 0], [0, 3]])
        assert torch.allclose(Diversity("fc").measure(rows), torch.tensor([-0.5, -0.5, 0]))
        assert Diversity("fc").measure(rows[:1]).tolist() == [0]

    @pytest.mark.parametrize(
        ("term", "message"),
        [
            (Channel("conv", 3), "unit conv:3@all: layer 'conv' has 3 units, 0 to 2"),
            (
                Direction("conv", np.ones(5)),
                "5 numbers, and layer 'conv' of shape .* takes 12 or one for each of its 3",
            ),
        ],
    )
    def test_what_the_layer_lacks(self, term, message):
        with pytest.raises(DgnamError, match=message):
            term.check((3, 2, 2))

    @pytest.mark.parametrize("vector", [[0, 0], [np.nan, 1]])
    def test_no_direction(self, vector):
        with pytest.raises(DgnamError, match="finite and not zero"):
            Direction("fc", np.array(vector))
