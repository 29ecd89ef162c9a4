"""What keeping freed memory saves: processor time and page faults of some work, with it and without.

Of 60 steps of 16 small images, and of SqueezeNet's scores of 100 pictures at 227 px, whose largest blob takes 325 MB.
The processes take turns; `GLIBC_TUNABLES` leaves glibc its own thresholds.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

ROUNDS = 5
GLIBCS_OWN = {"GLIBC_TUNABLES": "glibc.malloc.arena_max=64"}
"""A tunable of malloc's, after which dgnam leaves the rest to the user."""

WORK = {
    "60 steps of 16 small images": """
import dgnam
def make(n):
    dgnam.visualize("caffenet-mini", "fc8:0-15", n_iters=n, progress=False)
make(10)
""",
    "100 pictures": """
import torch
from dgnam.process import keep_freed_memory
keep_freed_memory(of_any_size=True)  # as the command line does
from dgnam.zoo.stand_ins import stand_in
net = stand_in("squeezenet").eval()
pictures = torch.zeros(100, 3, 227, 227)
@torch.no_grad()
def make(n):
    for _ in range(n // 30):
        net(pictures)
make(30)
""",
}
"""What comes before: a function `make`, of a number of steps, once called."""
MEASURED = """
import resource
before = resource.getrusage(resource.RUSAGE_SELF)
make(60)
after = resource.getrusage(resource.RUSAGE_SELF)
print(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, after.ru_minflt - before.ru_minflt)
"""


def measured(work: str, variables: dict[str, str]) -> tuple[float, int]:
    """Seconds of processor time, and page faults."""
    command = [sys.executable, "-W", "ignore", "-c", work + MEASURED]
    shown = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=True)
    seconds, faults = shown.stdout.split()
    return float(seconds), int(faults)


def main() -> None:
    """Print the medians and their ratios."""
    for name, work in WORK.items():
        rounds = [(measured(work, {}), measured(work, GLIBCS_OWN)) for _ in range(ROUNDS)]
        (kept, few), (given_back, many) = (
            [statistics.median(pair[which][what] for pair in rounds) for what in (0, 1)] for which in (0, 1)
        )
        print(f"{name}: kept: {kept:.2f} s, {few} page faults; glibc's own: {given_back:.2f} s, {many} page faults")
        print(f"ratio of processor time: {kept / given_back:.2f}")


if __name__ == "__main__":
    main()
