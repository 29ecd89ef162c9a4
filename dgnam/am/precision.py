"""The precision that networks compute in: float32, TF32 on NVIDIA GPUs, or bfloat16.

    with borrowed(target, prior), Lowered("bfloat16", target, prior).weights():
        values = target(prior(codes), layers)

In bfloat16 a network's weights and all values inside it have 8 bits of mantissa; codes, images, gradients by them,
steps and activations as they are added up stay float32, and the images of a result are made in float32 at the end.  In
TF32 matrix products and convolutions round their factors to 11 bits.  What is no network, as a prior of pixels, stays
float32.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial

import torch

from ..caffe.modules.precision import BFLOAT16, FLOAT32, TF32
from ..errors import DgnamError, shortened
from .borrow import modules_of, undo

ROUNDING = {FLOAT32: 1e-6, TF32: 2.0**-10, BFLOAT16: 2.0**-7}
"""A sum's rounding error, by the magnitude of what it adds up: an objective that changes by less is flat."""


def check_networks(precision: str, target: object) -> None:
    """Raise DgnamError for a target without a network whose precision could be lowered."""
    several = getattr(target, "targets", None)
    if isinstance(several, Mapping):
        for one in several.values():
            check_networks(precision, one)
    elif precision == BFLOAT16 and not modules_of(target):
        raise DgnamError(
            f"precision bfloat16: the target is a {type(target).__name__}, whose network is not known here; use "
            "float32, or a CaffeTarget or TorchTarget"
        )


@contextmanager
def matrix_products(precision: str) -> Iterator[None]:
    """While this lasts a GPU computes products and convolutions of float32 in full, or in TF32 where that is asked."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = precision == TF32
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


class Lowered:
    """Copies of networks' weights in a precision, which take the weights' places during a pass.

    parts: as of `borrowed`, which has to hold the networks meanwhile.
    """

    def __init__(self, precision: str, *parts: object):
        self.precision, self._copies = precision, list[tuple[torch.Tensor, torch.Tensor]]()
        if precision != BFLOAT16:
            return
        for module in {id(module): module for part in parts for module in modules_of(part)}.values():
            tensors = {id(one): one for one in (*module.parameters(), *module.buffers())}.values()
            floats = (one for one in tensors if one.is_floating_point())
            self._copies += [(one, one.detach().to(torch.bfloat16)) for one in floats]

    @contextmanager
    def weights(self) -> Iterator[None]:
        """While this lasts the networks have the copies; what they can't compute in that precision is a DgnamError."""
        back: list[Callable[[], object]] = [partial(setattr, one, "data", one.data) for one, _ in self._copies]
        try:
            for tensor, copy in self._copies:
                tensor.data = copy
            yield
        except DgnamError:
            raise
        except (RuntimeError, TypeError, ValueError) as error:
            if self.precision != BFLOAT16:
                raise
            reason = shortened(str(error), 300)
            raise DgnamError(f"precision bfloat16: a network can't compute in it ({reason}); use float32") from error
        finally:
            undo(back)
