"""Batch-invariant kernels: a row of a batch gets the same numbers in any company, on as many threads.

    with batch_invariant(len(images), images.device):
        values = target(images, layers)  # each row as if it were alone

Libraries choose a kernel by the size of the batch, and share it among threads.  That changes the order of sums, and so
a row's last digits, which the optimization amplifies to another picture.  Six rules, found by comparing rows of batches
of 1 to 100, keep each call to kernels that treat rows alike:

1. A matrix product runs in oneDNN, with a packed matrix (`packed_products.py`).  Those that it can't have, as in
   bfloat16, have 16, 24, 32, … rows: MKL has other kernels for 1 to 3 rows (on Intel's CPUs for 8), and takes them also
   for what its threads leave over.  On several threads they have at most 48: with 64 and more MKL may share out the
   columns in another way.
2. A convolution runs in oneDNN.  Torch has code of its own for a single small image and a kernel of up to three pixels,
   so there is a second, empty image; and, on one thread, for kernels of one pixel that are neither strided nor dilated,
   so they are dilated, which for one pixel means nothing.
3. A strided, transposed or small convolution has as many rows for each thread: fewer rows than threads have as many
   threads as rows, and others are filled up with empty ones.  oneDNN chooses its blocks by how evenly they are shared.
4. Functions such as `exp` and `pow` take each row by itself.  The last numbers of a thread's part, too few for a vector
   register, are computed in another way.
5. A sum over all of a row stays on one thread.  Torch shares it where there is a single row, so there is a second one.
6. `multi_head_attention_forward`, whose parts can't be seen here, takes each row by itself.

They hold for convolutions, linear layers, pooling, normalization, attention and elementwise functions, in float32 on a
CPU.  What a module computes in another way, scripted, compiled or checkpointed, may depend on its company; so do all
batches on a GPU, and the frames of clips.  `tests/bench/bench_rows.py` measures what it costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from .packed_products import PackedProducts
from .with_gradient import with_gradient

LEAST_ROWS, PRODUCT_ROWS, MOST_ROWS = 16, 8, 48
"""A matrix product that isn't packed has at least 16 rows, a multiple of 8, and on several threads at most 48."""

NARROW = 16
"""The least number of columns in such a product."""

SMALL_IMAGE, SMALL_KERNEL = 20_480, 3
"""Torch convolves a single image of at most so many numbers by code of its own, unless the kernel's height and width
are both larger than this (`ConvParams::use_mkldnn`)."""

Function = Callable[..., Any]


def batch_invariant(rows: int, device: torch.device) -> AbstractContextManager[object]:
    """While this lasts, torch's functions treat the `rows` rows of a batch alike; on a CPU only.

    It may be entered again, and should be where matrices stay the same: they are packed once.
    """
    return _BatchInvariant(rows, torch.get_num_threads()) if device.type == "cpu" else nullcontext()


class _BatchInvariant(TorchFunctionMode):
    """Calls torch's functions by the rules; autograd sees these calls, so that gradients follow."""

    def __init__(self, rows: int, threads: int):
        super().__init__()
        self.rows, self.threads = rows, threads
        self.products = PackedProducts()

    def __torch_function__(
        self, func: Function, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        options = {} if kwargs is None else dict(kwargs)
        by_rule = _RULES.get(getattr(func, "__name__", ""))
        if by_rule is None or not args or not isinstance(args[0], Tensor) or "out" in options or _is_checkpointed():
            return func(*args, **options)
        return by_rule(self, func, *args, **options)

    def product(self, func: Function, x: Tensor, matrix: Any, *bias: Any, **options: Any) -> Any:
        """Rule 1, of x (…, k) and a matrix or vector that its rows share; `linear` takes it transposed, with a bias."""
        if isinstance(matrix, Tensor) and matrix.dim() == 1 < x.dim():
            return self.product(torch.matmul, x, matrix.unsqueeze(1)).squeeze(-1)
        if x.dim() < 2 or not isinstance(matrix, Tensor) or matrix.dim() != 2 or options:
            return func(x, matrix, *bias, **options)
        rows, linear = x.shape[:-1].numel(), func.__name__ == "linear"
        inner, outer = matrix.shape[::-1] if linear else matrix.shape
        if x.shape[-1] == inner and self.products.takes(x, matrix, *bias):
            flat = x.reshape(rows, inner)
            found = self.products.linear(flat, matrix, *bias) if linear else self.products.times(flat, matrix)
            return found.view(*x.shape[:-1], outer)
        if self.threads > 1 and rows > MOST_ROWS:
            blocks = x.reshape(rows, inner).split(MOST_ROWS)
            found = torch.cat([self.product(func, block, matrix, *bias) for block in blocks])
            return found.view(*x.shape[:-1], outer)
        down = max(LEAST_ROWS - rows, -rows % PRODUCT_ROWS)
        within, across = max(0, NARROW - inner), max(0, NARROW - outer)
        if not (down or within or across):
            return func(x, matrix, *bias)
        filled = F.pad(x.reshape(rows, inner), (0, within, 0, down))
        if within or across:  # else padding copies the weights, step by step
            matrix = F.pad(matrix, (0, within, 0, across) if linear else (0, across, 0, within))
            bias = tuple(None if one is None else F.pad(one, (0, across)) for one in bias)
        found = func(filled, matrix, *bias)
        return found[:rows, :outer].contiguous().view(*x.shape[:-1], outer)

    def convolution(
        self,
        func: Function,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Any:
        """Rules 2 and 3."""
        if x.dim() != weight.dim():  # an image without a batch axis
            return func(x, weight, bias, stride, padding, dilation, groups)
        strided = _largest(stride) > 1
        if _largest(weight.shape[2:]) == 1 and not strided:
            dilation = 2

        def convolve(rows: Tensor, kernels: Tensor, offsets: Tensor | None) -> Tensor:
            found: Tensor = func(rows, kernels, offsets, stride, padding, dilation, groups)
            return found

        return self._convolved(convolve, x, weight, bias, strided)

    def transposed_convolution(
        self,
        func: Function,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        *others: Any,
        **options: Any,
    ) -> Any:
        """Rules 2 and 3."""
        if x.dim() != weight.dim():
            return func(x, weight, bias, stride, *others, **options)
        strided = _largest(stride) > 1

        def convolve(rows: Tensor, kernels: Tensor, offsets: Tensor | None) -> Tensor:
            found: Tensor = func(rows, kernels, offsets, stride, *others, **options)
            return found

        return self._convolved(convolve, x, weight, bias, strided)

    def _convolved(self, convolve: Function, x: Tensor, weight: Tensor, bias: Tensor | None, strided: bool) -> Any:
        rows, is_small = len(x), x.numel() <= SMALL_IMAGE * len(x)
        narrow = weight.dim() < 4 or min(weight.shape[-2:]) <= SMALL_KERNEL
        by_torch = rows == 1 and is_small and narrow
        if 0 < rows < self.threads and (strided or is_small):
            return _on_threads(rows, partial(_with_empty, int(by_torch), convolve), x, weight, bias)
        empty = max(int(by_torch), -rows % self.threads if strided else 0)
        return _with_empty(empty, convolve, x, weight, bias)

    def by_row(self, func: Function, x: Tensor, *others: Any, **options: Any) -> Any:
        """Rule 4."""
        varied = any(isinstance(other, Tensor) and other.dim() for other in (*others, *options.values()))
        if x.dim() < 2 or not 1 < len(x) <= self.rows or varied or _joins_rows(func, x, others, options):
            return func(x, *others, **options)
        name = func.__name__
        if options.get("inplace") or (name.endswith("_") and not name.endswith("__")):
            return x.copy_(torch.cat([func(row.clone(), *others, **options) for row in x.split(1)]))
        return torch.cat([func(row, *others, **options) for row in x.split(1)])

    def sum(self, func: Function, x: Tensor, *others: Any, **options: Any) -> Any:
        """Rule 5."""
        if x.dim() < 2 or len(x) != 1 or self.threads == 1 or _joins_rows(func, x, others, options):
            return func(x, *others, **options)
        return _with_empty(1, func, x, *others, **options)

    def attention(self, func: Function, query: Tensor, key: Tensor, value: Tensor, *others: Any, **options: Any) -> Any:
        """Rule 6, of queries (places, rows, k)."""
        masked = any(
            options.get(name) is not None for name in ("key_padding_mask", "attn_mask", "static_k", "static_v")
        )
        if masked or query.dim() != 3 or query.shape[1] > self.rows:
            return func(query, key, value, *others, **options)
        parts = []
        for row in range(query.shape[1]):
            own = {id(one): one[:, row : row + 1].contiguous() for one in (query, key, value)}
            parts.append(func(*(own[id(one)] for one in (query, key, value)), *others, **options))
        weights = None if parts[0][1] is None else torch.cat([part[1] for part in parts])
        return torch.cat([part[0] for part in parts], 1), weights


_JOINING = ("softmax", "log_softmax", "logsumexp")
_SUMS = ("sum", "mean", "norm", "vector_norm", "linalg_vector_norm", "std", "var")
_CURVES = (
    *("pow", "pow_", "__pow__", "__ipow__", "__rpow__", "float_power", "exp", "exp2", "expm1", "log", "log2", "log10"),
    *("log1p", "logit", "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "erf", "erfc", "sigmoid"),
    *("exp_", "log_", "tanh_", "sigmoid_", "logsigmoid", "log_sigmoid", "gelu", "silu", "mish", "elu", "selu", "celu"),
    *("softplus", "tanhshrink", *_JOINING),
)
_RULES: Mapping[str, Function] = {
    **dict.fromkeys(("linear", "matmul", "__matmul__", "mm", "mv"), _BatchInvariant.product),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d"), _BatchInvariant.convolution),
    **dict.fromkeys((f"conv_transpose{n}d" for n in (1, 2, 3)), _BatchInvariant.transposed_convolution),
    **dict.fromkeys(_CURVES, _BatchInvariant.by_row),
    **dict.fromkeys(_SUMS, _BatchInvariant.sum),
    "multi_head_attention_forward": _BatchInvariant.attention,
}
"""By the name of a function or method of torch."""


def _is_checkpointed() -> bool:
    """Whether saved tensors go through hooks, as under `torch.utils.checkpoint`.

    It computes a part again in the backward pass, where these rules don't reach, and must find the same shapes.
    """
    hooks = getattr(torch._C._autograd, "_top_saved_tensors_default_hooks", None)
    return hooks is not None and hooks(True) is not None


def _largest(sizes: Any) -> int:
    """Of a number, or of one for each axis."""
    return sizes if isinstance(sizes, int) else max(sizes, default=1)


def _with_empty(count: int, function: Function, x: Tensor, *others: Any, **options: Any) -> Any:
    """What a function makes of x's rows, and of so many rows of zeros behind them, which are left out."""
    if not count:
        return function(x, *others, **options)
    filled = F.pad(x, (*(0, 0) * (x.dim() - 1), 0, count))  # in x's memory format
    return function(filled, *others, **options)[: len(x)]


def _joins_rows(func: Function, x: Tensor, others: tuple[Any, ...], options: Mapping[str, Any]) -> bool:
    """Whether a function that takes axes takes the rows' axis among them, or all; what takes none doesn't."""
    name = func.__name__
    if name not in (*_JOINING, *_SUMS):
        return False
    place = 1 if name in ("norm", "vector_norm", "linalg_vector_norm") else 0
    axes = options.get("dim", options.get("axis", others[place] if len(others) > place else None))
    if axes is None or isinstance(axes, bool):
        return True
    return any(axis % x.dim() == 0 for axis in ([axes] if isinstance(axes, int) else axes))


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _on_threads(count: int, function: Function, *given: Tensor | None) -> Tensor:
    """`function(*given)` and its gradients, on so many threads."""
    if torch.is_grad_enabled() and any(one is not None and one.requires_grad for one in given):
        found: Tensor = _OnThreads.apply(count, function, *given)
        return found
    with _threads(count):
        alone: Tensor = function(*given)
    return alone


class _OnThreads(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, count: int, function: Function, *given: Tensor | None) -> Tensor:
        ctx.count = count
        with torch.enable_grad(), _threads(count):
            ctx.given = tuple(None if one is None else one.detach().requires_grad_(one.requires_grad) for one in given)
            ctx.y = function(*ctx.given)
        found: Tensor = ctx.y.detach()
        return found

    @staticmethod
    def backward(ctx: Any, *gradients: Any) -> tuple[Tensor | None, ...]:
        wanted = [one for one in ctx.given if one is not None and one.requires_grad]
        with torch.enable_grad(), _threads(ctx.count):
            found = iter(torch.autograd.grad(with_gradient(ctx.y, *gradients), wanted))
        return None, None, *(next(found) if one is not None and one.requires_grad else None for one in ctx.given)
