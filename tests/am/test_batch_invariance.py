"""A row of a batch gets the same bytes alone and in any company, on one thread and on two."""

from contextlib import nullcontext

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from dgnam.am import Job, PixelPrior, TorchTarget, Unit, released, synthesize
from dgnam.am import batch_invariance as module
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
    "conv of a large kernel": ((8, 13, 13), lambda x: F.conv2d(x, draw(16, 8, 5, 5), draw(16), padding=2)),
    "conv of a long kernel": ((8, 13, 13), lambda x: F.conv2d(x, draw(16, 8, 5, 3), padding=1)),
    "conv of sequences": ((16, 64), lambda x: F.conv1d(x, draw(16, 16, 5))),
    "conv of one pixel": ((64, 7, 7), lambda x: F.conv2d(x, draw(32, 64, 1, 1))),
    "strided conv": ((3, 33, 33), lambda x: F.conv2d(x, draw(24, 3, 11, 11), stride=4)),
    "grouped conv": ((8, 9, 9), lambda x: F.conv2d(x, draw(8, 4, 3, 3), groups=2)),
    "conv, padded the same": ((8, 9, 9), lambda x: F.conv2d(x, draw(8, 8, 3, 3), padding="same")),
    "transposed conv": ((16, 4, 4), lambda x: F.conv_transpose2d(x, draw(16, 8, 4, 4), stride=2, padding=1)),
    "transposed conv of a small kernel": ((16, 4, 4), lambda x: F.conv_transpose2d(x, draw(16, 8, 3, 3), stride=2)),
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
    return [(bytes_of(one), bytes_of(own)) for one, own in zip(found, x.grad, strict=True)]


def bytes_of(tensor):
    return tensor.detach().reshape(-1).view(torch.uint8).numpy().tobytes()


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_row_is_the_same_in_any_company(threads, name):
    shape, function = FUNCTIONS[name]
    batch = 3 * draw(17, *shape)
    whole = rows_of(function, batch)
    for size in (1, 2, 3, 5, 16):
        assert rows_of(function, batch[-size:]) == whole[-size:], size


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_row_of_a_large_product_is_the_same_in_any_company(threads, dtype):
    """Of 64 rows and more MKL shares out the columns in another way."""
    matrix, batch = draw(384, 1152).to(dtype), draw(70, 1152).to(dtype)
    whole = rows_of(lambda x: F.linear(x, matrix), batch)
    for size in (1, 20, 50):
        assert rows_of(lambda x: F.linear(x, matrix), batch[-size:]) == whole[-size:], size


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


def test_an_image_of_a_small_net_is_the_same_in_company():
    """Where a matrix product of few columns depends on the number of threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(8)
    try:
        module = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 40), nn.Tanh(), nn.Linear(40, 12)).eval()
        target, prior = TorchTarget(module, (16, 16)), PixelPrior((16, 16))
        jobs = [Job(Unit("3", unit), 0, released(n_iters=3)) for unit in range(12)]
        (alone,), (company,) = (
            synthesize(target, prior, some, clip=None, batches=[range(len(some))], progress=False)
            for some in (jobs[:1], jobs)
        )
        assert np.array_equal(alone.codes[0], company.codes[0])
    finally:
        torch.set_num_threads(before)


def noted(function, name=None):
    """A function that notes the shapes of its first two tensors, under torch's name."""

    def call(*given, **options):
        call.seen.append(tuple(tuple(one.shape) for one in given[:2] if isinstance(one, torch.Tensor)))
        call.options.append((given[3:], options))
        return function(*given, **options)

    call.__name__, call.seen, call.options = name if name is not None else function.__name__, [], []
    return call


def own(rows, threads=1):
    return module._BatchInvariant(rows, threads)


@pytest.mark.parametrize(
    ("x", "matrix", "seen"),
    [
        (draw(3, 5), draw(4, 5), ((16, 16), (16, 16))),
        (draw(8, 16), draw(16, 16), ((16, 16), (16, 16))),
        (draw(17, 16), draw(16, 16), ((24, 16), (16, 16))),
        (draw(8, 15), draw(20, 15), ((16, 16), (20, 16))),
        (draw(8, 20), draw(15, 20), ((16, 20), (16, 20))),
        (draw(2, 5, 20), draw(30, 20), ((16, 20), (30, 20))),
        (draw(20), draw(30, 20), ((20,), (30, 20))),
    ],
)
def test_products_without_packed_matrices_have_eights_of_rows_at_least_sixteen_and_as_many_columns(x, matrix, seen):
    x, matrix, bias = x.double(), matrix.double(), draw(len(matrix)).double()
    linear = noted(F.linear)
    found = own(9).product(linear, x, matrix, bias)
    assert linear.seen == [seen]
    assert torch.allclose(found, F.linear(x, matrix, bias), atol=1e-5)
    product = noted(torch.matmul)
    assert torch.allclose(own(9).product(product, x, matrix.T), x @ matrix.T, atol=1e-5)
    assert product.seen == [(seen[0], seen[1][::-1])]


@pytest.mark.parametrize(("threads", "seen"), [(1, [56]), (2, [48, 16])])
def test_products_without_packed_matrices_on_several_threads_have_at_most_48_rows(threads, seen):
    x, matrix, bias = (draw(*shape).double() for shape in ((50, 20), (30, 20), (30,)))
    linear = noted(F.linear)
    found = own(50, threads).product(linear, x.view(10, 5, 20), matrix, bias)
    assert [shapes[0][0] for shapes in linear.seen] == seen
    assert torch.allclose(found, F.linear(x, matrix, bias).view(10, 5, 30), atol=1e-5)


def test_products_of_float32_have_packed_matrices():
    x, matrix, bias = draw(2, 5, 20), draw(30, 20), draw(30)
    linear, product = noted(F.linear), noted(torch.matmul)
    assert torch.allclose(own(9).product(linear, x, matrix, bias), F.linear(x, matrix, bias), atol=1e-5)
    assert torch.allclose(own(9).product(product, x, matrix.T), x @ matrix.T, atol=1e-5)
    assert linear.seen == product.seen == []


def test_products_that_are_left_alone():
    x = draw(3, 5)
    batches, number = noted(torch.matmul), noted(torch.mul, "matmul")
    assert own(3).product(batches, draw(2, 3, 5), draw(2, 5, 4)).shape == (2, 3, 4)
    assert torch.equal(own(3).product(number, x, 2.0), 2 * x)
    assert (batches.seen, number.seen) == ([((2, 3, 5), (2, 5, 4))], [((3, 5),)])
    assert torch.allclose(own(3).product(torch.matmul, x, draw(5)), x @ draw(5), atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "kernel", "threads", "stride", "rows", "dilation"),
    [
        ((1, 2, 6, 6), (3, 2, 3, 3), 1, 1, 2, 1),  # a second, empty image
        ((2, 2, 6, 6), (3, 2, 3, 3), 1, 1, 2, 1),
        ((1, 2, 6, 6), (3, 2, 1, 1), 1, 1, 2, 2),
        ((3, 2, 6, 6), (3, 2, 1, 1), 1, (1, 2), 3, 1),
        ((3, 2, 6, 6), (3, 2, 1, 1), 1, (2, 1), 3, 1),
        ((5, 2, 6, 6), (3, 2, 3, 3), 2, 2, 6, 1),  # three for each thread
        ((4, 2, 6, 6), (3, 2, 3, 3), 2, 2, 4, 1),
        ((5, 2, 6, 6), (3, 2, 3, 3), 2, 1, 5, 1),
        ((3, 2, 6, 6), (3, 2, 3, 3), 4, 1, 3, 1),  # small, and fewer than threads
        ((3, 2, 6, 6), (3, 2, 3, 3), 4, 2, 3, 1),
        ((4, 2, 6, 6), (3, 2, 3, 3), 4, 1, 4, 1),
        ((1, 2, 6, 6), (3, 2, 3, 3), 4, 2, 2, 1),
    ],
)
def test_convolutions_are_shared_alike(monkeypatch, shape, kernel, threads, stride, rows, dilation):
    counts = []
    monkeypatch.setattr(torch, "set_num_threads", counts.append)
    x, weight = draw(*shape), draw(*kernel)
    convolve = noted(F.conv2d)
    found = own(9, threads).convolution(convolve, x, weight, None, stride)
    assert torch.allclose(found, F.conv2d(x, weight, None, stride), atol=1e-5)
    assert [one[0][0] for one in convolve.seen] == [rows]
    assert [given[2] for given, _ in convolve.options] == [dilation]
    assert counts[:1] == ([shape[0]] if shape[0] < threads else [])
    assert len(counts) == (2 if shape[0] < threads else 0)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_empty_rows_leave_the_memory_format(memory_format):
    x = draw(3, 4, 6, 6).contiguous(memory_format=memory_format)
    seen = []

    def back(rows, *others):
        seen.append(rows.is_contiguous(memory_format=memory_format))
        return F.conv_transpose2d(rows, *others)

    found = own(9, 2).transposed_convolution(back, x, draw(4, 5, 3, 3), None, 2)
    assert seen == [True]
    assert found.shape[0] == 3


def test_images_of_more_numbers_have_no_second_one(monkeypatch):
    assert (module.SMALL_IMAGE, module.PRODUCT_ROWS, module.NARROW) == (20_480, 8, 16)
    monkeypatch.setattr(module, "SMALL_IMAGE", 72)
    for side, rows in ((6, 2), (7, 1)):
        convolve = noted(F.conv2d)
        own(1).convolution(convolve, draw(1, 2, side, side), draw(3, 2, 3, 3))
        assert [one[0][0] for one in convolve.seen] == [rows]
        back = noted(F.conv_transpose2d)
        found = own(1).transposed_convolution(back, draw(1, 2, side, side), draw(2, 3, 3, 3), None, 2, padding=1)
        assert torch.allclose(
            found, F.conv_transpose2d(draw(1, 2, side, side), draw(2, 3, 3, 3), None, 2, 1), atol=1e-5
        )
        assert [one[0][0] for one in back.seen] == [rows]


def test_images_without_a_batch_axis_are_left_alone():
    for function, weight in ((F.conv2d, draw(3, 2, 3, 3)), (F.conv_transpose2d, draw(2, 3, 3, 3))):
        plain = noted(function)
        rule = own(1).convolution if function is F.conv2d else own(1).transposed_convolution
        assert torch.equal(rule(plain, draw(2, 6, 6), weight), function(draw(2, 6, 6), weight))
        assert plain.seen == [((2, 6, 6), tuple(weight.shape))]


def test_gradients_pass_what_computes_on_threads_of_its_own(monkeypatch):
    counts = []
    monkeypatch.setattr(torch, "get_num_threads", lambda: 7)
    monkeypatch.setattr(torch, "set_num_threads", counts.append)
    x = draw(3).requires_grad_()
    found = module._on_threads(2, lambda rows: rows * rows, x)
    (gradient,) = torch.autograd.grad(found.sum(), x)
    assert torch.equal(gradient, 2 * x.detach())
    assert counts == [2, 7, 2, 7]
    counts.clear()
    with torch.no_grad():
        assert torch.equal(module._on_threads(3, torch.exp, x), x.exp())
    assert counts == [3, 7]


@pytest.mark.parametrize("rows", [1, 2, 6])
def test_gradients_pass_kernels_and_biases(rows, monkeypatch):
    """As where a generator's kernels depend on its codes."""
    monkeypatch.setattr(torch, "get_num_threads", lambda: 4)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: None)
    x, weight, bias = draw(rows, 3, 9, 9).requires_grad_(), draw(5, 3, 3, 3), draw(5)

    def found():
        convolved = F.conv2d(x, weight * x.mean(), bias * x.sum(), 2)
        return torch.autograd.grad((convolved * convolved).sum(), x)[0]

    plain = found()
    with batch_invariant(rows, CPU):
        assert torch.allclose(found(), plain, rtol=1e-3, atol=1e-3)


def test_curves_take_each_row_by_itself():
    for x, calls, others in (
        *((draw(3, 4), 3, ()), (draw(1, 4), 1, ()), (draw(4, 4), 1, ()), (draw(3), 1, ())),
        *((draw(3, 4).abs(), 1, (draw(4),)), (draw(3, 4).abs(), 3, (torch.tensor(2.0),)), (draw(3, 4).abs(), 3, (2,))),
    ):
        curve = noted(torch.pow if others else torch.exp)
        found = own(3).by_row(curve, x, *others)
        assert torch.allclose(found, torch.pow(x, *others) if others else x.exp())
        assert len(curve.seen) == calls
    for function, options in ((torch.Tensor.exp_, {}), (F.silu, {"inplace": True})):
        x, curve = draw(3, 4), noted(function)
        wanted = x.exp() if not options else F.silu(x)
        assert own(3).by_row(curve, x, **options) is x
        assert torch.allclose(x, wanted)
        assert curve.seen == [((1, 4),)] * 3
    power = noted(torch.Tensor.__ipow__, "__ipow__")
    x = draw(2, 2)
    assert own(2).by_row(power, x, 2) is not x


def test_a_sum_of_a_single_row_has_a_second_one():
    for x, threads, options, rows in (
        *((draw(1, 5), 2, {"dim": 1}, 2), (draw(1, 5), 1, {"dim": 1}, 1), (draw(2, 5), 2, {"dim": 1}, 2)),
        *((draw(1, 5), 2, {"dim": 0}, 1), (draw(1, 5), 2, {}, 1)),
    ):
        total = noted(torch.sum)
        found = own(2, threads).sum(total, x, **options)
        assert torch.allclose(found, x.sum(**options))
        assert total.seen == [((rows, 5),)]


def test_which_axes_join_the_rows():
    x = draw(2, 3, 4)
    for function, others, options, joins in (
        *((torch.exp, (), {}, False), (torch.sum, (), {}, True), (torch.sum, (1,), {}, False)),
        *((torch.sum, (0,), {}, True), (torch.sum, (-3,), {}, True), (torch.sum, ((1, 2),), {}, False)),
        *((torch.sum, ((2, 0),), {}, True), (torch.std, (False,), {}, True), (torch.sum, (), {"axis": 1}, False)),
        *((torch.norm, (2, 1), {}, False), (torch.norm, (2, 0), {}, True), (torch.norm, (2,), {}, True)),
        *((torch.softmax, (0,), {}, True), (torch.softmax, (2,), {}, False)),
    ):
        assert module._joins_rows(function, x, others, options) is joins, (function.__name__, others, options)


def test_the_largest_of_sizes():
    assert [module._largest(sizes) for sizes in (3, (1, 2), (2, 1), ())] == [3, 2, 2, 1]


def test_attention_of_more_rows_or_with_a_mask_is_left_alone():
    def attend(query, key, value, **options):
        seen.append(query.shape[1])
        return query + value, None if options.get("plain") else query.transpose(0, 1)

    x = draw(4, 3, 5)
    for rows, options, calls in (
        (3, {}, [1, 1, 1]),
        (2, {}, [3]),
        (3, {"attn_mask": x}, [3]),
        (3, {"plain": 1}, [1] * 3),
    ):
        seen = []
        found, weights = own(rows).attention(attend, x, x, x, **options)
        assert seen == calls
        assert torch.equal(found, 2 * x)
        assert weights is None if options.get("plain") else torch.equal(weights, x.transpose(0, 1))


def test_a_gpu_is_left_alone():
    assert isinstance(batch_invariant(3, torch.device("cuda")), nullcontext)
    with batch_invariant(2, CPU), pytest.raises(TypeError):
        torch.exp()
