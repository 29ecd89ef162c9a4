"""Products of rows and a fixed matrix, by oneDNN's kernels for packed weights.

They treat rows alike: a row gets the same numbers in any company of at least two, on any number of threads, by any of
the instructions that a CPU may have.  And few rows take the time of reading the matrix; MKL packs it for each product.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

LEAST_ROWS = 2
"""A single row has a kernel of its own."""

_EXPECTED = 16
"""The rows that a matrix is packed for; with 1 its form would be that of the single row's kernel."""


class PackedProducts:
    """Computes products, and keeps each matrix packed, and its transpose for gradients, while it lives unchanged.

    What is written to a matrix by way of its `data` isn't noticed, so this shouldn't outlive a batch.
    """

    def __init__(self) -> None:
        self._kept: Any = WeakTensorKeyDictionary()

    @staticmethod
    def takes(x: Tensor, matrix: Tensor, *bias: Tensor | None) -> bool:
        """Whether this can be computed here: in float32 on a CPU where torch has oneDNN, the matrix and bias frozen."""
        fixed = [matrix, *(one for one in bias if one is not None)]
        return (
            all(one.shape == matrix.shape[:1] for one in fixed[1:])
            and torch.backends.mkldnn.is_available()
            and all(_is_plain(one) for one in (x, *fixed))
            and not any(one.requires_grad for one in fixed)
            and not torch.is_autocast_enabled("cpu")
            and x.numel() > 0 < matrix.numel()
        )

    def linear(self, x: Tensor, matrix: Tensor, bias: Tensor | None = None) -> Tensor:
        """x (rows, k) times a matrix (n, k) transposed, plus a bias (n,)."""
        found: Tensor = _Product.apply(x, matrix, bias, False, self)
        return found

    def times(self, x: Tensor, matrix: Tensor) -> Tensor:
        """x (rows, k) times a matrix (k, n)."""
        found: Tensor = _Product.apply(x, matrix, None, True, self)
        return found

    def packed(self, matrix: Tensor, turned: bool) -> Tensor:
        """The matrix, or its transpose, as oneDNN has it."""
        state = matrix.data_ptr(), None if matrix.is_inference() else matrix._version
        known, forms = self._kept.get(matrix, (None, {}))
        if known != state:
            forms = {}
            self._kept[matrix] = state, forms
        if turned not in forms:
            plain = (matrix.t() if turned else matrix).detach().contiguous()
            forms[turned] = torch.ops.mkldnn._reorder_linear_weight(plain, _EXPECTED)
        form: Tensor = forms[turned]
        return form


def _is_plain(one: Tensor) -> bool:
    wrapped = torch._C._functorch.is_functorch_wrapped_tensor(one)
    return one.dtype == torch.float32 and one.is_cpu and one.layout == torch.strided and not wrapped


class _Product(torch.autograd.Function):
    """Linear in x, so that its gradient is a product with the other form, which has a gradient itself."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, matrix: Tensor, bias: Tensor | None, turned: bool, products: PackedProducts
    ) -> Tensor:
        ctx.given = matrix, turned, products
        rows = len(x)
        filled = F.pad(x, (0, 0, 0, max(0, LEAST_ROWS - rows)))
        form = products.packed(matrix, turned)
        found: Tensor = torch.ops.mkldnn._linear_pointwise(filled, form, bias, "none", [], "")
        return found[:rows]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        matrix, turned, products = ctx.given
        return _Product.apply(gradients[0], matrix, None, not turned, products), None, None, None, None
