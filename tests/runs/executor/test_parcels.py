"""Parcels: packed and unpacked, damaged ones known, places that fail."""

import json
import threading

import numpy as np
import pytest

from dgnam.errors import DgnamError, FormatError, MissingPackageError
from dgnam.files.checksums import sha256_of_bytes
from dgnam.runs.chunks import to_bytes
from dgnam.runs.executor import Made
from dgnam.runs.executor.parcels import Parcels, pack, parcel_name, sound, unpack, waiting_count

ARRAYS = {"x": np.arange(3)}


def test_a_chunk_comes_back_with_its_files():
    files = {"images/a.png": b"one", "clips/b/c.png": b"", "movies/d.gif": b"three"}
    found = unpack(pack(Made(ARRAYS, files)), 7)
    assert (found.files, found.count, list(found.arrays)) == (files, 7, ["x"])
    assert list(found.files) == list(files)
    plain = unpack(pack(Made(ARRAYS)))
    assert (plain.files, plain.count, plain.arrays["x"].tolist()) == ({}, 1, [0, 1, 2])
    assert pack(Made(ARRAYS)) == to_bytes(ARRAYS)


def listed(names, contents=b"abc"):
    names = names if isinstance(names, bytes) else json.dumps(names).encode()
    both = {"parcel names": np.frombuffer(names, np.uint8), "parcel contents": np.frombuffer(contents, np.uint8)}
    return to_bytes({**ARRAYS, **both})


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        ([["images/a", 2]], "3 bytes of files, and its list says 2"),
        ([["images/a", 2], ["images/b", 2]], "3 bytes of files, and its list says 4"),
        (b"{", "list of files is damaged"),
        ([["images/a"]], "list of files is damaged"),
        ([["../a", 3]], "damaged .*file '../a'"),
        ([["/images/a", 3]], "damaged .*file '/images/a'"),
        ([["images/../a", 3]], "damaged"),
        ([["images\\a", 3]], "damaged"),
        ([["images", 3]], "damaged .*file 'images'"),
        ([["images/a\0", 3]], "damaged"),
        ([["chunks/a", 3]], "'chunks/a' is in none of images, movies, clips"),
    ],
)
def test_a_list_of_files_that_no_run_writes(names, reason):
    with pytest.raises(FormatError, match=reason):
        unpack(listed(names))


def test_a_list_without_contents_is_a_chunk_of_arrays():
    one = to_bytes({**ARRAYS, "parcel names": np.frombuffer(b"[]", np.uint8)})
    assert list(unpack(one).arrays) == ["x"]


@pytest.mark.parametrize("url", ["{}", "file://{}", "memory://{}"])
def test_a_place_holds_parcels(tmp_path, url):
    place = Parcels(url.format(tmp_path / "deep/place"))
    assert place.names() == []
    place.clear()
    content = pack(Made(ARRAYS, {"images/a": b"x"}, 4))
    name = parcel_name("001/00000", 4, content)
    assert name == f"001%2F00000.4.{sha256_of_bytes(content)}.h5"
    place.put(name, content)
    place.put("own.txt", b"mine")
    place.put("0123.token", b"secret")
    assert place.get("own.txt") == b"mine"
    assert place.names() == sorted([name, "own.txt", "0123.token"])
    assert place.chunks() == {"001/00000": name}
    assert place.open(name).count == 4
    place.remove("none", "own.txt", "gone")
    assert sound(place) == {"001/00000": name}
    place.put("own.txt", b"mine")
    place.clear()
    assert place.names() == ["own.txt"]
    place.remove("own.txt")
    place.clear()
    assert not place._files.exists(place._path)


def test_an_object_store_gets_no_bucket_and_loses_none(object_store):
    mistyped = Parcels("objects://buckte/chunks/run")
    assert mistyped.names() == []
    with pytest.raises(
        DgnamError, match=r"^objects://buckte/chunks/run: not found: The specified bucket does not exist$"
    ):
        mistyped.put("a.token", b"x")
    place = Parcels("objects://bucket")
    place.put("a.token", b"x")
    place.clear()
    assert object_store.buckets == {"bucket": {}}


def test_an_object_store_that_does_not_answer_is_not_an_empty_one(object_store):
    place = Parcels("objects://bucket/chunks")
    place.put("a.token", b"x")
    object_store.down = True
    for call in (place.names, place.chunks, place.clear):
        with pytest.raises(DgnamError, match=r"^objects://bucket/chunks: ConnectionError: no answer$"):
            call()


def test_a_store_that_hangs_is_one_error_after_a_while(object_store, monkeypatch):
    monkeypatch.setattr("dgnam.runs.executor.parcels.PATIENCE", 0.05)
    silence = r"^objects://bucket/chunks: no answer for 0\.05 seconds$"
    calls = [Parcels.names, Parcels.clear, lambda place: place.put("a", b"x"), lambda place: place.get("a")]
    for call in calls:
        object_store.down, object_store.hung = True, threading.Event()
        place = Parcels("objects://bucket/chunks")
        try:
            with pytest.raises(DgnamError, match=silence):
                call(place)
        finally:
            object_store.hung.set()
            object_store.down = False
        with pytest.raises(DgnamError, match=silence):  # it is not asked again
            place.put("b", b"x")
    assert object_store.buckets == {"bucket": {}}


def test_what_a_folder_holds_is_counted_by_the_names(tmp_path):
    assert waiting_count(tmp_path) == 0
    (tmp_path / "arrived").mkdir()
    names = ["00000.3.aa.h5", "00001.20.bb.h5", ".00002.5.cc.h5", "00003.x.dd.h5", "00004.9.ee.pt", "7.1.h5", "a.token"]
    for name in [*names, f"00005.{'1' * 30}.ff.h5.part"]:
        (tmp_path / "arrived" / name).write_bytes(b"")
    assert waiting_count(tmp_path) == 23
    (tmp_path / f"arrived/00006.{'1' * 19}.ff.h5").write_bytes(b"")
    assert waiting_count(tmp_path) == 23 + int("1" * 18)


def test_damaged_parcels_are_errors_and_are_removed_with_a_warning(tmp_path):
    place = Parcels(str(tmp_path))
    good, wrong = pack(Made(ARRAYS)), listed([["x", 3]])
    names = parcel_name("0", 1, good), parcel_name("1", 1, b"other"), parcel_name("2", 1, wrong)
    for name, content in zip(names, (good, good, wrong), strict=True):
        place.put(name, content)
    with pytest.raises(FormatError, match=r"1\.1\..*\.h5 is damaged: its sha256 is not the one in its name"):
        place.open(names[1])
    with pytest.raises(FormatError, match=rf"{names[2]}: a parcel's list of files is damaged"):
        place.open(names[2])
    with pytest.warns(UserWarning, match="it is made again") as said:
        assert sound(place) == {"0": names[0]}
    assert len(said) == 2
    assert place.names() == [names[0]]


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (FileNotFoundError(2, "gone", "x/y"), DgnamError, "here: not found: x/y"),
        (FileNotFoundError("z"), DgnamError, "here: not found: z"),
        (ImportError("install s3fs"), MissingPackageError, "here: install s3fs"),
        (FormatError("own"), FormatError, "own"),
        (RuntimeError("a" * 400), DgnamError, f"here: RuntimeError: {'a' * 10}.*…"),
    ],
)
def test_each_error_of_a_place_names_it(tmp_path, monkeypatch, error, kind, message):
    place = Parcels(str(tmp_path))
    place.place = "here"

    def failing(path):
        raise error

    monkeypatch.setattr(place, "_files", type("Failing", (), {"cat_file": staticmethod(failing)}))
    with pytest.raises(kind, match=f"^{message}") as caught:
        place.get("a")
    assert len(str(caught.value)) < 340


def test_a_place_that_nothing_opens():
    with pytest.raises(DgnamError, match="nosuch://x"):
        Parcels("nosuch://x")
