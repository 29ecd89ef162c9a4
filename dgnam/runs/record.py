"""A run's record: what was asked for, and all that decides its bytes."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DgnamError, FormatError
from ..files.checksums import sha256_of_bytes
from ..files.paths import StrPath, existing_file, write_bytes
from .ranges import in_ranges

RECORD = "run.json"
OBJECT = "object"
"""What marks, in a spec, an argument given as an object in Python, which no file can hold."""

FORMAT = 2
"""Of the record and of the chunks; other formats are refused."""

_LONGEST = 64 << 20
"""Far more bytes than any record of a run takes."""

_SHOWN = 120
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Record:
    """What a run is; all of it JSON, the same for the same run, so nothing in it tells the time.

    task: the function of `dgnam.api` that does it, as "visualize".
    spec: that function's keyword arguments.  Objects given in Python are recorded by `{"object": …}` with checksums,
        and the run is resumed from Python alone.
    inputs: what decides the bytes: checksums of files, names resolved, batches, device.
    environment: versions and threads; where they differ a run may be resumed, with a warning.
    """

    task: str
    spec: Mapping[str, Any]
    inputs: Mapping[str, Any]
    environment: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As `run.json` has it."""
        whole = {"format": FORMAT, "task": self.task, "spec": self.spec, "inputs": self.inputs}
        return json.loads(as_json({**whole, "environment": self.environment}))

    def write(self, folder: Path) -> None:
        """Write it into the run's folder."""
        write_json(folder / RECORD, self.to_json())

    @classmethod
    def read(cls, folder: StrPath) -> Record:
        """The record of the run in a folder; DgnamError where there is none, FormatError for a damaged one."""
        path = Path(folder) / RECORD
        if not path.is_file():
            raise DgnamError(f"{folder} holds no run: there is no {RECORD} in it")
        content = read_json(path)
        if content.get("format") != FORMAT:
            raise FormatError(f"{path}: is of format {content.get('format')!r}, and this version reads {FORMAT}")
        kinds = {"task": str, "spec": dict, "inputs": dict, "environment": dict}
        parts = {name: content.get(name) for name in kinds}
        if not all(isinstance(parts[name], kind) for name, kind in kinds.items()):
            raise FormatError(f"{path}: is not the record of a run")
        return cls(**parts)  # type: ignore[arg-type]

    def check_same(self, now: Record, folder: Path, what: str = "resume") -> list[str]:
        """Raise DgnamError where `now` is another run than this one; returns warnings of another environment.

        what: what can't be done then with the folder, for the error.
        """
        was, new = self.to_json(), now.to_json()
        for part in ("task", "inputs"):
            was[part], new[part] = in_ranges(was[part]), in_ranges(new[part])
            if _by_name(was[part]) != _by_name(new[part]):
                raise changed(folder, *first_difference(was[part], new[part], part), what)
        return [
            f"{name} changed (was {_short(was['environment'].get(name))}, now {_short(new['environment'].get(name))}): "
            "bytes may differ from those of an uninterrupted run"
            for name in sorted({*was["environment"], *new["environment"]})
            if was["environment"].get(name) != new["environment"].get(name)
        ]


def digest(record: Record) -> str:
    """The checksum of what decides a run's bytes, in hexadecimal."""
    whole = record.to_json()
    return sha256_of_bytes(json.dumps([whole["task"], _by_name(in_ranges(whole["inputs"]))], sort_keys=True).encode())


def changed(folder: Path, where: str, was: str, now: str, what: str = "resume") -> DgnamError:
    """The error that says what makes it another run than the one in a folder."""
    return DgnamError(f"cannot {what} {folder}: {where} changed (was {was}, now {now})")


def first_difference(was: Any, now: Any, where: str) -> tuple[str, str, str]:
    """The first place where two records differ, and what is there, as text; of long texts the first line."""
    if isinstance(was, dict) and isinstance(now, dict):
        for key in sorted(set(was) | set(now)):
            if was.get(key) != now.get(key):
                return first_difference(was.get(key), now.get(key), f"{where}.{key}")
    if isinstance(was, list) and isinstance(now, list):
        for index, (before, after) in enumerate(zip_longest(was, now)):
            if before != after:
                return first_difference(before, after, f"{where}[{index}]")
    if isinstance(was, str) and isinstance(now, str):
        was, now = next(((a, b) for a, b in zip_longest(was.splitlines(), now.splitlines()) if a != b), (was, now))
    return where.removeprefix("inputs."), _short(was), _short(now)


def _by_name(value: Any) -> Any:
    """A record's JSON with checksums by the names of their files, whatever folders these lie in."""
    if isinstance(value, list):
        return [_by_name(part) for part in value]
    if not isinstance(value, dict):
        return value
    names = [key.rpartition("/")[2] for key in value]
    sums = all(isinstance(part, str) and _SHA256.fullmatch(part) for part in value.values())
    if sums and len(set(names)) == len(names):
        return dict(zip(names, value.values(), strict=True))
    return {key: _by_name(part) for key, part in value.items()}


def objects_in(spec: Mapping[str, Any]) -> list[str]:
    """The arguments that were objects in Python; without them the run can't be resumed."""
    return [name for name, value in spec.items() if _has_object(value)]


def _has_object(value: Any) -> bool:
    if isinstance(value, dict):
        return OBJECT in value or any(_has_object(part) for part in value.values())
    return isinstance(value, list) and any(_has_object(part) for part in value)


def import_strings(name: str, value: object) -> Iterator[str]:
    """The import strings in an argument; a colon stands in no model's name, and no file is opened to know.

    A target or encoder may be several by name, and be one of them.  A prototxt's path may have a colon, and a score is
    no path.
    """
    if isinstance(value, Mapping) and OBJECT not in value:
        for part in value.values():
            yield from import_strings(name, part)
    elif isinstance(value, str) and ":" in value:
        prototxt = value.endswith((".prototxt", ".pbtxt"))
        if name == "score" or (name in ("target", "encoder") and not prototxt):
            yield value


def resume_command(folder: Path) -> str:
    """The command that resumes the run in a folder, with what it has to be given again."""
    words = ["dgnam", "resume", str(folder)]
    try:
        spec = Record.read(folder).spec
    except DgnamError:
        spec = {}
    for name, value in spec.items():
        for code in import_strings(name, value):
            words += [f"--{name}", code]
    return shlex.join([*words, *(["--replace"] if spec.get("replace") else [])])


def as_json(value: Any, **how: Any) -> str:
    """JSON of a value, in which numbers may be NumPy's; how: as `json.dumps` takes it."""
    return json.dumps(value, default=_number, **how)


def _number(value: object) -> Any:
    if not isinstance(value, np.generic):
        raise TypeError(f"a {type(value).__name__} is nothing that JSON can hold")
    return value.item()


def write_json(path: StrPath, content: Mapping[str, Any]) -> None:
    """Write `content` with sorted keys, whole or not at all; what is too long to be read again is an error."""
    text = (as_json(content, indent=2, sort_keys=True) + "\n").encode()
    if len(text) > _LONGEST:
        raise DgnamError(f"{path}: would have {len(text):,} bytes, and a record has {_LONGEST:,} at most")
    write_bytes(path, text)


def read_json(path: StrPath) -> dict[str, Any]:
    """The object in a JSON file; what is too long, no JSON or no object is a FormatError."""
    file = existing_file(path)
    if file.stat().st_size > _LONGEST:
        raise FormatError(f"{path}: is too long for a record")
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{path}: not JSON ({error})") from None
    if not isinstance(content, dict):
        raise FormatError(f"{path}: is not a record but a JSON {type(content).__name__}")
    return content


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
