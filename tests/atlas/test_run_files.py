"""Which files of a run are linked or copied, and by what address."""

import os

import pytest

from dgnam.atlas.run_files import RunFiles


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "runs" / "a b"
    (folder / "images").mkdir(parents=True)
    for name in ("images/x.png", "grid.png", "page.html", "summary.csv", ".hidden.png", "drawing.svg"):
        (folder / name).write_bytes(b"content")
    (tmp_path / "secret.png").write_bytes(b"secret")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "elsewhere").symlink_to(tmp_path)
    return folder


@pytest.fixture
def files(folder, tmp_path):
    return RunFiles(folder, tmp_path / "atlas" / "pages" / "a")


def test_files_within_the_run(files):
    assert files.url("images/x.png") == "../../../runs/a%20b/images/x.png"
    assert files.names() == ["grid.png", "summary.csv"]
    assert files.names("images") == ["images/x.png"]


@pytest.mark.parametrize(
    "name",
    [
        *("../../secret.png", "/etc/passwd.png", "link.png", "elsewhere/secret.png", "images/../grid.png", "images"),
        *("page.html", "drawing.svg", ".hidden.png", "images//x.png", "", "a\0.png", "images\\x.png", "grid.png/x.png"),
        *("x" * 5000 + ".png", "\ud800.png", "gone.png"),
    ],
)
def test_nothing_else_is_linked(files, name):
    assert files.url(name) is None


@pytest.mark.parametrize("name", ["a:b#?%.png", "javascript:alert(1).png", '"><b>.png', "\udcff.png"])
def test_addresses_are_quoted(folder, files, name):
    (folder / name).write_bytes(b"content")
    url = files.url(name)
    assert url.startswith("../../../runs/a%20b/")
    assert not set(url) & set('<>":#?')
    assert url.isascii()


def test_copies_are_made_and_removed(folder, tmp_path):
    page = tmp_path / "pages" / "a"
    files = RunFiles(folder, page, copy=True)
    assert files.url("images/x.png") == "files/images/x.png"
    copy = page / "files/images/x.png"
    assert copy.read_bytes() == b"content"
    assert list(page.rglob("*.part")) == []
    (folder / "images/x.png").write_bytes(b"changed content")
    files.url("images/x.png")
    assert copy.read_bytes() == b"changed content"
    files.url("grid.png")
    os.unlink(folder / "images/x.png")
    files.drop_old_copies()
    assert [path.name for path in page.rglob("*.png")] == ["grid.png"]
    RunFiles(folder, page).drop_old_copies()
    assert not (page / "files").exists()


def test_a_copy_is_not_made_again(folder, tmp_path):
    files = RunFiles(folder, tmp_path / "page", copy=True)
    files.url("grid.png")
    before = (tmp_path / "page/files/grid.png").stat().st_ino
    files.url("grid.png")
    assert (tmp_path / "page/files/grid.png").stat().st_ino == before


def test_names_are_limited(folder, files):
    for number in range(20):
        (folder / f"images/{number:02d}.png").write_bytes(b"x")
    assert files.names("images", limit=2) == ["images/00.png", "images/01.png"]
    assert files.names("none") == []
