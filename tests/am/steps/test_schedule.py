"""The steps' sizes."""

import pytest

from dgnam.am import AdaGradStep, AdamStep, FixedIncreaseStep, GradientStep, Linear, NormalizedStep, Phases
from dgnam.errors import DgnamError


def test_linear_falls_by_the_same_amount_each_step():
    assert [Linear(8.0, 4.0).step_size(i, 4) for i in range(4)] == [8.0, 7.0, 6.0, 5.0]


def test_linear_of_one_size_stays():
    assert Linear(2, 2).step_size(150, 200) == 2


def test_phases_follow_one_another():
    schedule = Phases.of([(2, 8, 0), (3, 1, 1), (2, 6, 3)])
    assert schedule.n_iters == 7
    assert [schedule.step_size(i, 7) for i in range(8)] == [8, 4, 1, 1, 1, 6, 4.5, 3]
    assert (schedule.start, schedule.end) == (8, 3)
    assert schedule.as_dict() == {"start_lr": 8, "end_lr": 3, "phases": [[2, 8, 0], [3, 1, 1], [2, 6, 3]]}


@pytest.mark.parametrize("rows", [[], [(0, 1, 1)]])
def test_phases_without_steps_raise(rows):
    with pytest.raises(DgnamError, match="one phase or more"):
        Phases.of(rows)


@pytest.mark.parametrize(
    ("ends", "message"),
    [
        ((float("nan"), 1), "start_lr nan must be finite"),
        ((8, float("inf")), "end_lr inf must be finite"),
        (("8", 1), "start_lr '8' must be finite"),
        ((0, 1), "start_lr 0 must be above 0"),
        ((-8, 1), "start_lr -8 must be above 0"),
        ((8, -1e-9), "end_lr -1e-09 must be at least 0"),
    ],
)
def test_useless_sizes_raise(ends, message):
    with pytest.raises(DgnamError, match=message):
        Linear(*ends)


def test_a_phase_may_be_of_one_step():
    phases = Phases.of([(1, 3.0, 2.0), (2, 1.0, 0.0)])
    assert [phases.step_size(step, 9) for step in range(4)] == [3, 1, 0.5, 0]
    assert (phases.n_iters, phases.start, phases.end) == (3, 3, 0)


def test_the_published_step_alone_normalizes_the_images_gradient():
    rules = (NormalizedStep(), GradientStep(), FixedIncreaseStep(1), AdamStep(), AdaGradStep())
    assert [rule.normalizes_image_gradient for rule in rules] == [True, False, False, False, False]
