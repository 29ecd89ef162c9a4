"""From a gradient to a step."""

import numpy as np
import pytest
import torch

from dgnam.am import AdaGrad, PerMean, Plain, Progress
from dgnam.errors import DgnamError

GRADIENT = torch.from_numpy(np.random.RandomState(0).standard_normal((2, 3, 4)).astype(np.float32))
SIZES = torch.tensor([8.0, 2.0])


def test_published_step_moves_each_number_by_its_size_on_average():
    assert torch.allclose(PerMean().move(GRADIENT, SIZES, {}).abs().mean((1, 2)), SIZES)
    assert torch.allclose(PerMean().move(1000 * GRADIENT, SIZES, {}), PerMean().move(GRADIENT, SIZES, {}))


def test_plain_step_is_the_rate_times_the_gradient():
    assert torch.equal(Plain().move(GRADIENT, SIZES, {}), GRADIENT * SIZES.view(2, 1, 1))


def test_progress_raises_a_linear_objective_by_what_is_desired_or_takes_the_highest_rate():
    steps = Progress(2.0).move(GRADIENT, torch.tensor([1e8, 1e-3]), {})
    assert (steps * GRADIENT)[0].sum().item() == pytest.approx(2, rel=1e-5)
    assert torch.allclose(steps[1], GRADIENT[1] * 1e-3)


def test_adagrad_keeps_its_squares_and_momentum():
    memory, moves = {}, []
    for factor in (1.0, -2.0, 0.5):
        moves.append(AdaGrad(0.9).move(factor * GRADIENT, SIZES, memory).numpy())
    squares = velocity = 0.0
    for factor, move in zip((1.0, -2.0, 0.5), moves, strict=True):
        g = factor * GRADIENT.numpy()
        squares = 0.9 * squares + g**2
        velocity = 0.9 * velocity + g / (1 / SIZES.numpy().reshape(2, 1, 1) + np.sqrt(squares))
        assert np.allclose(move, velocity, rtol=1e-4)


@pytest.mark.parametrize("make", [lambda: Progress(0), lambda: AdaGrad(1.0), lambda: AdaGrad(-0.1)])
def test_numbers_out_of_range_are_an_error(make):
    with pytest.raises(DgnamError, match="must be"):
        make()
