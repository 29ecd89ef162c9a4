"""A download that may break off, and the next that goes on with it.

Beside the file lie `.NAME.part`, what has come so far, and `.NAME.part.json`, of which address and of which version
of the file.  A server is asked for the rest of that version alone; what it sends of another one begins anew.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from ..errors import DgnamError, shortened
from ..files.paths import file_head, is_web_page, replacing

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

_WHOLE, _REST, NO_SUCH_REST = 200, 206, 416
_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})", re.ASCII)
_POINTER = b"version https://git-lfs"
_JSON = re.compile(rb"\s*(?:\{\s*[\"}]|\[\s*[\[\]{\"])")
_LONGEST_ANSWER = 120


class Partial:
    """What has come of the file at `path` so far; open, and of this process alone.

    resumed: whether what the last answer brought was put behind something older.
    """

    def __init__(self, path: Path, file: IO[bytes]):
        self.path, self.file, self.resumed = path, file, False
        self._total: int | None = None
        self._before: int | None = None

    @property
    def gained(self) -> bool:
        """Whether the server that was asked last has sent anything."""
        return self._before is not None and self.size > self._before

    @property
    def size(self) -> int:
        return os.fstat(self.file.fileno()).st_size

    def headers(self, url: str) -> dict[str, str]:
        """What to ask the server at this address: for the file as it is, and where possible for the rest of it."""
        note, self._before = self._note(), None
        asked = {"Accept-Encoding": "identity"}
        if not self.size or note.get("url") != url or not isinstance(note.get("version"), str):
            return asked
        return asked | {"Range": f"bytes={self.size}-", "If-Range": note["version"]}

    def expect(self, url: str, status: int, headers: Mapping[str, str]) -> None:
        """Note what the server at `url` announces: the rest, or the whole file, for which what is here makes room.

        An error of the server's leaves what is here, unless that is what there is no rest of.
        """
        if status == _REST:
            found = _RANGE.fullmatch(headers.get("Content-Range", ""))
            if found is None or int(found[1]) != self.size:
                self._restart()
                raise DgnamError("the server sent another part of the file than was asked for")
            self._total, self.resumed, self._before = int(found[2]), True, self.size
            return
        if status in (_WHOLE, NO_SUCH_REST):
            self._restart()
            self.resumed = False
        if status != _WHOLE:
            return
        self._before = self.size
        length = headers.get("Content-Length", "")
        coded = headers.get("Content-Encoding", "identity") != "identity"
        self._total = int(length) if length.isascii() and length.isdigit() and not coded else None
        etag = headers.get("ETag", "")
        version = etag if etag and not etag.startswith("W/") else headers.get("Last-Modified")
        with replacing(_beside(self.path)) as part:
            part.write_text(json.dumps({"url": url, "version": version}), encoding="utf-8")

    def check(self) -> None:
        """Raise DgnamError unless the whole file came, and no server's answer in its place, which is not kept."""
        self.file.flush()
        size, total = self.size, self._total
        if total is not None and size < total:
            raise DgnamError(f"the answer ended after {size:,} of {total:,} bytes")
        answer = "an empty file came" if not size else _answer(file_head(self.path))
        if answer is None and total is not None and size > total:
            answer = f"{size:,} bytes came, of {total:,}"
        if answer is not None:
            self.discard()
            raise DgnamError(answer)

    def discard(self) -> None:
        """Keep nothing of what came."""
        self._restart()

    def put(self, target: str) -> None:
        """Give the whole file its name."""
        os.replace(self.path, target)
        _beside(self.path).unlink(missing_ok=True)

    def _note(self) -> dict[str, Any]:
        try:
            note = json.loads(_beside(self.path).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return note if isinstance(note, dict) else {}

    def _restart(self) -> None:
        self.file.truncate(0)
        _beside(self.path).unlink(missing_ok=True)


@contextmanager
def partial_of(path: Path) -> Iterator[Partial]:
    """What has come of the file at `path`; waits while another process downloads it."""
    part = path.with_name(f".{path.name}.part")
    while True:
        with open(part, "a+b") as file:
            if fcntl is not None:
                fcntl.flock(file, fcntl.LOCK_EX)
            if not _is(file, part):  # the other process has renamed or removed it
                continue
            found = Partial(part, file)
            try:
                yield found
            finally:
                if _is(file, part) and not found.size:
                    part.unlink()
                    _beside(part).unlink(missing_ok=True)
            return


def _answer(head: bytes) -> str | None:
    """What came, if it is what servers answer with in place of a file; None where it may be one.

    No file that is published here begins so.
    """
    if is_web_page(head):
        return "a web page came in the file's place"
    if head.startswith(_POINTER):
        return "a Git LFS pointer came in the file's place"
    if _JSON.match(head) is not None:
        text = " ".join(head.decode("utf-8", "replace").split())
        return f"JSON came in the file's place: {shortened(text, _LONGEST_ANSWER)}"
    return None


def _is(file: Any, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(path))
    except FileNotFoundError:
        return False


def _beside(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")
