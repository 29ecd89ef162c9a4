"""What sleeping threads save: a step of 16 small images, with threads that sleep while they wait and that spin.

Alone, and beside a process that keeps one core busy; the processes take turns.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ROUNDS = 5
SLEEPING: dict[str, str] = {}
SPINNING = {"OMP_WAIT_POLICY": "ACTIVE"}

STEPS = """
import time, dgnam
make = lambda n: dgnam.visualize("caffenet-mini", "fc8:0-15", n_iters=n, progress=False)
make(5)
times = []
for n in (5, 25):
    began = time.perf_counter()
    make(n)
    times.append(time.perf_counter() - began)
print((times[1] - times[0]) / 20)
"""


def step(variables: dict[str, str]) -> float:
    """Seconds of a step."""
    command = [sys.executable, "-W", "ignore", "-c", STEPS]
    shown = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=True)
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


def compare(name: str) -> None:
    """Print the medians and their ratio."""
    rounds = [(step(SLEEPING), step(SPINNING)) for _ in range(ROUNDS)]
    sleeping, spinning = (statistics.median(times) for times in zip(*rounds, strict=True))
    print(f"{name}: sleeping {sleeping:.3f} s, spinning {spinning:.3f} s, ratio {sleeping / spinning:.2f}")


def main() -> None:
    """Print both comparisons."""
    compare("alone")
    with busy():
        compare("beside a busy process")


if __name__ == "__main__":
    main()
