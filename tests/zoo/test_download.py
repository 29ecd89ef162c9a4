"""Published files: what comes from a server, what an archive may do, and what a checksum catches."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import requests

from dgnam.errors import DgnamError
from dgnam.zoo import download
from dgnam.zoo.download import ChecksumError, PublishedFile, archive_path, fetch, unpack_member, verify

CONTENT = b"weights " * 1000
SHA1 = "sha1:" + hashlib.sha1(CONTENT).hexdigest()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, str]]:
    """A folder, and the address at which this machine serves it."""
    monkeypatch.setenv("NO_PROXY", "*")
    folder = tmp_path / "served"
    folder.mkdir()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as httpd:
        thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield folder, f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def make_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def make_tar(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))


def test_downloads_what_has_the_checksum(server: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = server
    (folder / "net.caffemodel").write_bytes(CONTENT)
    path = tmp_path / "home" / "net" / "net.caffemodel"
    assert fetch(PublishedFile(path.name, (f"{url}/net.caffemodel",), checksum=SHA1), path, tmp_path) == []
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_goes_on_to_the_next_address(server: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = server
    (folder / "other").write_bytes(b"something else")
    (folder / "page").write_bytes(b"\n<!DOCTYPE html><html>moved</html>")
    (folder / "right").write_bytes(CONTENT)
    urls = tuple(f"{url}/{name}" for name in ("gone", "other", "page", "right"))
    path = tmp_path / "net" / "net.caffemodel"
    reasons = fetch(PublishedFile(path.name, urls, checksum=SHA1), path, tmp_path)
    assert path.read_bytes() == CONTENT
    assert ["404" in reasons[0], "checksum" in reasons[1], "web page" in reasons[2], len(reasons)] == [True] * 3 + [3]


def test_without_a_checksum_a_web_page_is_refused(server: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = server
    (folder / "net").write_bytes(b"<html>sign in</html>")
    path = tmp_path / "net" / "net.caffemodel"
    (reason,) = fetch(PublishedFile(path.name, (f"{url}/net",)), path, tmp_path)
    assert "web page" in reason
    assert list(path.parent.iterdir()) == []


def test_a_dead_address_is_a_reason_and_no_traceback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    path = tmp_path / "net.caffemodel"
    (reason,) = fetch(PublishedFile(path.name, ("http://127.0.0.1:9/net",)), path, tmp_path)
    assert reason == "http://127.0.0.1:9/net (no connection)"


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_takes_one_member_out_of_an_archive(make, server: tuple[Path, str], tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    folder, url = server
    make(folder / "release.bin", {"release/fc6/g.caffemodel": CONTENT, "release/fc7/g.caffemodel": b"7"})
    archives = tmp_path / "archives"
    for layer, content in (("fc6", CONTENT), ("fc7", b"7")):
        path = tmp_path / layer / "g.caffemodel"
        file = PublishedFile(path.name, (f"{url}/release.bin",), member=f"release/{layer}/g.caffemodel")
        assert fetch(file, path, archives) == []
        assert path.read_bytes() == content
        (folder / "release.bin").unlink(missing_ok=True)  # the second comes from the archive that was kept


def test_an_archive_put_by_hand_serves_offline(tmp_path: Path) -> None:
    url = "http://127.0.0.1:9/release.zip"
    archive = archive_path(url, tmp_path / "archives")
    archive.parent.mkdir()
    make_zip(archive, {"./release/g": CONTENT})
    path = tmp_path / "net" / "g"
    assert fetch(PublishedFile("g", (url,), member="release/g"), path, archive.parent, online=False) == []
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_only_the_member_asked_for_is_written(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    archive = tmp_path / "a.bin"
    make(archive, {"../../evil": b"x", "/tmp/evil": b"x", "g": CONTENT})
    unpack_member(archive, "g", tmp_path / "in" / "deep" / "g")
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.bin", "deep", "g", "in"]


@pytest.mark.parametrize("member", ["../evil", "/evil", "a/../../evil"])
def test_a_member_that_climbs_out_is_refused(member: str, tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    make_zip(archive, {member: CONTENT})
    with pytest.raises(DgnamError, match="not a path within an archive"):
        unpack_member(archive, member, tmp_path / "g")


def test_links_are_refused(tmp_path: Path) -> None:
    tarred, zipped = tmp_path / "a.tar", tmp_path / "a.zip"
    with tarfile.open(tarred, "w") as archive:
        info = tarfile.TarInfo("g")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(info)
    link = zipfile.ZipInfo("g")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(zipped, "w") as archive_zip:
        archive_zip.writestr(link, "/etc/hostname")
    for archive_file in (tarred, zipped):
        with pytest.raises(DgnamError, match="holds no file 'g'"):
            unpack_member(archive_file, "g", tmp_path / "g")


@pytest.mark.parametrize("make", [make_zip, make_tar])
def test_a_member_over_the_limit_is_refused(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "a", {"g": bytes(1001)})
    with pytest.raises(DgnamError, match="larger than 1000 bytes"):
        unpack_member(tmp_path / "a", "g", tmp_path / "g", limit=1000)
    unpack_member(tmp_path / "a", "g", tmp_path / "g", limit=1001)


def test_a_broken_archive_is_named(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole.zip", tmp_path / "broken.zip"
    make_zip(whole, {"g": CONTENT})
    data = bytearray(whole.read_bytes())
    data[40:50] = bytes(10)
    broken.write_bytes(data)
    (tmp_path / "text").write_bytes(b"no archive at all")
    for archive in (broken, tmp_path / "text"):
        with pytest.raises(DgnamError, match=f"{archive.name} is not a whole zip or tar"):
            unpack_member(archive, "g", tmp_path / "g")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["broken.zip", "text", "whole.zip"]


def test_a_wrong_checksum_names_both(tmp_path: Path) -> None:
    path = tmp_path / "net"
    path.write_bytes(CONTENT)
    verify(path, SHA1)
    verify(path, None)
    path.write_bytes(CONTENT + b"!")
    with pytest.raises(ChecksumError, match=f"its sha1 is [0-9a-f]{{40}}, and {SHA1[5:]} was published"):
        verify(path, SHA1)


def test_a_file_name_holds_no_folder() -> None:
    with pytest.raises(DgnamError, match="plain name"):
        PublishedFile("../net.caffemodel")


def test_first_download_is_remembered_without_a_published_checksum(server: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = server
    (folder / "net").write_bytes(CONTENT)
    path, file = tmp_path / "home" / "net", PublishedFile("net", (f"{url}/net",))
    assert fetch(file, path, tmp_path) == []
    digest = hashlib.sha256(CONTENT).hexdigest()
    assert (tmp_path / "home" / "net.sha256").read_text() == f"{digest}  net\n"
    verify(path, None)
    path.write_bytes(b"changed")
    with pytest.raises(ChecksumError, match=rf"not the file that was first downloaded.*{digest}.*net\.sha256"):
        verify(path, None)
    path.unlink()
    (folder / "net").write_bytes(b"another file")
    assert "checksum differs" in fetch(file, path, tmp_path)[0]
    assert not path.exists()


@pytest.mark.parametrize(("content", "reason"), [(b"", "an empty file came"), (b"<?xml version='1.0'?>", "web page")])
def test_empty_files_and_web_pages_are_refused(
    content: bytes, reason: str, server: tuple[Path, str], tmp_path: Path
) -> None:
    folder, url = server
    (folder / "net").write_bytes(content)
    path = tmp_path / "home" / "net"
    assert reason in fetch(PublishedFile("net", (f"{url}/net",)), path, tmp_path)[0]
    assert list(path.parent.iterdir()) == []


def test_members_of_a_changed_archive_are_refused(server: tuple[Path, str], tmp_path: Path) -> None:
    folder, url = server
    make_zip(folder / "a.zip", {"g": CONTENT, "h": b"other"})
    file = PublishedFile("g", (f"{url}/a.zip",), member="g")
    assert fetch(file, tmp_path / "home" / "g", tmp_path / "archives") == []
    make_zip(tmp_path / "archives" / "a.zip", {"h": b"changed"})
    other = PublishedFile("h", (f"{url}/a.zip",), member="h")
    (reason,) = fetch(other, tmp_path / "home" / "h", tmp_path / "archives")
    assert "not the file that was first downloaded" in reason


def test_https_is_tried_before_plain_http(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tried = []

    def answer(url: str, path: Path, checksum: str | None, check: object) -> None:
        tried.append(url)
        if url == "https://old.example/net":
            raise requests.exceptions.SSLError("no https here")
        path.write_bytes(CONTENT)

    monkeypatch.setattr(download, "_retrieve", answer)
    for host in ("old", "new"):
        file = PublishedFile(host, (f"http://{host}.example/net",), checksum=SHA1)
        assert fetch(file, tmp_path / host, tmp_path) == []
    assert tried == ["https://old.example/net", "http://old.example/net", "https://new.example/net"]


def test_redirection_from_https_to_http_is_refused() -> None:
    response = requests.Response()
    response.status_code, response.url = 302, "https://a.example/net"
    response.headers["Location"] = "http://a.example/net"
    with pytest.raises(DgnamError, match="redirects https to plain http"):
        download._stay_secure(response)
    response.url = "http://a.example/net"
    download._stay_secure(response)
