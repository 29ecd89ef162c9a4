"""A row of a batch gets the same bytes alone and in any company, on one thread and on two."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dgnam.am import Job, Unit, released, synthesize
from dgnam.am.batch_invariance import batch_invariant
from dgnam.api.priors import open_prior
from dgnam.api.targets import open_target

CPU = torch.device("cpu")


@pytest.fixture(params=[1, 2])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def draw(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(len(shape)))


FUNCTIONS = {
    "linear": ((300,), lambda x: F.linear(x, draw(7, 300), draw(7))),
    "linear of tokens": ((5, 96), lambda x: F.linear(x, draw(96, 96))),
    "matmul": ((300,), lambda x: x @ draw(300, 40)),
    "matmul by a vector": ((300,), lambda x: x @ draw(300)),
    "conv": ((8, 13, 13), lambda x: F.conv2d(x, draw(16, 8, 3, 3), draw(16), padding=1)),
    "conv of one pixel": ((64, 7, 7), lambda x: F.conv2d(x, draw(32, 64, 1, 1))),
    "strided conv": ((3, 33, 33), lambda x: F.conv2d(x, draw(24, 3, 11, 11), stride=4)),
    "grouped conv": ((8, 9, 9), lambda x: F.conv2d(x, draw(8, 4, 3, 3), groups=2)),
    "conv, padded the same": ((8, 9, 9), lambda x: F.conv2d(x, draw(8, 8, 3, 3), padding="same")),
    "transposed conv": ((16, 4, 4), lambda x: F.conv_transpose2d(x, draw(16, 8, 4, 4), stride=2, padding=1)),
    "tanh": ((1001,), torch.tanh),
    "pow": ((333,), lambda x: (x.abs() + 1) ** 0.75),
    "softmax": ((1001,), lambda x: x.softmax(1)),
    "mean": ((3, 33, 31), lambda x: x.mean((1, 2, 3))),
    "norm": ((4099,), lambda x: x.norm(dim=1)),
    "batch norm": ((8, 5, 5), lambda x: F.batch_norm(x, draw(8), draw(8).abs())),
}


def rows_of(function, batch):
    """Values and gradients of a batch's rows, as bytes."""
    x = batch.clone().requires_grad_()
    with batch_invariant(len(batch), CPU):
        found = function(x)
        (found * found).sum().backward()
    return [(one.detach().numpy().tobytes(), own.numpy().tobytes()) for one, own in zip(found, x.grad, strict=True)]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_row_is_the_same_in_any_company(threads, name):
    shape, function = FUNCTIONS[name]
    batch = 3 * draw(17, *shape)
    whole = rows_of(function, batch)
    for size in (1, 2, 3, 5, 16):
        assert rows_of(function, batch[-size:]) == whole[-size:], size


@pytest.mark.parametrize("name", FUNCTIONS)
def test_values_are_what_torch_computes(name):
    shape, function = FUNCTIONS[name]
    for size in (1, 3):
        batch = draw(size, *shape)
        with batch_invariant(size, CPU):
            found = function(batch)
        plain = function(batch)
        assert found.shape == plain.shape
        assert torch.allclose(found, plain, rtol=1e-4, atol=1e-4)


def test_functions_across_rows_stay_what_they_are():
    x = draw(6, 8)
    image, kernel = draw(4, 9, 9), draw(5, 4, 3, 3)
    with batch_invariant(6, CPU):
        found = [x.sum(), x.sum(0), x.softmax(0), x.std(), x.norm(), F.conv2d(image, kernel, stride=2), x.T @ x]
    plain = [x.sum(), x.sum(0), x.softmax(0), x.std(), x.norm(), F.conv2d(image, kernel, stride=2), x.T @ x]
    assert all(torch.allclose(one, other) for one, other in zip(found, plain, strict=True))


def test_attention(threads):
    module = nn.MultiheadAttention(32, 4, batch_first=True).eval().requires_grad_(False)
    batch = draw(5, 7, 32)
    rows = rows_of(lambda x: module(x, x, x)[0], batch)
    assert rows_of(lambda x: module(x, x, x)[0], batch[-1:]) == rows[-1:]


def test_a_picture_is_the_same_alone_and_in_company(threads):
    target = open_target("caffenet-mini").target
    prior = open_prior("deepsim-fc6-mini", target.size).prior

    def codes(*units):
        jobs = [Job(Unit("fc8", unit), 0, released(n_iters=4)) for unit in units]
        (found,) = synthesize(target, prior, jobs, clip=None, batches=[range(len(jobs))], progress=False)
        return found.codes

    alone = codes(187)[0]
    for company in ([187, 3], [3, 187, 5], list(range(183, 192))):
        assert np.array_equal(codes(*company)[company.index(187)], alone)
