"""A real server: what it gives out, what it doesn't, and how it ends."""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from contextlib import closing, contextmanager
from http.client import HTTPConnection

import pytest

from dgnam.atlas import server as module
from dgnam.atlas.server import Atlas, AtlasServer
from dgnam.errors import DgnamError


@contextmanager
def serving(base):
    """A server of the runs in `base/runs`, at work, and what asks it: address → status, headers and body."""
    with AtlasServer(Atlas([base / "runs"], base / "atlas", copy=False), "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()

        def ask(address, method="GET"):
            with closing(HTTPConnection(*server.server_address[:2], timeout=20)) as connection:
                connection.request(method, address)
                answer = connection.getresponse()
                return answer.status, answer.headers, answer.read()

        try:
            yield server, ask
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture(scope="module")
def server(one_run):
    (one_run / "secret.png").write_bytes(b"secret")
    (one_run / "runs/a/link.png").symlink_to(one_run / "secret.png")
    (one_run / "runs/a/page.html").write_text("<script>")
    with serving(one_run) as found:
        yield found[0], found[1]


@pytest.fixture
def ask(server):
    return server[1]


@pytest.fixture
def ask_own(make_run, tmp_path):
    """What asks a server of runs that the test changes."""
    make_run("a")
    with serving(tmp_path) as (_, ask):
        yield ask


def test_pages_and_pictures(ask, one_run):
    status, headers, body = ask("/atlas/index.html")
    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert b"pages/a/index.html" in body
    page = ask("/atlas/pages/a/index.html")[2].decode()
    assert 'src="../../../runs/a/images/fc8_0000.png"' in page
    status, headers, body = ask("/runs/a/images/fc8_0000.png")
    assert (status, headers["Content-Type"]) == (200, "image/png")
    assert body == (one_run / "runs/a/images/fc8_0000.png").read_bytes()


def test_the_root_sends_to_the_index(server):
    server, ask = server
    status, headers, _ = ask("/")
    assert (status, headers["Location"]) == (302, "/atlas/index.html")
    assert server.url.endswith("/atlas/index.html")
    assert urllib.request.urlopen(server.url.replace("/atlas/index.html", "/")).status == 200


def test_head_has_no_body(ask):
    status, headers, body = ask("/atlas/index.html", "HEAD")
    assert (status, body) == (200, b"")
    assert int(headers["Content-Length"]) > 1000


@pytest.mark.parametrize(
    "address",
    [
        *("/atlas", "/atlas/", "/runs/", "/runs/a/", "/runs/a/images", "/atlas/pages/a/", "/atlas/atlas.json"),
        *("/secret.png", "/runs/../secret.png", "/runs/a/../../secret.png", "/runs/a/%2e%2e/%2e%2e/secret.png"),
        *("/runs/a/..%2f..%2fsecret.png", "/runs/a/link.png", "/runs/a/page.html", "/runs/a/events.jsonl"),
        *("/runs/a/chunks/00000.h5", "/etc/passwd", "//etc/passwd", "/%00", "/runs/a/%ff.png", "/runs/a/" + "x" * 4000),
        *("/runs/a//images/fc8_0000.png", "/atlas/style.css/", "/runs/a/.hidden.png"),
    ],
)
def test_nothing_else_is_given_out(ask, address):
    status, _, body = ask(address)
    assert status == 404
    assert b"secret" not in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_nothing_is_taken_in(ask, method):
    assert ask("/atlas/index.html", method)[0] == 501


def test_new_runs_appear_after_a_while(ask_own, make_run, monkeypatch):
    make_run("b")
    assert b"pages/b/" not in ask_own("/atlas/index.html")[2]
    assert ask_own("/runs/b/grid.png")[0] == 404
    monkeypatch.setattr(module, "SECONDS", 0.0)
    assert b"pages/b/" in ask_own("/atlas/index.html")[2]
    assert ask_own("/runs/b/grid.png")[0] == 200


def test_an_update_that_fails_leaves_the_old_atlas(ask_own, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "SECONDS", 0.0)
    (tmp_path / "runs").rename(tmp_path / "moved")
    assert ask_own("/atlas/index.html")[0] == 200
    assert "could not be brought up to date" in capsys.readouterr().err


def test_a_port_in_use(server):
    server, _ = server
    with pytest.raises(DgnamError, match="cannot serve at 127"):
        AtlasServer(server.atlas, "127.0.0.1", server.server_address[1])
    with pytest.raises(DgnamError, match="cannot serve at no such host"):
        AtlasServer(server.atlas, "no such host", 0)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_cleanly(make_run, tmp_path, number):
    make_run("a")
    code = "from dgnam.cli import main; main()"
    command = [sys.executable, "-c", code, "atlas", "--serve", "--port", "0"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=os.environ) as process:
        try:
            url = re.search(r"http://\S+", process.stderr.readline())[0]
            assert urllib.request.urlopen(url).status == 200
            process.send_signal(number)
            assert process.wait(timeout=20) == 0
            assert process.stderr.read() == ""
        finally:
            process.kill()
