"""The units that the published scripts show."""

from dgnam.am import Unit, released, released_from_image, released_googlenet
from dgnam.am.published import examples


def indices(example):
    return [unit.index for unit in example.units]


def test_units_shown_of_caffenet_and_googlenet():
    assert indices(examples.OUTPUT) == [643, 624, 304, 629, 437] == indices(examples.OUTPUT_GOOGLENET)
    assert {unit.layer for unit in examples.OUTPUT.units} == {"fc8"}
    assert {unit.layer for unit in examples.OUTPUT_GOOGLENET.units} == {"loss3/classifier"}
    assert examples.OUTPUT.settings == released()
    assert examples.OUTPUT_GOOGLENET.settings == released_googlenet()


def test_units_shown_of_places():
    assert indices(examples.OUTPUT_PLACES) == [2, 7, 8, 12, 71]
    assert indices(examples.HIDDEN_PLACES) == [8, 55, 154, 181, 45]
    assert {(unit.layer, unit.xy) for unit in examples.HIDDEN_PLACES.units} == {("conv5", 6)}


def test_unit_shown_from_a_real_image():
    assert examples.FROM_IMAGE.units == (Unit("fc8", 945),)
    assert examples.FROM_IMAGE.settings == released_from_image()
