"""What bfloat16 saves, and what it changes.

    python -m tests.bench.bench_precision speed [--batch 16] [--threads 1] [--rounds 3] [--nets caffenet]
    python -m tests.bench.bench_precision effect [--units 200] [--seeds 2] [--target caffenet-mini] [--prior NAME]

Speed: a step of the published nets with random weights, in both precisions by turns; the ratio of the medians of the
process's own time should be at least 1.7 for batches of 16 and more, on a CPU with AVX512-BF16 or AMX.

Effect: pictures of the same units from the same seeds in both precisions, by small models: the mean activation, and how
often each judge ranks the unit's class first and among the first five; the outside judge too, where it is installed.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
import torch

from dgnam.am import CaffeTarget, GeneratorPrior, act_range_bounds
from dgnam.api.targets import open_target
from dgnam.bench.step_times import Loop
from dgnam.zoo.stand_ins import GENERATOR, SCORES, stand_in
from tests.bench.effects import compare

PRECISIONS = ("float32", "bfloat16")


def speed(nets: list[str], batch: int, rounds: int) -> None:
    """Print the seconds of a step and image, and their ratio."""
    prior, clip = GeneratorPrior(stand_in(GENERATOR)), act_range_bounds(np.full(4096, 12, np.float32))
    for name in nets:
        loop = Loop(name, CaffeTarget(stand_in(name)), prior, SCORES[name], clip)
        turns = [[loop.seconds(batch, one, clock=time.process_time) for one in PRECISIONS] for _ in range(rounds)]
        full, half = (statistics.median(turn[k] for turn in turns) / batch for k in (0, 1))
        print(f"{name}, batch {batch}: {full:.4f} s, in bfloat16 {half:.4f} s, {full / half:.2f} x", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("speed", "effect"), nargs="?", default="speed")
    parser.add_argument("--nets", nargs="+", choices=list(SCORES), default=list(SCORES))
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--units", type=int, default=200)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--target", default="caffenet-mini")
    parser.add_argument("--prior", default=None)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.what == "speed":
        speed(args.nets, args.batch, args.rounds)
    else:
        count = len(open_target(args.target).classes[0].labels)
        chosen = np.linspace(0, count - 1, args.units).round().astype(int).tolist()
        compare(args.target, chosen, args.seeds, {one: {"prior": args.prior, "precision": one} for one in PRECISIONS})


if __name__ == "__main__":
    main()
