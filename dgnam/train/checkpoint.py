"""Checkpoints of a training, whose folder is a run: written whole, checked when read, and gone on from exactly.

    with training_in(folder, recipe, spec) as training:
        first = training.resume(restore)
        for done in range(first + 1, last + 1):
            …
            if training.stop or done % 1000 == 0:
                training.save({"iteration": done, …})
            training.end_if_stopped(done, last)

The last two checkpoints are kept: where the last one is damaged, the training goes on from the one before.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..errors import DgnamError, FormatError
from ..files.paths import append_line, cut_torn_line
from ..runs import Record, Run, defer_interrupt, environment
from ..runs.interrupt import Stop
from ..runs.record import RECORD
from ..runs.run import CHUNKS

LOG = "log.jsonl"
TASK = "train"

_EARLIER = "checkpoint.pt"
"""The one checkpoint of trainings before they were runs."""

_NAME, _SUFFIX = re.compile(r"checkpoint-(\d{6,12})"), ".pt"
_CHECKPOINTS = 2


class Training:
    """A training in its folder, as long as no other process may write there.

    stop: true once Ctrl-C or SIGTERM has come: the next safe point is the last.
    """

    def __init__(self, run: Run, stop: Stop):
        self._run, self.stop = run, stop

    def save(self, state: Mapping[str, Any]) -> None:
        """Write a checkpoint of the state after `state["iteration"]` iterations; the last one before it stays."""
        content = io.BytesIO()
        torch.save(dict(state), content)
        done = state["iteration"]
        self._run.save_bytes(f"checkpoint-{done:06d}", content.getvalue(), _SUFFIX, count=done)
        self._run.discard(*self._names()[_CHECKPOINTS:])

    def resume(self, restore: Callable[[dict[str, Any]], object]) -> int:
        """Restore the last whole checkpoint; returns its iteration, 0 where there is none.

        One that is damaged is a warning, and the one before is taken; where all are, it is a FormatError.
        """
        damaged: dict[str, str] = {}
        for name in self._names():
            try:
                state = _load(self._run, name)
                restore(state)
            except FormatError as error:
                damaged[name] = str(error)
            except (ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError) as error:
                damaged[name] = f"{_path(self._run, name)}: is not a checkpoint of this training ({_first_line(error)})"
            else:
                self._leave(damaged, f"going on from iteration {state['iteration']}")
                return int(state["iteration"])
        if any(_path(self._run, name).exists() for name in damaged):
            where = self._run.path / CHUNKS
            reasons = "; ".join(damaged.values())
            raise FormatError(f"{reasons}; no checkpoint is whole: remove {where} to train anew")
        self._leave(damaged, "training anew")
        return 0

    def end_if_stopped(self, done: int, total: int) -> None:
        """Raise Interrupted where a signal has come and there is more to do."""
        if self.stop and done < total:
            raise self.stop.interrupted(f"stopped at a checkpoint after {done:,} of {total:,} iterations")

    def pause(self, reason: str) -> None:
        """Have the run's log say that the training was left at a checkpoint before its end."""
        self._run.pause(reason)

    def _names(self) -> list[str]:
        """The checkpoints, the last one first; those whose line a kill or a damaged disk has lost are entered."""
        for path in sorted((self._run.path / CHUNKS).glob(f"checkpoint-*{_SUFFIX}")):
            named = _NAME.fullmatch(path.stem)
            if named:
                self._run.recover(path.stem, _SUFFIX, count=int(named[1]))
        return _checkpoints(self._run)

    def _leave(self, damaged: Mapping[str, str], what: str) -> None:
        """Say of damaged checkpoints what happens instead, and remove them."""
        if damaged:
            warnings.warn("; ".join([*damaged.values(), what]), stacklevel=4)
        self._run.discard(*damaged)


def last_checkpoint(folder: Path) -> dict[str, Any]:
    """The last whole checkpoint of a training, which may be at work in its folder; nothing is written there.

    Raises DgnamError where there is none.
    """
    run = Run.open(folder)
    if run.record.task != TASK:
        raise DgnamError(f"{folder} holds a run of '{run.record.task}', not a training")
    reasons = []
    for name in _checkpoints(run):
        try:
            return _load(run, name)
        except FormatError as error:
            reasons.append(str(error))
    raise DgnamError(f"{folder}: there is no whole checkpoint yet{''.join(f'; {reason}' for reason in reasons)}")


def _checkpoints(run: Run) -> list[str]:
    """The names of the checkpoints entered, the last one first."""
    found = {name: _NAME.fullmatch(name) for name in run.names()}
    numbers = {name: int(match[1]) for name, match in found.items() if match}
    return sorted(numbers, key=numbers.__getitem__, reverse=True)


def _load(run: Run, name: str) -> dict[str, Any]:
    content = io.BytesIO(run.load_bytes(name))
    try:
        state = torch.load(content, map_location="cpu", weights_only=True)
    except Exception as error:
        raise FormatError(f"{_path(run, name)}: not a readable checkpoint ({_first_line(error)})") from None
    if not isinstance(state, dict) or not isinstance(state.get("iteration"), int) or state["iteration"] < 0:
        raise FormatError(f"{_path(run, name)}: is not a checkpoint of a training")
    return state


def _path(run: Run, name: str) -> Path:
    return run.path / CHUNKS / f"{name}{_SUFFIX}"


@contextmanager
def training_in(
    folder: Path, recipe: Mapping[str, Any], spec: Mapping[str, Any], total: int | None = None
) -> Iterator[Training]:
    """Begin a training in a folder or go on with the one there, alone, and with the first signal only noted.

    recipe: all that decides the weights; a training of another recipe is a DgnamError.
    spec: the keyword arguments of `dgnam.api.train.train` that do this training; those of an earlier call are replaced.
    total: its iterations.
    """
    record = _checked(folder, Record(TASK, spec, recipe, environment()))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DgnamError(f"cannot make the folder {folder}: {error.strerror}") from None
    run = Run(folder, record)
    with run.exclusive(total, "iterations"), defer_interrupt() as stop:
        cut_torn_line(folder / LOG)
        yield Training(run, stop)


def _checked(folder: Path, record: Record) -> Record:
    """The record of a training that begins in the folder, or goes on there; DgnamError where it can't."""
    if (folder / RECORD).is_file():
        before = Record.read(folder)
        for warning in before.check_same(record, folder):
            warnings.warn(warning, stacklevel=5)
        return replace(record, environment=before.environment)
    if (folder / _EARLIER).exists():
        raise DgnamError(
            f"{folder / _EARLIER} is a checkpoint from before trainings were runs, and can't be resumed; nothing is "
            "lost: finish that training with the dgnam that began it, or give another folder to train anew"
        )
    if any((folder / CHUNKS).glob(f"checkpoint-*{_SUFFIX}")):
        raise DgnamError(
            f"{folder} has checkpoints and no {RECORD} that says of what training; give another folder, or remove "
            f"{folder / CHUNKS} to train anew"
        )
    return record


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0][:200]


def changes(recipe: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """The parts in which two recipes differ."""
    return sorted(part for part in recipe.keys() | other.keys() if recipe.get(part) != other.get(part))


def append_log(folder: Path, entry: dict[str, Any]) -> None:
    """Add a line to the run's log, `log.jsonl`."""
    append_line(folder / LOG, json.dumps(entry))
