"""The settings of the genetic algorithm, each to its last value that is allowed."""

import numpy as np
import pytest

from dgnam.am.evolve import CmaEs, Genetic
from dgnam.am.evolve.method import Origin
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


def test_numbers_may_be_numpys():
    assert Genetic(population=np.int64(6), elite=np.int64(2), mutation_rate=np.float32(0.5)).population == 6
    assert CmaEs(population=np.int64(6), sigma=np.float32(1)).population == 6


def test_the_settings_of_xdream():
    own = Genetic.xdream()
    assert own == Genetic(mutation_rate=0.5, mutation_size=0.5)
    assert (own.population, own.elite, own.selectivity, own.heritability) == (20, 1, 2, 0.5)
    assert (Genetic().mutation_rate, Genetic().mutation_size) == (0.1, 4)


def population(count=4, **settings):
    codes = np.arange(2.0 * count).reshape(count, 2)
    origin = Origin(np.full(2, -100.0), np.full(2, 100.0), 0, codes)
    return Genetic(population=count, **settings).begin(origin)


def test_fitness_by_hand():
    """Boltzmann's, of scores cut at their 95th percentile, at a temperature of their deviation over selectivity."""
    own = population(selectivity=2.0)
    scores = np.array([5.0, 4.0, 3.0, 1.0])
    cut = np.minimum(scores, np.percentile(scores, 95))
    wanted = np.exp(2 * (cut - cut[0]) / cut.std())
    assert own._fitness(scores) == pytest.approx(wanted / wanted.sum())
    assert own._fitness(np.ones(4)).tolist() == [0.25] * 4
    near = own._fitness(np.array([1e-9, 0.0, 0.0, 0.0]))  # a temperature of 1e-8 at least
    assert near[0] / near[1] == pytest.approx(np.exp(0.085), rel=1e-3)


def test_the_elite_is_kept_and_the_mean_is_the_parents():
    own = population(elite=2, mutation_rate=0.0)
    assert own.mean().tolist() == [3, 4]
    scores = np.array([1.0, np.nan, 3.0, 2.0])
    own.tell(scores)
    assert own.codes[:2].tolist() == [[4, 5], [6, 7]]
    fitness = own._fitness(np.array([3.0, 2.0, 1.0]))
    assert own.mean().tolist() == pytest.approx((fitness @ np.array([[4.0, 5], [6, 7], [0, 1]])).tolist())
    assert not {2.0, 3.0} & set(own.codes.ravel().tolist())  # of the lost trial nothing is left


def test_children_have_their_parents_numbers_and_mutations():
    parents = np.array([[0.0] * 50, [10.0] * 50])
    even = np.array([0.5, 0.5])

    def children(**settings):
        origin = Origin(np.full(50, -30.0), np.full(50, 12.0), 3)
        return Genetic(population=200, **settings).begin(origin)._children(parents, even, 200)

    first = children(heritability=1.0, mutation_rate=0.0)
    assert {tuple(set(row)) for row in first.tolist()} == {(0.0,), (10.0,)}
    mixed = children(heritability=0.25, mutation_rate=0.0)
    assert 0.4 < (mixed == 10).mean() < 0.6
    mutated = children(heritability=1.0, mutation_rate=0.1, mutation_size=2.0)
    moved = mutated - np.where(mutated > 5, 10, 0)
    assert 0.08 < (moved != 0).mean() < 0.12
    assert mutated.max() == 12  # the bound
    low = moved[(mutated < 5) & (moved != 0)]
    assert low.std() == pytest.approx(2, rel=0.15)


def test_too_many_start_codes_are_an_error():
    origin = Origin(np.zeros(1), np.ones(1), 0, np.zeros((4, 1)))
    assert Genetic(population=4).begin(origin).ask().shape == (4, 1)
    with pytest.raises(DgnamError, match="4 start codes are more than the population of 3"):
        Genetic(population=3).begin(origin)
