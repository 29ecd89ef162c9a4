"""The batch loop with other update rules, regularizers and jitter, in mixed batches."""

import numpy as np
import pytest
import torch

from dgnam.am import (
    AdaGradStep,
    Blur,
    CaffeTarget,
    CenterOnly,
    ClipSmallContribution,
    ColorRange,
    CompositeRegularizer,
    FixedIncreaseStep,
    GradientStep,
    Jitter,
    Job,
    L2Decay,
    L2Penalty,
    Linear,
    NoiseStart,
    NormalizedStep,
    NormPenalty,
    PixelPrior,
    Settings,
    TotalVariation,
    Unit,
    gather,
    released,
    synthesize,
    without_prior,
)

SMOOTH = CompositeRegularizer((L2Decay(0.99), Blur(0.5, 2), ColorRange()))


@pytest.fixture
def target(tiny_modules):
    return CaffeTarget(tiny_modules[0])


def run(target, jobs, prior=None, clip=None, **options):
    prior = PixelPrior(target.size) if prior is None else prior
    codes = NoiseStart(10).codes([job.seed for job in jobs], prior.code_shape)
    return gather(synthesize(target, prior, jobs, clip=clip, start_codes=codes, progress=False, **options))


def one_step(target, regularizer=None, update_rule=None, rate=50.0):
    """The code before a step, after it, and the unit's gradient before it."""
    settings = Settings(1, Linear(rate, rate), regularizer or L2Decay(1.0), update_rule or GradientStep())
    start = torch.from_numpy(NoiseStart(10).codes([3], (3, 28, 28))).requires_grad_()
    (gradient,) = torch.autograd.grad(target(start, ["fc8"])["fc8"][0, 2], start)
    code = run(target, [Job(Unit("fc8", 2), 3, settings)]).codes
    return start.detach().numpy(), code, gradient.numpy()


def test_gradient_ascent_adds_rate_times_gradient(target):
    start, code, gradient = one_step(target)
    assert np.allclose(code, start + 50 * gradient, atol=1e-3)


def test_a_penalty_joins_gradient_ascent_unscaled(target):
    start, code, gradient = one_step(target, L2Penalty(0.004))
    assert np.allclose(code, start + 50 * (gradient - 0.008 * start), atol=1e-3)


def test_a_penalty_joins_the_published_step_unscaled(target):
    start, code, gradient = one_step(target, L2Penalty(0.004), NormalizedStep(), rate=8.0)
    both = gradient - 0.008 * start
    assert np.allclose(code, start + 8 / np.abs(both).mean() * both, atol=2e-3)


def test_a_mask_keeps_the_border_as_it_was(target):
    start, code, gradient = one_step(target, CenterOnly(0.25), NormalizedStep(), rate=8.0)
    inner = np.zeros_like(gradient)
    inner[..., 7:21, 7:21] = gradient[..., 7:21, 7:21]
    assert np.array_equal(code[..., :7, :], start[..., :7, :])
    assert np.allclose(code, start + 8 / np.abs(inner).mean() * inner, atol=2e-2)


def test_contribution_is_by_the_objectives_gradient_alone(target):
    start, code, gradient = one_step(target, CompositeRegularizer((L2Penalty(0.01), ClipSmallContribution(90))))
    moved = start + 50 * (gradient - 0.02 * start)
    contribution = np.abs((moved * gradient).sum(1))
    kept = contribution >= np.percentile(contribution, 90)
    assert ((code != 0).any(1) == kept).mean() > 0.99
    assert kept.mean() == pytest.approx(0.1, abs=0.01)


def test_jobs_of_a_mixed_batch_equal_single_runs(target):
    kinds = [
        released(n_iters=12),
        Settings(9, Linear(50, 50), SMOOTH, GradientStep()),
        Settings(12, Linear(100, 100), TotalVariation(0.01), AdaGradStep(), Jitter(5)),
        Settings(
            12,
            Linear(100, 100),
            CompositeRegularizer((ClipSmallContribution(50), L2Decay(0.9))),
            FixedIncreaseStep(2.0),
        ),
        without_prior(n_iters=7),
        Settings(12, Linear(8, 8), NormPenalty(0.005), NormalizedStep(), Jitter(3)),
        Settings(12, Linear(50, 50), SMOOTH, GradientStep(), Jitter(5)),
    ]
    jobs = [Job(Unit("fc8", k), k, settings) for k, settings in enumerate(kinds)]
    together = run(target, jobs)
    assert together.steps.tolist() == [12, 9, 12, 12, 7, 12, 12]
    for k, job in enumerate(jobs):
        alone = run(target, [job])
        assert np.abs(together.codes[k] - alone.codes[0]).max() < 1e-2 * np.abs(alone.codes).max()
        assert np.allclose(together.activations[k, : alone.steps[0]], alone.activations[0], rtol=1e-2, atol=1e-2)


def test_bytes_repeat(target):
    settings = Settings(
        6, Linear(50, 50), CompositeRegularizer((L2Decay(0.99), TotalVariation(0.01))), AdaGradStep(), Jitter(5)
    )
    jobs = [Job(Unit("fc8", k), k, settings) for k in range(3)]
    first, second = run(target, jobs, batch_size=2), run(target, jobs, batch_size=2)
    assert first.codes.tobytes() == second.codes.tobytes()
    assert first.images.tobytes() == second.images.tobytes()


def test_jitter_affects_activations_and_not_images(target):
    settings = Settings(1, Linear(50, 50), L2Decay(1.0), GradientStep(), Jitter(7))
    job = Job(Unit("fc8", 2), 3, settings)
    result = run(target, [job])
    start = torch.from_numpy(NoiseStart(10).codes([3], (3, 28, 28)))
    shifted = torch.roll(start, Jitter(7).shift(3, 0), (2, 3))
    assert Jitter(7).shift(3, 0) != (0, 0)
    assert np.array_equal(result.images, start)
    assert result.activations[0, 0] == pytest.approx(target(shifted, ["fc8"])["fc8"][0, 2].item(), rel=1e-4)


def test_jitter_of_a_larger_image_shows_windows(target):
    seen = []

    class Recording:
        size, layer_shape, to = target.size, target.layer_shape, target.to

        def __call__(self, images, layers):
            seen.append(images.detach().clone())
            return target(images, layers)

    settings = Settings(30, Linear(1e-9, 1e-9), L2Decay(1.0), GradientStep(), Jitter(5))
    result = run(Recording(), [Job(Unit("fc8", 2), 3, settings)], prior=PixelPrior((32, 32)))
    whole = NoiseStart(10).codes([3], (3, 32, 32))[0]
    windows = {}
    for image in seen:
        places = [
            (y, x)
            for y in range(5)
            for x in range(5)
            if np.allclose(image[0], whole[:, y : y + 28, x : x + 28], atol=1e-3)
        ]
        assert len(places) == 1
        windows[places[0]] = True
    assert len(windows) > 10
    assert np.allclose(result.images[0], whole[:, 2:30, 2:30], atol=1e-3)


def test_blur_makes_smoother_images_than_none(target):
    def roughness(regularizer):
        settings = Settings(40, Linear(8, 8), regularizer)
        images = run(target, [Job(Unit("fc8", 2), 3, settings)]).images
        return np.abs(np.diff(images, axis=3)).mean() / images.std()

    assert roughness(CompositeRegularizer((Blur(1.0, 2), ColorRange()))) < 0.7 * roughness(ColorRange())


def test_gradient_ascent_stops_at_zero_target_gradient(linear_target, linear_generator, as_batch):
    linear_target.matrix[2] = 0
    target, prior = as_batch(linear_target, linear_generator)
    settings = Settings(5, Linear(1, 1), L2Penalty(0.1), GradientStep())
    jobs = [Job(Unit("fc8", 2), 0, settings), Job(Unit("fc8", 1), 0, settings)]
    result = gather(synthesize(target, prior, jobs, clip=None, progress=False))
    assert result.steps.tolist() == [1, 5]
