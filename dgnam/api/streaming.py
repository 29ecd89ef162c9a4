"""One pass over a dataset, block by block: the state after each is a chunk, from the last of which a run is resumed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, nullcontext
from itertools import islice
from typing import Any, Protocol

import numpy as np

from ..data.checksums import checksum_after, contents_checksum, contents_digests, listing_checksum
from ..data.dataset import Dataset
from ..errors import FormatError
from ..runs import Interrupted, Run, progress_bar
from ..runs.interrupt import Stop
from ..runs.record import changed
from .blocks import SharedBlocks, split_blocks

KEPT = 2
"""Chunks left in the folder: each holds all that was measured before it."""

CONTENTS = "contents"
"""The dataset of a chunk that has the checksum of the pictures measured."""


def images_record(dataset: Dataset, limit: int | None, skip_broken: bool) -> dict[str, Any]:
    """Which pictures a run takes, for its record: their number, and the checksum of their names and sizes."""
    listing = f"sha256:{listing_checksum(islice(dataset, limit))}"
    return {"count": len(dataset), "listing": listing, "limit": limit, "skip_broken": skip_broken}


def taken(dataset: Dataset, limit: int | None) -> int:
    """How many pictures are taken."""
    return len(dataset) if limit is None else min(len(dataset), limit)


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
    shared: SharedBlocks | None = None,
) -> None:
    """Have a dataset measured, at most its first `limit` pictures; of a run, from its last whole chunk on.

    block: about how many pictures there are between two chunks.
    shared: the blocks as an executor makes them, each alone; where None each goes on from the one before.
    prefix: put before the names of the chunks, where the run has others, which alone count as its progress.
    Raises Interrupted after Ctrl-C or SIGTERM, once the block is done; and DgnamError where a run is resumed and the
    pictures that were measured have changed.
    """
    count = taken(dataset, limit)
    blocks = split_blocks(count, block, measurement.batch_size)
    size = len(blocks[0]) if blocks else 0
    done, contents = (0, "") if run is None else _resumed(run, measurement, dataset, blocks, prefix)
    bar = progress_bar(total=count, initial=min(done * size, count), unit="picture", desc=desc, show=progress)

    def check() -> None:
        if stop:
            raise stop.interrupted(f"stopped after {min(done * size, count):,} of {count:,} pictures")

    try:
        with bar, closing(shared) if shared is not None else nullcontext():
            if shared is not None:
                shared.begin(done, [_name(prefix, number) for number in range(done, len(blocks))], check, bar)
            for number, part in enumerate(blocks[done:], done):
                digests = b"" if shared is None else shared.merge()
                if digests is None:
                    continue
                if shared is None:
                    measurement.add(dataset.part(part), on_batch=bar.update)
                    digests = b"" if run is None else contents_digests(dataset.part(part))
                if run is not None:
                    contents = checksum_after(contents, digests)
                    _save(run, measurement, number, contents, 0 if prefix else part.stop, prefix)
                done += 1
                if part.stop < count:
                    check()
            if shared is not None:
                shared.end()
    except Interrupted:
        raise
    except KeyboardInterrupt:
        raise Interrupted(f"stopped after {min(done * size, count):,} of {count:,} pictures") from None


def fewer_lines(k: int, found: int) -> list[str]:
    """What is said where `found` pictures are fewer than the `k` that were asked for."""
    return [f"k {k}: there are only {found:,} pictures, all of which are taken"] if found < k else []


def skipped_lines(skipped: int, reasons: Sequence[str]) -> list[str]:
    """What is said of unreadable pictures that were left out: how many, and the reasons of the first few."""
    if not skipped:
        return []
    more = " …" if skipped > len(reasons) else ""
    return [f"unreadable pictures skipped: {skipped:,}: {'; '.join(reasons)}{more}"]


def _resumed(
    run: Run, measurement: Streamed, dataset: Dataset, blocks: Sequence[range], prefix: str
) -> tuple[int, str]:
    """How many blocks are done, and the checksum of their pictures; the state after the last of them is restored.

    Damaged chunks are removed; pictures that have changed since are an error.
    """
    done = next((last for last in range(len(blocks), 0, -1) if run.has(_name(prefix, last - 1))), 0)
    # A kill while an older state is discarded leaves its line without its file, which is no damage.
    _discard_older(run, done - 1, prefix)
    damaged = [name for name in run.names(prefix.rstrip("/") or None) if run.damage(name) is not None]
    for name in damaged:
        warnings.warn(f"{run.damage(name)}: what follows on the one before is measured again", stacklevel=4)
    run.discard(*damaged)
    if not done:
        return 0, ""
    arrays = run.load(_name(prefix, done - 1))
    contents = _check_contents(run, dataset, blocks[:done], arrays)
    try:
        measurement.restore(arrays)
    except (KeyError, ValueError, IndexError, TypeError) as error:
        name = _name(prefix, done - 1)
        raise FormatError(f"{run.path}: chunk '{name}' is not the state of such a measurement ({error})") from None
    return done, contents


def _check_contents(run: Run, dataset: Dataset, blocks: Sequence[range], state: Mapping[str, np.ndarray]) -> str:
    """The checksum of the pictures that were measured, as they are now; others than were measured are an error."""
    now = ""
    for block in blocks:
        now = contents_checksum(dataset.part(block), now)
    was = state[CONTENTS].astype(np.uint8).tobytes().decode("ascii", "replace") if CONTENTS in state else ""
    if now != was:
        raise changed(run.path, f"contents of the first {blocks[-1].stop:,} images", f"sha256:{was}", f"sha256:{now}")
    return now


def _save(run: Run, measurement: Streamed, number: int, contents: str, count: int, prefix: str) -> None:
    kept = np.frombuffer(contents.encode(), np.uint8)
    run.save(_name(prefix, number), {**measurement.arrays(), CONTENTS: kept}, count=count)
    _discard_older(run, number, prefix)


def _discard_older(run: Run, last: int, prefix: str) -> None:
    """Discard the chunks before the last KEPT ones, also those that a kill has left."""
    names = [name for name in run.names(prefix.rstrip("/") or None) if name.startswith(prefix)]
    run.discard(*[name for name in names if name <= _name(prefix, last - KEPT)] if last >= KEPT else [])


def _name(prefix: str, number: int) -> str:
    return f"{prefix}{number:05d}"
