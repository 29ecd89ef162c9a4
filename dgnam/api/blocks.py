"""The blocks of a measurement as chunks that an executor makes: each measured alone, and merged in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ..data.checksums import contents_digests
from ..data.dataset import Dataset
from ..errors import FormatError
from ..runs import Run
from ..runs.environment import threads
from ..runs.executor import ChunkLosses, Executor, Failed, Made, Task, Work
from ..runs.executor.executor import Chunks
from ..runs.run import LOCAL

DIGESTS = "digests"
"""The dataset of a block that has the digests of its pictures' contents."""


class Mergeable(Protocol):
    """A measurement whose state after some pictures can be taken in by another one."""

    batch_size: int

    def alone(self, dataset: Dataset, on_batch: Callable[[int], object] = ...) -> dict[str, np.ndarray]: ...

    def merge(self, arrays: Mapping[str, np.ndarray]) -> None: ...


def split_blocks(count: int, block: int, batch_size: int) -> Sequence[range]:
    """So many pictures in blocks of about `block`, each of whole batches but for the last."""
    size = batch_size * -(-block // batch_size)
    return [range(first, min(first + size, count)) for first in range(0, count, size)]


class BlockMaker:
    """Measures blocks, each alone.

    on_batch: called with the number of pictures of each batch.
    """

    def __init__(self, measurement: Mergeable, dataset: Dataset, blocks: Sequence[range]):
        self._measurement, self._dataset, self.blocks = measurement, dataset, blocks
        self.on_batch: Callable[[int], object] = lambda count: None

    def __call__(self, number: int) -> Made:
        """Block `number`: the state after its pictures, and the digests of these."""
        part = self._dataset.part(self.blocks[number])
        state = self._measurement.alone(part, self.on_batch)
        return Made({**state, DIGESTS: np.frombuffer(contents_digests(part), np.uint8)}, count=len(self.blocks[number]))


class SharedBlocks:
    """A run's blocks as an executor makes them."""

    def __init__(
        self,
        run: Run,
        executor: Executor,
        measurement: Mergeable,
        here: BlockMaker,
        there: Callable[[], BlockMaker],
        device: str,
    ):
        self._run, self._executor, self._measurement = run, executor, measurement
        self._here, self._there, self._device = here, there, device
        self._losses = ChunkLosses(run)
        self._made: Chunks | None = None
        self._on_block: Callable[[int], object] = lambda count: None

    def begin(self, first: int, names: Sequence[str], check: Callable[[], None], bar: Any) -> None:
        """Have the blocks from the `first` on made, whose chunks have these names."""
        if self._executor.name == LOCAL:
            self._here.on_batch = bar.update
        else:
            self._on_block = bar.update
        tasks = (Task(name, number) for number, name in enumerate(names, first))
        work = Work(self._here, self._there, threads=threads(), device=self._device, chained=True)
        self._made = self._executor.make(self._run, tasks, work, check=check, progress=False)

    def merge(self) -> bytes | None:
        """Have the measurement take in the next block; returns the digests of its pictures.

        None where this block or one before it was lost: it stays a parcel then, for the next time.
        """
        assert self._made is not None
        found = next(self._made)
        if isinstance(found, Failed):
            self._losses.add(found)
        if self._losses or isinstance(found, Failed):
            return None
        try:
            self._measurement.merge(found.arrays)
            digests: bytes = found.arrays[DIGESTS].astype(np.uint8).tobytes()
        except (KeyError, ValueError, IndexError, TypeError) as error:
            raise FormatError(f"{self._run.path}: a block is not the state of such a measurement ({error})") from None
        self._on_block(found.count)
        return digests

    def end(self) -> None:
        """Raise ChunksFailedError if blocks were lost."""
        assert self._made is not None
        next(self._made, None)  # all of it is entered
        self._losses.complain()

    def close(self) -> None:
        """Let go of what is under way."""
        if self._made is not None:
            self._made.close()
