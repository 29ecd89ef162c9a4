"""A run's folder: its record, its chunks and what is known of each.

    run.json        the record
    chunks.jsonl    a line for each chunk: its name, file and sha256, and how much it holds
    chunks/         the chunks, at most a thousand in a folder
    events.jsonl    when and where the run began, was resumed and ended, and its size; no other file tells the time

A chunk is written whole, brought onto the disk and renamed before its line is added, so that a line stands for a file
that was right.  One that is damaged later, or edited, fails its checksum and is made again.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ChunksFailedError, DgnamError, FormatError
from ..files.checksums import sha256, sha256_of_bytes
from ..files.paths import PART, StrPath, append_line, cut_torn_line, make_folder, utf8, write_bytes
from .chunks import Arrays, read_arrays, to_bytes
from .directory import relative_paths, working_directory, working_in
from .events import BEGUN, KILLED, last_directory, now, read_events, seconds_since
from .folder import create_folder, in_folders, new_folder
from .lock import exclusive
from .record import RECORD, Record, as_json, write_json

CHUNKS, JOURNAL, LOG = "chunks", "chunks.jsonl", "events.jsonl"

LOCAL = "local"
"""The executor that is this process."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A line of `chunks.jsonl`: the chunk's name, its file within the run's folder, and the file's checksum.

    count: how much it holds, in the run's unit, as images; of a state, how much is done with it.
    """

    name: str
    file: str
    sha256: str
    count: int = 1

    def to_line(self) -> str:
        """Its line; a count of 1 is left out."""
        line = asdict(self)
        return as_json(line if self.count != 1 else {key: line[key] for key in ("name", "file", "sha256")})


class Run:
    """The folder of one run."""

    def __init__(self, path: Path, record: Record):
        self.path, self.record = path, record
        self._paused: str | None = None
        self._read_journal()

    @classmethod
    def create(cls, base: StrPath, name: str, record: Record) -> Run:
        """A run in a new folder `name-1`, or `name-2`, … of `base`."""
        return cls._begin(new_folder(base, name), record)

    @classmethod
    def create_at(cls, path: StrPath, record: Record) -> Run:
        """A run in this very folder, a new or an empty one."""
        return cls._begin(create_folder(path), record)

    @classmethod
    def open(cls, path: StrPath) -> Run:
        """The run that a folder holds."""
        return cls(Path(path), Record.read(path))

    @classmethod
    def _begin(cls, folder: Path, record: Record) -> Run:
        try:
            record.write(folder)
        except BaseException:
            folder.rmdir()
            raise
        return cls(folder, record)

    @contextmanager
    def exclusive(
        self, total: int | None = None, unit: str = "chunks", executor: str | None = None, **details: Any
    ) -> Iterator[None]:
        """While this lasts no other process may write to the run; what a killed one left half-written is removed.

        total, unit: how much the run does in all, and of what, for `dgnam runs`; what chunks hold is counted in it.
        executor: who makes the chunks, where it isn't this process.
        details: what else the log's line of this beginning says.
        """
        with exclusive(self.path):
            self._tidy()
            self._write_record()
            cut_torn_line(self.path / JOURNAL)
            cut_torn_line(self.path / LOG)
            self._log_kill()
            self._read_journal()
            started, self._paused = time.time(), None
            who = {} if executor in (None, LOCAL) else {"executor": executor}
            self._log(
                BEGUN[bool(self._chunks)], total=total, unit=unit, directory=working_directory(), **who, **details
            )
            try:
                yield
            except BaseException as error:
                failed = {"failed": error.reasons} if isinstance(error, ChunksFailedError) else {}
                seconds = round(time.time() - started, 3)
                self._log("stopped", reason=type(error).__name__, seconds=seconds, **failed)
                raise
            seconds = round(time.time() - started, 3)
            if self._paused is None:
                self._log("ended", seconds=seconds)
            else:
                self._log("stopped", reason=self._paused, seconds=seconds)

    def _write_record(self) -> None:
        """Write the record where the folder has none, or the one of an earlier spec."""
        here = (self.path / RECORD).is_file()
        if not here or Record.read(self.path).to_json() != self.record.to_json():
            self.record.write(self.path)

    def _tidy(self) -> None:
        """Remove what a killed process left half-written; a link is an error, since it would lead a write elsewhere."""
        for folder, folders, files in os.walk(self.path):
            for path in (Path(folder, name) for name in (*folders, *files)):
                if path.is_symlink():
                    raise FormatError(f"{path}: is a link, and a run's folder holds none")
                if path.name.startswith(".") and path.name.endswith(PART):
                    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def extend(self, spec: Mapping[str, Any]) -> None:
        """Resume by another spec of the same run, as one with more generations; it is recorded once the run is held."""
        self.record = replace(self.record, spec=spec)

    @contextmanager
    def in_directory(self) -> Iterator[bool]:
        """While this lasts the working directory is the one of the run's last process, where that is still there.

        The relative paths of the spec are of that one.  Yields whether it is another one than before; an error that
        names such a path then names the directory too.
        """
        directory = last_directory(read_events(self.path / LOG))
        with working_in(directory) as moved:
            try:
                yield moved
            except DgnamError as error:
                if moved and any(path in str(error) for path in relative_paths(self.record.spec)):
                    error.args = (f"{error} (in {directory}, where the run was begun)",)
                raise

    def pause(self, reason: str) -> None:
        """Have the log say that the run was left before its end, as by a time limit."""
        self._paused = reason

    def names(self, folder: str | None = None) -> list[str]:
        """The chunks entered, in the order they were made; with `folder` those alone whose names begin with it."""
        return list(self._chunks if folder is None else self._folders.get(folder, ()))

    def counts(self) -> list[int]:
        """How much each chunk entered holds."""
        return [chunk.count for chunk in self._chunks.values()]

    def has(self, name: str) -> bool:
        """Whether a chunk is there as it was written."""
        return name in self._chunks and self.damage(name) is None

    def damage(self, name: str) -> str | None:
        """What is wrong with an entered chunk's file; None where nothing is."""
        chunk = self._chunks[name]
        path = self.path / chunk.file
        if not path.is_file():
            return f"{path} is missing"
        return None if sha256(path) == chunk.sha256 else f"{path} is damaged: its sha256 is not the recorded one"

    def has_file(self, name: str) -> bool:
        """Whether a chunk of arrays is entered, or its file is there without a line, as a kill between them leaves."""
        return name in self._chunks or (self.path / _file(name, ".h5")).is_file()

    def recover(self, name: str, suffix: str = ".h5", count: int = 1) -> None:
        """Enter a chunk's file that is there without its line: it was whole before it got its name."""
        path = self.path / _file(name, suffix)
        if name not in self._chunks and path.is_file():
            self._enter(Chunk(name, _file(name, suffix), sha256(path), count))

    def discard(self, *names: str) -> None:
        """Remove chunks, their files and their lines."""
        if not names:
            return
        for name in names:
            chunk = self._chunks.pop(name)
            del self._folders[_folder_of(name)][name]
            (self.path / chunk.file).unlink(missing_ok=True)
        self._write_journal()

    def sort(self) -> None:
        """Have the lines in the order of the chunks' names, as those of a run have that made one after the other."""
        names = sorted(self._chunks)
        if names != list(self._chunks):
            chunks = [self._chunks[name] for name in names]
            self._chunks.clear()
            self._folders.clear()
            for chunk in chunks:
                self._put(chunk)
            self._write_journal()

    def missing(self, names: Iterable[str]) -> list[str]:
        """Those of `names` that have no chunk, or a damaged one."""
        return [name for name in names if not self.has(name)]

    def save(self, name: str, arrays: Arrays, attributes: Mapping[str, Any] | None = None, count: int = 1) -> None:
        """Write a chunk of arrays and enter it; `count` is how much it holds."""
        self.save_bytes(name, to_bytes(arrays, attributes), ".h5", count)

    def save_bytes(self, name: str, content: bytes, suffix: str, count: int = 1) -> None:
        """Write a chunk of any content and enter it; `count` is how much it holds."""
        chunk = Chunk(name, _file(name, suffix), sha256_of_bytes(content), count)
        self.write_bytes(chunk.file, content)
        self._enter(chunk)

    def load(self, name: str) -> dict[str, np.ndarray]:
        """The arrays of a chunk; one that is not there, or not as it was written, is an error."""
        return read_arrays(self._whole(name))

    def load_bytes(self, name: str) -> bytes:
        """The content of a chunk; one that is not there, or not as it was written, is an error."""
        path = self._whole(name)
        try:
            return path.read_bytes()
        except OSError as error:
            raise FormatError(f"{path}: can't be read ({error.strerror})") from None

    def _whole(self, name: str) -> Path:
        """The file of a chunk that is as it was written."""
        if name not in self._chunks:
            raise DgnamError(f"{self.path} has no chunk '{name}'")
        damage = self.damage(name)
        if damage is not None:
            raise FormatError(damage)
        return self.path / self._chunks[name].file

    def write_bytes(self, file: str, content: bytes) -> Path:
        """Write a file of the run's folder, whole; returns its path."""
        path = self.path / file
        make_folder(path.parent)
        write_bytes(path, content)
        return path

    def write_text(self, file: str, text: str) -> Path:
        """Write a text file of the run's folder, UTF-8."""
        return self.write_bytes(file, utf8(text))

    def write_json(self, file: str, content: Mapping[str, Any]) -> Path:
        """Write a JSON file of the run's folder, with sorted keys."""
        write_json(self.path / file, content)
        return self.path / file

    def _write_journal(self) -> None:
        self.write_text(JOURNAL, "".join(f"{chunk.to_line()}\n" for chunk in self._chunks.values()))

    def _enter(self, chunk: Chunk) -> None:
        if self._chunks.get(chunk.name) != chunk:
            append_line(self.path / JOURNAL, chunk.to_line())
            self._put(chunk)

    def _read_journal(self) -> None:
        self._chunks: dict[str, Chunk] = {}
        self._folders: dict[str, dict[str, None]] = {}
        for chunk in _journal(self.path / JOURNAL):
            self._put(chunk)

    def _put(self, chunk: Chunk) -> None:
        self._chunks[chunk.name] = chunk
        self._folders.setdefault(_folder_of(chunk.name), {})[chunk.name] = None

    def _log(self, event: str, **values: Any) -> None:
        append_line(self.path / LOG, as_json({"event": event, "time": now(), **values}))

    def _log_kill(self) -> None:
        """Say of a process that was killed when it last did something."""
        events = read_events(self.path / LOG)
        last = events[-1] if events else {}
        if last.get("event") in BEGUN:
            self._log(KILLED, seconds=seconds_since(last, self.path / JOURNAL))


def _journal(path: Path) -> Iterator[Chunk]:
    """The lines that make sense; what a killed process left of a line, or a damaged disk, counts as not written."""
    if not path.is_file():
        return
    with open(path, "rb") as lines:
        for line in lines:
            try:
                entry = json.loads(line)
                chunk = Chunk(entry["name"], entry["file"], entry["sha256"], entry.get("count", 1))
                texts = all(isinstance(text, str) for text in (chunk.name, chunk.file, chunk.sha256))
                sound = line.endswith(b"\n") and texts and _inside(chunk.file)
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                continue
            if sound and type(chunk.count) is int and chunk.count >= 0:
                yield chunk


def _file(name: str, suffix: str) -> str:
    """Where a chunk lies; numbered ones in a folder of their thousand."""
    above, slash, last = name.rpartition("/")
    if last.isdecimal():
        last = in_folders(int(last), last)
        if slash and last.startswith(f"{above.rpartition('/')[2]}/"):
            return f"{CHUNKS}/{name}{suffix}"
    return f"{CHUNKS}/{above}{slash}{last}{suffix}"


def _folder_of(name: str) -> str:
    """The first folder in a chunk's name; "" for one without."""
    return name.partition("/")[0] if "/" in name else ""


def _inside(file: str) -> bool:
    """Whether a chunk's file lies where chunks lie."""
    parts = Path(file).parts
    return bool(parts) and parts[0] == CHUNKS and ".." not in parts and "\0" not in file
