"""Downloads from hosts as they are: moved, broken off, slow, changed, wrong, gone."""

from __future__ import annotations

import hashlib
import json
import random
import threading
from pathlib import Path

import pytest

from dgnam.zoo import download
from dgnam.zoo.checksums import first_checksum
from dgnam.zoo.download import PublishedFile, fetch, remote_size
from tests.zoo.hosts import Hosts

CONTENT = random.Random(0).randbytes(300_000)
SHA = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
PAGE = b"<!DOCTYPE html><html>please sign in</html>"


def get(path: Path, *urls: str, checksum: str | None = None) -> list[str]:
    return fetch(PublishedFile(path.name, urls, checksum=checksum), path, path.parent / "archives")


def files(path: Path) -> list[str]:
    return sorted(one.name for one in path.parent.iterdir())


def test_redirects_are_followed(hosts: Hosts, tmp_path: Path) -> None:
    hosts.put("moved", redirect="/again")
    hosts.put("again", redirect=hosts.put("net.pt", CONTENT))
    path = tmp_path / "net.pt"
    assert get(path, f"{hosts.url}/moved") == []
    assert path.read_bytes() == CONTENT
    assert files(path) == ["net.pt", "net.pt.sha256"]
    assert first_checksum(path) == SHA


def test_a_broken_connection_is_taken_up_where_it_ended(hosts: Hosts, tmp_path: Path) -> None:
    url = hosts.put("net.pt", CONTENT, cuts=[100_000, 50_000])
    hosts.put("moved", redirect=url)
    path = tmp_path / "net.pt"
    assert get(path, f"{hosts.url}/moved", checksum=SHA) == []
    assert path.read_bytes() == CONTENT
    assert hosts.ranges("net.pt") == [None, "bytes=100000-", "bytes=150000-"]
    assert files(path) == ["net.pt"]


def test_a_later_try_goes_on_with_an_earlier_one(hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    url = hosts.put("net.pt", CONTENT, cuts=[120_000])
    path = tmp_path / "net.pt"
    (reason,) = get(path, url)
    assert "the connection broke" in reason or "ended after 120,000 of 300,000 bytes" in reason
    assert not path.exists()
    assert files(path) == [".net.pt.part", ".net.pt.part.json"]
    assert get(path, url) == []
    assert path.read_bytes() == CONTENT
    assert hosts.ranges("net.pt") == [None, "bytes=120000-"]
    assert files(path) == ["net.pt", "net.pt.sha256"]


@pytest.mark.parametrize("how", [{"ranges": False}, {"etag": False}])
def test_a_server_without_parts_sends_the_file_again(how: dict[str, bool], hosts: Hosts, tmp_path: Path) -> None:
    url = hosts.put("net.pt", CONTENT, cuts=[100_000], **how)
    path = tmp_path / "net.pt"
    assert get(path, url) == []
    assert path.read_bytes() == CONTENT


def test_a_file_that_changed_meanwhile_begins_anew(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    path = tmp_path / "net.pt"
    assert len(get(path, hosts.put("net.pt", CONTENT[::-1], cuts=[100_000]))) == 1
    assert get(path, hosts.put("net.pt", CONTENT)) == []
    assert path.read_bytes() == CONTENT


def test_another_address_does_not_go_on_with_the_first_ones_part(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    urls = hosts.put("a/net.pt", CONTENT[::-1], cuts=[100_000]), hosts.put("b/net.pt", CONTENT)
    path = tmp_path / "net.pt"
    assert len(get(path, *urls)) == 1
    assert path.read_bytes() == CONTENT
    assert hosts.ranges("b/net.pt") == [None]


def test_a_dead_address_keeps_what_came_from_the_other(
    hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    urls = hosts.put("net.pt", CONTENT, cuts=[100_000]), f"{hosts.url}/gone", "http://127.0.0.1:9/net"
    path = tmp_path / "net.pt"
    reasons = get(path, *urls)
    assert ["404" in reasons[1], "no connection" in reasons[2]] == [True, True]
    assert get(path, *urls) == []
    assert hosts.ranges("net.pt") == [None, "bytes=100000-"]


def test_a_part_that_was_whole_already_is_no_obstacle(hosts: Hosts, tmp_path: Path) -> None:
    url, path = hosts.put("net.pt", CONTENT), tmp_path / "net.pt"
    etag = f'"{hashlib.md5(CONTENT).hexdigest()}"'
    (tmp_path / ".net.pt.part").write_bytes(CONTENT)
    (tmp_path / ".net.pt.part.json").write_text(json.dumps({"url": url, "version": etag}))
    assert get(path, url, checksum=SHA) == []
    assert path.read_bytes() == CONTENT
    assert files(path) == ["net.pt"]


@pytest.mark.parametrize("note", ["", "{", "[]", '{"url": 3}', '{"url": "URL", "version": 5}'])
def test_a_damaged_note_of_a_part_begins_anew(note: str, hosts: Hosts, tmp_path: Path) -> None:
    url, path = hosts.put("net.pt", CONTENT), tmp_path / "net.pt"
    (tmp_path / ".net.pt.part").write_bytes(b"something else")
    (tmp_path / ".net.pt.part.json").write_text(note.replace("URL", url))
    assert get(path, url, checksum=SHA) == []
    assert path.read_bytes() == CONTENT


def test_a_damaged_part_is_fetched_once_more(hosts: Hosts, tmp_path: Path) -> None:
    url, path = hosts.put("net.pt", CONTENT), tmp_path / "net.pt"
    etag = f'"{hashlib.md5(CONTENT).hexdigest()}"'
    (tmp_path / ".net.pt.part").write_bytes(bytes(1000))
    (tmp_path / ".net.pt.part.json").write_text(json.dumps({"url": url, "version": etag}))
    assert get(path, url, checksum=SHA) == []
    assert path.read_bytes() == CONTENT
    assert hosts.ranges("net.pt") == ["bytes=1000-", None]


def test_a_body_that_always_ends_early_is_a_reason(hosts: Hosts, tmp_path: Path) -> None:
    url = hosts.put("net.pt", CONTENT, ranges=False, cuts=[70_000] * 50)
    path = tmp_path / "net.pt"
    (reason,) = get(path, url)
    assert "connection broke" in reason or "ended after 70,000 of 300,000 bytes" in reason
    assert not path.exists()
    assert hosts.count("net.pt") <= download.ATTEMPTS


def test_a_slow_line_is_waited_for(hosts: Hosts, tmp_path: Path) -> None:
    url = hosts.put("net.pt", CONTENT, piece=60_000, pause=0.3)
    path = tmp_path / "net.pt"
    assert get(path, url, checksum=SHA) == []
    assert hosts.count("net.pt") == 1


def test_a_line_that_falls_silent_is_taken_up(hosts: Hosts, tmp_path: Path) -> None:
    url = hosts.put("net.pt", CONTENT, stalls=[90_000], silence=2)
    path = tmp_path / "net.pt"
    assert get(path, url, checksum=SHA) == []
    assert path.read_bytes() == CONTENT
    assert len(hosts.ranges("net.pt")) == 2


def test_a_line_that_stays_silent_is_a_reason(hosts: Hosts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    (reason,) = get(tmp_path / "net.pt", hosts.put("net.pt", CONTENT, stalls=[90_000], silence=2))
    assert "the answer stopped" in reason


def test_the_first_address_that_answers_well_is_taken(hosts: Hosts, tmp_path: Path) -> None:
    urls = [
        "http://127.0.0.1:9/net.pt",
        f"{hosts.url}/gone",
        hosts.put("busy", b"", status=503),
        hosts.put("page", PAGE, kind="text/html"),
        hosts.put("wrong", CONTENT[::-1]),
        hosts.put("empty", b""),
        hosts.put("right", CONTENT),
        hosts.put("unneeded", CONTENT),
    ]
    path = tmp_path / "net.pt"
    reasons = get(path, *urls, checksum=SHA)
    assert path.read_bytes() == CONTENT
    words = ("no connection", "answered 404", "answered 503", "a web page came", "checksum differs", "an empty file")
    assert [word in reason for word, reason in zip(words, reasons, strict=True)] == [True] * 6
    assert hosts.count("unneeded") == 0
    assert files(path) == ["net.pt"]


def test_two_at_once_download_once(hosts: Hosts, tmp_path: Path) -> None:
    url = hosts.put("net.pt", CONTENT, piece=60_000, pause=0.1)
    path = tmp_path / "net.pt"
    found: list[list[str]] = []
    threads = [threading.Thread(target=lambda: found.append(get(path, url))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[]] * 3
    assert path.read_bytes() == CONTENT
    assert hosts.count("net.pt") == 1


def test_the_size_is_asked_for_first(hosts: Hosts) -> None:
    hosts.put("moved", redirect=hosts.put("net.pt", CONTENT))
    assert remote_size(f"{hosts.url}/moved") == len(CONTENT)
    assert remote_size(f"{hosts.url}/gone") is None
    assert remote_size(hosts.put("page", PAGE, kind="text/html")) is None
    assert remote_size(hosts.put("json", b"{}", kind="application/json; charset=utf-8")) is None
    assert remote_size("http://127.0.0.1:9/net.pt") is None
    assert hosts.count("net.pt") == 0


ANSWERS = {
    "json": (b'{"error": "Repository not found"}', 'JSON came in the file\'s place: {"error": "Repository'),
    "json list": (b' [\n {"message": "no"}]', "JSON came in the file's place"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a Git LFS pointer came"),
    "bom": (b"\xef\xbb\xbf<!DOCTYPE html><html></html>", "a web page came"),
    "bom and lines": (b"\xef\xbb\xbf\r\n\r\n<html lang=en></html>", "a web page came"),
    "utf-16": ("\ufeff<html></html>".encode("utf-16-le"), "a web page came"),
    "comment": (b"<!-- mirror 3 -->\n<html></html>", "a web page came"),
    "head": (b"<head><title>Sign in</title></head>", "a web page came"),
    "script": (b"<script src='x.js'></script>", "a web page came"),
    "title": (b"\n\t<TITLE>404</TITLE>", "a web page came"),
    "store": (b"<Error><Code>AccessDenied</Code></Error>", "a web page came"),
}


@pytest.mark.parametrize("kind", ANSWERS)
def test_a_servers_answer_is_taken_for_no_file(kind: str, hosts: Hosts, tmp_path: Path) -> None:
    content, reason = ANSWERS[kind]
    url, path = hosts.put("net.pt", content), tmp_path / "net.pt"
    (found,) = get(path, url)
    assert found.startswith(f"{url} (")
    assert reason in found
    assert files(path) == []
    assert get(path, url, hosts.put("right", CONTENT)) == [found]
    assert path.read_bytes() == CONTENT
