"""Pictures of the steps of chosen jobs."""

import numpy as np
import pytest

from dgnam.am import Frames, Job, Unit, images, released, synthesize
from dgnam.errors import DgnamError


def run(linear_target, linear_generator, as_batch, frames, batch_size=100):
    """Three jobs of 7, 4 and 7 steps."""
    jobs = [Job(Unit("fc8", k), seed=k, settings=released(n_iters=n)) for k, n in enumerate((7, 4, 7))]
    target, prior = as_batch(linear_target, linear_generator)
    return list(synthesize(target, prior, jobs, clip=None, batch_size=batch_size, on_step=frames, progress=False))


@pytest.mark.parametrize("batch_size", [1, 2, 100])
def test_every_nth_and_the_last_step_are_recorded(linear_target, linear_generator, as_batch, batch_size):
    frames = Frames([0, 1], every=3)
    results = run(linear_target, linear_generator, as_batch, frames, batch_size)
    assert list(frames.film(0).steps) == [0, 3, 6]
    film = frames.film(1)
    assert list(film.steps) == [0, 3]
    assert film.pictures.shape == (2, 2, 2, 3)
    assert film.pictures.dtype == np.uint8
    result = next(r for r in results if 1 in r.indices)
    row = result.indices.index(1)
    np.testing.assert_array_equal(film.activations, result.activations[row, [0, 3]])
    np.testing.assert_array_equal(film.pictures[-1], images.picture(result.images[row]))


def test_last_step_is_recorded_beside_every_nth(linear_target, linear_generator, as_batch):
    frames = Frames([1, 2], every=5)
    run(linear_target, linear_generator, as_batch, frames)
    assert list(frames.film(1).steps) == [0, 3]
    assert list(frames.film(2).steps) == [0, 5, 6]


def test_second_run_replaces_the_first(linear_target, linear_generator, as_batch):
    frames = Frames([0])
    run(linear_target, linear_generator, as_batch, frames)
    run(linear_target, linear_generator, as_batch, frames)
    assert list(frames.film(0).steps) == list(range(7))


def test_other_jobs_raise(linear_target, linear_generator, as_batch):
    frames = Frames([0, 9])
    run(linear_target, linear_generator, as_batch, frames)
    with pytest.raises(DgnamError, match="job 1 was not selected"):
        frames.film(1)
    with pytest.raises(DgnamError, match="job 9 took no step"):
        frames.film(9)
    with pytest.raises(DgnamError, match="every 0"):
        Frames([0], every=0)
    with pytest.raises(DgnamError, match="one or more jobs"):
        Frames([])
