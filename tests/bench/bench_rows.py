"""What it costs that an image's bytes are independent of the images that share its passes.

    python tests/bench/bench_rows.py [TARGET] [PRIOR]

The loop amplifies the last digits of sums, and libraries choose the order of sums by the size of the batch.  It is
tried whether an image's code has the same bytes in batches of other sizes, on 1 and on 2 threads; and two ways are
measured as multiples of the plain loop's processor time: `batch_invariant`, the loop's own, and blocks of K rows,
filled up with others.  The ratios are medians of rounds that take turns, so that a busy machine slows both.
"""

from __future__ import annotations

import importlib
import operator
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from unittest.mock import patch

import numpy as np
import torch

from dgnam.am import Job, Unit, released, synthesize
from dgnam.api.priors import open_prior
from dgnam.api.targets import open_target

SIZES = (2, 3, 5, 16, 17)
BLOCKS = (2, 4, 8, 16)
ROUNDS = 5
STEPS = 5

LOOP = importlib.import_module("dgnam.am.synthesize")


class Bench:
    """One target and one prior."""

    def __init__(self, target: str = "caffenet-mini", prior: str = "deepsim-fc6-mini"):
        self.target = open_target(target).target
        self.prior = open_prior(prior, self.target.size).prior

    def codes(self, seeds: Sequence[int]) -> np.ndarray:
        """The codes of one batch, of a unit for each seed."""
        jobs = [Job(Unit("fc8", seed % 100), seed, released(n_iters=STEPS)) for seed in seeds]
        (found,) = synthesize(self.target, self.prior, jobs, clip=None, batches=[range(len(jobs))], progress=False)
        return found.codes

    def seconds(self, images: int, block: int) -> float:
        """The processor time of so many images, in passes of `block` rows."""
        began = time.process_time()
        for first in range(0, images, block):
            self.codes(range(first, first + block))
        return time.process_time() - began

    def plain_seconds(self, images: int, block: int) -> float:
        """The same, without `batch_invariant`."""
        with patch.object(LOOP, "batch_invariant", lambda rows, device: nullcontext()):
            return self.seconds(images, block)


def main(*given: str) -> None:
    bench = Bench(*given)
    for threads in (1, 2):
        torch.set_num_threads(threads)
        alone = bench.codes([107])[0]
        apart = [np.abs(bench.codes([*range(size - 1), 107])[-1] - alone).max() for size in SIZES]
        print(f"{threads} threads, the most that a code differs in batches of {SIZES}: {max(apart):.3g}")
    torch.set_num_threads(1)
    for images in (1, 16, 100):
        plain, invariant = [], []
        blocks: dict[int, list[float]] = {block: [] for block in BLOCKS}
        for _ in range(ROUNDS):
            plain.append(bench.plain_seconds(images, images))
            invariant.append(bench.seconds(images, images))
            for block, taken in blocks.items():
                taken.append(bench.plain_seconds(images, block))
        ratios = {"batch_invariant": invariant, **{f"blocks of {block}": taken for block, taken in blocks.items()}}
        times = (f"{name} {statistics.median(map(operator.truediv, one, plain)):.2f}" for name, one in ratios.items())
        print(f"{images} images, times the plain loop: {', '.join(times)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
