"""What the settings `fast` come to beside the published ones, by both judges, on units that they were not tuned on.

    python -m tests.bench.bench_fast [--seeds 2] [--target caffenet-mini]

The settings were found on units of even index, by judge-mini:

    dgnam tune caffenet-mini 0,4,8,…,156 --report-on 1,3,5,…,199 --trials 30 --sampler tpe \\
        --n-iters 50,50 --start-lr 4,64,log --l2 0.9,1
"""

from __future__ import annotations

import argparse

from dgnam.api.targets import open_target
from tests.bench.effects import compare

NAMES = ("released", "fast")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--target", default="caffenet-mini")
    args = parser.parse_args()
    odd = range(1, len(open_target(args.target).classes[0].labels), 2)
    compare(args.target, odd, args.seeds, {name: {"settings": name} for name in NAMES})


if __name__ == "__main__":
    main()
