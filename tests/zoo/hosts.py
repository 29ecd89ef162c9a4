"""A server on this machine that plays the hosts of published files, good and bad ones."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast


@dataclass
class Hosted:
    """What the server does for one path.

    content: the file.
    redirect: answer with this address instead.
    status: answer with this instead.
    cuts: bytes of the body after which the connection breaks, for one answer after the other; then it holds.
    stalls: the same, but the line stays open and silent, for `silence` seconds.
    ranges: whether it sends parts of the file.
    length: whether it says how long the body is; otherwise the connection's end is the body's.
    piece, pause: the body comes in pieces of so many bytes with so many seconds between.
    """

    content: bytes = b""
    redirect: str | None = None
    status: int = 200
    cuts: list[int] = field(default_factory=list)
    stalls: list[int] = field(default_factory=list)
    ranges: bool = True
    etag: bool = True
    length: bool = True
    piece: int = 1 << 16
    pause: float = 0.0
    silence: float = 0.0
    kind: str = "application/octet-stream"


class Hosts(ThreadingHTTPServer):
    """asked: the requests as (method, path, Range)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, Hosted] = {}
        self.asked: list[tuple[str, str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def put(self, path: str, content: bytes = b"", **how: object) -> str:
        """Host a file; returns its address."""
        self.files[f"/{path}"] = Hosted(content, **how)  # type: ignore[arg-type]
        return f"{self.url}/{path}"

    def count(self, path: str, method: str = "GET") -> int:
        return Counter((m, p) for m, p, _ in self.asked)[method, f"/{path}"]

    def ranges(self, path: str) -> list[str | None]:
        """What parts of a file were asked for."""
        return [part for method, asked, part in self.asked if (method, asked) == ("GET", f"/{path}")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        hosts = cast(Hosts, self.server)
        hosts.asked.append((self.command, self.path, self.headers.get("Range")))
        hosted = hosts.files.get(self.path, Hosted(b"nothing here", status=404))
        if hosted.redirect is not None:
            self._head(302, {"Location": hosted.redirect, "Content-Length": "0"})
            return
        etag = f'"{hashlib.md5(hosted.content).hexdigest()}"'
        start = self._start(hosted, etag)
        if start is not None and start >= len(hosted.content):
            self._head(416, {"Content-Range": f"bytes */{len(hosted.content)}", "Content-Length": "0"})
            return
        rest = hosted.content[start or 0 :]
        headers = {"Content-Type": hosted.kind}
        headers |= {"Content-Length": str(len(rest))} if hosted.length else {"Connection": "close"}
        headers |= {"ETag": etag} if hosted.etag else {}
        if start is not None:
            headers["Content-Range"] = f"bytes {start}-{len(hosted.content) - 1}/{len(hosted.content)}"
        self._head(206 if start is not None else hosted.status, headers)
        if body:
            self._body(hosted, rest)

    def _start(self, hosted: Hosted, etag: str) -> int | None:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range") in (None, etag)
        return int(found[1]) if found and same and hosted.ranges and hosted.status == 200 else None

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _body(self, hosted: Hosted, rest: bytes) -> None:
        cut = hosted.cuts.pop(0) if hosted.cuts else None
        stall = hosted.stalls.pop(0) if hosted.stalls else None
        end = next((n for n in (cut, stall) if n is not None), len(rest))
        try:
            for place in range(0, min(end, len(rest)), hosted.piece):
                self.wfile.write(rest[place : min(place + hosted.piece, end)])
                self.wfile.flush()
                time.sleep(hosted.pause)
            if stall is not None:
                time.sleep(hosted.silence)
        except OSError:  # the other side has hung up
            pass
        if cut is not None or stall is not None:
            self.close_connection = True


@contextmanager
def serving() -> Iterator[Hosts]:
    with Hosts() as hosts:
        thread = threading.Thread(target=hosts.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield hosts
        hosts.shutdown()
        thread.join()
