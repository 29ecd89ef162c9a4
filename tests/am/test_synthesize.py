"""The batch loop: each job equals the published loop, in any batch."""

from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from dgnam.am import (
    CaffeTarget,
    Channel,
    Direction,
    Diversity,
    GeneratorPrior,
    Job,
    Jobs,
    Linear,
    Stop,
    TorchPrior,
    TorchTarget,
    Unit,
    act_range_bounds,
    gather,
    paper,
    random_code,
    released,
    split_batches,
    synthesize,
)
from dgnam.am.evolve import UnitScore
from dgnam.am.published import loop as published
from dgnam.am.synthesize import _Batch, try_step
from dgnam.errors import DgnamError

module = import_module("dgnam.am.synthesize")

BOUNDS = act_range_bounds(np.full(12, 12.0, np.float32))
JOBS = [
    Job(Unit("fc8", 3), 0, released(n_iters=40)),
    Job(Unit("conv5", 2, xy=3), 0, released(n_iters=40)),
    Job(Unit("fc8", 7), 1, released(n_iters=20, start_lr=2.0)),
    Job(Unit("prob", 1), 2, released(n_iters=40)),
    Job(Unit("fc8", 3), 3, paper(n_iters=30)),
    Job(Unit("conv5", 0, xy=0), 1, released(n_iters=30, start_lr=1.0, l2=0.9)),
]


@pytest.fixture
def torches(tiny_modules):
    return CaffeTarget(tiny_modules[0]), GeneratorPrior(tiny_modules[1])


def run(torches, jobs, **options):
    return gather(synthesize(*torches, jobs, **{"clip": BOUNDS, "progress": False, **options}))


def differ(a, b):
    return np.abs(a - b).max() / np.abs(b).max()


def of_one_step(job, step):
    """The job, but of one step only, of the size that its step `step` has."""
    size = job.settings.step_size(min(step, job.settings.n_iters - 1))
    return replace(job, settings=replace(job.settings, n_iters=1, schedule=Linear(size, 0)))


@pytest.mark.parametrize("step", [0, 1, 10, 29])
def test_one_step_equals_the_published_loop(tiny_nets, torches, step):
    codes = np.stack([np.maximum(0, 5 * random_code(10 * step + j, (12,))) for j in range(len(JOBS))])
    jobs = [of_one_step(job, step) for job in JOBS]
    result = run(torches, jobs, start_codes=codes)
    for j, job in enumerate(jobs):
        trace = published.synthesize(*tiny_nets, job.unit, codes[j : j + 1], job.settings, clip=BOUNDS)
        assert differ(result.images[j], trace.image[0]) < 2e-6
        assert result.last_activations[j] == pytest.approx(trace.activations[0], rel=1e-5, abs=1e-4)
        # 6e-3 is what one flipped ReLU or maximum makes.
        assert differ(result.codes[j], trace.codes[0]) < 6e-3


def test_most_steps_agree_to_2e_6(tiny_nets, torches):
    jobs = [of_one_step(Job(Unit("fc8", seed % 10), seed), 0) for seed in range(20)]
    result = run(torches, jobs)
    errors = []
    for j, job in enumerate(jobs):
        start = random_code(job.seed, (1, 12))
        trace = published.synthesize(*tiny_nets, job.unit, start, job.settings, clip=BOUNDS)
        errors.append(differ(result.codes[j], trace.codes[0]))
    assert np.quantile(errors, 0.9) < 2e-6


def test_runs_of_linear_nets_equal_the_published_loop(linear_target, linear_generator, as_batch):
    bounds = act_range_bounds(np.full(5, 12.0, np.float32))
    jobs = [Job(Unit("fc8", 1), 0), Job(Unit("fc8", 3), 1, paper()), Job(Unit("fc8", 0), 2, released(n_iters=30))]
    result = run(as_batch(linear_target, linear_generator), jobs, clip=bounds)
    assert result.steps.tolist() == [200, 200, 30]
    for j, job in enumerate(jobs):
        start = random_code(job.seed, (1, 5))
        trace = published.synthesize(linear_target, linear_generator, job.unit, start, job.settings, clip=bounds)
        assert differ(result.codes[j], trace.codes[-1]) < 2e-6
        assert differ(result.images[j], trace.image[0]) < 2e-6
        assert np.allclose(result.activations[j, : len(trace.activations)], trace.activations, rtol=1e-4)
        assert np.isnan(result.activations[j, len(trace.activations) :]).all()


def test_job_stops_alone_at_zero_target_gradient(linear_target, linear_generator, as_batch):
    linear_target.matrix[2] = 0
    bounds = act_range_bounds(np.full(5, 1.5, np.float32))
    jobs = [Job(Unit("fc8", 2), 0), Job(Unit("fc8", 1), 0)]
    result = run(as_batch(linear_target, linear_generator), jobs, clip=bounds)
    assert result.steps.tolist() == [1, 200]
    assert result.stopped.tolist() == [Stop.ZERO_GRADIENT, Stop.NONE]
    start = random_code(0, (1, 5))
    assert np.allclose(result.codes[0], np.clip(start, 0, 1.5)[0] * 0.99)
    assert np.allclose(result.images[0].ravel(), crop_of(linear_generator, start), atol=1e-5)


def test_job_stops_alone_at_nan_target_gradient(linear_target, linear_generator, as_batch):
    target, prior = as_batch(linear_target, linear_generator)

    class NanForTheFirst:
        size, layers, layer_shape, to = target.size, target.layers, target.layer_shape, target.to

        def __call__(self, images, layers):
            zeros = torch.cat([zero_of_nan_gradient(images[:1]), torch.zeros(len(images) - 1)])
            return {layer: values + zeros[:, None] for layer, values in target(images, layers).items()}

    bounds = act_range_bounds(np.full(5, 1.5, np.float32))
    result = run((NanForTheFirst(), prior), [Job(Unit("fc8", 2), 0), Job(Unit("fc8", 1), 0)], clip=bounds)
    assert result.steps.tolist() == [1, 200]
    assert result.stopped.tolist() == [Stop.NOT_FINITE, Stop.NONE]
    assert np.allclose(result.codes[0], np.clip(random_code(0, (1, 5)), 0, 1.5)[0] * 0.99)


def test_job_stops_at_zero_code_gradient(linear_target, linear_generator, as_batch):
    linear_generator.matrix[:] = 0
    result = run(as_batch(linear_target, linear_generator), [Job(Unit("fc8", 2), 0)], clip=None)
    assert result.steps.tolist() == [1]
    assert np.allclose(result.codes, random_code(0, (1, 5)) * 0.99)


def test_nan_from_the_prior_skips_the_update(linear_target, linear_generator, as_batch):
    target, prior = as_batch(linear_target, linear_generator)

    class NanGradient:
        code_shape, image_size, to = prior.code_shape, prior.image_size, prior.to

        def __call__(self, codes):
            return prior(codes) + zero_of_nan_gradient(codes)[:, None, None, None]

    result = run((target, NanGradient()), [Job(Unit("fc8", 2), 0, released(n_iters=3))], clip=None)
    assert result.steps.tolist() == [3]
    assert np.allclose(result.codes, random_code(0, (1, 5)) * 0.99**3)


def test_stopped_job_keeps_its_code_and_image(linear_target, linear_generator, as_batch):
    pair = as_batch(linear_target, linear_generator)
    short, long = Job(Unit("fc8", 1), 0, released(n_iters=5)), Job(Unit("fc8", 1), 1)
    alone, beside = run(pair, [short], clip=None), run(pair, [short, long], clip=None)
    assert np.allclose(beside.codes[0], alone.codes[0], atol=1e-5)
    assert np.allclose(beside.images[0], alone.images[0], atol=1e-5)


def test_jobs_of_different_units_share_a_forward_pass(linear_target, linear_generator, as_batch):
    target, prior = as_batch(linear_target, linear_generator)
    sizes = []

    class Counting:
        size, layers, layer_shape, to = target.size, target.layers, target.layer_shape, target.to

        def __call__(self, images, layers):
            sizes.append(len(images))
            return target(images, layers)

    run((Counting(), prior), [Job(Unit("fc8", j), j, released(n_iters=2)) for j in range(4)], clip=None)
    assert sizes == [4, 4]


def test_results_repeat_to_the_byte(torches):
    first, second = run(torches, JOBS, batch_size=2), run(torches, JOBS, batch_size=2)
    for name in ("images", "codes", "activations", "steps"):
        assert getattr(first, name).tobytes() == getattr(second, name).tobytes()


def test_resumed_run_repeats_the_bytes_of_remaining_batches(torches):
    batches = split_batches(JOBS, 2)
    whole = list(synthesize(*torches, JOBS, clip=BOUNDS, batch_size=2, progress=False))
    rest = list(synthesize(*torches, JOBS, clip=BOUNDS, batches=batches[2:], progress=False))
    assert [part.indices for part in whole] == [tuple(batch) for batch in batches]
    assert [part.indices for part in rest] == [tuple(batch) for batch in batches[2:]]
    assert all(a.codes.tobytes() == b.codes.tobytes() for a, b in zip(whole[2:], rest, strict=True))


def test_start_codes_belong_to_jobs_in_any_batch(torches):
    codes = np.stack([random_code(seed, (12,)) for seed in range(len(JOBS))])
    jobs = [replace(job, settings=released(n_iters=1, start_lr=1e-30, l2=1)) for job in JOBS]
    (found,) = synthesize(*torches, jobs, clip=None, batches=[range(3, 4)], start_codes=codes, progress=False)
    assert np.array_equal(found.codes, codes[3:4])


def test_lazy_jobs_give_the_bytes_of_a_list(torches):
    jobs = Jobs([Unit("fc8", 3), Unit("fc8", 7)], [released(n_iters=3)], range(2))
    lazy, listed = run(torches, jobs), run(torches, list(jobs))
    assert lazy.codes.tobytes() == listed.codes.tobytes()


def test_gathered_results_are_in_order_of_jobs(torches):
    jobs = [replace(job, settings=released(n_iters=2)) for job in JOBS]
    result = run(torches, jobs, batch_size=2)
    assert result.indices == tuple(range(len(jobs)))
    for j, job in enumerate(jobs):
        assert np.allclose(run(torches, [job]).images, result.images[j : j + 1], atol=1e-3)


def test_results_are_float32_of_the_targets_size(torches):
    result = run(torches, JOBS[:1])
    assert result.images.shape == (1, 3, 28, 28)
    assert result.codes.shape == (1, 12)
    assert result.images.dtype == result.codes.dtype == result.activations.dtype == np.float32
    assert result.images.flags.c_contiguous


def test_activations_rise(torches):
    result = run(torches, [Job(Unit("fc8", i), 0) for i in range(10)])
    assert (result.last_activations > result.activations[:, 0]).all()


def test_on_step_precedes_each_update(torches):
    told = []
    jobs = [Job(Unit("fc8", 1), 0, released(n_iters=3)), Job(Unit("fc8", 1), 1, released(n_iters=2))]
    result = run(
        torches, jobs, on_step=lambda step: told.append((step.step, step.active.tolist(), step.codes.numpy().copy()))
    )
    assert [(step, active) for step, active, _ in told] == [(0, [True, True]), (1, [True, True]), (2, [True, False])]
    assert np.array_equal(told[0][2], np.concatenate([random_code(0, (1, 12)), random_code(1, (1, 12))]))
    assert np.array_equal(told[2][2][1], result.codes[1])


def test_torch_settings_are_restored(torches):
    run(torches, JOBS[:1])
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size 0"),
        ({"batches": [range(2, 7)]}, r"batch range\(2, 7\): .* jobs 0 to 5"),
        ({"batches": [range(6)]}, r"one set of layers, \['fc8'\], and conv5:2@3 \['conv5'\]"),
        ({"start_codes": np.zeros((6, 4), np.float32)}, r"start_codes have shape \(6, 4\); \(6, 12\) is needed"),
        ({"clip": act_range_bounds(np.ones(5))}, "bounds are of 5 neurons"),
    ],
)
def test_unsuitable_arguments_raise_before_the_first_step(torches, options, message):
    with pytest.raises(DgnamError, match=message):
        synthesize(*torches, JOBS, **{"clip": BOUNDS, **options})


def test_unknown_unit_raises_before_the_first_step(torches):
    with pytest.raises(DgnamError, match="unit fc8:10: layer 'fc8' has 10 units"):
        synthesize(*torches, [Job(Unit("fc8", 10))], clip=None)


def test_nan_code_continues_as_in_the_published_loop(linear_target, linear_generator, as_batch):
    codes = np.full((1, 5), np.nan, np.float32)
    job = Job(Unit("fc8", 1), settings=released(n_iters=4))
    result = run(as_batch(linear_target, linear_generator), [job], clip=None, start_codes=codes)
    trace = published.synthesize(linear_target, linear_generator, job.unit, codes, job.settings, clip=None)
    assert result.steps.tolist() == [len(trace.codes)] == [4]


def test_nan_activation_is_told_at_the_first_step(torches):
    target, prior = torches

    class NanForTheFirst:
        size, layers, layer_shape, to = target.size, target.layers, target.layer_shape, target.to

        def __call__(self, images, layers):
            factors = torch.tensor([torch.nan, 1.0]).view(2, 1)
            return {layer: values * factors for layer, values in target(images, layers).items()}

    result = run((NanForTheFirst(), prior), [Job(Unit("fc8", k), 0, released(n_iters=3)) for k in range(2)])
    assert result.steps.tolist() == [1, 3]
    assert result.stopped.tolist() == [Stop.NOT_FINITE, Stop.NONE]
    assert np.isnan(result.last_activations).tolist() == [True, False]


def zero_of_nan_gradient(values):
    """A 0 for each row, whose gradient by the row is NaN."""
    return (0 * values.flatten(1).sum(1)).sqrt()


def crop_of(generator, code):
    return (generator.matrix @ code[0]).reshape(3, 4, 4)[:, 1:3, 1:3].ravel()


class TestObjectives:
    def test_a_sum_is_the_sum_of_its_terms(self, torches):
        codes = np.maximum(0, 5 * random_code(3, (3, 12)))
        a, b = Unit("fc8", 3), Channel("conv5", 2)
        jobs = [Job(objective, 0, released(n_iters=1)) for objective in (a, b, 2 * a - b)]
        whole = run(torches, jobs, start_codes=np.repeat(codes[:1], 3, 0))
        assert whole.activations[2, 0] == pytest.approx(2 * whole.activations[0, 0] - whole.activations[1, 0], rel=1e-4)

    def test_positive_weight_changes_no_step(self, torches):
        jobs = [Job(objective, 5, released(n_iters=1)) for objective in (Unit("fc8", 3), Unit("fc8", 3) * 4)]
        result = run(torches, jobs)
        assert differ(result.codes[0], result.codes[1]) < 1e-5

    def test_minus_a_unit_goes_down(self, torches):
        result = run(torches, [Job(-Unit("fc8", 3), 0)])
        assert result.last_activations[0] > result.activations[0, 0]

    def test_diversity_makes_images_differ(self, torches):
        def likeness(weight):
            jobs = [Job(Unit("fc8", 3) + weight * Diversity("conv5"), seed) for seed in range(3)]
            images = run(torches, jobs).images.reshape(3, -1)
            return np.corrcoef(images)[np.triu_indices(3, 1)].mean()

        assert likeness(1000.0) < likeness(0.0) - 0.05

    def test_larger_target_sees_the_image_resized(self, tiny_modules):
        target = TorchTarget(torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten()), (64, 64))
        result = run((target, GeneratorPrior(tiny_modules[1])), [Job(Unit("1", 0), 0, released(n_iters=30))])
        assert result.images.shape == (1, 3, 64, 64)
        assert result.last_activations[0] > result.activations[0, 0]

    def test_target_without_a_gradient_raises(self, tiny_modules):
        class Rounded(torch.nn.Module):
            def forward(self, images):
                return images.detach().round().mean((2, 3))

        target = TorchTarget(torch.nn.Sequential(Rounded()), (32, 32))
        with pytest.raises(DgnamError, match=r"the target \(TorchTarget of Sequential\) has no gradient by its images"):
            run((target, GeneratorPrior(tiny_modules[1])), [Job(Unit("0", 0))])


class Cut(torch.nn.Module):
    """A linear layer whose gradient is cut off in some way."""

    def __init__(self, how, size):
        super().__init__()
        self.fc, self.how = torch.nn.Linear(*size), how

    def forward(self, x):
        x = x.flatten(1)
        if self.how == "leaf":
            return self.fc(x.detach().requires_grad_())
        if self.how == "no_grad":
            with torch.no_grad():
                return self.fc(x)
        if self.how == "inference_mode":
            with torch.inference_mode():
                return self.fc(x)
        if self.how == "numpy":
            return torch.from_numpy(self.fc(x.detach()).detach().numpy())
        if self.how == "whole numbers":
            return self.fc(x).round().to(torch.int64)
        return self.fc(x)


CUTS = ["leaf", "no_grad", "inference_mode", "numpy", "whole numbers"]


class TestNoGradient:
    @pytest.mark.parametrize("how", CUTS)
    def test_of_a_target_raises_with_its_name(self, tiny_modules, how):
        target = TorchTarget(torch.nn.Sequential(Cut(how, (12, 4))), (2, 2))
        with pytest.raises(DgnamError, match=r"the target \(TorchTarget of Sequential\) has no gradient by its images"):
            run((target, GeneratorPrior(tiny_modules[1])), [Job(Unit("0", 0))])
        assert all(parameter.grad is None for parameter in target.module.parameters())

    @pytest.mark.parametrize("how", CUTS)
    def test_of_a_prior_raises_with_its_name(self, torches, how):
        module = torch.nn.Sequential(Cut(how, (5, 12)), torch.nn.Unflatten(1, (3, 2, 2)))
        with pytest.raises(DgnamError, match=r"the prior \(TorchPrior of Sequential\) has no gradient by its codes"):
            run((torches[0], TorchPrior(module, 5)), [Job(Unit("fc8", 0))], clip=None)

    @pytest.mark.parametrize("how", CUTS)
    def test_of_one_layer_of_a_sum_raises_with_its_name(self, torches, how):
        torch.manual_seed(0)
        first, second = torch.nn.Linear(12, 12), Cut(how, (12, 4))
        target = TorchTarget(torch.nn.Sequential(torch.nn.Flatten(), first, second), (2, 2))
        job = Job(Unit("1", 0) + Unit("2", 0), settings=released(n_iters=1))
        with pytest.raises(DgnamError, match=r"layer '2' of the target \(TorchTarget of Sequential\) has no gradient"):
            try_step(target, torches[1], [job], clip=None)
        try_step(target, torches[1], [Job(Unit("1", 0) + Unit("0", 0))], clip=None)

    def test_of_a_backward_that_fails_is_told(self, torches):
        class Broken(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x.flatten(1)

            @staticmethod
            def backward(ctx, gradient):
                raise ValueError("no way back")

        class Module(torch.nn.Module):
            def forward(self, x):
                return Broken.apply(x)

        target = TorchTarget(torch.nn.Sequential(Module()), (2, 2))
        with pytest.raises(DgnamError, match=r"has no gradient .*\(no way back\)"):
            run((target, torches[1]), [Job(Unit("0", 0))])

    @pytest.mark.parametrize("how", CUTS)
    def test_evolution_needs_none_of_a_target(self, how):
        score = UnitScore(TorchTarget(torch.nn.Sequential(Cut(how, (12, 4))), (2, 2)), Unit("0", 1))
        assert score(np.random.default_rng(0).integers(0, 256, (3, 2, 2, 3), np.uint8)).shape == (3,)


class TestFlat:
    """Objectives that rounding alone moves."""

    def found(self, module, objective, n_iters=5):
        torch.manual_seed(0)
        target = TorchTarget(torch.nn.Sequential(torch.nn.Conv2d(3, 6, 5), *module), (16, 16))
        jobs = [Job(objective, seed, released(n_iters=n_iters)) for seed in range(2)]
        torch.manual_seed(1)
        prior = TorchPrior(torch.nn.Sequential(torch.nn.Linear(5, 768), torch.nn.Unflatten(1, (3, 16, 16))), 5)
        return run((target, prior), jobs, clip=None)

    @pytest.mark.parametrize(
        ("module", "objective"),
        [
            ([torch.nn.InstanceNorm2d(6)], Channel("1", 2)),
            ([torch.nn.GroupNorm(6, 6)], 3 * Channel("1", 2)),
            ([torch.nn.Flatten(), torch.nn.Softmax(1)], Direction("2", np.ones(864))),
            ([torch.nn.Flatten(), torch.nn.LayerNorm(864)], Direction("2", np.ones(864))),
            ([torch.nn.ReLU()], Unit("0", 1, 2) - Unit("0", 1, 2)),
        ],
    )
    def test_a_constant_is_flat_or_has_no_gradient(self, module, objective):
        found = self.found(module, objective)
        assert set(found.stopped.tolist()) <= {Stop.FLAT, Stop.ZERO_GRADIENT}

    @pytest.mark.parametrize(
        ("module", "objective"),
        [
            ([torch.nn.InstanceNorm2d(6)], Unit("1", 2, 3)),
            ([torch.nn.Flatten(), torch.nn.Softmax(1)], Unit("2", 5)),
            ([torch.nn.Flatten(), torch.nn.Softmax(1)], 1e-9 * Unit("2", 5)),
            ([torch.nn.Flatten(), torch.nn.LayerNorm(864)], Unit("2", 5)),
            ([torch.nn.ReLU()], Channel("0", 1)),
        ],
    )
    def test_what_climbs_is_not(self, module, objective):
        assert set(self.found(module, objective).stopped.tolist()) == {Stop.NONE}

    def test_one_step_tells_nothing(self):
        assert set(self.found([torch.nn.InstanceNorm2d(6)], Channel("1", 2), 1).stopped.tolist()) <= {0, 1}


class Reads(TorchDispatchMode):
    """Counts what a GPU would have to be waited for: numbers that come to the host."""

    def __init__(self):
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **({} if kwargs is None else kwargs))


def test_the_steps_read_nothing_but_every_tenth_whether_any_goes_on(torches, monkeypatch):
    """As on a GPU, whose other steps are queued without waiting."""
    job = Job(Unit("fc8", 3), 0, released(n_iters=60))
    every = run(torches, [job])
    monkeypatch.setattr(_Batch, "look_every", property(lambda self: 10, lambda self, value: None), raising=False)
    counts = []
    for steps in (30, 60):
        with Reads() as reads:
            found = run(torches, [replace(job, settings=released(n_iters=steps))])
        counts.append(reads.count)
    assert counts[1] - counts[0] == 3
    assert np.array_equal(found.codes, every.codes)


def test_a_job_that_stopped_is_kept_though_nobody_looks(linear_target, linear_generator, as_batch, monkeypatch):
    linear_target.matrix[2] = 0
    pair, jobs = as_batch(linear_target, linear_generator), [Job(Unit("fc8", 2), 0)]
    every = run(pair, jobs, clip=None)
    monkeypatch.setattr(_Batch, "look_every", property(lambda self: 10, lambda self, value: None), raising=False)
    late = run(pair, jobs, clip=None)
    assert late.steps.tolist() == [1]
    for name in ("images", "codes", "activations", "steps", "stopped"):
        assert np.array_equal(getattr(late, name), getattr(every, name), equal_nan=True), name


def test_how_torch_computes_is_left_as_it_was(torches):
    seen = []

    def now():
        tf32 = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
        fills = torch.utils.deterministic.fill_uninitialized_memory
        return *tf32, fills, torch.are_deterministic_algorithms_enabled()

    before = now()
    run(torches, [replace(JOBS[0], settings=released(n_iters=2))], on_step=lambda step: seen.append(now()))
    assert seen[0] == (False, False, False, True)
    assert now() == before


def test_what_stops_a_row():
    activations = torch.tensor([1.0, 1.0, 1.0, torch.nan, 1.0, torch.inf])
    image_norms = torch.tensor([1.0, 0.0, 1.0, 0.0, torch.nan, 0.0])
    code_norms = torch.tensor([1.0, 1.0, 0.0, 1.0, 0.0, 1.0])
    found = module._stops(activations, image_norms, code_norms)
    assert found.dtype == torch.int8
    none, zero, wrong = int(Stop.NONE), int(Stop.ZERO_GRADIENT), int(Stop.NOT_FINITE)
    assert found.tolist() == [none, zero, zero, wrong, wrong, wrong]


def test_rows_that_changed_by_rounding_alone_are_flat():
    batch = SimpleNamespace(magnitudes=torch.tensor([10.0] * 5), lowered=SimpleNamespace(precision="float32"))
    nan = torch.nan
    trace = torch.tensor(
        [[1, 1 + 0.9e-5, 1], [1, 1 + 1.2e-5, 1], [1, nan, nan], [1, 1, nan], [nan, nan, nan]], dtype=torch.float64
    )
    assert module._Batch._flat(batch, trace).tolist() == [True, False, False, True, False]


def test_the_modes_of_torch_are_put_back():
    memory = torch.utils.deterministic
    before = torch.get_deterministic_debug_mode(), memory.fill_uninitialized_memory
    for device, mode in (("cpu", 2), ("cuda", 1)):
        with torch.no_grad(), module._repeatable(torch.device(device), "float32"):
            assert (torch.get_deterministic_debug_mode(), memory.fill_uninitialized_memory) == (mode, False)
            assert torch.is_grad_enabled()
        assert (torch.get_deterministic_debug_mode(), memory.fill_uninitialized_memory) == before
