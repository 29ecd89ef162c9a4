"""`random` as Python 2 had it."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

from .overlay import Overlays


def _random() -> dict[str, Any]:
    """The draws that Python 2 makes of the same stream; the stream of a whole number as a seed is the same."""

    def choice(values: Any) -> Any:
        return values[int(random.random() * len(values))]

    def shuffle(values: Any, draw: Callable[[], float] = random.random) -> None:
        for last in reversed(range(1, len(values))):
            chosen = int(draw() * (last + 1))
            values[last], values[chosen] = values[chosen], values[last]

    def randrange(start: int, stop: int | None = None, step: int = 1) -> int:
        start, stop = (0, start) if stop is None else (start, stop)
        count = (stop - start + step - (1 if step > 0 else -1)) // step
        if count <= 0:
            raise ValueError("empty range for randrange()")
        return start + step * int(random.random() * count)

    def sample(population: Any, k: int) -> list[Any]:
        values = list(population)
        if not 0 <= k <= len(values):
            raise ValueError("sample larger than population")
        limit = 21 + (4 ** math.ceil(math.log(k * 3, 4)) if k > 5 else 0)
        if len(values) <= limit or hasattr(population, "keys"):
            for count in range(k):
                chosen = int(random.random() * (len(values) - count))
                last = len(values) - count - 1
                values[chosen], values[last] = values[last], values[chosen]
            return values[len(values) - k :][::-1]
        return [values[index] for index in _distinct(len(values), k)]

    names: dict[str, Any] = {"choice": choice, "shuffle": shuffle, "randrange": randrange, "sample": sample}
    return {**names, "randint": lambda low, high: randrange(low, high + 1), "jumpahead": lambda n: None}


def _distinct(limit: int, count: int) -> list[int]:
    """Different indices below `limit`, in the order in which they are drawn."""
    chosen: dict[int, None] = {}
    while len(chosen) < count:
        chosen.setdefault(int(random.random() * limit))
    return list(chosen)


OVERLAYS: Overlays = {
    "random": _random,
}
