"""The choice of a batch size: by memory, by time, and by what the jobs are."""

import numpy as np
import pytest

from dgnam.am import CaffeTarget, Diversity, GeneratorPrior, Job, Jobs, Unit, act_range_bounds, batch_size, released
from dgnam.am.batch_size import choose_batch_size
from dgnam.errors import DgnamError

CLIP = act_range_bounds(np.full(12, 12.0, np.float32))
GIB = 1 << 30


@pytest.fixture
def parts(tiny_modules):
    return CaffeTarget(tiny_modules[0]), GeneratorPrior(tiny_modules[1])


def jobs(count=1000):
    return Jobs([Unit("fc8", 1)], [released(n_iters=3)], range(count))


def choose(parts, given, free=8 * GIB, seconds=(), **how):
    """The choice where a step of the sizes timed takes so many seconds."""
    readings = [reading for one in seconds for reading in (0.0, one)]
    return choose_batch_size(*parts, given, free=free, clock=lambda: readings.pop(0), clip=CLIP, **how)


@pytest.fixture
def large(monkeypatch):
    """Networks count as large however small they are."""
    monkeypatch.setattr(batch_size, "SMALL", 0)


def test_small_networks_take_a_hundred_and_no_time(parts):
    chosen = choose(parts, jobs())
    assert (chosen.size, chosen.seconds) == (100, {})
    assert 10_000 < chosen.image_bytes < 1_000_000
    assert choose(parts, jobs()).image_bytes == chosen.image_bytes


def test_frames_of_a_clip_count(parts):
    assert choose(parts, jobs(), frames=16).size == 6


def test_memory_bounds_the_batch(parts):
    image_bytes = choose(parts, jobs()).image_bytes
    assert choose(parts, jobs(), free=20 * image_bytes).size == 10
    assert choose(parts, jobs(), free=0).size == 1
    assert choose(parts, jobs(), free=None).size == 100


def test_batches_grow_while_each_image_takes_less_time(parts, large):
    chosen = choose(parts, jobs(), seconds=(4.0, 6.4, 9.6, 19.0))  # an image: 1, 0.8, 0.6, 0.594
    assert (chosen.size, list(chosen.seconds)) == (16, [4, 8, 16, 32])
    assert chosen.as_dict()["seconds"] == {"4": 1.0, "8": 0.8, "16": 0.6, "32": 0.5938}
    halved = choose(parts, jobs(), seconds=(4.0, 4.0, 4.0, 4.0, 4.0))
    assert halved.size == 64  # 128 are more than the most


def test_no_more_is_timed_than_the_jobs_fill(parts, large):
    assert choose(parts, jobs(4)).seconds == {}
    assert choose(parts, jobs(1)).size == 4
    layers = [Job(Unit("fc8", unit)) for unit in range(3)] + [Job(Unit("conv5", 1, 0))] * 9
    assert choose(parts, layers).seconds == {}


def test_images_that_are_compared_stay_together(parts, large):
    objective = Unit("fc8", 1) + 0.1 * Diversity("fc6")
    assert choose(parts, Jobs([objective], [released()], range(50))).size == 100


def test_what_cannot_be_watched_counts_as_nothing(parts):
    def refuse():
        raise DgnamError("functions of torch.func bear no such hooks")

    assert batch_size._kept_bytes(*parts, refuse) == 0


def test_a_step_takes_twice_what_it_keeps(parts):
    kept = batch_size._kept_bytes(*parts, lambda: batch_size.try_step(*parts, jobs(), clip=CLIP))
    assert choose(parts, jobs()).image_bytes == 2 * kept > 0
    assert (batch_size.MOST, batch_size.SMALL, batch_size.FIRST) == ({"cpu": 100, "cuda": 1024}, GIB, 4)


@pytest.mark.parametrize(("count", "size"), [(5, 8), (6, 8), (7, 8), (8, 8), (9, 16), (15, 16), (17, 32)])
def test_the_last_size_timed_has_as_many_images_as_there_are_jobs(parts, large, count, size):
    chosen = choose(parts, jobs(count), seconds=(4.0,) * 4)
    assert chosen.size == size
    assert chosen.seconds[size] == pytest.approx(4 / count)
    mixed = [Job(Unit("fc8", unit)) for unit in range(6)] + [Job(Unit("conv5", 1, 0))] * 9
    assert choose(parts, mixed, seconds=(4.0, 4.0)).seconds == {4: 1.0, 8: 4 / 6}
