import pytest

from dgnam.am import CaffeTarget, Unit
from dgnam.api.search.stage import units_of
from dgnam.errors import DgnamError
from dgnam.zoo import registry as zoo


@pytest.fixture(scope="module")
def target():
    return CaffeTarget(zoo.load("caffenet-mini"))


@pytest.fixture
def units(target):
    return lambda text: units_of(text, zoo.get("caffenet-mini"), target)


def test_units_as_text(units):
    assert units("3, 7-9") == [Unit("fc8", k) for k in (3, 7, 8, 9)]
    assert units("fc8:3, 7-9") == units("3, 7-9")


def test_units_by_the_names_of_their_classes(units):
    lemon, pepper = units('lemon, "bell pepper"')
    assert units("lemon") == [lemon] == units("fc8:lemon")
    assert units(f"{pepper.index}") == [pepper]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lemno", "no class 'lemno' among 200; the closest: lemon"),
        ("fc9:3", "no layer 'fc9'; the closest: fc"),
        ("conv5:3@2,2", "conv5:3@2: a judge tells classes"),
        ("conv5:3@all", "a judge tells classes"),
        ("fc8:3 + fc8:4", "a judge tells classes"),
        ("", "no unit"),
        ("3,", "no unit"),
        ("-3", "no unit"),
    ],
)
def test_what_a_judge_can_t_score(units, text, message):
    with pytest.raises(DgnamError, match=message):
        units(text)
