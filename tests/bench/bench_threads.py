"""How threads should wait: a step of few and of more small images, by each policy.

Alone, and beside a process that keeps one core busy; the policies take turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from dgnam.process.threads import OWN_POLICY

POLICIES: dict[str, dict[str, str]] = {
    "spinning": {"OMP_WAIT_POLICY": "ACTIVE"},
    "spinning shortly": {"GOMP_SPINCOUNT": "3000"},
    "sleeping, as dgnam has it": {},
}
ROUNDS = 5
IMAGES = (2, 16)

STEPS = """
import time, dgnam
make = lambda n: dgnam.visualize("caffenet-mini", "fc8:0-{last}", n_iters=n, progress=False)
make(5)
times = []
for n in (5, 25):
    began = time.perf_counter()
    make(n)
    times.append(time.perf_counter() - began)
print((times[1] - times[0]) / 20)
"""


def step(images: int, variables: dict[str, str]) -> float:
    """Seconds of a step."""
    command = [sys.executable, "-W", "ignore", "-c", STEPS.format(last=images - 1)]
    others = {name: value for name, value in os.environ.items() if name not in OWN_POLICY}
    shown = subprocess.run(command, env={**others, **variables}, capture_output=True, text=True, check=True)
    return float(shown.stdout)


@contextmanager
def busy() -> Iterator[None]:
    """A process that keeps a core busy."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def main() -> None:
    """Print the medians, and their ratios to spinning."""
    for where, beside in (("alone", nullcontext), ("beside a busy process", busy)):
        with beside():
            for images in IMAGES:
                rounds = [[step(images, variables) for variables in POLICIES.values()] for _ in range(ROUNDS)]
                medians = [statistics.median(times) for times in zip(*rounds, strict=True)]
                shown = (
                    f"{name} {median:.3f} s ({median / medians[0]:.2f})"
                    for name, median in zip(POLICIES, medians, strict=True)
                )
                print(f"{images} images, {where}: {', '.join(shown)}")


if __name__ == "__main__":
    main()
