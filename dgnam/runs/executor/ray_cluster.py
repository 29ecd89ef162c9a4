"""The machines of a Ray cluster: which are here, how many workers each has room for, and what others leave free."""

from __future__ import annotations

import time
from typing import Any

from ...errors import DgnamError, shortened

FRESH = 1.0
"""Seconds for which what was seen of the cluster is taken as it was."""


class Cluster:
    """The machines that are here now.

    device: a worker takes a GPU of its own and a CPU, or, for "cpu", as many CPUs as torch has threads.
    """

    def __init__(self, ray: Any, device: str, threads: int):
        self._ray, self._gpu, self._threads = ray, device != "cpu", threads
        self._seen, self._left = dict[str, dict[str, float]](), dict[str, dict[str, float]]()
        self._when = -FRESH

    def nodes(self) -> list[str]:
        """The machines that have room for a worker, by their ids."""
        return [node for node in self._look() if self.room(node)]

    def is_alive(self, node: str) -> bool:
        """Whether a machine is here at this moment."""
        self._when = -FRESH
        return node in self._look()

    def room(self, node: str) -> int:
        """How many workers a machine has room for, if nobody else is there."""
        return self._fitting(node, self._look().get(node, {}))

    def free(self, node: str) -> int:
        """How many more workers a machine has room for now, beside those of this run and of others."""
        total = self._look().get(node, {})
        return self._fitting(node, self._left.get(node, total))

    def slots(self) -> int:
        """How many workers there is room for."""
        return sum(map(self.room, self.nodes()))

    def resources_of_worker(self, node: str) -> dict[str, int]:
        """What Ray sets aside for a worker on a machine."""
        return {"num_cpus": 1, "num_gpus": 1} if self._gpu else {"num_cpus": self._cpus(node)}

    def _fitting(self, node: str, resources: dict[str, float]) -> int:
        cpus = int(resources.get("CPU", 0))
        return min(cpus, int(resources.get("GPU", 0))) if self._gpu else cpus // self._cpus(node)

    def _cpus(self, node: str) -> int:
        """As many as threads, as far as there are."""
        return max(1, min(self._threads, int(self._look().get(node, {}).get("CPU", 0))))

    def _look(self) -> dict[str, dict[str, float]]:
        """What each machine has in all."""
        now = time.monotonic()
        if now - self._when >= FRESH:
            try:
                nodes = self._ray.nodes()
            except Exception as error:
                reason = shortened(str(error), 300)
                raise DgnamError(f"the cluster can't be asked for its machines: {reason}") from error
            self._seen = {node["NodeID"]: node["Resources"] for node in nodes if node["Alive"]}
            self._left = self._available()
            self._when = now
        return self._seen

    def _available(self) -> dict[str, dict[str, float]]:
        """What each machine has that nobody has taken; {} where Ray doesn't say."""
        try:
            return dict(self._ray._private.state.available_resources_per_node())
        except Exception:  # another version has it elsewhere
            return {}
