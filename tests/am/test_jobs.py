"""Jobs on demand, and their batches."""

import tracemalloc

import numpy as np
import pytest

from dgnam.am import Channel, Job, Jobs, Unit, paper, released, split_batches
from dgnam.am.jobs import check_batches
from dgnam.errors import DgnamError


def of_layers(*layers):
    return [Job(Unit(layer, 0, xy=0)) for layer in layers]


class TestJobs:
    def test_seeds_vary_fastest_and_objectives_slowest(self):
        units, settings = [Unit("fc8", 3), Unit("fc8", 5)], [released(), paper()]
        expected = [Job(unit, seed, one) for unit in units for one in settings for seed in (7, 9, 8)]
        jobs = Jobs(units, settings, [7, 9, 8])
        assert list(jobs) == expected
        assert [jobs[k] for k in range(len(jobs))] == expected
        assert jobs[-1] == expected[-1]
        assert jobs[2:9:3] == expected[2:9:3]

    def test_index_out_of_range_raises(self):
        with pytest.raises(IndexError):
            Jobs([Unit("fc8", 3)], [released()], range(3))[3]

    def test_jobs_and_batches_take_constant_memory(self):
        units = [Unit("fc8", k) for k in range(100)]
        tracemalloc.start()
        jobs = Jobs(units, [released()], range(1000))
        batches = split_batches(jobs)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(jobs) == 100_000
        assert len(batches) == 1000
        assert peak < 1 << 18

    def test_ten_million_batches_of_one_take_constant_memory(self):
        tracemalloc.start()
        jobs = Jobs([Unit("fc8", 0), Channel("conv5", 0)], [released()], range(5_000_000))
        batches = split_batches(jobs, 1)
        check_batches(jobs, batches[:3])
        ends = len(batches), batches[0], batches[4_999_999], batches[-1]
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert ends == (10_000_000, range(1), range(4_999_999, 5_000_000), range(9_999_999, 10_000_000))
        assert peak < 1 << 18

    @pytest.mark.parametrize("seeds", [1, 3, 7])
    def test_jobs_on_demand_are_split_as_listed_ones_are(self, seeds):
        objectives = [Unit("fc8", 0), Unit("fc8", 1), Channel("conv5", 0), Unit("fc8", 2)]
        jobs = Jobs(objectives, [released(), paper()], range(seeds))
        assert list(split_batches(jobs, 4)) == list(split_batches(list(jobs), 4))


class TestBatches:
    def test_batches_are_of_at_most_the_size(self):
        assert list(split_batches(of_layers(*["fc8"] * 5), 2)) == [range(2), range(2, 4), range(4, 5)]

    def test_batches_end_where_the_layers_change(self):
        jobs = of_layers("fc8", "conv5", "fc8", "fc8", "fc8", "conv5")
        assert list(split_batches(jobs, 2)) == [range(1), range(1, 2), range(2, 4), range(4, 5), range(5, 6)]

    def test_order_of_layers_is_irrelevant(self):
        a, b = Unit("fc8", 0), Channel("conv5", 0)
        assert list(split_batches([Job(a + b), Job(b + a)])) == [range(2)]

    def test_no_jobs_have_no_batches(self):
        assert list(split_batches([])) == []

    @pytest.mark.parametrize("size", [0, 2.0, None])
    def test_unsuitable_size_raises(self, size):
        with pytest.raises(DgnamError, match=f"batch_size {size}"):
            split_batches(of_layers("fc8"), size)

    @pytest.mark.parametrize(
        "batches", [[range(3), range(2, 4)], [range(0)], [range(3, 6)], [range(-1, 2)], [range(0, 4, 2)], [(0, 1)]]
    )
    def test_other_than_disjoint_ranges_raise(self, batches):
        with pytest.raises(DgnamError, match="ranges"):
            check_batches(of_layers(*["fc8"] * 5), batches)

    def test_some_batches_in_any_order_pass(self):
        check_batches(of_layers(*["fc8"] * 5), [range(3, 5), range(1)])


def test_unit_of_another_objective_raises():
    assert Job(Unit("fc8", 3)).unit == Unit("fc8", 3)
    with pytest.raises(DgnamError, match="takes a single unit, and the objective is conv5:1@all"):
        _ = Job(Channel("conv5", 1)).unit


def test_seeds_may_be_numpy_integers():
    assert Jobs([Unit("fc8", 3)], [released()], np.arange(3))[2].seed == 2
