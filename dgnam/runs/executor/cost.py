"""How long a sweep takes on how many GPUs: a model with few numbers, which `tests/bench/bench_cluster.py` measures."""

from __future__ import annotations

from dataclasses import dataclass

CAFFENET_UNITS = {
    "conv1": 96 * 55 * 55,
    "conv2": 256 * 27 * 27,
    "conv3": 384 * 13 * 13,
    "conv4": 384 * 13 * 13,
    "conv5": 256 * 13 * 13,
    "fc6": 4096,
    "fc7": 4096,
    "fc8": 1000,
}
"""All units of CaffeNet, 659,272."""


@dataclass(frozen=True)
class Cost:
    """What a sweep is made of.

    step_seconds: of a GPU, for one step of one image.
    efficiency: the share of a worker's time in which it makes chunks, between its first and its last.
    entering_seconds: of the driver's processor, which enters one chunk after the other into the run's folder, for each.
    start_seconds: until the workers have opened their nets.
    batch_size: images of a chunk.
    """

    step_seconds: float
    efficiency: float
    entering_seconds: float
    start_seconds: float
    batch_size: int = 100

    def climbing(self, units: int, gpus: int, steps: int = 200) -> float:
        """The seconds that the GPUs need."""
        return units * steps * self.step_seconds / (gpus * self.efficiency)

    def entering(self, units: int) -> float:
        """The seconds that the driver needs."""
        return -(-units // self.batch_size) * self.entering_seconds

    def seconds(self, units: int, gpus: int, steps: int = 200) -> float:
        """How long the sweep takes: as long as the slower of the two, and the start."""
        return self.start_seconds + max(self.climbing(units, gpus, steps), self.entering(units))


ASSUMED_STEP = 0.001
"""Seconds of a GPU for a step of an image of CaffeNet and the 256 px generator: assumed, not measured."""

MEASURED = Cost(ASSUMED_STEP, efficiency=0.99, entering_seconds=0.57, start_seconds=120)
"""By `tests/bench/bench_cluster.py`, but for the seconds of a step; efficiency with a processor for each worker."""

GPUS = (1, 8, 64)


def table(cost: Cost, steps: int = 200) -> list[str]:
    """The time and the GPU hours of all units of CaffeNet, as lines of Markdown."""
    units = sum(CAFFENET_UNITS.values())
    lines = ["| GPUs | time | GPU hours | bound by |", "| ---: | ---: | ---: | --- |"]
    for gpus in GPUS:
        driver = cost.entering(units) > cost.climbing(units, gpus, steps)
        hours = cost.seconds(units, gpus, steps) / 3600
        lines.append(f"| {gpus} | {hours:.1f} h | {gpus * hours:.0f} | the {'driver' if driver else 'GPUs'} |")
    return lines
