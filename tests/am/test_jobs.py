"""Jobs on demand, and their batches."""

import tracemalloc

import numpy as np
import pytest

from dgnam.am import Channel, Job, Jobs, Result, Unit, gather, paper, released, split_batches
from dgnam.am.jobs import check_batches, places_of_change
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


def test_the_usual_seed_and_settings():
    assert (Job(Unit("fc8", 3)).seed, Job(Unit("fc8", 3)).settings) == (0, released())


def test_results_of_batches_are_joined_in_the_order_of_the_jobs():
    def result(indices, steps):
        count = len(indices)
        values = np.array(indices, np.float32)
        traces = np.repeat(values[:, None], steps, 1)
        images = np.broadcast_to(values.reshape(-1, 1, 1, 1), (count, 3, 2, 2))
        return Result(indices, images, values[:, None], traces, np.full(count, steps), np.zeros(count, np.int8))

    found = gather([result((3, 1), 2), result((2, 0), 4)])
    assert found.indices == (0, 1, 2, 3)
    assert found.images[:, 0, 0, 0].tolist() == found.codes[:, 0].tolist() == [0, 1, 2, 3]
    assert found.steps.tolist() == [4, 2, 4, 2]
    assert found.activations.shape == (4, 4)
    assert np.isnan(found.activations[1, 2:]).all()
    assert found.activations[1, :2].tolist() == [1, 1]
    assert found.last_activations.tolist() == [0, 1, 2, 3]


def test_where_more_than_the_seed_changes():
    jobs = Jobs([Unit("fc8", 0), Unit("fc8", 1)], [released()], range(4))
    assert list(places_of_change(jobs, range(8))) == [0, 4]
    assert list(places_of_change(jobs, range(3, 8))) == [3, 4]
    assert list(places_of_change(jobs, range(4, 8))) == [4]
    assert list(places_of_change(jobs, range(5, 5))) == []
    assert list(places_of_change(list(jobs), range(2, 5))) == [2, 3, 4]


def test_ranges_that_touch_and_end_with_the_jobs_pass():
    check_batches(of_layers(*["fc8"] * 5), [range(2), range(2, 5)])
    for wrong in ([range(4, 6)], [range(2, 4), range(1, 3)]):
        with pytest.raises(DgnamError, match="disjoint, non-empty ranges of the jobs 0 to 4"):
            check_batches(of_layers(*["fc8"] * 5), wrong)


def test_results_of_all_jobs_go_to_their_places():
    def part(*indices, steps):
        count = len(indices)
        values = np.array(indices, np.float32).reshape(-1, 1, 1, 1)
        whole = np.broadcast_to(values, (count, 3, 2, 2)), values.reshape(count, 1), np.ones((count, steps), np.float32)
        return Result(indices, *whole, np.full(count, steps), np.zeros(count, bool))

    parts = [part(3, 4, steps=2), part(0, steps=4), part(1, 2, steps=3)]
    for found in (gather(parts), gather(iter(parts), 5)):
        assert found.indices == (0, 1, 2, 3, 4)
        assert found.images.shape == (5, 3, 2, 2)
        assert found.images[:, 0, 0, 0].tolist() == found.codes[:, 0].tolist() == [0, 1, 2, 3, 4]
        assert found.steps.tolist() == [4, 3, 3, 2, 2]
        assert np.isnan(found.activations).sum(1).tolist() == [0, 1, 1, 2, 2]
        assert parts[0].images.shape == (2, 3, 2, 2)
