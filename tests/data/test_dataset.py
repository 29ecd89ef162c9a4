"""Datasets: each kind in order, streaming and by index, with one picture held at a time; errors name what is broken."""

import io
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from dgnam.caffe.databases.backends import create_database
from dgnam.caffe.databases.datum import encoded_datum, image_datum
from dgnam.caffe.proto import pb
from dgnam.data.dataset import open_dataset
from dgnam.data.picture import BrokenPictureError, DataError
from dgnam.errors import DgnamError

COLORS = [(10, 20, 30), (40, 50, 60), (70, 80, 90)]


def png(color=(1, 2, 3), size=(4, 3)):
    out = io.BytesIO()
    Image.new("RGB" if isinstance(color, tuple) else "L", size, color).save(out, format="PNG")
    return out.getvalue()


def write_files(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def write_zip(path, files):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def write_database(path, datums):
    writer = create_database(path, "lmdb")
    for number, datum in enumerate(datums):
        writer.put(f"{number:08d}".encode(), datum if isinstance(datum, bytes) else datum.SerializeToString())
    writer.commit()
    writer.close()
    return path


def colors(pictures):
    """The first pixel of each, RGB."""
    return [tuple(picture.read()[0, 0].tolist()) for picture in pictures]


def test_a_folder_gives_its_pictures_and_those_below_by_name(tmp_path):
    files = {"b/x.PNG": png(COLORS[1]), "c.png": png(COLORS[2]), "a/2/y.png": png(COLORS[0])}
    write_files(tmp_path, {**files, "notes.txt": "c.png 0", ".hidden.png": b"", ".cache/z.png": b""})
    pictures = open_dataset(tmp_path)
    assert pictures.count == 3
    assert colors(pictures) == COLORS
    assert colors(pictures) == COLORS  # and once more
    assert next(picture.name for picture in pictures) == str(tmp_path / "a/2/y.png")
    assert next(iter(pictures)).read(gray=True).shape == (3, 4, 1)


def test_links_are_followed_but_not_in_circles(tmp_path):
    write_files(tmp_path, {"elsewhere/x.png": png(), "set/y.png": png()})
    (tmp_path / "set" / "more").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "back").symlink_to(tmp_path / "set")
    assert open_dataset(tmp_path / "set").count == 2


def test_a_listing_keeps_its_order_and_labels_do_not_count(tmp_path):
    files = {"b.png": png(COLORS[0]), "my picture.png": png(COLORS[1]), "a.png": png(COLORS[2])}
    text = "b.png 3\r\n\nmy picture.png -1\na.png"
    write_files(tmp_path, {**files, "list.txt": text})
    pictures = open_dataset(tmp_path / "list.txt")
    assert pictures.count == 3
    assert colors(pictures) == COLORS


@pytest.mark.parametrize("listed", ["x.png", "/x.png"])
def test_the_root_is_put_before_a_listings_paths(tmp_path, listed):
    write_files(tmp_path, {"pictures/x.png": png(COLORS[0]), "lists/list.txt": f"{listed} 0\n"})
    assert colors(open_dataset(tmp_path / "lists/list.txt", root=tmp_path / "pictures")) == COLORS[:1]
    missing = next(iter(open_dataset(tmp_path / "lists/list.txt")))
    with pytest.raises(BrokenPictureError, match=r"list.txt, line 1: there is no .*x.png; is it under another root"):
        missing.read()


def test_a_listing_may_have_absolute_paths(tmp_path):
    write_files(tmp_path, {"pictures/x.png": png(COLORS[0]), "list.txt": f"{tmp_path}/pictures/x.png 0\n"})
    assert colors(open_dataset(tmp_path / "list.txt")) == COLORS[:1]


def test_a_zip_without_a_listing_gives_all_its_pictures_in_its_order(tmp_path):
    files = {"b.png": png(COLORS[0]), "in/a.png": png(COLORS[1]), "README.txt": "words and words 1\n"}
    write_zip(tmp_path / "x.zip", {**files, "__MACOSX/._b.png": b"", "classes.txt": "n1 fish\n"})
    pictures = open_dataset(tmp_path / "x.zip")
    assert pictures.count == 2
    assert colors(pictures) == COLORS[:2]
    assert [picture.name for picture in pictures][1] == f"{tmp_path}/x.zip: in/a.png"


def test_a_zips_listing_decides(tmp_path):
    files = {"a.png": png(COLORS[1]), "b.png": png(COLORS[0]), "c.png": png(), "val.txt": "b.png 0\na.png 1\n"}
    write_zip(tmp_path / "one.zip", files)
    assert colors(open_dataset(tmp_path / "one.zip")) == COLORS[:2]
    write_zip(tmp_path / "two.zip", {**files, "train.txt": "c.png 0\n"})
    with pytest.raises(DataError, match=r"several listings, val.txt, train.txt: choose one .* its listing, as two-val"):
        open_dataset(tmp_path / "two.zip")
    assert colors(open_dataset(tmp_path / "two.zip", listing="val.txt")) == COLORS[:2]
    with pytest.raises(DataError, match=r"holds no file 'test.txt'; the texts in it: .*val.txt"):
        open_dataset(tmp_path / "two.zip", listing="test.txt")


def test_a_database_gives_its_datums_by_key(tmp_path):
    bgr = [np.full((3, 4, 3), color[::-1], np.uint8) for color in COLORS]
    datums = [image_datum(bgr[0], 5), encoded_datum(png(COLORS[1]), 5), encoded_datum(png(COLORS[2]), 5)]
    pictures = open_dataset(write_database(tmp_path / "db", datums))
    assert pictures.count == 3
    assert colors(pictures) == COLORS


def test_datums_of_other_channels_and_floats(tmp_path):
    gray = image_datum(np.full((2, 2, 1), 9, np.uint8), 0)
    floats = pb.Datum(channels=3, height=1, width=1, float_data=[0.5, 1.5, 2.5])
    six = image_datum(np.zeros((2, 2, 6), np.uint8), 0)
    first, second, third = open_dataset(write_database(tmp_path / "db", [gray, floats, six]))
    assert first.read().tolist() == [[[9, 9, 9]] * 2] * 2
    assert first.read(gray=True).shape == (2, 2, 1)
    assert second.read().tolist() == [[[2.5, 1.5, 0.5]]]
    with pytest.raises(BrokenPictureError, match="db: key 00000002: it has 6 channels, and 3 are needed"):
        third.read()


def test_a_named_set_may_lie_in_parts(tmp_path, monkeypatch):
    for part, color in enumerate(COLORS):
        write_zip(tmp_path / f"toy-train-{part}.zip", {"a.png": png(color), "train.txt": "a.png 0\n"})
    write_files(tmp_path, {"plain/v/a.png": png(COLORS[2]), "plain/val.txt": "v/a.png 0\n"})
    pictures = open_dataset("toy-train", folder=tmp_path)
    assert (pictures.name, pictures.count) == ("toy-train", 3)
    assert colors(pictures) == COLORS
    monkeypatch.setenv("DGNAM_DATA", str(tmp_path))
    assert colors(open_dataset("plain-val")) == [COLORS[2]]


@pytest.mark.parametrize("kind", ["folder", "zip", "listing", "database"])
def test_a_broken_picture_is_named_and_the_others_are_read(tmp_path, kind):
    files = {"a.png": png(COLORS[0]), "b.png": b"no picture", "c.png": png(COLORS[1])}
    if kind == "zip":
        source, name = write_zip(tmp_path / "x.zip", files), "x.zip: b.png"
    elif kind == "database":
        datums = [encoded_datum(files["a.png"], 0), b"\xff\xff", encoded_datum(files["c.png"], 0)]
        source, name = write_database(tmp_path / "db", datums), "db: key 00000001"
    else:
        source, name = write_files(tmp_path / "f", files), "b.png"
    if kind == "listing":
        write_files(source, {"l.txt": "a.png 0\nb.png 0\nc.png 1\n"})
        source = source / "l.txt"
    first, broken, last = open_dataset(source)
    assert colors([first, last]) == COLORS[:2]
    with pytest.raises(BrokenPictureError, match=name):
        broken.read()


def test_a_damaged_or_missing_member_of_a_zip_is_named(tmp_path):
    path = write_zip(tmp_path / "x.zip", {"a.png": png(size=(50, 50)), "val.txt": "a.png 0\nb.png 0\n"})
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"IHDR")] ^= 1
    path.write_bytes(raw)
    damaged, missing = open_dataset(path)
    with pytest.raises(BrokenPictureError, match=r"x.zip: a.png cannot be read .*Bad CRC-32"):
        damaged.read()
    with pytest.raises(BrokenPictureError, match=r"x.zip: b.png cannot be read .*holds no file"):
        missing.read()


@pytest.mark.parametrize(
    ("files", "source", "options", "message"),
    [
        ({"d/x.txt": ""}, "d", {}, "neither it nor a folder in it has a picture"),
        ({"l.txt": "\n"}, "l.txt", {}, "the listing is empty"),
        ({"l.txt": "x" * 5000}, "l.txt", {}, "line 1: is longer than 4096 bytes, so this is not a listing"),
        ({"x.png": png()}, "x.png", {}, "is a PNG image; pictures are taken from a folder, a zip"),
        ({"x.zip": b"PK\x03\x04broken"}, "x.zip", {}, "is a zip archive; pictures"),
        ({"x.bin": b"a\0b"}, "x.bin", {}, "is not a text; pictures"),
        ({"d/x.png": png()}, "d", {"root": "r"}, "d is a folder, and root is for listings"),
        ({"l.txt": "a 0"}, "l.txt", {"listing": "l"}, "is not a zip, and listing is for zips"),
        ({}, "no/such", {}, "no/such: there is no such folder, listing, zip or database"),
        ({"d/data.mdb": b"x"}, "d", {}, "is truncated"),
    ],
)
def test_what_is_no_source_is_an_error_that_names_it(tmp_path, monkeypatch, files, source, options, message):
    write_files(tmp_path, files)
    monkeypatch.chdir(tmp_path)
    with pytest.raises((DataError, DgnamError), match=message):
        open_dataset(source, **options)


def test_an_unknown_name_says_where_it_was_looked_for(tmp_path, monkeypatch):
    with pytest.raises(
        DataError,
        match=r"'toy' is not a folder or file here, .*: no image set 'toy' in .*toy-0.zip …; known sets",
    ):
        open_dataset("toy", folder=tmp_path)
    monkeypatch.delenv("DGNAM_DATA", raising=False)
    with pytest.raises(DataError, match=r"'toy' is not a folder or file here, .*no data folder"):
        open_dataset("toy")


@pytest.mark.parametrize("kind", ["folder", "zip", "database"])
def test_no_more_than_a_picture_is_held(tmp_path, kind):
    pixels = np.random.default_rng(0).integers(0, 256, (100, 100, 3)).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, format="PNG")
    files = {f"{number:03d}.png": out.getvalue() for number in range(200)}
    if kind == "folder":
        source = write_files(tmp_path / "f", files)
    elif kind == "zip":
        source = write_zip(tmp_path / "x.zip", files)
    else:
        source = write_database(tmp_path / "db", [image_datum(pixels, 0)] * 200)
    del files
    next(iter(open_dataset(source))).read()  # what is imported then stays
    tracemalloc.start()
    try:
        for picture in open_dataset(source):
            picture.read()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20 * pixels.nbytes  # of 200


def test_pictures_of_one_class_where_the_source_has_labels(tmp_path):
    files = {f"{i}.png": png(color) for i, color in enumerate(COLORS)}
    listing = "0.png 1\n1.png -1\n2.png 1\n"
    write_files(tmp_path, {**files, "list.txt": listing})
    write_zip(tmp_path / "set.zip", {**files, "val.txt": listing})
    datums = [
        image_datum(np.full((2, 2, 3), COLORS[i], np.uint8)[..., ::-1], label) for i, label in enumerate((1, 0, 1))
    ]
    write_database(tmp_path / "db", datums)
    for source in ("list.txt", "set.zip", "db"):
        chosen = open_dataset(tmp_path / source).of_class(1)
        assert colors(chosen) == [COLORS[0], COLORS[2]]
        assert [picture.label for picture in chosen] == [1, 1]
        assert list(open_dataset(tmp_path / source).of_class(7)) == []
    assert next(iter(open_dataset(tmp_path))).label is None
    assert [picture.label for picture in open_dataset(tmp_path / "list.txt")] == [1, -1, 1]
