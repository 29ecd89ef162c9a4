"""The constants table's steps, settings and regularisation."""

import dataclasses

import pytest

from dgnam.am import (
    Blur,
    Jitter,
    Linear,
    NormPenalty,
    Plain,
    Rules,
    Settings,
    Shrink,
    paper,
    released,
    released_from_image,
    released_googlenet,
    without_prior,
)
from dgnam.errors import DgnamError


def test_released_steps_are_8_to_1e_10_in_200():
    settings = released()
    assert settings.n_iters == 200
    assert settings.step_size(0) == 8
    assert settings.step_size(100) == pytest.approx(4)
    assert settings.step_size(199) == 8 + (1e-10 - 8) * 199 / 200


def test_googlenet_steps_start_at_2():
    assert released_googlenet() == released(start_lr=2.0)


def test_steps_from_a_real_image_are_30_from_1():
    assert released_from_image() == released(n_iters=30, start_lr=1.0)


def test_released_l2_multiplies_by_099():
    assert released().regularisation == Shrink(0.99)


def test_paper_l2_is_the_norm_times_0005_and_the_rest_as_released():
    assert paper().regularisation == NormPenalty(0.005)
    assert dataclasses.replace(paper(), regularisation=Shrink(0.99)) == released()


def test_settings_are_frozen_values():
    with pytest.raises(dataclasses.FrozenInstanceError):
        released().n_iters = 3
    assert len({released(), released(), paper()}) == 2


def test_settings_are_recorded_as_numbers_and_names():
    assert released().as_dict() == {
        "n_iters": 200,
        "start_lr": 8.0,
        "end_lr": 1e-10,
        "regularisation": "Shrink(factor=0.99)",
    }


def test_control_in_pixels_takes_the_same_steps_and_shrinks_nothing():
    assert [without_prior().step_size(i) for i in range(200)] == [released().step_size(i) for i in range(200)]
    assert without_prior().regularisation.shrink(7.0) == 7.0


def test_no_steps_is_an_error():
    with pytest.raises(DgnamError, match="n_iters 0"):
        released(n_iters=0)


def test_what_is_not_published_is_recorded_too():
    settings = Settings(3, Linear(1, 1), Rules((Shrink(0.9), Blur(1.0, 4))), Plain(), Jitter(8))
    assert settings.as_dict() == {
        "n_iters": 3,
        "start_lr": 1,
        "end_lr": 1,
        "regularisation": "Rules(parts=(Shrink(factor=0.9), Blur(radius=1.0, every=4)))",
        "ascent": "Plain()",
        "transform": "Jitter(pixels=8)",
    }
    assert len({settings, dataclasses.replace(settings, transform=None)}) == 2


def test_more_steps_than_anyone_waits_for_are_an_error():
    with pytest.raises(DgnamError, match="n_iters 99999999999 must be at most 1000000"):
        released(n_iters=99999999999)


@pytest.mark.parametrize("rule", [Shrink, NormPenalty])
def test_rules_whose_number_is_not_finite_are_an_error(rule):
    with pytest.raises(DgnamError, match="nan must be finite"):
        rule(float("nan"))
