"""The published constants: steps, settings and L2."""

import dataclasses

import numpy as np
import pytest

from dgnam.am import (
    Blur,
    CompositeRegularizer,
    GradientStep,
    Jitter,
    L2Decay,
    Linear,
    NormPenalty,
    Settings,
    paper,
    released,
    released_from_image,
    released_googlenet,
    without_prior,
)
from dgnam.errors import DgnamError


def test_released_steps_fall_from_8_to_1e_10():
    settings = released()
    assert settings.n_iters == 200
    assert settings.step_size(0) == 8
    assert settings.step_size(100) == pytest.approx(4)
    assert settings.step_size(199) == 8 + (1e-10 - 8) * 199 / 200


def test_googlenet_steps_start_at_2():
    assert released_googlenet() == released(start_lr=2.0)


def test_30_steps_of_1_from_a_real_image():
    assert released_from_image() == released(n_iters=30, start_lr=1.0)


def test_released_l2_multiplies_by_099():
    assert released().regularizer == L2Decay(0.99)


def test_papers_l2_is_the_norm_times_0005():
    assert paper().regularizer == NormPenalty(0.005)
    assert dataclasses.replace(paper(), regularizer=L2Decay(0.99)) == released()


def test_settings_are_frozen_values():
    with pytest.raises(dataclasses.FrozenInstanceError):
        released().n_iters = 3
    assert len({released(), released(), paper()}) == 2


def test_settings_are_recorded_as_numbers_and_reprs():
    assert released().as_dict() == {
        "n_iters": 200,
        "start_lr": 8.0,
        "end_lr": 1e-10,
        "regularizer": "L2Decay(factor=0.99)",
    }


def test_control_in_pixels_takes_released_steps_without_l2():
    assert [without_prior().step_size(i) for i in range(200)] == [released().step_size(i) for i in range(200)]
    assert without_prior().regularizer == L2Decay(1.0)


def test_update_rule_and_transform_are_recorded():
    settings = Settings(3, Linear(1, 1), CompositeRegularizer((L2Decay(0.9), Blur(1.0, 4))), GradientStep(), Jitter(8))
    assert settings.as_dict() == {
        "n_iters": 3,
        "start_lr": 1,
        "end_lr": 1,
        "regularizer": "CompositeRegularizer(parts=(L2Decay(factor=0.9), Blur(radius=1.0, every=4)))",
        "update_rule": "GradientStep()",
        "transform": "Jitter(pixels=8)",
    }
    assert len({settings, dataclasses.replace(settings, transform=None)}) == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: released(n_iters=0), "n_iters 0 must be at least 1"),
        (lambda: released(n_iters=20.0), "n_iters 20.0: give a whole number"),
        (lambda: released(n_iters="20"), "n_iters '20': give a whole number"),
        (lambda: released(n_iters=99999999999), "n_iters 99999999999 must be at most 1000000"),
        (lambda: released(start_lr=-8.0), "start_lr -8.0 must be above 0"),
        (lambda: released(start_lr=0), "start_lr 0 must be above 0"),
        (lambda: released(start_lr=float("nan")), "start_lr nan must be finite"),
        (lambda: paper(end_lr=-1e-10), "end_lr -1e-10 must be at least 0"),
        (lambda: released(l2=0.0), "l2 0.0 must be above 0"),
        (lambda: released(l2=1.01), "l2 1.01 must be at most 1"),
        (lambda: paper(norm_penalty=-0.005), "norm_penalty -0.005 must be at least 0"),
    ],
)
def test_useless_values_raise(make, message):
    with pytest.raises(DgnamError, match=message):
        make()


def test_numpy_steps_become_an_int():
    assert type(released(n_iters=np.int64(20)).n_iters) is int


def test_the_most_steps_and_the_fewest():
    for fine in (1, 1_000_000):
        assert released(n_iters=fine).n_iters == fine
    for wrong in (0, 1_000_001):
        with pytest.raises(DgnamError, match=f"n_iters {wrong} must be at"):
            released(n_iters=wrong)


def test_the_usual_numbers():
    assert released() == released(200, 8.0, 1e-10, 0.99)
    assert paper() == paper(200, 8.0, 1e-10, 0.005)
    assert without_prior() == without_prior(200, 8.0, 1e-10)
