"""The loop around a callable: how often it is called, what is kept when it fails, and what an interrupt says."""

import os
import signal

import pytest

from dgnam.am.evolve import Genetic, Search, drive
from dgnam.errors import DgnamError
from dgnam.runs import Interrupted, Record, Run
from tests.am.evolve.bowl import PixelsOfCode, bowl


@pytest.fixture
def search():
    return Search(PixelsOfCode(), Genetic(population=6))


@pytest.fixture
def folder(tmp_path):
    return Run.create_at(tmp_path / "run", Record("evolve", {}, {}))


def failing(at, fail):
    """A score that fails the `at`-th time."""
    calls = []

    def score(images):
        calls.append(1)
        if len(calls) == at:
            fail()
        return bowl(images)

    return score


def test_each_generation_is_scored_once(search):
    seen = []

    def score(images):
        seen.append(images.shape)
        return bowl(images)

    drive(search, score, 3, progress=False)
    assert seen == [(6, 2, 2, 3)] * 3
    assert search.best.score == max(scores.max() for scores in search.scores)
    drive(search, score, 3, progress=False)
    assert len(seen) == 3


@pytest.mark.parametrize(("score", "generations", "message"), [(3, 1, "3 is not a score"), (bowl, 0, "generations 0")])
def test_what_cannot_be_driven(search, score, generations, message):
    with pytest.raises(DgnamError, match=message):
        drive(search, score, generations, progress=False)


def test_generations_before_a_failing_score_are_kept(search, folder):
    def fail():
        raise TimeoutError("the electrode is out")

    with pytest.raises(TimeoutError, match="electrode"):
        drive(search.save_in(folder), failing(3, fail), 5, progress=False)
    again = Search(PixelsOfCode(), Genetic(population=6)).save_in(Run.open(folder.path))
    assert again.generation == 2


def interrupt_now():
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("fail", "done", "status"),
    [
        (interrupt_now, 1, 130),
        (lambda: os.kill(os.getpid(), signal.SIGINT), 2, 130),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), 2, 143),
    ],
)
def test_an_interrupt_says_what_is_done(search, folder, fail, done, status):
    with pytest.raises(Interrupted, match=f"stopped after {done} of 5 generations") as stopped:
        drive(search.save_in(folder), failing(2, fail), 5, progress=False)
    assert stopped.value.status == status
    assert len(Run.open(folder.path).names()) == done


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_in_the_last_generation_is_not_forgotten(search, number, status):
    with pytest.raises(Interrupted, match="stopped after 2 of 2 generations") as stopped:
        drive(search, failing(2, lambda: os.kill(os.getpid(), number)), 2, progress=False)
    assert stopped.value.status == status
    assert search.generation == 2
    drive(search, failing(1, interrupt_now), 2, progress=False)
