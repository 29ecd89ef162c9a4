"""Products by packed matrices: their numbers, gradients and invariance, and when a matrix is packed anew."""

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from dgnam.am.batch_invariance import batch_invariant
from dgnam.am.packed_products import PackedProducts

SHAPES = [(9, 16), (300, 7), (768, 768), (2000, 130), (4096, 40), (3, 1)]
"""Of matrices: the numbers of a row before and after the product."""


def draw(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def products():
    return PackedProducts()


@pytest.mark.parametrize(("inner", "outer"), SHAPES)
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_values_and_gradients_are_those_of_the_product(products, inner, outer, rows):
    x, matrix, bias = draw(rows, inner), draw(outer, inner, seed=1), draw(outer, seed=2)
    ours, exact = x.clone().requires_grad_(), x.double().requires_grad_()
    for found, wanted in (
        (products.linear(ours, matrix, bias), exact @ matrix.double().t() + bias.double()),
        (products.linear(ours, matrix), exact @ matrix.double().t()),
        (products.times(ours, matrix.t()), exact @ matrix.double().t()),
    ):
        (by_ours,) = torch.autograd.grad((found**3).sum(), ours)
        (by_exact,) = torch.autograd.grad((wanted**3).sum(), exact)
        for one, other in ((found, wanted), (by_ours, by_exact)):
            assert one.shape == other.shape
            assert (one - other).abs().max() <= 1e-4 * other.abs().max()


def test_gradients_have_gradients(products):
    x, matrix = draw(2, 30).requires_grad_(), draw(5, 30, seed=1)

    def twice(product):
        (slope,) = torch.autograd.grad((product(x) ** 3).sum(), x, create_graph=True)
        return torch.autograd.grad((slope**2).sum(), x)[0]

    assert torch.allclose(twice(lambda x: products.linear(x, matrix)), twice(lambda x: x @ matrix.t()), rtol=1e-3)


def rows_differ():
    """Products whose rows depend on company or on the number of threads: (inner, outer, threads, which sizes agree)."""
    products, found, before = PackedProducts(), [], torch.get_num_threads()
    try:
        for inner, outer in SHAPES:
            x, matrix, whole = draw(130, inner), draw(outer, inner, seed=1), None
            for threads in (1, 2, 3):
                torch.set_num_threads(threads)
                whole = products.linear(x, matrix) if whole is None else whole
                sizes = (1, 2, 3, 8, 17, 64, 100, 130)
                alike = [torch.equal(products.linear(x[-size:], matrix), whole[-size:]) for size in sizes]
                if not all(alike):
                    found.append((inner, outer, threads, alike))
    finally:
        torch.set_num_threads(before)
    return found


def test_rows_are_the_same_in_any_company_on_any_number_of_threads():
    assert rows_differ() == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("instructions", ["SSE41", "AVX2", "AVX512_CORE", "AVX512_CORE_BF16"])
def test_rows_are_the_same_by_the_instructions_of_other_cpus(instructions):
    root = Path(__file__).parents[2]
    environment = {**os.environ, "ONEDNN_MAX_CPU_ISA": instructions, "PYTHONPATH": str(root)}
    script = "from tests.am.test_packed_products import rows_differ; print(rows_differ())"
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_matrix_is_packed_once_until_it_changes(products):
    x, matrix = draw(3, 20), nn.Parameter(draw(4, 20, seed=1), requires_grad=False)
    assert products.packed(matrix, False) is products.packed(matrix, False)
    assert products.packed(matrix, True) is not products.packed(matrix, False)
    for change in (lambda: matrix.mul_(2), lambda: setattr(matrix, "data", draw(4, 20, seed=2))):
        products.linear(x, matrix)
        change()
        assert torch.allclose(products.linear(x, matrix), x @ matrix.t(), atol=1e-5)


def test_a_matrix_that_is_gone_is_forgotten(products):
    for _ in range(3):
        products.times(draw(3, 20), draw(4, 20).t())
    gc.collect()
    assert len(products._kept) == 0


def test_matrices_made_in_inference_mode_are_taken(products):
    with torch.inference_mode():
        matrix = draw(4, 20)
    x = draw(3, 20).requires_grad_()
    assert products.takes(x, matrix)
    products.linear(x, matrix).sum().backward()
    assert torch.allclose(x.grad, matrix.clone().sum(0).expand(3, 20), atol=1e-5)


def test_what_is_left_to_torch(products):
    x, matrix, bias = draw(3, 20), draw(4, 20), draw(4)
    assert products.takes(x, matrix)
    assert products.takes(x, matrix, bias)
    assert products.takes(x.requires_grad_(), matrix, None)
    learned = draw(4, 20).requires_grad_()
    others = [(x, learned), (x.double(), matrix.double()), (x, matrix, bias.double()), (x, matrix, draw(1, 4))]
    others += [(x.bfloat16(), matrix.bfloat16()), (x[:0], matrix), (x, matrix.to_sparse()), (x, matrix, draw(1))]
    for given in others:
        assert not products.takes(*given)
    with torch.autocast("cpu", torch.bfloat16):
        assert not products.takes(x, matrix)


def test_learned_matrices_and_transforms_go_on_as_they_did():
    x, matrix = draw(3, 20), draw(4, 20)
    learned = matrix.clone().requires_grad_()
    with batch_invariant(3, torch.device("cpu")):
        (x @ learned.t()).sum().backward()
        mapped = torch.func.vmap(lambda row: torch.nn.functional.linear(row[None], matrix)[0])(x)
    assert torch.allclose(learned.grad, x.sum(0).expand(4, 20), atol=1e-5)
    assert np.allclose(mapped, x @ matrix.t(), atol=1e-5)
