"""The settings of the genetic algorithm, each to its last value that is allowed."""

import pytest

from dgnam.am.evolve import Genetic
from dgnam.errors import DgnamError


@pytest.mark.parametrize(
    ("name", "fine", "wrong"),
    [
        ("population", [2, 100_000], [1, 0, 100_001, 2.5]),
        ("elite", [0, 19], [-1, 20]),
        ("selectivity", [1e-9, 1e9], [0, -1, float("inf"), float("nan")]),
        ("heritability", [0, 1], [-0.01, 1.01]),
        ("mutation_rate", [0, 1], [-0.01, 1.01]),
        ("mutation_size", [1e-9, 1e9], [0, -1, float("inf"), float("nan")]),
    ],
)
def test_settings_end_where_the_message_says(name, fine, wrong):
    for value in fine:
        assert getattr(Genetic(**{name: value}), name) == value
    for value in wrong:
        with pytest.raises(DgnamError, match=name):
            Genetic(**{name: value})


def test_the_settings_of_xdream():
    own = Genetic.xdream()
    assert own == Genetic(mutation_rate=0.5, mutation_size=0.5)
    assert (own.population, own.elite, own.selectivity, own.heritability) == (20, 1, 2, 0.5)
    assert (Genetic().mutation_rate, Genetic().mutation_size) == (0.1, 4)
