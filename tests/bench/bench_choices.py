"""What the fast path's choices save, and what was tried and dropped; CaffeNet and the fc6 generator, random weights.

    python tests/bench/bench_choices.py [--batch 16] [--rounds 3] [--precision bfloat16] [--compile] [--profile]

The variants take turns, and the ratios are those of the medians of the process's own time.  `--compile` adds
torch.compile of the nets written by hand, which needs a C++ compiler; `--profile` prints where a step's time goes.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import time
from collections.abc import Callable
from contextlib import nullcontext
from unittest.mock import patch

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from dgnam.am import CaffeTarget, GeneratorPrior, act_range_bounds
from dgnam.am.packed_products import PackedProducts
from dgnam.bench.by_hand import ByHand
from dgnam.bench.step_times import Loop
from dgnam.zoo.stand_ins import GENERATOR, stand_in

LOOP = importlib.import_module("dgnam.am.synthesize")
SHOWN = 12


def loop(memory_format: torch.memory_format) -> Loop:
    target, prior = (
        of(stand_in(name), memory_format) for of, name in ((CaffeTarget, "caffenet"), (GeneratorPrior, GENERATOR))
    )
    return Loop("caffenet", target, prior, "fc8", act_range_bounds(np.full(4096, 12, np.float32)))


def variants(batch: int, precision: str, compiled: bool) -> dict[str, Callable[[], float]]:
    """Seconds of a step, by the variant's name; the first one is the fast path."""
    clock, last, first = time.process_time, loop(torch.channels_last), loop(torch.contiguous_format)
    hand = ByHand(precision=precision)

    def without_rules() -> float:
        with patch.object(LOOP, "batch_invariant", lambda rows, device: nullcontext()):
            return last.seconds(batch, precision, clock=clock)

    def without_packed() -> float:
        with patch.object(PackedProducts, "takes", lambda *given: False):
            return last.seconds(batch, precision, clock=clock)

    found: dict[str, Callable[[], float]] = {
        "the fast path": lambda: last.seconds(batch, precision, clock=clock),
        "in contiguous format": lambda: first.seconds(batch, precision, clock=clock),
        "without packed matrices": without_packed,
        "without batch_invariant": without_rules,
        "by hand": lambda: hand.seconds(batch, clock=clock),
    }
    if compiled:
        ours = ByHand(precision=precision)
        ours.target, ours.generator = torch.compile(ours.target), torch.compile(ours.generator)
        found["by hand, torch.compile"] = lambda: ours.seconds(batch, clock=clock)
    return found


def shares(batch: int, precision: str) -> None:
    """Print the share of each of torch's functions in a step's time."""
    last = loop(torch.channels_last)
    last.seconds(batch, precision, steps=1)
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        last.seconds(batch, precision, steps=1)
    events = sorted(seen.key_averages(), key=lambda event: -event.self_cpu_time_total)
    total = sum(event.self_cpu_time_total for event in events)
    for event in events[:SHOWN]:
        print(f"{event.self_cpu_time_total / total:6.1%}  {event.key}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precision", default="float32")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--profile", action="store_true")
    args = parser.parse_args()
    if args.profile:
        shares(args.batch, args.precision)
        return
    asked = variants(args.batch, args.precision, args.compile)
    taken: dict[str, list[float]] = {name: [] for name in asked}
    for _ in range(args.rounds):
        for name, seconds in asked.items():
            taken[name].append(seconds())
    usual = statistics.median(taken["the fast path"])
    for name, times in taken.items():
        print(
            f"{name}: {statistics.median(times) / args.batch:.4f} s, {statistics.median(times) / usual:.2f} x",
            flush=True,
        )


if __name__ == "__main__":
    main()
