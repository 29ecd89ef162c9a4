"""The memory that sweeps take: a small one and one ten times as long, each in a process of its own.

    python tests/bench/bench_memory.py [--images 10000]          # small nets; 100000 takes about half an hour
    python tests/bench/bench_memory.py --full [--images 1000]    # CaffeNet and the fc6 generator, random weights

The process's peak should be the same for both: what is done lies in the run's folder.  It grows with the batch, which
is chosen by time where nets are large; with `--batch-size 16` both have the same.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Any

import dgnam
from dgnam.am import CaffeTarget, GeneratorPrior
from dgnam.zoo.stand_ins import GENERATOR, stand_in

STEPS = 2


def peak(images: int, full: bool, batch_size: int | None) -> int:
    """The most bytes that a process takes for a run of so many images."""
    command = [sys.executable, __file__, "--images", str(images), "--one", *(["--full"] if full else [])]
    command += [] if batch_size is None else ["--batch-size", str(batch_size)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def run(images: int, full: bool, batch_size: int | None) -> None:
    """Make them, and print the peak."""
    nets: dict[str, Any] = {"target": "caffenet-mini", "prior": "deepsim-fc6-mini"}
    if full:
        nets = {"target": CaffeTarget(stand_in("caffenet")), "prior": GeneratorPrior(stand_in(GENERATOR))}
    with TemporaryDirectory() as folder:
        how: dict[str, Any] = {"seeds": images, "n_iters": STEPS, "clip": "none", "folder": f"{folder}/run"}
        how |= {} if batch_size is None else {"batch_size": batch_size}
        dgnam.visualize(objective="fc8:1", progress=False, **how, **nets)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    usual = 1000 if args.full else 10_000
    images = usual if args.images is None else args.images
    if args.one:
        run(images, args.full, args.batch_size)
        return
    few, many = (peak(count, args.full, args.batch_size) for count in (images // 10, images))
    print(f"{images // 10} images: {few / 1e6:.0f} MB; {images}: {many / 1e6:.0f} MB, {many / few:.3f} x")


if __name__ == "__main__":
    main()
