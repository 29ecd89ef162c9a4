"""Whether a network gives a row for each image of a batch, and whether that row depends on its image alone.

It is shown one image, and the same image behind another one.  No axis of a fixed length has both 1 and 2 rows, so
that a batch that happens to be as long as some other axis can't hide it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

TOLERANCE = 0.05
"""By how much of its mean magnitude a row may differ in company: more than rounding and dynamic quantization make."""


def trial_images(size: tuple[int, int]) -> Tensor:
    """(2, 3, *size) float32, BGR, mean-subtracted: two images of noise, of unlike brightness and contrast."""
    random = torch.Generator().manual_seed(0)
    noise = torch.randn(2, 3, *size, generator=random, dtype=torch.float32)
    return torch.stack([noise[0] * 60 + 40, noise[1] * 15 - 50])


def missing_rows(what: str, alone: Sequence[int], both: Sequence[int]) -> str | None:
    """What is wrong with the shapes that `what` has of one image and of two; None where each image has its row."""
    one, two = tuple(alone), tuple(both)
    if not one or (one[0] == 1 and two[0] == 2 and one[1:] == two[1:]):
        return None
    reason = f"{what}: its first axis is not the batch: one image gives the shape {one}, and two {two}"
    batch = [axis for axis, sizes in enumerate(zip(one, two, strict=False)) if sizes == (1, 2) and axis > 0]
    if len(one) == len(two) and len(batch) == 1:
        reason += f"; the batch is axis {batch[0]}: a module that transposes, or batch_first=True, puts it first"
    return reason


def mixed_rows(what: str) -> str:
    """What is wrong with rows that depend on each other."""
    return (
        f"{what}: the values of one of a batch depend on the others (batch norm without running statistics?); wrap the "
        "network in a module that runs it on one at a time"
    )


def row_fault(what: str, read: Callable[[Tensor], Tensor], inputs: Tensor) -> str | None:
    """What is wrong with the values that are read of inputs (2, …); None where each has a row of its own."""
    both, alone = read(inputs), read(inputs[1:])
    missing = missing_rows(what, alone.shape, both.shape)
    if missing is not None or not alone.numel() or same(summary(alone[-1]), summary(both[-1])):
        return missing
    repeats = same(summary(alone[-1]), summary(read(inputs[1:])[-1]))  # else it is random by itself
    return mixed_rows(what) if repeats else None


def summary(row: Tensor) -> Tensor:
    """(4,) float32: mean, mean magnitude, standard deviation and a fixed projection of a row's values."""
    numbers = row.detach().dequantize() if row.is_quantized else row.detach()
    values = (numbers.abs() if numbers.is_complex() else numbers).float().flatten()
    weights = torch.cos(torch.arange(len(values), device=values.device) * 2.3999632)
    projection = (values * weights).mean() * len(values) ** 0.5
    return torch.stack([values.mean(), values.abs().mean(), values.std(correction=0), projection]).cpu()


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two summaries are of the same row, or of one that is not finite."""
    if not (one.isfinite().all() and other.isfinite().all()):
        return True
    return bool((one - other).abs().max() <= TOLERANCE * max(one[1], other[1]) + 1e-12)
