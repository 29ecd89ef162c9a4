"""Lower precisions: where they are refused, what they come to, and that networks are left as they were."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from dgnam import zoo
from dgnam.am import (
    CaffeTarget,
    GeneratorPrior,
    Job,
    JointTarget,
    Stop,
    TorchPrior,
    TorchTarget,
    Unit,
    act_range_bounds,
    gather,
    released,
    render,
    synthesize,
)
from dgnam.am.evolve import UnitScore
from dgnam.am.precision import Lowered, matrix_products
from dgnam.caffe.modules import precision
from dgnam.errors import DgnamError
from dgnam.measure.judge import Judge, rank_by_target
from dgnam.measure.outside_judge import OutsideJudge

BOUNDS = act_range_bounds(np.full(12, 12.0, np.float32))
JOBS = [Job(Unit("fc8", unit), unit, released(n_iters=20)) for unit in range(5)]


@pytest.fixture(autouse=True)
def any_cpu(monkeypatch):
    """The CPU counts as one with bfloat16, which is slower but no different on others."""
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: True)


@pytest.fixture
def parts(tiny_modules):
    return CaffeTarget(tiny_modules[0]), GeneratorPrior(tiny_modules[1])


def made(parts, jobs=JOBS, **options):
    return gather(synthesize(*parts, jobs, **{"clip": BOUNDS, "progress": False, **options}))


def test_bfloat16_comes_near_float32_and_is_another(parts):
    # In so small a net one maximum of a pooling that goes another way turns a gradient by 10 degrees: many jobs.
    jobs = [Job(Unit("fc8", k % 10), k, released(n_iters=20)) for k in range(40)]
    full, half = made(parts, jobs), made(parts, jobs, precision="bfloat16")
    assert half.images.dtype == half.codes.dtype == half.activations.dtype == np.float32
    assert half.activations[:, 0] == pytest.approx(full.activations[:, 0], rel=0.05, abs=0.5)
    assert half.last_activations.mean() == pytest.approx(full.last_activations.mean(), rel=0.1)
    assert (half.codes != full.codes).any()


def test_the_images_are_rendered_in_float32_at_the_end(parts):
    job = Job(Unit("fc8", 1), 4, released(n_iters=1))  # whose image is that of the start code
    full, half = made(parts, [job]), made(parts, [job], precision="bfloat16")
    assert np.array_equal(full.images, half.images)
    assert (full.codes != half.codes).any()


def test_the_networks_are_left_in_float32(parts, tiny_modules):
    before = [{name: one.clone() for name, one in module.state_dict().items()} for module in tiny_modules]
    made(parts, precision="bfloat16")
    for module, kept in zip(tiny_modules, before, strict=True):
        assert all(torch.equal(one, kept[name]) for name, one in module.state_dict().items())
        assert all(one.dtype == torch.float32 for one in module.state_dict().values())
    assert np.array_equal(made(parts).codes, made(parts).codes)


def test_the_networks_are_left_after_an_error(tiny_modules, parts):
    def stop(step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made(parts, precision="bfloat16", on_step=stop)
    assert {one.dtype for module in tiny_modules for one in module.parameters()} == {torch.float32}


def test_a_picture_is_the_same_in_any_batch(parts):
    whole, alone = (made(parts, precision="bfloat16", batch_size=size) for size in (5, 1))
    assert np.array_equal(whole.codes, alone.codes)


def test_a_flat_objective_is_told_in_spite_of_rounding(parts):
    class Flat(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(3, 4, 3)

        def forward(self, images):
            values = self.layer(images).flatten(1)
            return values[:, :4] * 1e-6 + 300

    target = TorchTarget(Flat(), size=(28, 28))
    found = made((target, parts[1]), [Job(Unit("output", 1), 0, released(n_iters=5))], precision="bfloat16")
    assert found.stopped.tolist() in ([Stop.FLAT], [Stop.ZERO_GRADIENT])


def test_torch_modules_and_several_targets(parts):
    torch.manual_seed(0)
    module = nn.Sequential(nn.Conv2d(3, 8, 5, 2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(1152, 10))
    both = JointTarget(a=parts[0], b=TorchTarget(module, size=(28, 28)))
    job = Job(Unit("a.fc8", 1) + Unit("b.4", 2), 0, released(n_iters=5))
    full, half = (made((both, parts[1]), [job], precision=name) for name in ("float32", "bfloat16"))
    assert half.activations[:, 0] == pytest.approx(full.activations[:, 0], rel=0.05, abs=0.5)  # steps amplify noise
    assert half.last_activations == pytest.approx(full.last_activations, rel=0.5)
    assert module[1].running_var.dtype == torch.float32


def test_what_a_module_cannot_compute_is_one_error(parts):
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(3 * 28 * 28, 4)

        def forward(self, images):
            return self.layer(images.flatten(1).float())

    target = TorchTarget(Mixed(), size=(28, 28))
    with pytest.raises(DgnamError, match="bfloat16"):
        made((target, parts[1]), [Job(Unit("layer", 1))], precision="bfloat16")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("bfloat", "precision 'bfloat': give one of bfloat16, float32, tf32"),
        ("float16", "precision 'float16': give one of"),
        ("tf32", "precision tf32: TF32 is of NVIDIA GPUs from Ampere on; use float32"),
    ],
)
def test_unknown_and_unsuited_precisions(parts, name, words):
    with pytest.raises(DgnamError, match=words):
        made(parts, precision=name)


def test_a_cpu_without_bfloat16_refuses_it(parts, monkeypatch):
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: False)
    with pytest.raises(DgnamError, match="AVX512-BF16 nor AMX, so it would be slower than float32; use float32"):
        made(parts, precision="bfloat16")


def test_a_target_without_a_network_refuses_bfloat16(linear_target, linear_generator, as_batch):
    target, prior = as_batch(linear_target, linear_generator)
    with pytest.raises(DgnamError, match="the target is a LinearTarget, whose network is not known here"):
        made((target, prior), JOBS[:4], precision="bfloat16", clip=None)
    with pytest.raises(DgnamError, match="LinearTarget"):
        made((JointTarget(a=target), prior), [Job(Unit("a.fc8", 1))], precision="bfloat16", clip=None)


def test_caffe_modules_of_another_precision_run(tiny_modules):
    halves = [copy.deepcopy(module).bfloat16() for module in tiny_modules]
    found = made((CaffeTarget(halves[0]), GeneratorPrior(halves[1])))
    assert found.codes.dtype == np.float32
    assert {one.dtype for one in halves[0].parameters()} == {torch.bfloat16}


def test_matrix_products_are_in_full_but_for_tf32():
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    for name, allowed in (("tf32", True), ("float32", False), ("bfloat16", False)):
        with matrix_products(name):
            assert (products.allow_tf32, convolutions.allow_tf32) == (allowed, allowed)
        assert (products.allow_tf32, convolutions.allow_tf32) == before


def rendered(watched):
    render(TorchPrior(watched(nn.Conv2d(3, 3, 1)), (3, 8, 8)), np.zeros((1, 3, 8, 8)), (8, 8))


def scored(watched):
    target = TorchTarget(watched(nn.Sequential(nn.Conv2d(3, 3, 1))), (8, 8))
    UnitScore(target, Unit("0", 1, (4, 4)))(np.zeros((1, 8, 8, 3), np.uint8))


def ranked(watched):
    target = TorchTarget(watched(nn.Sequential(nn.Conv2d(3, 3, 1))), (8, 8))
    rank_by_target(target, "0", np.zeros((1, 3, 8, 8), np.float32), [0])


def judged(watched):
    Judge(watched(zoo.load("judge-mini")), "fc").scored(np.zeros((1, 3, 56, 56), np.float32))


def judged_outside(watched):
    OutsideJudge(["n01440764"], watched(nn.Conv2d(3, 3, 1))).scored(np.zeros((1, 3, 8, 8), np.float32))


@pytest.mark.parametrize("read", [rendered, scored, ranked, judged, judged_outside])
def test_networks_that_are_only_read_compute_in_full(read):
    matmul, cudnn, seen = torch.backends.cuda.matmul, torch.backends.cudnn, []

    def watched(net):
        net.register_forward_pre_hook(lambda *_: seen.append((matmul.allow_tf32, cudnn.allow_tf32)))
        return net

    with matrix_products("tf32"):
        read(watched)
        assert seen[-1] == (False, False)
        assert (matmul.allow_tf32, cudnn.allow_tf32) == (True, True)


def test_errors_within_a_pass_say_bfloat16_where_it_is_the_cause():
    module = nn.Linear(2, 2)
    long = f"precision bfloat16: a network can't compute in it (bad {'x' * 296}… (404 characters)); use float32"
    for error, words in ((ValueError("bad " + "x" * 400), long), (DgnamError("own"), "own")):
        with pytest.raises(DgnamError) as caught, Lowered("bfloat16", module).weights():
            raise error if module.weight.dtype == torch.bfloat16 else KeyError
        assert module.weight.dtype == torch.float32
        assert str(caught.value) == words
    with pytest.raises(ValueError, match="bad"), Lowered("float32", module).weights():
        raise ValueError("bad")
