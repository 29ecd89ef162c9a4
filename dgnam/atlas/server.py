"""A server of an atlas for browsers: it gives out the atlas's files and those of its runs, and takes nothing in.

An address is a path below the folder that the atlas and the runs share, so that the links between the pages and the
runs' files are the same on the disk and here.
"""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import unquote, urlsplit

from ..errors import DgnamError
from ..files.paths import StrPath
from .pages import INDEX
from .run_files import KINDS, RunFiles, quote_path
from .site import MANIFEST, Built, build

SECONDS = 3.0
"""New runs are looked for at most once in so many seconds."""

TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".mp4": "video/mp4",
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
OWN_KINDS = (".html", ".css", *KINDS)


class Atlas:
    """An atlas that is kept up to date while it is served.

    base: the folder that addresses are below.
    """

    def __init__(self, runs: Sequence[StrPath], output: StrPath, copy: bool):
        self._make: Callable[[], Built] = lambda: build(runs, output, copy=copy)
        self.folder = Path(os.path.realpath(output))
        self.base = Path(os.path.commonpath([self.folder, *map(os.path.realpath, runs)]))
        self._updating = threading.Lock()
        self.update()

    @property
    def index(self) -> str:
        """The address of the index."""
        return f"/{quote_path((self.folder / INDEX).relative_to(self.base).as_posix())}"

    def update(self) -> None:
        """Make it again."""
        self.built = self._make()
        self._folders = frozenset(self.built.folders)
        self._updated = time.monotonic()

    def refresh(self) -> None:
        """Make it again, unless that was just done or is being done; what fails is told, and the old one stays."""
        if time.monotonic() - self._updated < SECONDS or not self._updating.acquire(blocking=False):
            return
        try:
            self.update()
        except (DgnamError, OSError) as error:
            self._updated = time.monotonic()
            print(f"dgnam: the atlas could not be brought up to date: {error}", file=sys.stderr)
        finally:
            self._updating.release()

    def file(self, address: str) -> Path | None:
        """The file at an address, of the atlas or of a run; None where there is none that is given out."""
        parts = unquote(address, errors="surrogateescape").split("/")[1:]
        if any(part in ("", ".", "..") or "\0" in part or os.sep in part for part in parts):
            return None
        path = self.base.joinpath(*parts)
        if self.folder in path.parents:
            return self._own(path.relative_to(self.folder).as_posix())
        run = next((folder for folder in path.parents if folder in self._folders), None)
        return None if run is None else RunFiles(run, run).path(path.relative_to(run).as_posix())

    def _own(self, name: str) -> Path | None:
        return None if name == MANIFEST else RunFiles(self.folder, self.folder).path(name, OWN_KINDS)


class Handler(SimpleHTTPRequestHandler):
    """Answers GET and HEAD with files of an atlas; there are no lists of folders."""

    server: AtlasServer
    server_version, sys_version = "dgnam", ""
    timeout = 60

    def do_GET(self) -> None:
        if not self._redirected():
            super().do_GET()

    def do_HEAD(self) -> None:
        if not self._redirected():
            super().do_HEAD()

    def translate_path(self, path: str) -> str:
        """The file at an address; "", which no file is called, where there is none."""
        atlas, address = self.server.atlas, urlsplit(path).path
        if address == atlas.index:
            atlas.refresh()
        found = atlas.file(address)
        return "" if found is None else str(found)

    def guess_type(self, path: Any) -> str:
        return TYPES.get(os.path.splitext(path)[1].lower(), "application/octet-stream")

    def end_headers(self) -> None:
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not told."""

    def _redirected(self) -> bool:
        """Whether it was asked for the root, which sends to the index."""
        if urlsplit(self.path).path != "/":
            return False
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", self.server.atlas.index)
        self.send_header("Content-Length", "0")
        self.end_headers()
        return True


class AtlasServer(ThreadingHTTPServer):
    """A server that answers each request in a thread of its own.

    atlas: what it serves; port 0 takes a free one.
    """

    def __init__(self, atlas: Atlas, host: str, port: int):
        self.atlas = atlas
        try:
            self.address_family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            super().__init__(address[:2], Handler)  # type: ignore[arg-type]
        except (OSError, UnicodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DgnamError(f"cannot serve at {host}, port {port}: {reason}") from None

    @property
    def url(self) -> str:
        """Where the index is."""
        host, port = str(self.server_address[0]), self.server_address[1]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{self.atlas.index}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that hangs up is no error."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def serve(
    runs: Sequence[StrPath] = ("runs",),
    output: StrPath = "atlas",
    *,
    copy: bool = False,
    host: str = "127.0.0.1",
    port: int = 8000,
    on_start: Callable[[str], object] = print,
) -> None:
    """Make an atlas and serve it until Ctrl-C or SIGTERM.

    runs, output, copy: see `build`; on_start: called with the address of the index once it can be asked for.
    """
    with AtlasServer(Atlas(runs, output, copy), host, port) as server, _ended_by_sigterm():
        on_start(server.url)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return


class _ended_by_sigterm:  # noqa: N801  (a context manager)
    """Within this SIGTERM does what Ctrl-C does."""

    def __enter__(self) -> None:
        self._before = signal.signal(signal.SIGTERM, self._end)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)

    @staticmethod
    def _end(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt
