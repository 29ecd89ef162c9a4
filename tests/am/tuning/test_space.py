"""Ranges of settings."""

import json

import numpy as np
import pytest

from dgnam.am import L2Decay, NormPenalty, paper, released, released_googlenet
from dgnam.am.tuning import TuningSpace
from dgnam.am.tuning.space import PAPER_RANGE
from dgnam.errors import DgnamError


def holds(space, settings):
    """Whether settings could have been drawn."""
    rule = settings.regularizer
    values = {"n_iters": settings.n_iters, "start_lr": settings.schedule.start}
    values["l2" if isinstance(rule, L2Decay) else "norm_penalty"] = next(iter(vars(rule).values()))
    return all(low <= values[name] <= high for name, (low, high, _) in space.ranges.items())


def test_the_published_settings_lie_in_the_default_ranges():
    assert holds(TuningSpace(), released())
    assert holds(TuningSpace(), released_googlenet())
    assert holds(TuningSpace(l2=None, norm_penalty=PAPER_RANGE), paper())


def test_what_is_drawn_becomes_settings():
    drawn = {"n_iters": 120, "start_lr": 4.0, "l2": 0.95}
    settings = TuningSpace().settings(drawn)
    assert settings == released(n_iters=120, start_lr=4.0, l2=0.95)
    space = TuningSpace(l2=None, norm_penalty=(0.001, 0.1, True))
    assert list(space.ranges) == ["n_iters", "start_lr", "norm_penalty"]
    settings = space.settings({"n_iters": 10, "start_lr": 1.0, "norm_penalty": 0.01})
    assert settings.regularizer == NormPenalty(0.01)


def test_a_record_gives_the_same_space():
    space = TuningSpace(n_iters=(5, 9), start_lr=(1, 2))
    assert TuningSpace(**space.as_dict()) == space
    assert space.ranges["start_lr"] == (1.0, 2.0, False)


def test_a_range_of_logarithms_is_written_in_two_ways():
    assert TuningSpace(start_lr=(1, 2, "log")) == TuningSpace(start_lr=[1, 2, True])
    assert TuningSpace(n_iters=(1, 2, "log")).ranges["n_iters"] == (1, 2, True)


def test_ranges_may_be_of_numpys_numbers():
    space = TuningSpace(n_iters=np.array([5, 9]), start_lr=(np.float32(1), np.float64(2)), l2=np.array([0.5, 1.0]))
    assert space == TuningSpace(n_iters=(5, 9), start_lr=(1, 2), l2=(0.5, 1.0))
    assert json.dumps(space.as_dict())


@pytest.mark.parametrize(
    ("ranges", "words"),
    [
        ({"n_iters": (0, 10)}, "n_iters"),
        ({"n_iters": (1.5, 10)}, "whole numbers"),
        ({"n_iters": 200}, "n_iters 200"),
        ({"n_iters": (1, 1_000_001)}, "at most 1000000 steps"),
        ({"n_iters": (1, 1e300)}, "at most 1000000 steps"),
        ({"n_iters": (1, 2, 3, 4)}, "n_iters"),
        ({"start_lr": (8, 2)}, "the least first"),
        ({"start_lr": (0, 2)}, "start_lr .* over 0"),
        ({"start_lr": (1, float("nan"))}, "finite"),
        ({"start_lr": (1, float("inf"))}, "finite"),
        ({"start_lr": (1, 10**400)}, "finite"),
        ({"start_lr": ("1", 2)}, "finite"),
        ({"start_lr": (1, 2, "ln")}, "logarithms"),
        ({"l2": (0.9, 1.1)}, "l2 up to 1.1"),
        ({"l2": (-0.1, 1)}, "0 or more"),
        ({"l2": (0, 1, True)}, "over 0"),
        ({"l2": None}, "a range of l2 or one of norm_penalty"),
        ({"norm_penalty": (0.1, 0.2)}, "a range of l2 or one of norm_penalty"),
        ({"end_lr": -1}, "end_lr"),
    ],
)
def test_ranges_that_are_none(ranges, words):
    with pytest.raises(DgnamError, match=words):
        TuningSpace(**ranges)


def test_the_usual_ranges():
    space = TuningSpace()
    assert space.ranges == {"n_iters": (50, 400, False), "start_lr": (1, 32, True), "l2": (0.9, 1, False)}
    assert (space.norm_penalty, space.end_lr) == (None, 1e-10)


@pytest.mark.parametrize(
    ("name", "fine", "wrong"),
    [
        *(("n_iters", (1, 1), (0, 1)), ("n_iters", (3, 4.0), (3, 4.5)), ("n_iters", [3, 4, "log"], (2.5, 4))),
        *(("start_lr", (1e-9, 1), (0, 1)), ("start_lr", (2, 2), (3, 2)), ("l2", (1e-9, 1), (0, 1))),
        *(("l2", (0.5, 1), (0.5, 1.01)), ("l2", (0.1, 1, True), (0, 1, True)), ("l2", (0.5, 1, False), (0.5, 1, "lg"))),
        *(("l2", (0.5, 1), (0.5, 1, False, 1)), ("l2", (0.5, 1), (0.5,)), ("l2", (0.5, 1), (0.5, float("inf")))),
        *(("l2", (0.5, 1), (True, 1)), ("l2", (0.5, 1), "01"), ("end_lr", 0, -1e-9), ("end_lr", 1, float("inf"))),
    ],
)
def test_ranges_end_where_the_messages_say(name, fine, wrong):
    TuningSpace(**{name: fine})
    with pytest.raises(DgnamError):
        TuningSpace(**{name: wrong})


def test_exactly_one_form_of_l2():
    assert TuningSpace(l2=None, norm_penalty=(0, 1)).ranges["norm_penalty"] == (0, 1, False)
    for wrong in ({"l2": None}, {"norm_penalty": (0, 1)}):
        with pytest.raises(DgnamError, match="a range of l2 or one of norm_penalty"):
            TuningSpace(**wrong)
