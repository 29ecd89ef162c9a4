"""Zips and tars that lie: nothing is inflated beyond its limit, and names lead nowhere else."""

import gzip
import io
import tarfile
import tracemalloc
import zipfile
from pathlib import Path, PurePosixPath

import pytest

from dgnam.data import zip_file
from dgnam.data.dataset import open_dataset
from dgnam.data.picture import BrokenPictureError, DataError
from dgnam.errors import DgnamError, FormatError
from dgnam.files.archives import Zip, open_member
from dgnam.zoo import read_act_range


def zip_of(path: Path, files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", method) as zipped:
        for name, content in files.items():
            zipped.writestr(name, content)
    return path


def member(path: Path, name: str = "g", limit: int = 10**6) -> bytes:
    with open_member(path, name, limit) as file:
        return b"".join(iter(lambda: file.read(1000), b""))


@pytest.mark.parametrize("packing", ["", "gz", "bz2"])
def test_tars(tmp_path, packing):
    with tarfile.open(tmp_path / "a", f"w:{packing}") as tarred:
        for name in ("f", "./d/g"):
            info = tarfile.TarInfo(name)
            info.size = 5000
            tarred.addfile(info, io.BytesIO(name.encode() * 5000))
    assert member(tmp_path / "a", "d/g") == (b"./d/g" * 5000)[:5000]


def test_a_header_of_gigabytes_is_not_read(tmp_path):
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, 6 << 30
    with gzip.open(tmp_path / "a.tar.gz", "wb") as file:
        file.write(info.tobuf(tarfile.USTAR_FORMAT))
        for _ in range(100):
            file.write(bytes(1 << 20))
    tracemalloc.start()
    with pytest.raises(FormatError, match=r"a\.tar\.gz is not a whole zip or tar"):
        member(tmp_path / "a.tar.gz")
    assert tracemalloc.get_traced_memory()[1] < 32 << 20
    tracemalloc.stop()


def test_bombs_end_at_the_limit(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"g": bytes(50 << 20)})
    tracemalloc.start()
    with pytest.raises(FormatError, match=r"a\.zip: 'g' is larger than 1000 bytes"):
        Zip(path, 1000).read("g")
    # A size that lies: the limit counts what comes out.
    data = path.read_bytes()
    path.write_bytes(data.replace((50 << 20).to_bytes(4, "little"), (900).to_bytes(4, "little")))
    with pytest.raises(FormatError, match=r"a\.zip"):
        Zip(path, 1000).read("g")
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


def test_other_methods_and_passwords_are_refused(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"g": b"x" * 100}, zipfile.ZIP_LZMA)
    with pytest.raises(FormatError, match=r"a\.zip: 'g' is packed by method 14"):
        member(path)
    data = bytearray(zip_of(tmp_path / "a.zip", {"g": b"x" * 100}).read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(FormatError, match=r"a\.zip: 'g' is encrypted"):
        member(path)


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname", "a/../../secret.png"])
def test_listings_lead_nowhere_else(tmp_path, name):
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "val.txt").write_text(f"{name} 0\n")
    (tmp_path / "secret.png").write_bytes(b"x")
    with pytest.raises(DataError, match="leads out of the folder"):
        open_dataset("set-val", folder=tmp_path).in_memory()


@pytest.mark.parametrize("label", ["²", "9" * 5000, "99999999999999999999", "-1", "1.5"])
def test_labels_are_whole_numbers(tmp_path, label):
    zip_of(tmp_path / "toy-val.zip", {"val.txt": f"a.png {label}\n".encode(), "a.png": b"x"})
    with pytest.raises(DataError, match=r"toy-val\.zip: val\.txt, line 1"):
        open_dataset("toy-val", folder=tmp_path).in_memory()


def test_a_name_too_long_for_a_file(tmp_path):
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "val.txt").write_text("a" * 3000 + ".png 0\n")
    with pytest.raises(DataError, match=r"line 1: there is no a*") as caught:
        open_dataset("set-val", folder=tmp_path).in_memory()
    assert len(str(caught.value)) < 2000


def test_a_broken_set_is_a_format_error_as_all_files_are():
    assert issubclass(DataError, FormatError)


@pytest.mark.parametrize("text", [b"1 2 x", b"1 1e39", b"nan", b"", b"\xff", b"1" * 5000])
def test_act_ranges(tmp_path, text):
    (tmp_path / "range.txt").write_bytes(text)
    with pytest.raises(FormatError, match=r"range\.txt"):
        read_act_range(tmp_path / "range.txt")
    with pytest.raises(DgnamError, match="no such file"):
        read_act_range(tmp_path / "none.txt")


def test_pictures_of_a_zip_have_a_limit_too(tmp_path, monkeypatch):
    path = zip_of(tmp_path / "a.zip", {"a.png": bytes(5000)})
    monkeypatch.setattr(zip_file, "LARGEST_FILE", 1000)
    (picture,) = open_dataset(path)
    with pytest.raises(BrokenPictureError, match=r"a\.zip.*'a\.png' is larger than 1000 bytes"):
        picture.read()


def test_a_listing_of_one_endless_line_is_not_held(tmp_path):
    path = zip_of(tmp_path / "a.zip", {"list.txt": b"x" * (50 << 20), "a.png": b"x"})
    tracemalloc.start()
    with pytest.raises(DataError, match=r"a\.zip: list\.txt, line 1: is longer than 4096 bytes"):
        open_dataset(path)
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "name", ["a", "a/b.c", "./a", "a/./b", "a//b", "/a", "//a", "a/", "..", "../a", ".a/.b", "a/.", ""]
)
def test_names_are_found_however_they_are_written(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as written:
        written.writestr(name or ".", "x")
    found = Zip(tmp_path / "a.zip", 10)
    assert (name in found, str(PurePosixPath(name)) in found) == (True, True)
    assert found._entries.keys() == {str(PurePosixPath(name))}
