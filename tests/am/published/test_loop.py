"""The published loop's rules, on linear nets, whose gradients are known."""

from dataclasses import replace

import numpy as np
import pytest

from dgnam.am import (
    CompositeRegularizer,
    GradientStep,
    Jitter,
    L2Decay,
    NormPenalty,
    Stop,
    Unit,
    act_range_bounds,
    paper,
    random_code,
    released,
)
from dgnam.am.framing import center_window
from dgnam.am.published import loop
from dgnam.errors import DgnamError

CODE = np.array([[1.0, -0.5, 0.25, 0.0, 2.0]], np.float32)
UNIT = Unit("fc8", 2)
NOTHING = L2Decay(1.0)
WINDOW = (..., *center_window((4, 4), (2, 2)))


def gradients(target, generator, unit=UNIT):
    """The unit's gradient by the target's input, and by the code."""
    by_image = target.matrix[unit.index].reshape(1, 3, 2, 2)
    whole = np.zeros((1, 3, 4, 4), np.float32)
    whole[WINDOW] = by_image
    return by_image, (generator.matrix.T @ whole.ravel()).reshape(1, 5)


def test_image_is_the_center_crop_before_the_step(linear_target, linear_generator):
    step = loop.advance(linear_target, linear_generator, UNIT, CODE, 8.0, NOTHING, None)
    image = (linear_generator.matrix @ CODE[0]).reshape(1, 3, 4, 4)
    assert np.array_equal(step.image, image[..., 1:3, 1:3])
    assert step.activation == pytest.approx(float(linear_target.matrix[2] @ step.image.ravel()), rel=1e-6)


def test_difference_of_the_image_step_goes_back(linear_target, linear_generator):
    loop.advance(linear_target, linear_generator, UNIT, CODE, 8.0, NOTHING, None)
    by_image, _ = gradients(linear_target, linear_generator)
    whole = np.zeros((1, 3, 4, 4))
    whole[WINDOW] = 8 / np.abs(by_image).mean() * by_image
    assert np.allclose(linear_generator.blobs["deconv0"].diff, whole, atol=1e-5)


def test_code_update_is_step_over_mean_gradient(linear_target, linear_generator):
    step = loop.advance(linear_target, linear_generator, UNIT, CODE, 8.0, NOTHING, None)
    _, by_code = gradients(linear_target, linear_generator)
    assert np.allclose(step.code, CODE + 8 / np.abs(by_code).mean() * by_code, atol=1e-5)
    assert np.abs(step.code - CODE).mean() == pytest.approx(8, rel=1e-5)


def test_clip_comes_before_l2(linear_target, linear_generator):
    bounds = act_range_bounds(np.full(5, 3.0, np.float32))
    free = loop.advance(linear_target, linear_generator, UNIT, CODE, 8.0, NOTHING, None).code
    step = loop.advance(linear_target, linear_generator, UNIT, CODE, 8.0, L2Decay(0.99), bounds)
    assert np.allclose(step.code, np.clip(free, 0, 3) * 0.99)
    assert step.code.max() == pytest.approx(3 * 0.99)


def test_papers_l2_joins_before_normalization(linear_target, linear_generator):
    weight = 7.0
    step = loop.advance(linear_target, linear_generator, UNIT, CODE, 8.0, NormPenalty(weight), None)
    _, by_code = gradients(linear_target, linear_generator)
    of_equation_1 = by_code - weight * CODE / np.linalg.norm(CODE)
    assert np.allclose(step.code, CODE + 8 / np.abs(of_equation_1).mean() * of_equation_1, atol=1e-4)


def test_saved_image_precedes_the_last_update(linear_target, linear_generator):
    trace = loop.synthesize(linear_target, linear_generator, UNIT, CODE, released(n_iters=3), clip=None)
    again = loop.advance(linear_target, linear_generator, UNIT, trace.codes[1:2], 1.0, NOTHING, None)
    assert np.array_equal(trace.image, again.image)
    assert trace.codes.shape == (3, 5)
    assert trace.activations[2] == again.activation


def test_steps_shrink_by_the_schedule(linear_target, linear_generator):
    settings = released(n_iters=4, start_lr=8, end_lr=0, l2=1)
    trace = loop.synthesize(linear_target, linear_generator, UNIT, CODE, settings, clip=None)
    moves = np.diff(np.concatenate([CODE, trace.codes]), axis=0)
    assert np.allclose(np.abs(moves).mean(1), [8, 6, 4, 2], rtol=1e-5)


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_target_gradient_zero_or_nan_stops(linear_target, linear_generator, value):
    linear_target.gradient = value
    bounds = act_range_bounds(np.full(5, 1.5, np.float32))
    trace = loop.synthesize(linear_target, linear_generator, UNIT, CODE, released(), clip=bounds)
    assert trace.codes.shape == (1, 5)
    assert np.allclose(trace.codes, np.clip(CODE, 0, 1.5) * 0.99)
    assert trace.stopped == (Stop.ZERO_GRADIENT if value == 0 else Stop.NOT_FINITE)


def test_generator_gradient_zero_stops(linear_target, linear_generator):
    linear_generator.gradient = 0.0
    bounds = act_range_bounds(np.full(5, 1.5, np.float32))
    trace = loop.synthesize(linear_target, linear_generator, UNIT, CODE, released(), clip=bounds)
    assert np.allclose(trace.codes, np.clip(CODE, 0, 1.5) * 0.99)


def test_nan_from_the_generator_skips_the_update(linear_target, linear_generator):
    linear_generator.gradient = np.nan
    bounds = act_range_bounds(np.full(5, 1.5, np.float32))
    trace = loop.synthesize(linear_target, linear_generator, UNIT, CODE, released(n_iters=3), clip=bounds)
    shrunk = np.clip(CODE, 0, 1.5) * 0.99
    assert np.allclose(trace.codes, np.concatenate([shrunk, shrunk * 0.99, shrunk * 0.99**2]))


def test_papers_l2_moves_nothing_at_zero_gradient(linear_target, linear_generator):
    linear_target.gradient = 0.0
    trace = loop.synthesize(linear_target, linear_generator, UNIT, CODE, paper(), clip=None)
    assert np.array_equal(trace.codes, CODE)


def test_start_code_is_not_changed(linear_target, linear_generator):
    code = CODE.copy()
    loop.synthesize(linear_target, linear_generator, UNIT, code, released(n_iters=2), clip=None)
    assert np.array_equal(code, CODE)


def test_on_step_gets_each_step(linear_target, linear_generator):
    told = []
    settings = released(n_iters=3)
    trace = loop.synthesize(
        linear_target, linear_generator, UNIT, CODE, settings, clip=None, on_step=lambda i, step: told.append((i, step))
    )
    assert [i for i, _ in told] == [0, 1, 2]
    assert np.array_equal(np.concatenate([step.code for _, step in told]), trace.codes)


def test_start_code_of_another_shape_raises(linear_target, linear_generator):
    with pytest.raises(DgnamError, match=r"start code has shape \(1, 6\); the generator's 'feat' takes \(1, 5\)"):
        loop.synthesize(linear_target, linear_generator, UNIT, random_code(0, (1, 6)), released(), clip=None)


@pytest.mark.parametrize(
    "part",
    [
        {"update_rule": GradientStep()},
        {"transform": Jitter(4)},
        {"regularizer": CompositeRegularizer((L2Decay(0.99),))},
    ],
)
def test_settings_of_the_batch_loop_raise(linear_target, linear_generator, part):
    settings = replace(released(n_iters=2), **part)
    with pytest.raises(DgnamError, match=r"published loop has its own update rule.*dgnam\.am\.synthesize"):
        loop.synthesize(linear_target, linear_generator, Unit("fc8", 1), random_code(0, (1, 5)), settings, clip=None)
