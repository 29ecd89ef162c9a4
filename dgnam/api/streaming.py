"""One pass over a dataset, block by block: the state after each is a chunk of the run, which goes on from the last."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from ..data.dataset import Dataset
from ..errors import FormatError
from ..runs import Interrupted, Run, progress_bar
from ..runs.interrupt import Stop

KEPT = 2
"""Chunks left in the folder: each holds all that was measured before it."""


class Streamed(Protocol):
    """What takes in pictures as they come, and can go on from its state."""

    batch_size: int

    def add(self, dataset: Dataset, limit: int | None = None, on_batch: Callable[[int], object] = ...) -> None: ...

    def arrays(self) -> dict[str, np.ndarray]: ...

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None: ...


def stream(
    run: Run | None,
    measurement: Streamed,
    dataset: Dataset,
    limit: int | None,
    *,
    block: int,
    desc: str,
    progress: bool,
    stop: Stop,
    prefix: str = "",
) -> None:
    """Have a dataset measured, at most its first `limit` pictures; of a run, from its last whole chunk on.

    block: about how many pictures there are between two chunks.
    prefix: put before the names of the chunks, where the run has others.
    Raises Interrupted after Ctrl-C or SIGTERM, once the block is done.
    """
    count = len(dataset) if limit is None else min(len(dataset), limit)
    size = measurement.batch_size * -(-block // measurement.batch_size)
    blocks = [range(first, min(first + size, count)) for first in range(0, count, size)]
    done = 0 if run is None else _resumed(run, measurement, len(blocks), prefix)
    bar = progress_bar(total=count, initial=min(done * size, count), unit="picture", desc=desc, show=progress)
    try:
        with bar:
            for number, part in enumerate(blocks[done:], done):
                measurement.add(dataset.part(part), on_batch=bar.update)
                if run is not None:
                    _save(run, measurement, number, prefix)
                done += 1
                if stop and part.stop < count:
                    raise stop.interrupted(f"stopped after {part.stop:,} of {count:,} pictures")
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(f"stopped after {min(done * size, count):,} of {count:,} pictures") from None


def skipped_lines(skipped: int, reasons: Sequence[str]) -> list[str]:
    """What is said of unreadable pictures that were left out: how many, and the reasons of the first few."""
    if not skipped:
        return []
    more = " …" if skipped > len(reasons) else ""
    return [f"unreadable pictures skipped: {skipped:,}: {'; '.join(reasons)}{more}"]


def _resumed(run: Run, measurement: Streamed, blocks: int, prefix: str) -> int:
    """How many blocks are done, with the state after the last of them restored; damaged chunks are removed."""
    for name in [name for name in run.names() if name.startswith(prefix) and run.damage(name) is not None]:
        warnings.warn(f"{run.damage(name)}: what follows on the one before is measured again", stacklevel=4)
        run.discard(name)
    done = next((last for last in range(blocks, 0, -1) if run.has(_name(prefix, last - 1))), 0)
    if done:
        arrays = run.load(_name(prefix, done - 1))
        try:
            measurement.restore(arrays)
        except (KeyError, ValueError, IndexError, TypeError) as error:
            name = _name(prefix, done - 1)
            raise FormatError(f"{run.path}: chunk '{name}' is not the state of such a measurement ({error})") from None
    return done


def _save(run: Run, measurement: Streamed, number: int, prefix: str) -> None:
    run.save(_name(prefix, number), measurement.arrays())
    if _name(prefix, number - KEPT) in run.names():
        run.discard(_name(prefix, number - KEPT))


def _name(prefix: str, number: int) -> str:
    return f"{prefix}{number:05d}"
