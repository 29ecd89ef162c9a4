"""A run's folder: what lies in it, written so that a process killed at any moment loses no finished batch.

    run.json              the record of all that decides the bytes, and the command to go on with
    chunks/00000.h5, …    a batch each: jobs, images, codes, activations, steps
    manifest.jsonl        a line for each finished job
    images/               a picture for each
    movies/, grid.png, traces.png, summary.csv

A batch's pictures are written first and its chunk last, each to a temporary name and then renamed: a batch is done
once its chunk is there.  The manifest follows from the chunks, and is written anew from them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..am import Result
from ..errors import DgnamError, FormatError
from ..files.hdf5 import open_hdf5
from ..files.paths import StrPath
from ..runs.folder import RunFolder, read_json
from ..runs.lock import locked

RUN, CHUNKS, MANIFEST, IMAGES, MOVIES = "run.json", "chunks", "manifest.jsonl", "images", "movies"
FORMAT = 1
_DATASETS = ("jobs", "images", "codes", "activations", "steps")
_SOFT = ("versions", "threads", "device")
"""What may differ when a run goes on: its images are then as good, but their bytes may not repeat."""


class Folder:
    """A run's folder, written and read."""

    def __init__(self, path: Path, record: Mapping[str, Any], request: Mapping[str, Any]):
        self.path, self.record, self.request = path, record, request
        self.files = RunFolder(path)
        self._manifest: list[str] = []

    @classmethod
    def create(cls, files: RunFolder, record: Mapping[str, Any], request: Mapping[str, Any]) -> Folder:
        """A new run's; `request` is what a resume makes the same plan from."""
        folder = cls(files.path, record, request)
        (files.path / CHUNKS).mkdir()
        files.write_json(RUN, {"format": FORMAT, "record": record, "request": request})
        return folder

    @classmethod
    def create_at(cls, path: StrPath, record: Mapping[str, Any]) -> Folder:
        """A new run's, at this very place, made from Python; a folder that holds something is an error."""
        return cls.create(RunFolder.create_at(path), record, {})

    @classmethod
    def open(cls, path: StrPath) -> Folder:
        """The folder of a run that began earlier."""
        file = Path(path) / RUN
        if not file.is_file():
            raise DgnamError(f"{path} holds no run: there is no {RUN} in it")
        content = read_json(file)
        if content.get("format") != FORMAT:
            raise FormatError(f"{file}: is of format {content.get('format')}, and this version reads {FORMAT}")
        record, request = content.get("record"), content.get("request")
        if not (isinstance(record, dict) and isinstance(request, dict) and isinstance(record.get("partition"), list)):
            raise FormatError(f"{file}: is no record of a run")
        return cls(Path(path), record, request)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While this lasts no other process may go on with the run; what a killed one left half-written is removed."""
        with locked(self.path):
            for partial in self.path.rglob(".*.part"):
                partial.unlink(missing_ok=True)
            yield

    def check_same(self, record: Mapping[str, Any]) -> list[str]:
        """Lines to warn with where versions or threads differ from those of `record`; other differences are errors."""
        ours = json.loads(json.dumps(record))
        for key in sorted(set(ours) | set(self.record)):
            if key not in _SOFT and ours.get(key) != self.record.get(key):
                was, now = first_difference(self.record.get(key), ours.get(key), key)
                raise DgnamError(f"{self.path} can't go on: it was made with {was}, and now there is {now}")
        return [
            f"{key} was {self.record.get(key)} and is {ours.get(key)}: bytes may differ from those of one run"
            for key in _SOFT
            if ours.get(key) != self.record.get(key)
        ]

    def finished(self) -> int:
        """How many batches are done: the first ones, up to the first whose chunk is missing or can't be read."""
        count = 0
        while count < len(self.record["partition"]) and self._chunk(count).is_file():
            try:
                self.read(count)
            except DgnamError:
                break
            count += 1
        return count

    def add(self, batch: int, result: Result) -> None:
        """Save a batch that is done."""
        values = (np.asarray(result.indices), result.images, result.codes, result.activations, result.steps)
        self.files.write_arrays(f"{CHUNKS}/{batch:05d}.h5", dict(zip(_DATASETS, values, strict=True)), {})

    def read(self, batch: int) -> Result:
        """A batch that was saved."""
        with open_hdf5(self._chunk(batch)) as file:
            missing = set(_DATASETS) - set(file.names())
            if missing:
                raise file.fail(f"has no dataset '{sorted(missing)[0]}'")
            arrays = {name: file.numbers(name) for name in _DATASETS}
        jobs = arrays["jobs"].astype(np.int64)
        if any(array.shape[:1] != jobs.shape for array in arrays.values()):
            raise FormatError(f"{self._chunk(batch)}: its datasets are of different numbers of jobs")
        if list(jobs) != list(self.record["partition"][batch]):
            raise FormatError(f"{self._chunk(batch)}: holds other jobs than batch {batch} of {RUN}")
        images, codes, activations = (arrays[name].astype(np.float32) for name in ("images", "codes", "activations"))
        return Result(tuple(map(int, jobs)), images, codes, activations, arrays["steps"].astype(np.int64))

    def results(self) -> Iterator[Result]:
        """The batches that are done, one at a time."""
        for batch in range(len(self.record["partition"])):
            if not self._chunk(batch).is_file():
                return
            yield self.read(batch)

    def note(self, lines: list[Mapping[str, Any]]) -> None:
        """Add finished jobs to the manifest."""
        self._manifest += [json.dumps(line, ensure_ascii=False) for line in lines]
        text = "\n".join(self._manifest) + "\n"
        self.files.write_text(MANIFEST, text)

    def _chunk(self, batch: int) -> Path:
        return self.path / CHUNKS / f"{batch:05d}.h5"


def first_difference(was: Any, now: Any, where: str) -> tuple[str, str]:
    """The first place where two records differ, as text."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(set(was) | set(now)):
            if was.get(key) != now.get(key):
                return first_difference(was.get(key), now.get(key), f"{where}.{key}")
    return f"{where} {_short(was)}", f"{where} {_short(now)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "…"
